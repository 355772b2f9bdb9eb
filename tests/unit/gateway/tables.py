"""Tables in text: one case a line, its columns set apart by bars. Lines that begin with # are remarks."""

from __future__ import annotations

import msgspec
import pytest

from bursar.gateway.wires import Call, Wire
from bursar.refusals import Refusal, Refused


def rows(table: str) -> list[tuple[str, ...]]:
    """The cases of a table."""
    lines = [line.strip() for line in table.strip().splitlines()]
    return [tuple(cell.strip() for cell in line.split(" | ")) for line in lines if line and not line.startswith("#")]


def merged(basis: bytes, changes: str) -> bytes:
    """A body with other fields; a field changed to "absent" is left out."""
    fields = msgspec.json.decode(basis, type=dict[str, msgspec.Raw])
    fields |= msgspec.json.decode(changes, type=dict[str, msgspec.Raw])
    return msgspec.json.encode({name: raw for name, raw in fields.items() if bytes(raw) != b'"absent"'})


def refused(wire: Wire, body: bytes) -> Refusal:
    """The refusal of a body that must be refused."""
    with pytest.raises(Refused) as caught:
        wire.read(body)
    return caught.value.refusal


def told(refusal: Refusal) -> str:
    """A refusal as tables write it: name, field, and what it is."""
    return (
        f"{refusal.why.value} {refusal.field or '-'} {refusal.facts.get('got') or refusal.facts.get('problem', '-')}"
    )


def added(wire: Wire, basis: bytes, body: bytes, words: bytes = b"") -> int:
    """How many tokens of input a body is bounded by, beyond its bytes (but for `words`) and those of its basis."""
    return _over(wire.read(body), body) - _over(wire.read(basis), basis) + len(words)


def _over(call: Call, body: bytes) -> int:
    return call.input_tokens - len(body)
