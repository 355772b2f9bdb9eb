"""A provider of few words: it keeps every request as it came and answers with bytes that a test chose."""

from __future__ import annotations

import json
import socketserver
import threading
from types import TracebackType
from typing import Any, NamedTuple, Self

RECORDED = """
[providers.recorded]
wire = "openai"
base_url = "{url}/v1"
key_file = "provider.key"
models = ["gpt-4o-mini"]

[providers.recorded-too]
wire = "anthropic"
base_url = "{url}"
key_file = "provider.key"
models = ["claude-haiku-4-5"]
"""
"""Configuration, with a `{url}` to fill in, that has this provider serve one model of each wire."""

ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-4o-mini",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Yes."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 5, "completion_tokens": 2, "total_tokens": 7},
}


def answer(*headers: str, body: bytes | None = None, length: int | None = None) -> bytes:
    """A complete answer with further header lines; `length` may say something else than what the body has."""
    data = json.dumps(ANSWER).encode() if body is None else body
    lines = ["HTTP/1.1 200 OK", "content-type: application/json", *headers]
    if length is not None or not any(line.startswith("transfer-encoding") for line in headers):
        lines.append(f"content-length: {len(data) if length is None else length}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


class Request(NamedTuple):
    """What arrived."""

    head: str
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """Header values by lower-case names."""
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return {name.strip().lower(): value.strip() for name, _, value in lines}

    def json(self) -> Any:
        return json.loads(self.body)


class Upstream:
    """Listens on 127.0.0.1. `reply` is sent for every request, then the connection is closed."""

    def __init__(self, reply: bytes | None = None) -> None:
        self.reply = answer() if reply is None else reply
        self.requests: list[Request] = []
        outer = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                outer._serve(self)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02})

    def _serve(self, handler: socketserver.StreamRequestHandler) -> None:
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            line = handler.rfile.readline()
            if not line:
                return
            head += line
        request = Request(head.decode("latin-1").strip(), b"")
        body = handler.rfile.read(int(request.headers.get("content-length", "0")))
        self.requests.append(request._replace(body=body))
        handler.wfile.write(self.reply)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
