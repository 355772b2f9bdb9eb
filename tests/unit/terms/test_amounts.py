"""Changes as events: whatever was announced, in whatever order it is read, an instant has one answer."""

from __future__ import annotations

from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from bursar.terms.amounts import (
    REVOCATIONS,
    Kind,
    holding_at,
    holding_at_opening,
    next_us,
    pause_at,
    pauses,
    raises_within,
    resumes_us,
    revocation,
)

PLAN = 1_000
TIMES = st.integers(0, 60)


class Event(msgspec.Struct, frozen=True):
    """A change, with small numbers for times and amounts."""

    id: int
    kind: str
    amount_nanos: int | None
    announced_us: int
    effective_us: int
    until_us: int | None


@st.composite
def histories(draw: st.DrawFn) -> list[Event]:
    """Changes in the order of their announcement, none of which reaches back."""
    announced = sorted(draw(st.lists(TIMES, max_size=8)))
    found = []
    for number, announced_us in enumerate(announced, start=1):
        kind = draw(st.sampled_from([*Kind]))
        effective_us = announced_us + draw(st.integers(0, 20))
        has_amount = kind in {Kind.RAISE, Kind.REDUCE, Kind.ADD}
        amount = draw(st.integers(1, 3_000)) if has_amount else None
        until = draw(st.none() | st.integers(effective_us + 1, 90)) if kind is Kind.PAUSE else None
        found.append(Event(number, kind.value, amount, announced_us, effective_us, until))
    return found


@given(histories(), TIMES, st.permutations(range(9)))
def test_the_order_in_which_they_are_read_does_not_matter(events: list[Event], at_us: int, order: list[int]) -> None:
    shuffled = sorted(events, key=lambda event: order[event.id])
    assert holding_at_opening(events, at_us) == holding_at_opening(shuffled, at_us)
    assert holding_at(events, at_us) == holding_at(shuffled, at_us)
    assert pauses(events) == pauses(shuffled)
    assert revocation(events, at_us) == revocation(shuffled, at_us)
    assert next_us(events, at_us) == next_us(shuffled, at_us)


@given(histories(), TIMES)
def test_what_is_announced_later_never_changes_what_was(events: list[Event], now_us: int) -> None:
    known = [event for event in events if event.announced_us < now_us]
    for at_us in range(now_us):
        assert holding_at(known, at_us) == holding_at(events, at_us)
        assert holding_at_opening(known, at_us) == holding_at_opening(events, at_us)
        assert pause_at(known, at_us) == pause_at(events, at_us)


@given(histories(), TIMES, TIMES)
def test_an_open_lot_never_loses_by_a_change_and_reaches_the_highest_promise(
    events: list[Event], opens_us: int, days: int
) -> None:
    amounts = [event for event in events if event.kind in {Kind.RAISE, Kind.REDUCE}]
    last = holding_at_opening(amounts, opens_us)
    opened = PLAN if last is None else last.amount_nanos or 0
    raises = list(raises_within(opened, amounts, opens_us, opens_us + days))
    assert all(more > 0 for _, more in raises)
    assert all(opens_us <= event.effective_us <= opens_us + days for event, _ in raises)
    later = [
        event.amount_nanos or 0
        for event in amounts
        if opens_us <= event.effective_us <= opens_us + days
        and not (event.effective_us == opens_us and event.announced_us < opens_us)
    ]
    assert opened + sum(more for _, more in raises) == max([opened, *later])


@given(histories(), TIMES)
def test_a_revocation_is_the_last_word(events: list[Event], at_us: int) -> None:
    revoked, holding = revocation(events, at_us), holding_at(events, at_us)
    assert (holding is not None and holding.kind in REVOCATIONS) == (revoked is not None)
    assert revoked is None or holding == revoked
    if holding is not None and revoked is None:
        later = [event for event in events if event.effective_us <= at_us and event.amount_nanos and event != holding]
        assert all(
            event.kind == Kind.ADD or (event.effective_us, event.id) < (holding.effective_us, holding.id)
            for event in later
        )


@given(histories(), TIMES)
def test_pauses_are_apart_and_say_what_an_instant_says(events: list[Event], at_us: int) -> None:
    spans = pauses(events)
    for (_, until_us), (from_us, _) in pairwise(spans):
        assert until_us is not None
        assert until_us <= from_us
    inside = any(from_us <= at_us and (until_us is None or at_us < until_us) for from_us, until_us in spans)
    assert inside == (pause_at(events, at_us) is not None)
    opens_us = resumes_us(events, at_us)
    if opens_us is None:
        assert inside
        assert spans[-1][1] is None
    else:
        assert opens_us >= at_us
        assert pause_at(events, opens_us) is None
        assert all(pause_at(events, instant) is not None for instant in range(at_us, opens_us))


@given(histories(), TIMES)
def test_nothing_happens_before_what_is_next(events: list[Event], now_us: int) -> None:
    until_us = next_us(events, now_us)
    for at_us in range(now_us, 90 if until_us is None else until_us):
        assert holding_at(events, at_us) == holding_at(events, now_us)
        assert pause_at(events, at_us) == pause_at(events, now_us)
