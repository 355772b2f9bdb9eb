"""Text to simulate with: a tokenizer, and as many tokens of English as an answer needs.

A token of output is one word of the passage below with the blank after it. It holds no character that JSON
would escape, so pieces of it go on the wire as they are.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import msgspec

BYTES_PER_TOKEN = 4

_PASSAGE = (
    " A token budget is a promise about work, and like any promise it is kept in small steps. The build is green,"
    " the change is small, and the tests say what they mean. Read the failing case first, then the code that"
    " it names, and only then reach for a fix. The parser drops the last field when a line ends early; guard that"
    " case, add a test, and leave the rest alone. Most of the time went into one query that scanned a table twice."
    " With an index on the two columns it reads, the page answers in a few milliseconds. I would ship this behind"
    " a flag, watch the error rate for a day, and remove the flag when nothing moves. The names in this module"
    " could say more: a hold is not a lock, and a limit is not a quota. Where two teams share a budget, write down"
    " who decides, and when the answer changes. In short, the plan is sound, the numbers add up, and the next"
    " step is to try it on a real account."
)
_WORDS = [f"{word} ".encode() for word in _PASSAGE.split()]
_TWICE = b"".join(_WORDS * 2)
_OFFSETS = [0]
for _word in _WORDS * 2:
    _OFFSETS.append(_OFFSETS[-1] + len(_word))


def count_tokens(text: str) -> int:
    """Tokens of a text, at least one: a token for each four bytes of UTF-8, rounded up."""
    size = len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
    return max(1, (size + BYTES_PER_TOKEN - 1) // BYTES_PER_TOKEN)


def words(tokens: int, start: int = 0) -> bytes:
    """Exactly `tokens` tokens of the passage, read round and round from token `start`."""
    parts = []
    while tokens > 0:
        begin = start % len(_WORDS)
        taken = min(tokens, len(_WORDS))
        parts.append(_TWICE[_OFFSETS[begin] : _OFFSETS[begin + taken]])
        start += taken
        tokens -= taken
    return b"".join(parts)


class Frame(NamedTuple):
    """What stands around the words of an answer: nothing, or the JSON of an object whose text they are."""

    head: bytes = b""
    tail: bytes = b""

    def escaped(self) -> Frame:
        """The same frame as it stands inside a JSON string."""
        return Frame(*(msgspec.json.encode(part.decode())[1:-1] for part in self))


def pieces(frame: Frame, tokens: int, start: int, tokens_a_piece: int) -> Iterator[tuple[bytes, int]]:
    """Cut an answer into the parts of a stream: each with the tokens of the answer sent with it and before it."""
    sent = 0
    head = frame.head
    while sent < tokens:
        taken = min(tokens_a_piece, tokens - sent)
        text = words(taken, start + sent)
        sent += taken
        yield head + text + (frame.tail if sent == tokens else b""), sent
        head = b""


def object_frame(schema: Any) -> Frame:
    """A JSON object that fits a JSON Schema, with the words in its first property that takes text.

    An object without such a property gets one named "answer", which is what a schema-less request receives.
    """
    values: dict[str, Any] = {}
    slot: str | None = None
    for name, rule in _properties(schema).items():
        if slot is None and isinstance(rule, dict) and rule.get("type") == "string" and "enum" not in rule:
            slot = name
        else:
            values[name] = _value(rule)
    return _around({slot or "answer": _MARK, **values})


def _properties(schema: Any) -> dict[str, Any]:
    properties = schema.get("properties") if isinstance(schema, dict) else None
    return properties if isinstance(properties, dict) else {}


_MARK = "\N{OBJECT REPLACEMENT CHARACTER}"


def _around(value: dict[str, Any]) -> Frame:
    head, _, tail = msgspec.json.encode(value).partition(_MARK.encode())
    return Frame(head, tail)


def _value(rule: Any) -> Any:
    """The plainest value that a property's schema allows."""
    if not isinstance(rule, dict):
        return None
    if isinstance(rule.get("enum"), list):
        return next(iter(rule["enum"]), None)
    kind = rule.get("type")
    if isinstance(kind, list):
        kind = next(iter(kind), None)
    if kind == "object":
        return {name: _value(inner) for name, inner in _properties(rule).items()}
    return _PLAIN.get(kind) if isinstance(kind, str) else None


_PLAIN: dict[str, Any] = {"string": "text", "integer": 1, "number": 1.5, "boolean": True, "array": []}
