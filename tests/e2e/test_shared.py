"""A team's pool and a shared limit under load: drawn on by many at once, never passed, to the nano-dollar."""

from __future__ import annotations

import os
import shutil
import threading
from collections import Counter
from pathlib import Path

import pytest

from bursar.books import Books
from bursar.books.limits import Wanted, grant_pool, set_limit
from bursar.ledger.accounts import Balance
from bursar.money import NANOS_PER_USD
from bursar.sim.server import SimServer
from bursar.store.database import Database
from bursar.terms.plan import read_plan
from tests.e2e.test_budget import SMALLEST, bound_of_smallest, spend_the_rest
from tests.gateway.place import opened
from tests.store.seen import balances
from tests.support.books import assert_proved, sums, total_calls
from tests.support.company import found, open_books
from tests.support.kills import compare_with_bill
from tests.support.load import Load
from tests.support.postgres import PostgresServer
from tests.support.running import Running
from tests.unit.sim.raw import ask

PEOPLE = ("bob", "cid", "dan")
MOST_S = 60.0
CENT = NANOS_PER_USD // 100


def team(books: Books, *, own: str, pool: str) -> dict[str, str]:
    """Three people of a team, each with a little of their own, and a pool. Returns their keys' secrets."""
    books.add_plan(read_plan(f'name = "own"\namount = "{own}"'))
    books.add_plan(read_plan(f'name = "shared"\namount = "{pool}"\npriority = 0'))
    secrets = {}
    for name in PEOPLE:
        books.add_person(f"{name}@example.com", name.title(), "platform")
        books.grant(f"{name}@example.com", "own")
        secrets[name] = books.create_key(f"{name}@example.com", "laptop").secret
    grant_pool(books, "platform", "shared")
    return secrets


def load_all(targets: list[tuple[str, str]]) -> Counter[int | str]:
    """Load at several addresses and keys at once, until there is no more. Returns how often each status was seen."""
    seed = int.from_bytes(os.urandom(4))
    loads = [Load(url, key, clients=16, seed=seed + n) for n, (url, key) in enumerate(targets)]
    threads = [threading.Thread(target=load.run, args=(MOST_S,), kwargs={"until_refused": True}) for load in loads]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for load in loads:
        assert load.seen[200] > 0, load.seen
    seen = sum((load.seen for load in loads), Counter[int | str]())
    print(dict(seen))
    assert set(seen) <= {200, 402, 429}
    return seen


def of_source(database: Database, source: str) -> list[Balance]:
    return [one for one in balances(database).values() if one.source.startswith(source)]


def test_three_people_drain_one_pool(tmp_path: Path) -> None:
    with opened(tmp_path, fill=lambda books: team(books, own="0.01", pool="0.05")) as place:
        seen = load_all([(place.url, place.keys[name]) for name in PEOPLE])
        assert seen[402] > 0, "it was not drained"
        for name in PEOPLE:
            spend_the_rest(place.url, place.keys[name])
        place.assert_books_are_the_bill()
        [pool] = of_source(place.database, "pool:")
        own = [one for one in of_source(place.database, "grant:") if one.granted == CENT]
        assert pool.spent + pool.available == pool.granted == 5 * CENT
        for lot in own:
            assert lot.available + pool.available < bound_of_smallest(), (
                "what is left could still have paid for a call"
            )
        assert len(own) == 3
        assert sum(lot.spent for lot in own) + pool.spent == sums(place.database).spent
        assert total_calls(place.database, "provisional") == (0, 0)


@pytest.mark.parametrize("per", ["day", "life"])
def test_a_limit_of_everybody_is_never_passed(tmp_path: Path, per: str) -> None:
    def fill(books: Books) -> dict[str, str]:
        set_limit(books, Wanted(amount_nanos=3 * CENT, soft_nanos=1 * CENT, per=per, team="platform"))
        return team(books, own="5.00", pool="5.00")

    def fill_in_order(books: Books) -> dict[str, str]:
        books.add_person("eve@example.com", "Eve", "platform")
        return fill(books)

    with opened(tmp_path, fill=fill_in_order) as place:
        load_all([(place.url, place.keys[name]) for name in PEOPLE])
        refused = ask(
            place.url,
            "POST",
            "/v1/chat/completions",
            SMALLEST.replace(b'"max_tokens":1', b'"max_tokens":16384'),
            key=place.keys["bob"],
            content_type="application/json",
        )
        place.assert_books_are_the_bill()
        limits = of_source(place.database, "limit:")
        assert sum(limit.spent for limit in limits) == sums(place.database).spent
        for limit in limits:  # two, when the test ran over midnight
            assert limit.spent <= 3 * CENT
            assert (limit.held, limit.overrun) == (0, 0)
        assert max(limit.spent for limit in limits) > 1 * CENT, "the soft amount lets through"
        if refused.status != 200:
            assert refused.status == 402
            assert b"The limit platform, " in refused.body
        [told] = place.operator("GET", "/limits").json()
        assert told["soft_passed"] is (limits[-1].spent > 1 * CENT)


def test_two_nodes_share_a_pool_and_a_limit(tmp_path: Path, postgres: PostgresServer) -> None:
    name = postgres.fresh()
    url = postgres.url(name)
    first, second = tmp_path / "first", tmp_path / "second"
    with SimServer() as sim:
        found(first, sim.url, url=url)
        second.mkdir()
        for file in ("bursar.toml", "provider.key"):
            shutil.copy(first / file, second / file)
        books = open_books(first, url)
        keys = team(books, own="0.002", pool="0.05")
        set_limit(books, Wanted(amount_nanos=4 * CENT, per="life", team="platform"))
        books.close()
        nodes = [Running(first).start(), Running(second).start()]
        load_all([(node.url, keys[person]) for node in nodes for person in PEOPLE[:2]])
        assert [node.stop() for node in nodes] == [0, 0]
        database = Database(url)
        assert_proved(database)
        compare_with_bill(database, sim.bill.lines())
        [pool], [limit] = of_source(database, "pool:"), of_source(database, "limit:")
        spent = sums(database).spent
        assert spent == sim.bill.total_nanos() == limit.spent
        assert 3 * CENT < limit.spent <= 4 * CENT
        assert pool.spent == spent - sum(lot.spent for lot in of_source(database, "grant:"))
        assert (pool.held, limit.held, pool.overrun, limit.overrun) == (0, 0, 0, 0)
        database.close()
    postgres.drop(name)
