"""A pause closes the gateway to a person at once, on every wire, and a resumption opens it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.gateway.place import opened
from tests.unit.sim.raw import ask

MESSAGES = [{"role": "user", "content": "a"}]
CALLS: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "gpt-4o-mini", "max_tokens": 9, "messages": MESSAGES},
    "/v1/responses": {"model": "gpt-4o-mini", "max_output_tokens": 16, "input": "a"},
    "/v1/messages": {"model": "claude-haiku-4-5", "max_tokens": 9, "messages": MESSAGES},
    "/v1beta/models/gemini-2.5-flash:generateContent": {"contents": [{"role": "user", "parts": [{"text": "a"}]}]},
}


@pytest.mark.parametrize("path", CALLS)
def test_a_pause_is_told_on_the_wire(tmp_path: Path, path: str) -> None:
    with opened(tmp_path) as place:

        def call() -> Any:
            return ask(place.url, "POST", path, CALLS[path], key=place.key, content_type="application/json")

        def announce(kind: str) -> None:
            body = {"kind": kind, "reason": "moving house"}
            told = place.operator("POST", "/people/ada@example.com/changes", body)
            assert told.status == 201, told.body

        assert call().status == 200
        announce("pause")
        refused = call()
        assert (refused.status, refused.headers["x-bursar-refusal"]) == (402, "paused")
        assert b"moving house" in refused.body
        announce("resume")
        assert call().status == 200
        place.assert_books_are_the_bill()
