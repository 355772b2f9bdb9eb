"""Reports of spans of time with results in each, as the Admin APIs of Anthropic and OpenAI answer with them.

A span is on one page only. One that is told again, by a page that was saved twice or by a later report in the same
file, is the same span: of its totals the larger count, as they do when two files tell of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Generic, TypeVar

import msgspec

from bursar.importers.instants import in_our_time, read_us
from bursar.importers.pages import Entry, Pages
from bursar.importers.texts import MOST_IN_ALL
from bursar.importers.totals import Found, UsageTotal, grouped, largest, sound
from bursar.periods import US_PER_SECOND

Count = Annotated[int, msgspec.Meta(ge=0, le=MOST_IN_ALL)]
Result = TypeVar("Result")


class Bucket(msgspec.Struct):
    """An entry that is a span of time with results. Anthropic writes instants, OpenAI seconds since 1970."""

    results: list[msgspec.Raw]
    starting_at: str | None = None
    ending_at: str | None = None
    start_time: int | None = None
    end_time: int | None = None

    def bounds(self) -> tuple[int, int]:
        """From when up to when it is, microseconds UTC. Raises ValueError."""
        if self.start_time is None or self.end_time is None:
            starts_us, ends_us = read_us(self.starting_at or ""), read_us(self.ending_at or "")
        else:
            starts_us, ends_us = self.start_time * US_PER_SECOND, self.end_time * US_PER_SECOND
        if in_our_time(ends_us) <= in_our_time(starts_us):
            raise ValueError("it ends before it begins")
        return starts_us, ends_us


class BucketReport(Generic[Result]):
    """A kind of report whose results are `kind`, each of which is a total of its span."""

    name: str
    title: str
    kind: type[Result]

    def read(self, data: bytes, name: str) -> Found:
        """Read pages of the report."""
        pages = Pages(data, name)
        totals = [total for entry in pages.entries() for total in grouped(self._of(pages, entry))]
        return Found(totals=largest(totals), broken=pages.broken)

    def total(self, told: Result, starts_us: int, ends_us: int) -> UsageTotal:
        """What a result tells. Raises ValueError."""
        raise NotImplementedError

    def _of(self, pages: Pages, entry: Entry) -> Iterator[UsageTotal]:
        """The totals of a bucket; a result that makes no sense is told as broken."""
        bucket = pages.read(entry, Bucket)
        if bucket is None:
            return
        try:
            starts_us, ends_us = bucket.bounds()
        except ValueError as problem:
            pages.tell(entry, str(problem))
            return
        for part in pages.parts(entry, bucket.results):
            told = pages.read(part, self.kind)
            if told is None:
                continue
            try:
                yield sound(self.total(told, starts_us, ends_us))
            except ValueError as problem:
                pages.tell(part, str(problem))


def in_dollars(currency: str | None) -> None:
    """Raise ValueError for an amount in anything but dollars; what says nothing is in dollars."""
    if (currency or "USD").upper() != "USD":
        raise ValueError(f"its currency is {currency}")
