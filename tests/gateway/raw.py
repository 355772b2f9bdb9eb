"""A client that writes its requests byte by byte, and may hang up whenever it likes."""

from __future__ import annotations

import json
import socket
from typing import Any
from urllib.parse import urlsplit

from tests.unit.sim.raw import CHAT, MESSAGES, Got, ask

OPENAI_MODEL, ANTHROPIC_MODEL = "gpt-4o-mini", "claude-haiku-4-5"
WIRES = {"openai": CHAT, "anthropic": MESSAGES}
ROUTES = {
    **WIRES,
    "responses": "/v1/responses",
    "embeddings": "/v1/embeddings",
    "completions": "/v1/completions",
}
"""The two wires that matter most, and OpenAI's other routes."""

PROMPT = "Say something about budgets."
_ASKED: dict[str, dict[str, Any]] = {
    "openai": {"model": OPENAI_MODEL, "max_tokens": 500, "messages": [{"role": "user", "content": PROMPT}]},
    "anthropic": {"model": ANTHROPIC_MODEL, "max_tokens": 500, "messages": [{"role": "user", "content": PROMPT}]},
    "responses": {"model": OPENAI_MODEL, "max_output_tokens": 500, "input": PROMPT},
    "embeddings": {"model": "text-embedding-3-small", "input": PROMPT},
    "completions": {"model": "gpt-3.5-turbo-instruct", "max_tokens": 500, "prompt": PROMPT},
}
GEMINI_MODEL = "gemini-2.5-flash"
ALL = (*WIRES, "responses", "gemini")
"""Every wire that streams in its own way; Gemini's calls name the model, and whether to stream, in their path."""


def body_of(wire: str, *, stream: bool = False, directive: str = "", **fields: Any) -> dict[str, Any]:
    """A small request with a directive for the simulation; `fields` replace its own, None leaves one out."""
    if wire == "gemini":
        said = {"parts": [{"text": "Say something about budgets."}], "role": "user"}
        config = {"maxOutputTokens": 500, "thinkingConfig": {"thinkingBudget": 0}}
        return {"contents": [said], "generationConfig": config, "labels": {"sim": f"sim:{directive}"}, **fields}
    body = {**_ASKED[wire], "stream": stream}
    told = f"sim:{directive}"
    body |= {"metadata": {"user_id": told}} if wire == "anthropic" else {"user": told}
    body |= fields
    return {name: value for name, value in body.items() if value is not None}


def path_of(wire: str, *, stream: bool = False) -> str:
    """The path of a call."""
    if wire != "gemini":
        return ROUTES[wire]
    verb = "streamGenerateContent?alt=sse" if stream else "generateContent"
    return f"/v1beta/models/{GEMINI_MODEL}:{verb}"


def call(
    url: str, key: str, wire: str, *, stream: bool = False, directive: str = "", headers: Any = None, **fields: Any
) -> Got:
    """One call, read until its answer or the connection ends."""
    body = body_of(wire, stream=stream, directive=directive, **fields)
    return ask(
        url, "POST", path_of(wire, stream=stream), body, key=key, content_type="application/json", **(headers or {})
    )


def send(url: str, data: bytes, *, timeout_s: float = 10) -> socket.socket:
    """A connection on which these bytes were sent."""
    place = urlsplit(url)
    link = socket.create_connection((place.hostname or "", place.port or 0), timeout=timeout_s)
    link.sendall(data)
    return link


def request(path: str, key: str, body: bytes | object, *headers: str, method: str = "POST") -> bytes:
    """A whole request as bytes; further header lines as they are."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    lines = [f"{method} {path} HTTP/1.1", "host: bursar", f"authorization: Bearer {key}", *headers]
    if not any(line.lower().startswith(("content-length:", "transfer-encoding:")) for line in headers):
        lines.append(f"content-length: {len(data)}")
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def read_until(link: socket.socket, stop: bytes) -> bytes:
    """What came up to and with `stop`, or up to the connection's end."""
    seen = b""
    while stop not in seen:
        part = link.recv(65_536)
        if not part:
            break
        seen += part
    return seen


def read_to_the_end(link: socket.socket) -> bytes:
    """What came until the other side closed the connection, in good order or not."""
    seen = b""
    try:
        while part := link.recv(65_536):
            seen += part
    except ConnectionError:
        pass
    return seen
