"""What another gateway tells of a call after its hold was charged, by many at once, on each engine."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from bursar.books.holds import Ending, Wanted, give_up, hold, id_of, known, settle
from bursar.money import NANOS_PER_USD as USD
from bursar.refusals import Refused, Why
from tests.support.clock import VirtualClock
from tests.support.teams import SONNET, Company

AT_ONCE = 8


@pytest.fixture
def late(company: Company, clock: VirtualClock) -> str:
    """A hold of $5 that is charged because its time was over."""
    spender = company.spender(company.person("ada"))
    until_us = clock() + 1_000_000
    wanted = Wanted(
        id=id_of("key:0", "one"), asked="", gateway="g", until_us=until_us, model=SONNET, amount_nanos=5 * USD
    )
    hold(company.books, spender, wanted)
    clock.advance(2)
    assert give_up(company.books) == 1
    return wanted.id


def told(company: Company, hold_id: str, dollars: int) -> int | Why:
    try:
        return settle(company.books, hold_id, Ending(cost_nanos=dollars * USD)).cost_nanos // USD
    except Refused as refused:
        return refused.refusal.why


@pytest.mark.parametrize("dollars", [0, 3, 5, 9])
def test_the_same_told_by_many_at_once_is_posted_once(company: Company, late: str, dollars: int) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = list(threads.map(lambda _: told(company, late, dollars), range(AT_ONCE)))
    assert answers == [dollars] * AT_ONCE
    assert company.balance("grant:1").spent == dollars * USD


def test_who_tells_otherwise_is_refused_and_what_is_told_is_what_is_in_the_books(company: Company, late: str) -> None:
    with ThreadPoolExecutor(AT_ONCE) as threads:
        answers = set(threads.map(lambda n: told(company, late, 1 + n % 2), range(AT_ONCE)))
    assert len(answers - {Why.HOLD_ENDED}) == 1
    cost = known(company.books, late).cost_nanos
    assert company.balance("grant:1").spent == cost
    assert told(company, late, 8) is Why.HOLD_ENDED
