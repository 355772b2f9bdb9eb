"""Sums over calls, as providers report them: tokens and costs of a model in an hour or a day. They are no calls.

A total is there to be compared with what is known of the calls; it is never charged to a budget. A report may be made
again while its day grows, or with another grouping; see `UsageTotal.key`, and `grouped` for what a grouping is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import Decimal
from hashlib import blake2b
from typing import Protocol

import msgspec

from bursar.importers.instants import in_our_time
from bursar.importers.record import Broken
from bursar.importers.texts import check_texts, nanos_up
from bursar.money import MAX_NANOS, NANOS_PER_USD
from bursar.usage import Usage

DIMENSIONS = ("model", "variant", "item", "person", "api_key", "project")
"""By what a report may be grouped, in the order in which a grouping names them."""


class UsageTotal(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a source reports of `starts_us <= t < ends_us` (microseconds UTC), for one value of each dimension.

    `catalog` is the provider by the price book's name. `item` is what the source calls a line of its bill; `api_key`
    and `project` are the provider's names, `person` is an e-mail or a login. What the report was not grouped by is
    empty. `requests` is how many calls there were, `cost_nanos` what the source says that they cost, in nano-USD,
    below 0 for a credit; None where it says nothing. `grouping` names the dimensions of the report of that time.
    """

    source: str
    catalog: str
    starts_us: int
    ends_us: int
    model: str = ""
    variant: str = ""
    item: str = ""
    person: str = ""
    api_key: str = ""
    project: str = ""
    grouping: str = ""
    requests: int | None = None
    usage: Usage = Usage()
    cost_nanos: int | None = None

    @property
    def place(self) -> tuple[object, ...]:
        """What it is a total of."""
        return (self.source, self.catalog, self.starts_us, self.ends_us, *(getattr(self, one) for one in DIMENSIONS))

    @property
    def key(self) -> str:
        """Its name within the source: the same time, dimensions and grouping are the same total, told again."""
        return blake2b(msgspec.json.encode((*self.place, self.grouping)), digest_size=16).hexdigest()


class Found(msgspec.Struct):
    """What a report has to tell, and what could not be read of it."""

    totals: list[UsageTotal]
    broken: list[Broken]


class TotalSource(Protocol):
    """A kind of report: bytes in, totals out."""

    @property
    def name(self) -> str:
        """What people call it on the command line: "anthropic-usage"."""

    @property
    def title(self) -> str:
        """What it is: "Anthropic's usage report"."""

    def read(self, data: bytes, name: str) -> Found:
        """Read a report's bytes; `name` is what broken lines are told under."""


def nanos_of(amount: Decimal, unit_nanos: int = NANOS_PER_USD) -> int:
    """Dollars of a report, or what a unit of so many nano-USD counts, as nano-USD, rounded up; below 0 for a credit.

    Raises ValueError for no amount.
    """
    most = MAX_NANOS // unit_nanos
    if not amount.is_finite() or not -most < amount < most:
        raise ValueError(f"its cost is {amount}")
    return nanos_up(amount, unit_nanos)


def sound(total: UsageTotal) -> UsageTotal:
    """A total that a server takes. Raises ValueError for one that would be refused, and others with it."""
    check_texts(total, ("catalog", *DIMENSIONS))
    if in_our_time(total.ends_us) <= in_our_time(total.starts_us):
        raise ValueError("it ends before it begins")
    return total


def grouped(totals: Iterable[UsageTotal]) -> list[UsageTotal]:
    """A report's totals: lines for the same place added up, and each with the dimensions of its time's report.

    Two reports of the same time that are grouped in different ways tell of the same calls: they must not be added.
    """
    summed: dict[tuple[object, ...], UsageTotal] = {}
    used: dict[tuple[str, int, int], set[str]] = {}
    for total in totals:
        known = summed.get(total.place)
        summed[total.place] = total if known is None else added(known, total)
        dimensions = used.setdefault((total.catalog, total.starts_us, total.ends_us), set())
        dimensions.update(name for name in DIMENSIONS if getattr(total, name))
    return [
        msgspec.structs.replace(
            total,
            grouping=",".join(
                name for name in DIMENSIONS if name in used[total.catalog, total.starts_us, total.ends_us]
            ),
        )
        for total in summed.values()
    ]


def largest(totals: Iterable[UsageTotal]) -> list[UsageTotal]:
    """Of totals that are told again, by a page that was saved twice or by a later report, those that say the most."""
    found: dict[str, UsageTotal] = {}
    for total in totals:
        known = found.get(total.key)
        found[total.key] = total if known is None else max(known, total, key=_rank)
    return list(found.values())


def _rank(total: UsageTotal) -> tuple[int, int, int, bool, int]:
    """As the books have it when the same is told by two files."""
    used, cost_nanos = total.usage, total.cost_nanos
    return used.total_tokens, total.requests or 0, used.web_searches, cost_nanos is not None, cost_nanos or 0


def added(one: UsageTotal, other: UsageTotal) -> UsageTotal:
    """Two totals of the same place in one."""
    counts = [
        mine + theirs
        for mine, theirs in zip(msgspec.structs.astuple(one.usage), msgspec.structs.astuple(other.usage), strict=True)
    ]
    return msgspec.structs.replace(
        one,
        requests=_sum((one.requests, other.requests)),
        usage=Usage(*counts),
        cost_nanos=_sum((one.cost_nanos, other.cost_nanos)),
    )


def _sum(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if known else None
