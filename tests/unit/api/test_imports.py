"""Usage that others report: each call once, whoever tells of it, in whatever order and however often."""

from __future__ import annotations

import random
from typing import Any

import pytest

from bursar.books import Spender
from tests.support.books import assert_proved
from tests.support.calls import Caller
from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

MODEL = "claude-sonnet-4-5"
PLAN = 'name = "{name}"\namount = "{amount}"\noutside_usage = "{outside}"\n'
AT = "2026-11-01T00:00:00Z"
COST = "0.0105"
"""1,000 tokens in at $3 and 500 out at $15 for a million."""


def record(key: str, **more: Any) -> dict[str, Any]:
    told = {"key": key, "at": AT, "catalog": "anthropic", "model": MODEL, "input_tokens": 1_000, "output_tokens": 500}
    return told | more


def granted(api: Api, name: str, *, amount: str = "10.00", outside: str = "charge") -> str:
    """A person on a plan of their own."""
    email = api.person(name)
    api.made("/plans", toml=PLAN.format(name=name.lower(), amount=amount, outside=outside))
    api.made("/grants", person=email, plan=name.lower())
    return email


def report(api: Api, *records: dict[str, Any], source: str = "claude-code", **more: Any) -> dict[str, Any]:
    answer = api.operator.post("/usage", json={"source": source, "records": list(records), **more})
    assert answer.status_code == 200, answer.text
    told: dict[str, Any] = answer.json()
    return told


def lot(api: Api, email: str) -> tuple[str, str]:
    """What is left, and what is spent."""
    [balance] = api.operator.get(f"/people/{email}/balance").json()["lots"]
    return balance["available"], balance["spent"]


def states(api: Api, email: str | None = None) -> dict[str, tuple[str, str]]:
    found = api.operator.get("/usage/reported", params={} if email is None else {"person": email}).json()
    return {each["key"]: (each["state"], each["charged"]) for each in found}


def test_a_call_is_charged_once_however_often_it_is_reported(api: Api) -> None:
    ada = granted(api, "Ada")
    first = report(api, record("a"), record("a"), person=ada, name="laptop")
    assert (first["records"], first["added"], first["repeated"], first["cost"]) == (2, 1, 0, COST)
    assert first["states"] == {"charged": 1}
    assert lot(api, ada) == ("9.9895", COST)
    again = report(api, record("a"), person=ada)
    assert (again["added"], again["grown"], again["repeated"], again["states"]) == (0, 0, 1, {"charged": 1})
    assert lot(api, ada) == ("9.9895", COST)
    [call] = api.operator.get(f"/people/{ada}/usage").json()
    assert (call["wire"], call["outcome"], call["reason"], call["cost"]) == (
        "reported",
        "reported",
        "reported by claude-code",
        COST,
    )
    assert [made["name"] for made in api.operator.get("/imports").json()] == ["", "laptop"]
    assert_proved(api.books.database)


def test_one_that_grows_is_charged_for_the_rest(api: Api) -> None:
    ada = granted(api, "Ada")
    report(api, record("a", output_tokens=100), person=ada)
    grown = report(api, record("a"), record("a", output_tokens=300), person=ada)
    assert (grown["added"], grown["grown"]) == (0, 1)
    report(api, record("a", output_tokens=200), person=ada)
    assert lot(api, ada) == ("9.9895", COST)
    told = api.operator.get(f"/people/{ada}/usage").json()
    assert sorted((call["input_tokens"], call["output_tokens"], call["cost"]) for call in told) == [
        (0, 400, "0.006"),
        (1_000, 100, "0.0045"),
    ]


def test_a_plan_says_whether_it_is_charged(api: Api) -> None:
    ada = granted(api, "Ada", outside="memo")
    assert report(api, record("a"), person=ada)["states"] == {"memo": 1}
    assert lot(api, ada) == ("10.00", "0.00")


def test_what_exceeds_the_credit_is_overrun_and_never_below_zero(api: Api) -> None:
    ada = granted(api, "Ada", amount="0.01")
    report(api, record("a"), record("b"), person=ada)
    [balance] = api.operator.get(f"/people/{ada}/balance").json()["lots"]
    assert (balance["available"], balance["spent"], balance["overrun"]) == ("0.00", "0.021", "0.011")
    assert_proved(api.books.database)


def test_what_nobody_knows_is_kept_and_shown_and_not_charged(api: Api) -> None:
    ada = granted(api, "Ada")
    told = report(
        api,
        record("a", person=ada.upper()),
        record("b", person="nobody@example.com"),
        record("c"),
        record("d", person=ada, model="claude-next"),
    )
    assert told["states"] == {"charged": 1, "nobody": 2, "unpriced": 1}
    assert (told["people"], told["models"]) == (["", "nobody@example.com"], ["claude-next"])
    assert lot(api, ada) == ("9.9895", COST)
    [unpriced] = api.operator.get("/usage/reported", params={"outcome": "unpriced"}).json()
    assert (unpriced["cost"], unpriced["model"], unpriced["person"]) == (None, "claude-next", ada)
    bert = granted(api, "Nobody")
    assert bert == "nobody@example.com"
    assert report(api, record("b", person=bert))["states"] == {"charged": 1}
    assert lot(api, bert) == ("9.9895", COST)


def test_what_the_source_says_it_cost_is_kept_beside_our_price(api: Api) -> None:
    ada = granted(api, "Ada")
    told = report(api, record("a", cost="0.02"), record("b"), person=ada)
    assert (told["cost"], told["compared"], told["source_cost"]) == ("0.021", COST, "0.02")
    kept = {each["key"]: each["source_cost"] for each in api.operator.get("/usage/reported").json()}
    assert kept == {"a": "0.02", "b": None}


def called(api: Api, email: str, name: str, *, provisional: bool = False, limit: bool = False) -> None:
    """A call that went through the gateway, bound to $1.00 and at a cost of $0.50."""
    spender = api.books.find_spender(api.key(email, **({"limit": "5.00"} if limit else {})))
    assert isinstance(spender, Spender)
    caller = Caller(api.books.journal)
    limits = tuple(each.balance_id for each in spender.limits)
    lots = tuple(each.balance_id for each in spender.lots)
    caller.hold(name, spender.person_id, lots, 10**9, api.books.clock(), limits=limits)
    reason = "no answer came" if provisional else ""
    caller.settle(name, 10**9 if provisional else 5 * 10**8, api.books.clock(), reason=reason)


def test_what_the_gateway_billed_nets_to_zero(api: Api) -> None:
    ada = granted(api, "Ada")
    called(api, ada, "one")
    told = report(api, record("a", request_id="req_one"), record("b", request_id="req_two"), person=ada)
    assert told["states"] == {"billed": 1, "charged": 1}
    assert lot(api, ada) == ("9.4895", "0.5105")


def test_another_persons_call_is_another_call(api: Api) -> None:
    ada, bert = granted(api, "Ada"), granted(api, "Bert")
    called(api, ada, "one")
    assert report(api, record("a", request_id="req_one"), person=bert)["states"] == {"charged": 1}


def test_a_provisional_charge_is_trued_up(api: Api) -> None:
    ada = granted(api, "Ada")
    called(api, ada, "one", provisional=True, limit=True)
    assert lot(api, ada) == ("9.00", "1.00")
    for _ in range(2):
        assert report(api, record("a", request_id="req_one"), person=ada)["states"] == {"billed": 1}
        assert lot(api, ada) == ("9.9895", COST)
    assert_proved(api.books.database)


def test_telemetry_counts_before_logs_whichever_came_first(api: Api) -> None:
    ada, bert = granted(api, "Ada"), granted(api, "Bert")
    log = record("log", message_id="msg_1", output_tokens=400)
    span = record("span", message_id="msg_1")
    report(api, log, person=ada)
    report(api, span, source="otel", person=ada)
    assert states(api, ada) == {"log": ("told", "0.00"), "span": ("charged", COST)}
    assert lot(api, ada) == ("9.9895", COST)
    log, span = log | {"key": "log 2", "message_id": "msg_2"}, span | {"key": "span 2", "message_id": "msg_2"}
    report(api, span, source="otel", person=bert)
    report(api, log, person=bert)
    assert states(api, bert) == {"log 2": ("told", "0.00"), "span 2": ("charged", COST)}
    assert lot(api, bert) == lot(api, ada)
    assert_proved(api.books.database)


def test_a_side_chain_counts_only_when_nothing_else_tells_of_it(api: Api) -> None:
    ada = granted(api, "Ada")
    report(api, record("a:req_2", message_id="a", request_id="req_2", sidechain=True), person=ada)
    assert lot(api, ada) == ("9.9895", COST)
    report(api, record("a:req_1", message_id="a", request_id="req_1"), person=ada)
    assert states(api, ada) == {"a:req_2": ("told", "0.00"), "a:req_1": ("charged", COST)}
    assert lot(api, ada) == ("9.9895", COST)


def test_sums_are_kept_and_charged_to_nobody(api: Api) -> None:
    ada = granted(api, "Ada")
    assert report(api, record("2026-11-01"), source="anthropic-usage", person=ada)["states"] == {"memo": 1}
    assert lot(api, ada) == ("10.00", "0.00")


def test_a_dry_run_changes_nothing(api: Api) -> None:
    ada = granted(api, "Ada")
    told = report(api, record("a"), person=ada, dry_run=True)
    assert (told["added"], told["cost"], told["import_id"], told["states"]) == (1, COST, None, {})
    assert api.operator.get("/imports").json() == []
    assert lot(api, ada) == ("10.00", "0.00")


@pytest.mark.parametrize("seed", range(3))
def test_the_books_are_the_same_in_whatever_order_and_parts(api: Api, clock: VirtualClock, seed: int) -> None:
    """Growing duplicates and side chains: told at once, shuffled, in halves, one by one, and all of it twice."""
    clock.advance(60)
    chance = random.Random(seed)
    told = [
        record(
            f"m{number}:r{chance.randint(0, 2)}",
            message_id=f"m{number}",
            request_id=f"r{number}",
            sidechain=chance.random() < 0.2,
            output_tokens=chance.choice((1, 50, 500)),
            at=f"2026-11-01T00:00:00.{chance.randint(0, 3)}Z",
        )
        for number in (chance.randint(0, 12) for _ in range(60))
    ]
    outcomes = set()
    for way in ("at once", "shuffled", "in halves", "one by one"):
        email = granted(api, f"{way.title().replace(' ', '-')}")
        source, mine = f"{way.replace(' ', '-')}", [_named(each, way) for each in told]
        if way != "at once":
            chance.shuffle(mine)
        size = {"in halves": 30, "one by one": 1}.get(way, 60)
        for start in range(0, 60, size):
            report(api, *mine[start : start + size], source=source, person=email)
            report(api, *mine[start : start + size], source=source, person=email)
        found = states(api, email)
        outcomes.add((lot(api, email), tuple(sorted((key.partition(" ")[0], state) for key, state in found.items()))))
    assert len(outcomes) == 1, outcomes
    assert_proved(api.books.database)


def _named(told: dict[str, Any], way: str) -> dict[str, Any]:
    """The same of another source: the provider's names are its own, or they would be the same calls."""
    return told | {name: f"{told[name]} {way}" for name in ("key", "message_id", "request_id")}


def test_a_person_reports_what_is_their_own(api: Api) -> None:
    ada, bert = granted(api, "Ada"), granted(api, "Bert")
    caller = api.client(api.key(ada))
    body = {"source": "claude-code", "records": [record("a", person=bert)]}
    assert caller.post("/usage", json=body).json()["states"] == {"charged": 1}
    assert (lot(api, ada), lot(api, bert)) == (("9.9895", COST), ("10.00", "0.00"))
    assert refused(caller.post("/usage", json=body | {"person": bert}))[1] == "role_missing"
    assert refused(caller.get("/usage/reported", params={"person": bert}))[1] == "role_missing"
    assert [each["person"] for each in caller.get("/usage/reported").json()] == [ada]
    assert [made["actor"] for made in caller.get("/imports").json()] == [ada]
    assert api.client(api.key(bert)).get("/imports").json() == []
    limited = api.client(api.key(ada, limit="1.00"))
    assert refused(limited.post("/usage", json=body))[1] == "role_missing"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"source": "Claude Code"}, "source"),
        ({"records": [record("a") | {"at": "yesterday"}]}, "records[0].at"),
        ({"records": [record("a"), record("b", cost="-1")]}, "records[1].cost"),
        ({"records": [record("a\nb")]}, "records[0].key"),
        ({"records": [record("a") | {"input_tokens": -1}]}, "records"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_is_wrong_is_named(api: Api, wrong: dict[str, Any], field: str) -> None:
    body = {"source": "claude-code", "records": [record("a")]} | wrong
    status, why, named = refused(api.operator.post("/usage", json=body))
    assert (status, why) == (400, "field_invalid")
    assert named is not None
    assert named.startswith(field)
    assert api.operator.get("/imports").json() == []


class CutOffError(Exception):
    pass


def _cut_off(*_: Any, **__: Any) -> None:
    raise CutOffError


def test_what_was_kept_and_not_decided_is_decided_later(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    """As after a kill between the two steps, and between a posting and the note of it."""
    import bursar.books.imports as verbs
    from bursar.store import imports as kept

    ada = granted(api, "Ada")
    decide = verbs.settle_pending
    monkeypatch.setattr(verbs, "settle_pending", lambda _books: 0)
    assert report(api, record("a"), person=ada)["states"] == {"pending": 1}
    assert lot(api, ada) == ("10.00", "0.00")
    keep = kept.decide_heads
    monkeypatch.setattr(kept, "decide_heads", _cut_off)
    with pytest.raises(CutOffError):
        decide(api.books)
    assert lot(api, ada) == ("9.9895", COST)
    assert report(api, record("a", output_tokens=600), person=ada)["states"] == {"pending": 1}
    monkeypatch.setattr(kept, "decide_heads", keep)
    decide(api.books)
    assert states(api, ada) == {"a": ("charged", "0.012")}
    assert lot(api, ada) == ("9.988", "0.012")
    assert_proved(api.books.database)
