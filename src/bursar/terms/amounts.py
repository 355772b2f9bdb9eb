"""What a plan's amount becomes by the changes that were announced: pure, and the same whenever it is asked.

A change holds from its effective instant on, never before. Of two that take effect at one instant the later
announced one holds. Lots that are open keep what they were opened with; a raise adds to them.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Protocol, TypeVar


class Kind(StrEnum):
    """What a change does. The values are stored; never rename them."""

    RAISE = "raise"
    REDUCE = "reduce"
    PAUSE = "pause"
    RESUME = "resume"
    REVOKE = "revoke"
    REVOKE_FOR_CAUSE = "revoke_for_cause"
    ADD = "add"
    EXTEND = "extend"
    REVOKE_PART = "revoke_part"


AMOUNTS = (Kind.RAISE, Kind.REDUCE)
REVOCATIONS = (Kind.REVOKE, Kind.REVOKE_FOR_CAUSE)


class Event(Protocol):
    """A change as far as its effect is concerned. Times in µs UTC, the amount in nano-USD."""

    @property
    def id(self) -> int: ...  # noqa: D102

    @property
    def kind(self) -> str: ...  # noqa: D102

    @property
    def amount_nanos(self) -> int | None: ...  # noqa: D102

    @property
    def announced_us(self) -> int: ...  # noqa: D102

    @property
    def effective_us(self) -> int: ...  # noqa: D102

    @property
    def until_us(self) -> int | None: ...  # noqa: D102


E = TypeVar("E", bound=Event)


def holding_at_opening(events: Iterable[E], opens_us: int) -> E | None:
    """What a lot that opens at an instant goes by: the last raise or reduction, or what revoked the grant before.

    None when it is the plan. A change that was announced in the very instant in which the lot opened came after it.
    """
    return _last(event for event in events if _precedes(event, opens_us))


def holding_at(events: Iterable[E], at_us: int) -> E | None:
    """What a period's worth goes by at an instant: the last raise or reduction, or a revocation; None is the plan."""
    return _last(event for event in events if event.effective_us <= at_us)


def raises_within(opened_nanos: int, events: Iterable[E], opens_us: int, until_us: int) -> Iterator[tuple[E, int]]:
    """The raises that take effect while a lot is open, up to an instant, with the difference that each makes.

    `opened_nanos` is what a lot of the whole period was opened with.
    """
    amount = opened_nanos
    for event in in_order(events):
        if event.kind in AMOUNTS and not _precedes(event, opens_us) and event.effective_us <= until_us:
            assert event.amount_nanos is not None, "a raise has an amount"
            if event.amount_nanos > amount:
                yield event, event.amount_nanos - amount
                amount = event.amount_nanos


def revocation(events: Iterable[E], at_us: int) -> E | None:
    """What has revoked the grant by an instant."""
    return next(
        (event for event in in_order(events) if event.kind in REVOCATIONS and event.effective_us <= at_us), None
    )


def pause_at(events: Iterable[E], at_us: int) -> E | None:
    """The pause that closes the grant at an instant."""
    holding: E | None = None
    for event in in_order(events):
        if event.effective_us <= at_us and event.kind in {Kind.PAUSE, Kind.RESUME}:
            holding = event if event.kind == Kind.PAUSE else None
    return None if holding is None or (holding.until_us is not None and holding.until_us <= at_us) else holding


def resumes_us(events: Iterable[Event], at_us: int) -> int | None:
    """The first instant from one on at which no pause closes the grant, in µs UTC; None while nobody knows."""
    for from_us, until_us in pauses(events):
        if from_us <= at_us and (until_us is None or at_us < until_us):
            if until_us is None:
                return None
            at_us = until_us
    return at_us


def pauses(events: Iterable[Event]) -> list[tuple[int, int | None]]:
    """When the grant is closed: spans `from <= t < until` in µs UTC, the last one open when nobody has resumed it."""
    spans: list[tuple[int, int | None]] = []
    for event in in_order(events):
        if event.kind in {Kind.PAUSE, Kind.RESUME}:
            if spans and (spans[-1][1] is None or spans[-1][1] > event.effective_us):
                spans[-1] = (spans[-1][0], event.effective_us)
            if event.kind == Kind.PAUSE:
                spans.append((event.effective_us, event.until_us))
    return [(from_us, until_us) for from_us, until_us in spans if from_us != until_us]


def next_us(events: Iterable[Event], now_us: int) -> int | None:
    """When the next thing that was announced takes effect or ends; None when nothing more will."""
    instants = (instant for event in events for instant in (event.effective_us, event.until_us))
    return min((instant for instant in instants if instant is not None and instant > now_us), default=None)


def in_order(events: Iterable[E]) -> list[E]:
    """Events as they take effect."""
    return sorted(events, key=lambda event: (event.effective_us, event.id))


def _precedes(event: Event, opens_us: int) -> bool:
    return event.effective_us <= opens_us and event.announced_us < opens_us


def _last(events: Iterable[E]) -> E | None:
    last: E | None = None
    for event in in_order(events):
        if event.kind in REVOCATIONS:
            return event
        if event.kind in AMOUNTS:
            last = event
    return last
