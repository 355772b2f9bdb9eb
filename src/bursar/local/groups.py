"""Records of a file put together in groups, priced at their own time."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import msgspec

from bursar.importers.rows import NO_COST
from bursar.local.group import SLOT_US, Group
from bursar.local.kept import Kept, rows_of
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import TOKENS_PER_RATE, BucketNotPriced, RateCard
from bursar.refusals import Refusal
from bursar.usage import Usage


def groups_of(one: Kept, book: PriceBook, without: Collection[int] = ()) -> list[Group]:
    """The groups of a file, but for the records (by row) that count elsewhere."""
    sums: dict[tuple[int, int, bool], _Sum] = {}
    for row, (at_us, whose, cost, counts) in enumerate(rows_of(one)):
        if row in without:
            continue
        place = at_us // SLOT_US, whose, cost == NO_COST
        known = sums.get(place)
        if known is None:
            known = sums[place] = _Sum()
        known.calls.append(counts)
        known.at_us.append(at_us)
        known.given += cost
    return [_group(one, book, *place, told) for place, told in sums.items()]


class _Sum:
    __slots__ = ("at_us", "calls", "given")

    def __init__(self) -> None:
        self.at_us: list[int] = []
        self.calls: list[tuple[int, ...]] = []
        self.given = 0


def _group(one: Kept, book: PriceBook, slot: int, index: int, tells_no_cost: bool, told: _Sum) -> Group:  # noqa: PLR0917
    whose = one.shared[index]
    columns = list(zip(*told.calls, strict=True))
    counts = [sum(column) for column in columns]
    card = book.card_at(whose.catalog, whose.model, slot * SLOT_US, whose.variant)
    cost: int | None = None
    if isinstance(card, RateCard):
        try:
            if _adds_up(card, columns):
                cost = msgspec.structs.replace(card, tiers=()).cost(_usage(counts))  # the sum is no long call
            else:
                cost = sum(card.cost(_usage(call)) for call in told.calls)
        except BucketNotPriced:
            cost = None
    if cost is None and not tells_no_cost:
        cost = told.given
    uncached, read, written, written_1h, output, searches, _ = counts
    return Group(
        slot, one.source, whose.catalog, whose.model, whose.variant, whose.session or "", whose.project or "",
        len(told.calls), uncached, read, written, written_1h, output, searches, cost,
        min(told.at_us), max(told.at_us),
    )  # fmt: skip


def _adds_up(card: RateCard, columns: Sequence[Sequence[int]]) -> bool:
    """Whether the cost of all calls together is the sum of their costs: no tier in reach, nothing to round.

    A call that had the most of each kind of input would be as long as none is.
    """
    if card.tiers and sum(max(column) for column in columns[:4]) > card.tiers[0].above:
        return False
    rates = card.rates
    return not any(
        (rate or 0) % TOKENS_PER_RATE
        for rate in (rates.input, rates.cache_read, rates.cache_write_5m, rates.cache_write_1h, rates.output)
    )


def _usage(counts: Sequence[int]) -> Usage:
    uncached, read, written, written_1h, output, searches, _ = counts
    return Usage(uncached, read, written, written_1h, output, web_searches=searches)


def refused(book: PriceBook, group: Group) -> Refusal | None:
    """Why the price book has no price for a group, None if it has one."""
    found = book.card_at(group.catalog, group.model, group.slot * SLOT_US, group.variant)
    return found if isinstance(found, Refusal) else None
