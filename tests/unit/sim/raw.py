"""A client that knows nothing of SDKs: it sees the bytes, and where they stop."""

from __future__ import annotations

import http.client
import json
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NamedTuple
from urllib.parse import urlsplit

CHAT = "/v1/chat/completions"
MESSAGES = "/v1/messages"


class Got(NamedTuple):
    """A response as far as it came. `ended` is False when the connection dropped inside it."""

    status: int
    headers: dict[str, str]
    body: bytes
    ended: bool

    def json(self) -> Any:
        return json.loads(self.body)

    def events(self) -> list[Any]:
        """The data of each event that came whole, decoded but for `[DONE]`."""
        lines = [part for part in self.body.decode().split("\n") if part.startswith("data: ")]
        return [line[6:] if line == "data: [DONE]" else json.loads(line[6:]) for line in lines]


def connection(url: str) -> http.client.HTTPConnection:
    place = urlsplit(url)
    return http.client.HTTPConnection(place.hostname or "", place.port, timeout=10)


def ask(url: str, method: str, path: str, body: object = None, *, key: str | None = "alpha", **headers: str) -> Got:
    """Send one request and read until the response or the connection ends. Header names take _ for -."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if key is not None:
        sent["authorization"] = f"Bearer {key}"
    link = connection(url)
    try:
        data = body if isinstance(body, bytes | None) else json.dumps(body).encode()
        link.connect()
        with suppress(ConnectionError):  # the answer may come, and the connection end, before all of the body is sent
            link.request(method, path, data, sent)
        response = link.getresponse()
        try:
            return Got(response.status, _headers(response), response.read(), ended=True)
        except http.client.IncompleteRead as cut:
            return Got(response.status, _headers(response), cut.partial, ended=False)
    finally:
        link.close()


def chat(url: str, *, stream: bool = False, key: str = "alpha", **words: str) -> Got:
    """A small chat completion with directives for the simulation; streams ask for usage."""
    body: dict[str, object] = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 40}]}
    if stream:
        body |= {"stream": True, "stream_options": {"include_usage": True}}
    return ask(url, "POST", CHAT, body, key=key, **{f"x_sim_{name}": word for name, word in words.items()})


def message(url: str, *, stream: bool = False, **words: str) -> Got:
    """A small message with directives for the simulation."""
    body: dict[str, object] = {
        "model": "claude-sonnet-5",
        "max_tokens": 1000,
        "messages": [{"role": "user", "content": "x" * 40}],
        "stream": stream,
    }
    return ask(url, "POST", MESSAGES, body, **{f"x_sim_{name}": word for name, word in words.items()})


def leave_after(url: str, body: object, stop: bytes) -> None:
    """Send a chat completion and hang up as soon as the bytes `stop` have come."""
    place = urlsplit(url)
    data = json.dumps(body).encode()
    head = f"POST {CHAT} HTTP/1.1\r\nhost: sim\r\nauthorization: Bearer alpha\r\ncontent-length: {len(data)}\r\n\r\n"
    with socket.create_connection((place.hostname or "", place.port or 0), timeout=10) as link:
        link.sendall(head.encode() + data)
        seen = b""
        while stop not in seen:
            seen += link.recv(65536)


def until(condition: Callable[[], bool], timeout_s: float = 5) -> None:
    """Wait for something that another thread brings about; fails when it does not."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.005)


def _headers(response: http.client.HTTPResponse) -> dict[str, str]:
    return {name.lower(): value for name, value in response.getheaders()}
