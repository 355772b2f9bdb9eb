"""Files of JSON: pages as providers' admin interfaces answer with them, lists, values line by line.

Whatever they stand in, entries are decoded one by one, so that one that is not understood is told with its line and
does not stop the rest. A page is an object with a list, `data` by most; pages come after each other, or in a list.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from decimal import Decimal, InvalidOperation
from typing import Any, NamedTuple, TypeVar

import msgspec

from bursar.importers.record import Broken
from bursar.importers.texts import decoded

_NEXT_VALUE = re.compile(r"^[\[{]", re.MULTILINE)
_BLANK = re.compile(r"[ \t\r\n]*")


class Entry(NamedTuple):
    """A part of a file: its bytes, and the line at which it begins, from 1."""

    text: bytes
    line: int


T = TypeVar("T")


def _exact(text: str) -> Decimal:
    try:
        return Decimal(text)
    except InvalidOperation:
        raise ValueError(f"{text[:40]} is beyond all numbers") from None


_object = msgspec.json.Decoder(dict[str, Any], float_hook=_exact).decode


class Pages:
    """The entries of a file; what cannot be read of them is told in `broken`."""

    def __init__(self, data: bytes, name: str, within: str = "data") -> None:
        """`within` is the field of a page that has the list of entries."""
        self.broken: list[Broken] = []
        self._name = name
        self._within = within
        self._text = decoded(data)

    def entries(self) -> Iterator[Entry]:
        """The entries of all pages and lists, in their order."""
        for value in self._values():
            yield from self._flat(value)

    def read(self, entry: Entry, kind: type[T]) -> T | None:
        """An entry, or a part of one, as what it should be; None, and told as broken, if it is not that."""
        try:
            return msgspec.json.decode(entry.text, type=kind)
        except msgspec.MsgspecError as problem:
            self.tell(entry, str(problem))
            return None

    def objects(self) -> Iterator[tuple[Entry, dict[str, Any]]]:
        """The entries as objects whose fields may be anything; numbers have all of their digits."""
        for entry in self.entries():
            try:
                yield entry, _object(entry.text)
            except ValueError as problem:
                self.tell(entry, str(problem))

    def parts(self, of: Entry, raws: Iterable[msgspec.Raw]) -> Iterator[Entry]:
        """Parts of an entry in their order, with their own lines."""
        at, line = 0, of.line
        for raw in raws:
            text = bytes(raw)
            start = of.text.index(text, at)
            line += of.text.count(b"\n", at, start)
            yield Entry(text, line)
            at, line = start + len(text), line + text.count(b"\n")

    def tell(self, entry: Entry, problem: str) -> None:
        """Something of an entry is not understood."""
        self.broken.append(Broken(self._name, entry.line, f"is not understood: {problem}"))

    def _flat(self, value: Entry) -> Iterator[Entry]:
        if value.text.startswith(b"["):
            for part in self.parts(value, self.read(value, list[msgspec.Raw]) or []):
                yield from self._flat(part)
            return
        page = self.read(value, dict[str, msgspec.Raw])
        listed = None if page is None else page.get(self._within)
        if listed is not None and bytes(listed).startswith(b"["):
            [found] = self.parts(value, [listed])
            yield from self.parts(found, msgspec.json.decode(listed, type=list[msgspec.Raw]))
        elif page is not None:
            yield value

    def _values(self) -> Iterator[Entry]:
        """Values after each other. After one that is none, the next begins where a line does."""
        decoder = json.JSONDecoder()
        text, line, counted = self._text, 1, 0
        at = _next(text, 0)
        while at < len(text):
            line, counted = line + text.count("\n", counted, at), at
            try:
                _, end = decoder.raw_decode(text, at)
            except (json.JSONDecodeError, RecursionError) as problem:
                found = _NEXT_VALUE.search(text, at + 1)
                until = found.start() if found else len(text)
                last = at + len(text[at:until].rstrip())
                where = line + text.count("\n", at, min(getattr(problem, "pos", at), last))
                self.broken.append(Broken(self._name, where, f"is no JSON: {getattr(problem, 'msg', problem)}"))
                at = until
                continue
            yield Entry(text[at:end].encode(), line)
            at = _next(text, end)


def _next(text: str, at: int) -> int:
    """Where something begins that is no white space."""
    found = _BLANK.match(text, at)
    return found.end() if found else at
