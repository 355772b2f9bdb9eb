"""A mock provider that streams: 500 server-sent events a completion, each written by itself, as providers do.

`python -m bench.stream_mock PORT` serves it. It reads requests by Content-Length only and answers each POST with the
stream, or whole where no stream was asked for; `GET /counts` tells how many answers were written to their end for
the program before it.
"""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import MODEL
from bench.mock import COMPLETION
from bench.processes import BenchError, Tree, free_port, started

EVENTS = 500
"""Events of one stream that carry JSON: role, texts, the reason of its end, usage. `[DONE]` comes on top."""
STRAIGHT = "x-straight"
"""A request with this header comes from the benchmark itself, past the program, and is not counted."""
HEAD = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\n"
    b"transfer-encoding: chunked\r\n\r\n"
)


def event(choices: list[dict[str, object]], usage: dict[str, int] | None) -> bytes:
    """One event of a chat completion's stream, as one HTTP chunk."""
    record = {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 1_790_000_000,
        "model": MODEL,
        "choices": choices,
        "usage": usage,
    }
    return chunk(b"data: " + json.dumps(record).encode() + b"\n\n")


def chunk(payload: bytes) -> bytes:
    """Frame a payload for chunked transfer."""
    return b"%x\r\n%b\r\n" % (len(payload), payload)


def whole(body: bytes) -> bytes:
    """An answer that is not streamed, its JSON in one piece."""
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
    return head % len(body) + body


def stream() -> list[bytes]:
    """Everything that one completion sends after the head, one write each."""

    def choice(delta: dict[str, str], end: str | None) -> list[dict[str, object]]:
        return [{"index": 0, "delta": delta, "finish_reason": end}]

    writes = [event(choice({"role": "assistant", "content": ""}, None), None)]
    # No text repeats: LiteLLM ends a stream that says the same too often.
    writes += [event(choice({"content": f" budget {count}"}, None), None) for count in range(EVENTS - 3)]
    writes.append(event(choice({}, "stop"), None))
    usage = {"prompt_tokens": 160, "completion_tokens": EVENTS - 3, "total_tokens": 157 + EVENTS}
    writes.append(event([], usage))
    return [*writes, chunk(b"data: [DONE]\n\n"), chunk(b"")]


class Provider:
    """The server's state: how many answers were written to their end."""

    def __init__(self) -> None:
        self._writes = stream()
        self._served = 0

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection until its client leaves."""
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                if head.startswith(b"get "):
                    writer.write(whole(b"%d" % self._served))
                    continue
                length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
                if json.loads(await reader.readexactly(length)).get("stream"):
                    await self._stream(writer)
                else:
                    writer.write(whole(json.dumps(COMPLETION).encode()))
                self._served += STRAIGHT.encode() not in head
        except (asyncio.IncompleteReadError, ConnectionError):
            pass  # the client left
        finally:
            writer.close()

    async def _stream(self, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD)
        for write in self._writes:
            writer.write(write)
            await writer.drain()
            await asyncio.sleep(0)  # other streams take their turn between two events


async def serve(port: int) -> None:
    """Serve on 127.0.0.1 until the process is ended."""
    server = await asyncio.start_server(Provider().handle, "127.0.0.1", port)
    async with server:
        await server.serve_forever()


class StreamMock:
    """The running stream mock."""

    def __init__(self, port: int, tree: Tree) -> None:
        self.port = port
        self.tree = tree

    def served(self) -> int:
        """Completions, streamed or whole, written to their end since the start, but for those asked for straight."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts", timeout=30) as answer:
            return int(answer.read())


@contextmanager
def stream_mock(folder: Path) -> Iterator[StreamMock]:
    """Run the stream mock for as long as the context lasts."""
    folder.mkdir()
    port = free_port()
    root = Path(__file__).parent.parent
    command = [sys.executable, "-m", "bench.stream_mock", str(port)]
    with started(command, log=folder / "stream.log", cwd=root) as tree:
        if not tree.wait_for_port(port):
            raise BenchError(f"the stream mock does not start:\n{tree.log_tail()}")
        yield StreamMock(port, tree)


if __name__ == "__main__":
    asyncio.run(serve(int(sys.argv[1])))
