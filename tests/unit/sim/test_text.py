"""Tokens in, tokens out."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.sim.text import Frame, count_tokens, object_frame, pieces, words


@pytest.mark.parametrize(
    ("text", "tokens"),
    [("", 1), ("a", 1), ("abcd", 1), ("abcde", 2), ("é" * 4, 2), ("😀", 1), ("x" * 4000, 1000)],
)
def test_a_token_is_four_bytes(text: str, tokens: int) -> None:
    assert count_tokens(text) == tokens


@given(st.text())
def test_a_text_never_has_more_tokens_than_its_json_has_bytes(text: str) -> None:
    assert count_tokens(text) <= len(json.dumps(text, ensure_ascii=False).encode("utf-8", "surrogatepass"))


@given(st.integers(0, 1500), st.integers(0, 70_000), st.integers(1, 64))
def test_pieces_are_the_answer_cut_up(tokens: int, start: int, per_piece: int) -> None:
    whole = words(tokens, start)
    assert len(whole.split()) == tokens
    cut = list(pieces(Frame(), tokens, start, per_piece))
    assert b"".join(text for text, _ in cut) == whole
    assert [sent for _, sent in cut][-1:] == ([tokens] if tokens else [])
    assert json.loads(b'"' + whole + b'"') == whole.decode()


@pytest.mark.parametrize(
    ("schema", "expected"),
    [
        (None, {"answer": "@"}),
        ({"type": "object"}, {"answer": "@"}),
        (
            {
                "properties": {
                    "unit": {"enum": ["c", "f"], "type": "string"},
                    "city": {"type": "string"},
                    "days": {"type": "integer"},
                    "at": {"type": "object", "properties": {"lat": {"type": "number"}, "on": {"type": "boolean"}}},
                    "tags": {"type": "array"},
                    "note": {"type": ["string", "null"]},
                    "any": True,
                }
            },
            {
                "unit": "c",
                "city": "@",
                "days": 1,
                "at": {"lat": 1.5, "on": True},
                "tags": [],
                "note": "text",
                "any": None,
            },
        ),
        ({"properties": "not an object"}, {"answer": "@"}),
    ],
)
def test_an_object_fits_its_schema(schema: object, expected: dict[str, object]) -> None:
    frame = object_frame(schema)
    assert json.loads(frame.head + b"@" + frame.tail) == expected
    inside = frame.escaped()
    assert json.loads(json.loads(b'"' + inside.head + b"@" + inside.tail + b'"')) == expected
