"""Agent runs in the books, on both engines: trees of keys, and what ends them."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest
import sqlalchemy as sa

from bursar.books import Books, Spender, runs
from bursar.books.runs import Started
from bursar.pricing.book import PriceBook
from bursar.refusals import Refused, Why
from bursar.store.database import Database
from bursar.store.directory import Key
from bursar.store.runs import killed_run, revoked_since, run_of_key, runs_of
from bursar.store.runs import run as run_named
from bursar.store.schema import keys
from bursar.terms.plan import read_plan
from tests.support.books import assert_proved
from tests.support.calls import USD
from tests.support.clock import VirtualClock

ADA = "ada@example.com"


@pytest.fixture
def books(database: Database, prices: PriceBook, clock: VirtualClock) -> Iterator[Books]:
    """Ada with $100 a month."""
    made = Books(database, prices, clock)
    made.add_person(ADA, "Ada")
    made.add_plan(read_plan('name = "engineers"\namount = "100.00"'))
    made.grant(ADA, "engineers")
    yield made
    assert_proved(database)
    made.close()


def key_of(books: Books, started: Started) -> Key:
    """The key of a run."""
    spender = books.find_spender(started.secret)
    assert isinstance(spender, Spender), spender
    return spender.key


def within(books: Books, above: Started) -> Started:
    """A run within a run."""
    return runs.start(books, ADA, USD, within=key_of(books, above))


def state(books: Books, started: Started) -> str:
    """What a run is now."""
    with books.database.reading() as connection:
        return run_named(connection, started.run.token).state(books.clock())


def why(books: Books, started: Started) -> Why | None:
    """Why a run's key may not be used, if it may not."""
    spender = books.find_spender(started.secret)
    assert isinstance(spender, Spender), spender
    refusal = spender.refusal(books.clock())
    return None if refusal is None else refusal.why


def test_a_run_is_within_all_that_it_is_a_part_of(books: Books) -> None:
    own = books.create_key(ADA, "laptop", limit_nanos=9 * USD)
    outer = runs.start(books, ADA, 5 * USD, name="outer", within=own.key)
    inner = within(books, outer)
    spender = books.find_spender(inner.secret)
    assert isinstance(spender, Spender)
    assert [key.name for key in spender.chain] == [f"run {inner.run.token}", "run outer", "laptop"]
    assert len(spender.for_model("claude-sonnet-4-5").limits) == 3
    assert inner.run.parent_id == outer.run.id
    assert outer.run.parent_id is None


def test_an_end_ends_what_runs_within(books: Books, clock: VirtualClock) -> None:
    outer = runs.start(books, ADA, 5 * USD)
    inner = within(books, outer)
    killed = within(books, outer)
    runs.kill(books, killed.run)
    clock.advance(1)
    runs.end(books, outer.run, 3)
    assert [state(books, each) for each in (outer, inner, killed)] == ["ended", "ended", "killed"]
    assert [why(books, each) for each in (outer, inner)] == [Why.KEY_REVOKED] * 2
    assert why(books, killed) is Why.RUN_KILLED
    with pytest.raises(Refused) as refused:
        runs.start(books, ADA, USD, within=key_of(books, inner))
    assert refused.value.refusal.why is Why.KEY_REVOKED


def test_what_is_over_is_over_in_every_order(books: Books, clock: VirtualClock) -> None:
    outer = runs.start(books, ADA, 5 * USD, until_us=clock() + 60_000_000)
    inner = within(books, outer)
    assert inner.run.until_us == outer.run.until_us
    clock.advance(60)
    assert state(books, inner) == "ended"
    assert why(books, inner) is Why.KEY_EXPIRED
    runs.kill(books, outer.run)
    with books.database.reading() as connection:
        ended = [run_named(connection, each.run.token) for each in (outer, inner)]
    assert [(run.outcome, run.ended_us) for run in ended] == [("ended", outer.run.until_us)] * 2


def test_listeners_are_told_of_every_key_that_ceased_to_work(books: Books) -> None:
    heard: list[frozenset[int]] = []
    books.on_revoked.append(heard.append)
    own = books.create_key(ADA)
    outer = runs.start(books, ADA, 5 * USD, within=own.key)
    inner, beside = within(books, outer), runs.start(books, ADA, USD)
    ids = [own.key.id, *(key_of(books, each).id for each in (outer, inner))]
    runs.kill(books, inner.run)
    runs.end(books, outer.run)
    books.revoke_key(own.key.id)
    runs.kill_person(books, own.key.person_id or 0)
    assert heard == [
        frozenset(ids[2:]),
        frozenset(ids[1:]),
        frozenset(ids),
        frozenset([*ids, key_of(books, beside).id]),
    ]


def test_keys_that_were_revoked_since(books: Books, clock: VirtualClock) -> None:
    first, second = runs.start(books, ADA, USD), runs.start(books, ADA, USD)
    inner = within(books, second)
    runs.end(books, first.run)
    clock.advance(10)
    since_us = clock()
    with books.database.reading() as connection:
        assert revoked_since(connection, since_us) == set()
    runs.kill(books, second.run)
    ids = {key_of(books, each).id for each in (second, inner)}
    with books.database.reading() as connection:
        assert revoked_since(connection, since_us) == ids
        assert revoked_since(connection, since_us - 10_000_000) == ids | {key_of(books, first).id}


def test_a_key_below_one_that_was_revoked_counts_as_revoked(books: Books, clock: VirtualClock) -> None:
    """Although nobody marked it: another node may have made it at the same moment."""
    outer = runs.start(books, ADA, 5 * USD)
    inner = within(books, outer)
    outers = key_of(books, outer).id
    books.journal.write(
        lambda connection: connection.execute(sa.update(keys).where(keys.c.id == outers).values(revoked_us=clock()))
    )
    with books.database.reading() as connection:
        assert revoked_since(connection, clock()) == {outers, key_of(books, inner).id}
        assert killed_run(connection, [key_of(books, outer)]) is None, "its run was not killed"
    assert why(books, inner) is Why.KEY_REVOKED


def test_runs_are_found_by_person_key_and_state(books: Books, clock: VirtualClock) -> None:
    books.add_person("bo@example.com", "Bo")
    outer, bos = runs.start(books, ADA, 5 * USD), runs.start(books, "bo@example.com", USD)
    inner = within(books, outer)
    runs.end(books, inner.run)
    outers = key_of(books, outer)
    with books.database.reading() as connection:

        def found(person_id: int | None, **more: int) -> list[str]:
            return [run.token for run in runs_of(connection, person_id, **{"limit": 10, **more})]

        assert found(None) == [inner.run.token, bos.run.token, outer.run.token]
        assert found(None, limit=1) == [inner.run.token]
        assert found(outers.person_id) == [inner.run.token, outer.run.token]
        assert found(None, within=inner.run.key_id) == [inner.run.token]
        assert found(None, running_at_us=clock()) == [bos.run.token, outer.run.token]
        assert run_of_key(connection, outers) == outer.run


def test_whoever_starts_while_somebody_kills_is_stopped(database: Database, books: Books, prices: PriceBook) -> None:
    """Two processes on PostgreSQL, two threads on SQLite: no run is left that still works."""
    other = books if database.is_sqlite else Books(database, prices, books.clock)
    made: list[Started] = []
    refusals: list[Why] = []
    for _ in range(10):
        outer = runs.start(books, ADA, 5 * USD)
        above = key_of(books, outer)
        begin = threading.Barrier(2)

        def start(begin: threading.Barrier = begin, above: Key = above) -> None:
            begin.wait()
            try:
                made.extend(runs.start(other, ADA, USD, within=above) for _ in range(5))
            except Refused as refused:
                refusals.append(refused.refusal.why)

        thread = threading.Thread(target=start)
        thread.start()
        begin.wait()
        runs.kill(books, outer.run)
        thread.join()
    assert set(refusals) <= {Why.RUN_KILLED}
    assert {state(books, each) for each in made} <= {"killed"}
    assert {why(other, each) for each in made} <= {Why.RUN_KILLED}
    with books.database.reading() as connection:
        assert runs_of(connection, None, running_at_us=books.clock(), limit=None) == []
    if other is not books:
        other.journal.close()


def test_another_node_stops_within_half_a_second(
    postgres_database: Database, prices: PriceBook, clock: VirtualClock
) -> None:
    first, second = (Books(postgres_database, prices, clock) for _ in range(2))
    first.add_person(ADA, "Ada")
    started = runs.start(first, ADA, USD)
    spender = second.find_spender(started.secret)
    assert isinstance(spender, Spender)
    assert spender.refusal(clock()) is None
    runs.kill(first, started.run)
    clock.advance(0.5)
    assert spender.until_us <= clock(), "it must be looked up again"
    assert why(second, started) is Why.RUN_KILLED
    second.journal.close()
    first.close()
