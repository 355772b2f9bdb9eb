"""Calling an ASGI application without a network."""

from __future__ import annotations

import threading
from typing import Any

import httpx
import pytest

from bursar.cli.inprocess import AHEAD, InProcess


def client(application: Any) -> httpx.Client:
    return httpx.Client(transport=InProcess(application), base_url="http://bursar")


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answer with what was asked."""
    message = await receive()
    text = f"{scope['method']} {scope['path']}?{scope['query_string'].decode()} {message['body'].decode()}"
    await send({"type": "http.response.start", "status": 201, "headers": [(b"x-told", b"yes")]})
    await send({"type": "http.response.body", "body": text.encode()})
    assert (await receive())["type"] == "http.disconnect"


def test_a_request_arrives_as_it_was_sent() -> None:
    answer = client(echo).post("/a b/ü", params={"q": "1&2"}, content=b"body")
    assert (answer.status_code, answer.headers["x-told"]) == (201, "yes")
    assert answer.text == "POST /a b/ü?q=1%262 body"


def test_a_body_comes_as_it_is_made() -> None:
    read = threading.Event()

    async def application(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first\n", "more_body": True})
        assert read.wait(5), "the second part is made after the first was read"
        await send({"type": "http.response.body", "body": b"second\n"})

    with client(application).stream("GET", "/") as answer:
        lines = answer.iter_lines()
        assert next(lines) == "first"
        read.set()
        assert list(lines) == ["second"]


def test_a_long_body_is_made_as_it_is_read() -> None:
    made = []

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for n in range(1_000):
            made.append(n)
            await send({"type": "http.response.body", "body": b"%03d" % n, "more_body": n < 999})

    with client(application).stream("GET", "/") as answer:
        parts = answer.iter_raw()
        first = next(parts)
        assert len(made) <= AHEAD + 2
        assert b"".join([first, *parts]) == b"".join(b"%03d" % n for n in range(1_000))
    made.clear()
    with client(application).stream("GET", "/") as answer:
        next(answer.iter_raw())
    assert not any(thread.name == "request" for thread in threading.enumerate())


def test_an_application_is_told_when_nobody_listens_any_more() -> None:
    left = []

    async def application(_scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"first", "more_body": True})
        left.append((await receive())["type"])

    with client(application).stream("GET", "/") as answer:
        assert answer.status_code == 200
    assert left == ["http.disconnect"]


def test_an_application_that_breaks_breaks_the_request() -> None:
    async def application(_scope: Any, _receive: Any, _send: Any) -> None:
        raise LookupError("broken")

    with pytest.raises(LookupError, match="broken"):
        client(application).get("/")
