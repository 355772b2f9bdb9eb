"""What is known of one log: its records in columns, as they are kept from one run to the next.

Every record of a file has a key of its own; which of the files that share a key counts is decided later (`merge`).
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator
from typing import NamedTuple

import msgspec

from bursar.importers.reading import Reading
from bursar.importers.record import Broken, Resume
from bursar.importers.rows import Whose
from bursar.local.group import Group

TOKENS = slice(0, 5)
"""Of the counts, those that are tokens."""


class Log(NamedTuple):
    """A file to know: its path, whose it is, its size and when it changed."""

    path: str
    source: str
    size: int
    changed_ns: int


class Kept(msgspec.Struct, array_like=True, gc=False):
    """A file's records. `keys` and `messages` are joined by line ends, the other columns are int64 as bytes.

    `size` and `changed_ns` are those of the file when it was read; as long as it has them it is not read again.
    `groups` are all of its records at the price book of the version `prices`.
    """

    path: str
    source: str
    size: int
    changed_ns: int
    resume: Resume
    broken: list[Broken]
    shared: list[Whose]
    keys: str
    messages: str
    at_us: bytes
    whose: bytes
    cost_nanos: bytes
    counts: tuple[bytes, ...]
    prices: str = ""
    groups: list[Group] = []

    def all_keys(self) -> list[str]:
        """The key of each record."""
        return self.keys.split("\n") if self.keys else []

    def all_messages(self) -> list[str]:
        """The provider's message id of each record, or ""."""
        return self.messages.split("\n") if self.keys else []

    @staticmethod
    def column(data: bytes) -> memoryview[int]:
        """A column's numbers, without a copy of them."""
        return memoryview(data).cast("q")

    def rank(self, row: int) -> tuple[bool, int, int, str]:
        """What decides which record of a key counts; see `record.better`. The greatest does."""
        whose = self.shared[self.column(self.whose)[row]]
        tokens = sum(self.column(data)[row] for data in self.counts[TOKENS])
        return not whose.sidechain, tokens, -self.column(self.at_us)[row], self.path

    @property
    def has_sidechains(self) -> bool:
        """Whether any record may be the replay of another."""
        return any(whose.sidechain for whose in self.shared)


def kept(log: Log, reading: Reading, before: Kept | None) -> Kept:
    """What a reading gave, after what was known `before` if the file has only grown."""
    rows = reading.rows
    keys, messages = rows.keys, ["" if message is None else message for message in rows.messages]
    columns = rows.columns()
    shared, broken = rows.shared, reading.broken
    if before is not None and not reading.anew:
        keys, messages = before.all_keys() + keys, before.all_messages() + messages
        columns[1] = array("q", (index + len(before.shared) for index in rows.whose))
        earlier = [before.at_us, before.whose, before.cost_nanos, *before.counts]
        columns = [array("q", data) + column for data, column in zip(earlier, columns, strict=True)]
        shared = before.shared + shared
        broken = [one for one in before.broken if one.line <= before.resume.lines] + broken
    if len(set(keys)) < len(keys):
        rest = _best(keys, shared, columns)
        keys, messages = [keys[row] for row in rest], [messages[row] for row in rest]
        columns = [array("q", (column[row] for row in rest)) for column in columns]
    at_us, whose, cost_nanos, *counts = [column.tobytes() for column in columns]
    return Kept(
        *log, reading.resume, broken, shared, "\n".join(keys), "\n".join(messages),
        at_us, whose, cost_nanos, tuple(counts),
    )  # fmt: skip


def _best(keys: list[str], shared: list[Whose], columns: list[array[int]]) -> list[int]:
    """The rows that count within a file, one for each key, in order."""
    at_us, whose = columns[0], columns[1]
    tokens = columns[3:][TOKENS]
    best: dict[str, int] = {}

    def rank(row: int) -> tuple[bool, int, int]:
        return not shared[whose[row]].sidechain, sum(column[row] for column in tokens), -at_us[row]

    for row, key in enumerate(keys):
        known = best.get(key)
        if known is None or rank(row) > rank(known):
            best[key] = row
    return sorted(best.values())


def rows_of(one: Kept) -> Iterator[tuple[int, int, int, tuple[int, ...]]]:
    """The numbers of each record: instant, index of what it shares, cost, and its counts in the order of COUNTS."""
    at_us, whose, cost, *counts = (one.column(data) for data in (one.at_us, one.whose, one.cost_nanos, *one.counts))
    return zip(at_us, whose, cost, zip(*counts, strict=True), strict=True)
