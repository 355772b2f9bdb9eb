"""Inputs that are plain texts or their tokens: a string, a list of strings, token ids, or lists of token ids."""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from bursar.gateway.wires.fields import invalid
from bursar.gateway.wires.prompt import read_as

RIGHT = "a string, a list of strings, a list of token ids or a list of such lists"
_IDS = re.compile(rb"[\d,\s\[\]]*")
_texts = msgspec.json.Decoder(list[str]).decode
_ids = msgspec.json.Decoder(list[int]).decode
_lists = msgspec.json.Decoder(list[list[int]]).decode


class Texts(NamedTuple):
    """How many inputs there are, and by how much their JSON is longer than what they can have of tokens."""

    inputs: int
    relief: int = 0


def read_texts(data: bytes, field: str) -> Texts:
    """Look at an input. Raises Refused when it is none of the four."""
    if data.startswith(b'"'):
        return Texts(1)
    if not data.startswith(b"["):
        raise invalid(field, data, RIGHT)
    if _IDS.fullmatch(data) is None:
        return Texts(max(1, len(read_as(_texts, data, field, RIGHT))))
    nested = data[1:].lstrip().startswith(b"[")
    ids = read_as(_lists, data, field, RIGHT) if nested else [read_as(_ids, data, field, RIGHT)]
    return Texts(len(ids), len(data) - sum(map(len, ids)))
