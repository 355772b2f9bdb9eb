"""Balance, statement, single calls and the journal through the API."""

from __future__ import annotations

import json

import sqlalchemy as sa

from bursar.store.database import Database
from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

DOLLAR = 10**9
DAY_S = 86_400


def test_a_balance_is_granted_spent_and_left(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    found = api.operator.get(f"/people/{ada}/balance").json()
    assert (found["granted"], found["spent"], found["held"]) == ("2000.00", "3.00", "0.00")
    assert (found["available"], found["ends"]) == ("1997.00", "2026-11-30T23:00:00Z")
    assert [(lot["plan"], lot["period"]) for lot in found["lots"]] == [("engineers", "2026-11")]


def test_a_new_period_is_there_as_soon_as_it_is_asked_for(api: Api, ada: str, clock: VirtualClock) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    clock.advance(30 * DAY_S)
    found = api.operator.get(f"/people/{ada}/balance").json()
    assert [lot["period"] for lot in found["lots"]] == ["2026-12"]
    assert found["available"] == "2000.00"
    old = api.operator.get(f"/people/{ada}/statement", params={"period": "2026-11"}).json()
    assert (old["granted"], old["spent"], old["expired"], old["closing"]) == ("2000.00", "3.00", "1997.00", "0.00")


def test_a_statement_is_json_or_a_page(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    api.call(ada, "a-2", 2 * DOLLAR, reason="the provider did not say")
    found = api.operator.get(f"/people/{ada}/statement").json()
    assert (found["period"], found["closing"]) == ("2026-11", "1995.00")
    assert [(line["calls"], line["cost"]) for line in found["spending"]] == [(2, "5.00")]
    page = api.operator.get(f"/people/{ada}/statement", params={"format": "text", "width": "70"})
    assert page.headers["content-type"].startswith("text/plain")
    assert "$1,995.00" in page.text
    assert max(map(len, page.text.splitlines())) <= 70


def test_a_statement_of_a_period_without_a_budget(api: Api, ada: str) -> None:
    old = api.operator.get(f"/people/{ada}/statement", params={"period": "2020-01"})
    assert refused(old) == (404, "unknown", None)
    bert = api.person("Bert")
    assert refused(api.operator.get(f"/people/{bert}/statement")) == (402, "no_grant", None)
    assert api.operator.get(f"/people/{bert}/balance").json()["lots"] == []


def test_calls_come_newest_first_a_page_at_a_time(api: Api, ada: str, clock: VirtualClock) -> None:
    for number in range(5):
        api.call(ada, f"a-{number}", DOLLAR)
        clock.advance(DAY_S)
    found = api.operator.get("/usage", params={"limit": 2}).json()
    assert [call["call"] for call in found] == ["a-4", "a-3"]
    assert found[0]["cost"] == "1.00"
    assert found[0]["duration_ms"] == 1500
    following = api.operator.get("/usage", params={"limit": 9, "after": found[-1]["id"]}).json()
    assert [call["call"] for call in following] == ["a-2", "a-1", "a-0"]
    for since in ("48h", "2026-11-04", "2026-11-04T00:00:00Z", "2026-11-04T01:00:00+01:00"):
        recent = api.operator.get(f"/people/{ada}/usage", params={"since": since}).json()
        assert [call["call"] for call in recent] == ["a-4", "a-3"], since


def test_the_journal_tells_what_was_moved(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    settle, hold, opened = api.operator.get("/journal").json()
    assert [posting["verb"] for posting in (settle, hold, opened)] == ["settle", "hold", "open"]
    assert [moved["text"] for moved in settle["transfers"]] == [
        "lot 2026-11 held → spent $3.00",
        "lot 2026-11 held → available $3.00",
    ]
    assert api.operator.get("/journal", params={"person": ada, "limit": 1}).json() == [settle]


def test_a_verification_finds_the_books_right(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    found = api.operator.post("/journal/verify").json()
    assert found["is_right"] is True
    assert (found["postings"], found["calls"], found["faults"]) == (3, 1, [])
    assert len(found["heads"][0]["hash"]) == 64


def test_a_verification_tells_how_far_it_is_and_what_is_wrong(api: Api, ada: str, sqlite_database: Database) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    with sqlite_database.engine.begin() as connection:
        connection.execute(sa.text("UPDATE balances SET spent = spent + 1, available = available - 1"))
    with api.operator.stream("POST", "/journal/verify", params={"progress": "true"}) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert lines[0] == {"done": 3, "total": 3}
    assert lines[-1]["is_right"] is False
    assert {fault["name"] for fault in lines[-1]["faults"]} == {"balance_differs"}


def test_a_verification_that_breaks_says_so_without_words_of_its_own(
    api: Api, ada: str, sqlite_database: Database
) -> None:
    with sqlite_database.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE links RENAME TO hidden_links"))
    with api.operator.stream("POST", "/journal/verify", params={"progress": "true"}) as answer:
        lines = [json.loads(line) for line in answer.iter_lines()]
    assert lines[-1]["error"]["name"] == "internal"
    assert "links" not in lines[-1]["error"]["message"]
