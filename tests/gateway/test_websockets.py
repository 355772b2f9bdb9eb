"""Clients that try WebSockets first are told to use HTTP, by the status after which they do so at once."""

from __future__ import annotations

import pytest

from tests.unit.sim.raw import ask

from .place import Place

HANDSHAKE = {
    "connection": "Upgrade",
    "upgrade": "websocket",
    "sec_websocket_version": "13",
    "sec_websocket_key": "dGhlIHNhbXBsZSBub25jZQ==",
}


@pytest.mark.parametrize("path", ["/v1/responses", "/openai/v1/responses"])
def test_a_handshake_is_refused_with_426(shared: Place, path: str) -> None:
    got = ask(shared.url, "GET", path, key=shared.key, **HANDSHAKE)
    assert (got.status, got.json()["error"]["code"]) == (426, "websocket_unknown")
    assert got.headers["upgrade"] == "HTTP/1.1"
    assert "over HTTP" in got.json()["error"]["message"]
