"""Usage that others report, on both engines: taken at once by many, grown, and taken back."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator

import msgspec
import pytest
import sqlalchemy as sa

from bursar.books import Books
from bursar.books.imports import Report, Taken, settle_pending, take
from bursar.books.limits import Wanted, set_limit
from bursar.importers.record import UsageRecord
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.store import imports as kept
from bursar.store.database import Database
from bursar.store.schema import usage_heads
from bursar.terms.plan import read_plan
from bursar.usage import Usage
from tests.store.seen import balances
from tests.support.books import assert_proved, sums
from tests.support.clock import NOVEMBER_US, VirtualClock

EMAIL = "ada@example.com"
IN_NANOS, OUT_NANOS = 3_000, 15_000
"""What a token of Claude Sonnet 4.5 costs."""


@pytest.fixture(scope="module")
def prices() -> PriceBook:
    return build_book()


@pytest.fixture
def books(database: Database, prices: PriceBook, clock: VirtualClock) -> Iterator[Books]:
    clock.advance(3_600)
    books = Books(database, prices, clock)
    books.add_person(EMAIL, "Ada")
    books.add_plan(read_plan('name = "p"\namount = "1000.00"\noutside_usage = "charge"'))
    books.grant(EMAIL, "p", NOVEMBER_US)
    yield books
    books.close()


def record(key: str, output: int, **more: object) -> UsageRecord:
    usage = Usage(input=10, output=output)
    one = UsageRecord("claude-code", key, NOVEMBER_US, "anthropic", "claude-sonnet-4-5", usage, person=EMAIL)
    return msgspec.structs.replace(one, **more)


def reported(books: Books, *records: UsageRecord) -> Taken:
    return take(books, Report(source=records[0].source, records=records, actor="test"))


def test_many_report_the_same_at_once(books: Books) -> None:
    """Eight at once, each in an order of its own and with counts of its own: the largest count, once."""
    seed = random.SystemRandom().randrange(2**32)
    print("seed", seed)
    chance = random.Random(seed)
    told = [record(f"k{number}", chance.randint(1, 500)) for number in range(40) for _ in range(4)]
    largest: dict[str, int] = {}
    for one in told:
        largest[one.key] = max(one.usage.output, largest.get(one.key, 0))

    def some(number: int) -> None:
        order = random.Random(seed + number)
        mine = told.copy()
        order.shuffle(mine)
        for start in range(0, len(mine), 20):
            reported(books, *mine[start : start + 20])

    threads = [threading.Thread(target=some, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    settle_pending(books)
    due = sum(10 * IN_NANOS + output * OUT_NANOS for output in largest.values())
    assert sums(books.database).spent == due
    with books.database.reading() as connection:
        rows = connection.execute(sa.select(usage_heads.c.state, usage_heads.c.charged_nanos)).all()
    assert {row[0] for row in rows} == {"charged"}
    assert sum(row[1] for row in rows) == due
    assert_proved(books.database)


def test_what_a_more_trusted_source_tells_of_is_taken_back_whole(books: Books) -> None:
    for output in (1, 20, 300):
        reported(books, record("k", output, message_id="msg"))
    before = sums(books.database).spent
    assert before == 10 * IN_NANOS + 300 * OUT_NANOS
    taken = reported(books, record("span", 100, source="otel", message_id="msg"))
    assert taken.states == {"charged": 1}
    assert sums(books.database).spent == 10 * IN_NANOS + 100 * OUT_NANOS
    reported(books, record("k", 400, message_id="msg"))
    assert sums(books.database).spent == 10 * IN_NANOS + 100 * OUT_NANOS
    assert_proved(books.database)


def test_what_was_overrun_goes_back_first(books: Books) -> None:
    dear = record("dear", 100, message_id="a", usage=Usage(output=60_000_000))
    reported(books, dear, record("other", 1, message_id="b", usage=Usage(output=10_000_000)))
    books_now = sums(books.database)
    assert (books_now.available, books_now.overrun) == (0, 50 * 10**9)
    reported(books, record("span", 1, source="otel", message_id="b", usage=Usage(output=1)))
    books_now = sums(books.database)
    assert (books_now.overrun, books_now.available) == (0, 100 * 10**9 - OUT_NANOS)
    assert_proved(books.database)


def test_what_is_taken_back_no_longer_counts_in_a_limit(books: Books, clock: VirtualClock) -> None:
    limit = set_limit(books, Wanted(amount_nanos=100 * OUT_NANOS, per="week", person=EMAIL))
    clock.advance(3_600)
    told = [record(key, 60, message_id=key, at_us=clock(), usage=Usage(output=60)) for key in ("a", "b")]
    reported(books, *told)
    assert counted(books, limit.source) == (120 * OUT_NANOS, 20 * OUT_NANOS, 0)
    reported(books, record("span", 0, source="otel", message_id="a", at_us=clock(), usage=Usage(output=30)))
    assert counted(books, limit.source) == (90 * OUT_NANOS, 0, 10 * OUT_NANOS)
    reported(books, record("span of b", 0, source="otel", message_id="b", at_us=clock(), usage=Usage(output=55)))
    assert counted(books, limit.source) == (85 * OUT_NANOS, 0, 15 * OUT_NANOS)
    assert_proved(books.database)


def counted(books: Books, source: str) -> tuple[int, int, int]:
    """What a limit counts, what passes it, and what it lets through."""
    [one] = [one for one in balances(books.database).values() if one.source == source]
    return one.spent, one.overrun, one.available


class _Killed(Exception):  # noqa: N818 - it stands for a kill
    """The process got no further."""


@pytest.mark.parametrize("grows", [False, True])
def test_what_was_posted_before_a_kill_is_known_when_something_else_is_due_after_it(
    grows: bool, books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed between a charge and its note; then somebody more trusted tells of the call, and it is not due."""

    def killed(*_: object, **__: object) -> None:
        raise _Killed

    if grows:
        reported(books, record("k", 100, request_id="req_1"))
    with monkeypatch.context() as patched:
        patched.setattr(kept, "decide_heads", killed)
        with pytest.raises(_Killed):
            reported(books, record("k", 200, request_id="req_1"))
    assert sums(books.database).spent == 10 * IN_NANOS + 200 * OUT_NANOS
    assert_proved(books.database)
    reported(books, record("s", 150, request_id="req_1", source="otel"))
    assert sums(books.database).spent == 10 * IN_NANOS + 150 * OUT_NANOS
    assert_proved(books.database)


def test_what_came_too_late_stays_adjusted_when_it_is_looked_at_again(books: Books, clock: VirtualClock) -> None:
    clock.advance(90 * 86_400)
    reported(books, record("k", 200, message_id="msg_1"))
    reported(books, record("s", 1, message_id="msg_1"))
    assert_proved(books.database)
    with books.database.reading() as connection:
        states = connection.execute(sa.select(usage_heads.c.key, usage_heads.c.state)).all()
    assert dict(map(tuple, states)) == {"k": "adjusted", "s": "adjusted"}
