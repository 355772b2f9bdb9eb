"""`bursar limit`, `bursar pool`, and what `bursar balance` says of them."""

from __future__ import annotations

import re
from pathlib import Path

from bursar.app import now_us
from bursar.books import Books, Spender
from bursar.pricing.catalog import build_book
from bursar.store.database import Database
from tests.support.calls import NOTE, USD, Caller
from tests.unit.cli.conftest import PLAN, Program


def test_a_limit_is_added_listed_and_removed(program: Program, ada: str) -> None:
    words = ("--per", "day", "--models", "claude-*", "--soft", "400", "--time-zone", "Europe/Stockholm")
    said = program.done("limit", "add", "500", "--team", "compilers", *words).out
    assert re.search(r"1 +compilers +claude-\* +\$500\.00 +a day +\$0\.00 +\$0\.00 +\$500\.00", said)
    made = program.done("limit", "add", "1,500", "--person", ada, "--per", "month", "--json").json
    assert (made["whose"], made["amount"], made["per"], made["soft"]) == (ada, "1500.00", "month", None)
    assert [one["id"] for one in program.done("limit", "list", "--json").json] == [1, 2]
    assert [one["id"] for one in program.done("limit", "list", "--person", ada, "--json").json] == [1, 2]
    removed = program.done("limit", "remove", "1").out
    assert removed == "The limit 1, $500.00 a day for compilers, is removed.\n"
    assert [one["id"] for one in program.done("limit", "list", "--json").json] == [2]
    assert program.done("limit", "remove", "2", "--json").json["ended"] is not None
    assert "No limit is set." in program.done("limit", "list").out
    assert "[unknown]" in program.run("limit", "remove", "9").err


def test_a_limit_is_somebodys(program: Program, ada: str) -> None:
    nobodys = program.run("limit", "add", "5", "--per", "day")
    assert (nobodys.code, "[field_invalid]" in nobodys.err) == (1, True)
    assert "one of a team's, a person's, a key's or everybody's" in nobodys.err
    assert program.run("limit", "add", "5", "--per", "day", "--everybody", "--team", "compilers").code == 1
    assert program.run("limit", "add", "5", "--everybody").code == 2, "of which period?"


def test_a_balance_shows_what_is_used_of_limits(program: Program, ada: str) -> None:
    program.done("limit", "add", "5", "--everybody", "--per", "life", "--soft", "1")
    assert re.search(r"everybody, in all +\$5\.00 +\$0\.00 +\$0\.00 +\$5\.00\n", program.done("balance", ada).out)
    call(program.folder, ada)
    shown = program.done("balance", ada).out
    assert re.search(r"everybody, in all +\$5\.00 +\$1\.23 +\$0\.00 +\$3\.77 +past \$1\.00", shown)
    assert "past $1.00" in program.done("limit", "list").out


def test_a_pool_is_granted_listed_and_drawn_on(program: Program, ada: str, tmp_path: Path) -> None:
    plan = tmp_path / "shared.toml"
    plan.write_text(PLAN.replace('"engineers"', '"shared"').replace("2000", "300"))
    program.done("plan", "add", str(plan))
    said = program.done("pool", "grant", "compilers", "shared").out
    assert re.fullmatch(r"The team compilers has a pool of the plan shared, version 1, from .* UTC\.\n", said)
    program.done("person", "add", "bo@example.com", "--name", "Bo", "--team", "compilers")
    shown = program.done("balance", "bo@example.com").out
    assert "No budget is open now." in shown
    assert re.search(r"compilers +shared .* \$300\.00 +\$0\.00 +\$0\.00 +\$300\.00", shown)
    call(program.folder, "bo@example.com")
    assert re.search(r"compilers +shared .* \$300\.00 +\$1\.23 +\$0\.00 +\$298\.77", program.done("pool", "list").out)
    page = program.done("statement", "bo@example.com").out
    assert re.search(r"From the team's pool \(compilers, shared\): 1 call +\$1\.23", page)
    told = program.done("statement", "bo@example.com", "--json").json
    assert [pool["spent"] for pool in told["from_pools"]] == ["1.234"]
    assert program.done("pool", "list", "--person", "bo@example.com", "--json").json[0]["team"] == "compilers"
    far = program.run("pool", "grant", "compilers", "shared", "--from", "2099-01-01")
    assert "[field_invalid]" in far.err


def test_nobody_has_a_pool(program: Program, ada: str) -> None:
    assert "No pool." in program.done("pool", "list").out
    assert "[unknown]" in program.run("pool", "grant", "nobodys", "engineers").err


def test_a_key_with_a_limit_for_each_day(program: Program, ada: str) -> None:
    program.done("key", "create", ada, "--per-day", "30")
    [limit] = program.done("limit", "list", "--json").json
    assert (limit["scope"], limit["per"], limit["amount"]) == ("key", "day", "30.00")


def call(folder: Path, email: str) -> None:
    """A call of $1.234 by this person, just now, within the limits that apply."""
    books = Books(Database.in_folder(folder), build_book(), now_us)
    try:
        spender = books.find_spender(books.create_key(email).secret)
        assert isinstance(spender, Spender)
        means = spender.for_model(NOTE.model)
        caller = Caller(books.journal)
        at_us = now_us()
        caller.hold("call-1", spender.person_id, means.lots, 2 * USD, at_us, limits=means.limits)
        caller.settle("call-1", 1_234_000_000, at_us)
    finally:
        books.close()
