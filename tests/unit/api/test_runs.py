"""Agent runs through the API: who starts them, who sees them, what they cost, and how they end."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bursar.books import Spender
from bursar.refusals import Refusal, Why
from tests.support.calls import USD, Caller
from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused


def started(caller: httpx.Client, **wanted: Any) -> Any:
    """A run that is started; its secret and what is told of it."""
    answer = caller.post("/runs", json={"budget": "5.00", **wanted})
    assert answer.status_code == 201, answer.text
    return answer.json()


def spend(api: Api, secret: str, hold_id: str, nanos: int, **more: Any) -> None:
    """A call with a key, that costs so much; with a reason, provisionally."""
    held_by = api.books.find_spender(secret)
    assert isinstance(held_by, Spender), held_by
    means = held_by.for_model("claude-sonnet-4-5")
    caller, now_us = Caller(api.books.journal), api.books.clock()
    caller.hold(hold_id, held_by.person_id, means.lots, nanos, now_us, limits=means.limits, key_id=held_by.key.id)
    caller.settle(hold_id, nanos, now_us + 1, **more)


def test_a_run_is_a_key_with_a_budget_and_an_end(api: Api, ada: str) -> None:
    made = started(api.client(api.key(ada)), name="nightly", until="8h", models=["claude-*"])
    assert made["secret"].startswith("bsr_")
    run = made["run"]
    assert run.pop("run").startswith("r")
    assert run == {
        "within": "",
        "person": ada,
        "name": "nightly",
        "state": "running",
        "budget": "5.00",
        "spent": "0.00",
        "held": "0.00",
        "left": "5.00",
        "started": "2026-11-01T00:00:00Z",
        "until": "2026-11-01T08:00:00Z",
        "ended": None,
        "exit_code": None,
        "models": ["claude-*"],
    }
    assert api.client(made["secret"]).get("/me").json()["key"]["name"] == "run nightly"


def test_an_administrator_names_whose_budget_pays(api: Api, ada: str) -> None:
    assert refused(api.operator.post("/runs", json={"budget": "1"})) == (400, "field_missing", "person")
    assert started(api.operator, person=ada)["run"]["person"] == ada
    unknown = api.operator.post("/runs", json={"budget": "1", "person": "eve@example.com"})
    assert refused(unknown) == (404, "unknown", "email")
    bert = api.client(api.key(api.person("Bert")))
    assert refused(bert.post("/runs", json={"budget": "1", "person": ada})) == (403, "role_missing", None)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"budget": "0"}, "budget"),
        ({"budget": "-1"}, "budget"),
        ({"budget": "lots"}, "budget"),
        ({"until": "yesterday"}, "until"),
        ({"until": "2026-10-31T23:59:59Z"}, "until"),
        ({"until": "2026-11-01"}, "until"),
        ({"models": []}, "models"),
        ({"models": [""]}, "models"),
        ({"models": ["m"] * 51}, "models"),
        ({"name": "a\x1bb"}, "name"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(api: Api, ada: str, wrong: dict[str, Any], field: str) -> None:
    answer = api.client(api.key(ada)).post("/runs", json={"budget": "1.00", **wrong})
    assert refused(answer) == (400, "field_invalid", field)
    assert api.operator.get("/runs").json() == []


def test_without_a_word_a_run_lasts_a_day_and_never_longer_than_its_key(api: Api, ada: str) -> None:
    assert started(api.client(api.key(ada)))["run"]["until"] == "2026-11-02T00:00:00Z"
    short = api.client(api.key(ada, expires="2h"))
    assert started(short)["run"]["until"] == "2026-11-01T02:00:00Z"
    late = short.post("/runs", json={"budget": "1.00", "until": "3h"})
    assert refused(late) == (400, "field_invalid", "until")
    assert "2026-11-01T02:00:00Z" in late.json()["error"]["message"]


def test_a_run_whose_time_is_over_has_ended(api: Api, ada: str, clock: VirtualClock) -> None:
    caller = api.client(api.key(ada))
    made = started(caller, until="1h")
    clock.advance(3_600)
    assert refused(api.client(made["secret"]).get("/me")) == (401, "key_expired", None)
    told = caller.get(f"/runs/{made['run']['run']}").json()
    assert (told["state"], told["ended"]) == ("ended", "2026-11-01T01:00:00Z")
    assert caller.get("/runs", params={"running": True}).json() == []
    killed = caller.post(f"/runs/{told['run']}/kill").json()
    assert (killed["state"], killed["ended"]) == ("ended", "2026-11-01T01:00:00Z"), "it had ended before"


def test_models_of_a_run_within_a_run_are_within_those_it_was_given(api: Api, ada: str) -> None:
    outer = started(api.client(api.key(ada)), models=["claude-sonnet-*", "gpt-5"])
    caller = api.client(outer["secret"])
    assert started(caller, models=["claude-sonnet-4-5"])["run"]["models"] == ["claude-sonnet-4-5"]
    started(caller, models=["claude-sonnet-4*"])
    for wrong in ("*", "claude-*", "gpt-5-mini"):
        answer = caller.post("/runs", json={"budget": "1.00", "models": [wrong]})
        assert refused(answer) == (400, "field_invalid", "models"), wrong


def test_what_runs_within_a_run_is_spent_of_both(api: Api, ada: str) -> None:
    caller = api.client(api.key(ada))
    outer = started(caller, name="outer")
    inner = started(api.client(outer["secret"]), name="inner", budget="4.00")
    innermost = started(api.client(inner["secret"]), budget="9.00")
    assert inner["run"]["within"] == outer["run"]["run"]
    spend(api, outer["secret"], "a", 1 * USD)
    spend(api, innermost["secret"], "b", 2 * USD, reason="cut off", tokens=(70, 7))
    told = caller.get(f"/runs/{outer['run']['run']}").json()
    assert (told["spent"], told["held"], told["left"], told["provisional"]) == ("3.00", "0.00", "2.00", "2.00")
    assert (told["calls"], told["tokens"]) == (2, 1_177)
    assert told["by_model"] == [
        {
            "model": "claude-sonnet-4-5",
            "calls": 2,
            "input_tokens": 1_070,
            "cached_tokens": 0,
            "output_tokens": 107,
            "web_searches": 0,
            "cost": "3.00",
            "provisional": "2.00",
        }
    ]
    [child] = told["runs"]
    assert (child["name"], child["spent"], child["left"]) == ("inner", "2.00", "2.00")
    deep = caller.get(f"/runs/{innermost['run']['run']}").json()
    assert (deep["spent"], deep["left"], deep["runs"]) == ("2.00", "2.00", []), "no more than what is left above it"


def test_calls_that_cost_nothing_are_not_counted(api: Api, ada: str) -> None:
    made = started(api.client(api.key(ada)))
    held_by = api.books.find_spender(made["secret"])
    assert isinstance(held_by, Spender)
    means = held_by.for_model("claude-sonnet-4-5")
    caller, now_us = Caller(api.books.journal), api.books.clock()
    limits = means.limits
    caller.hold("a", held_by.person_id, means.lots, USD, now_us, limits=limits, key_id=held_by.key.id)
    running = api.operator.get(f"/runs/{made['run']['run']}").json()
    assert (running["held"], running["left"], running["calls"]) == ("1.00", "4.00", 0)
    caller.release("a", now_us + 1)
    told = api.operator.get(f"/runs/{made['run']['run']}").json()
    assert (told["spent"], told["held"], told["calls"], told["by_model"]) == ("0.00", "0.00", 0, [])


def test_a_key_with_a_limit_reaches_only_what_was_started_with_it(api: Api, ada: str) -> None:
    whole, limited = api.client(api.key(ada)), api.client(api.key(ada, limit="9.00"))
    mine, others = started(limited)["run"]["run"], started(whole)["run"]["run"]
    assert [run["run"] for run in limited.get("/runs").json()] == [mine]
    assert [run["run"] for run in whole.get("/runs").json()] == [others, mine]
    assert limited.get(f"/runs/{mine}").status_code == 200
    for method, path in (("GET", ""), ("POST", "/kill")):
        assert refused(limited.request(method, f"/runs/{others}{path}")) == (404, "unknown", "run")
    assert refused(limited.post(f"/runs/{others}/end", json={})) == (404, "unknown", "run")
    assert refused(limited.post(f"/people/{ada}/kill")) == (403, "role_missing", None)
    assert whole.get(f"/runs/{others}").json()["state"] == "running"


def test_a_runs_key_sees_itself_and_what_it_started(api: Api, ada: str) -> None:
    outer = started(api.client(api.key(ada)))
    beside = started(api.client(api.key(ada)))
    caller = api.client(outer["secret"])
    inner = started(caller, name="inner")
    assert [run["run"] for run in caller.get("/runs").json()] == [inner["run"]["run"], outer["run"]["run"]]
    assert refused(caller.get(f"/runs/{beside['run']['run']}")) == (404, "unknown", "run")
    assert caller.get(f"/runs/{outer['run']['run']}").json()["runs"][0]["name"] == "inner"
    assert refused(caller.post("/keys", json={})) == (403, "role_missing", None)


def test_nobody_sees_the_runs_of_others(api: Api, ada: str) -> None:
    run = started(api.client(api.key(ada)))["run"]["run"]
    bert = api.client(api.key(api.person("Bert")))
    assert bert.get("/runs").json() == []
    assert refused(bert.get("/runs", params={"person": ada})) == (403, "role_missing", None)
    for token in (run, "rnothing"):
        assert refused(bert.get(f"/runs/{token}")) == (404, "unknown", "run")
        assert refused(bert.post(f"/runs/{token}/kill")) == (404, "unknown", "run")
    assert [each["run"] for each in api.operator.get("/runs", params={"person": ada}).json()] == [run]


def test_a_run_ends_with_its_commands_exit_code_and_stays_so(api: Api, ada: str, clock: VirtualClock) -> None:
    caller = api.client(api.key(ada))
    made = started(caller)
    inner = started(api.client(made["secret"]))
    path = f"/runs/{made['run']['run']}"
    clock.advance(60)
    ended = caller.post(f"{path}/end", json={"exit_code": 3}).json()
    assert (ended["state"], ended["exit_code"], ended["ended"]) == ("ended", 3, "2026-11-01T00:01:00Z")
    assert ended["runs"][0]["state"] == "ended"
    for secret in (made["secret"], inner["secret"]):
        assert refused(api.client(secret).get("/me")) == (401, "key_revoked", None)
    clock.advance(60)
    assert caller.post(f"{path}/end", json={"exit_code": 0}).json() == ended
    assert caller.post(f"{path}/kill").json() == ended


def test_a_kill_stops_the_whole_tree_and_nothing_beside_it(api: Api, ada: str) -> None:
    heard: list[frozenset[int]] = []
    api.books.on_revoked.append(heard.append)
    caller = api.client(api.key(ada))
    outer, beside = started(caller, name="nightly"), started(caller)
    inner = started(api.client(outer["secret"]))
    innermost = started(api.client(inner["secret"]))
    secrets = [each["secret"] for each in (outer, inner, innermost)]
    spenders = [api.books.find_spender(secret) for secret in secrets]
    killed = caller.post(f"/runs/{outer['run']['run']}/kill").json()
    assert (killed["state"], killed["runs"][0]["state"]) == ("killed", "killed")
    assert heard == [frozenset(each.key.id for each in spenders if isinstance(each, Spender))]
    for secret in secrets:
        answer = api.client(secret).get("/me")
        assert refused(answer) == (401, "run_killed", None)
        found = api.books.find_spender(secret)
        assert isinstance(found, Spender)
        refusal = found.refusal(api.books.clock())
        assert isinstance(refusal, Refusal)
        assert refusal.why is Why.RUN_KILLED
    assert "The agent run nightly was killed at 2026-11-01T00:00:00Z" in api.client(secrets[0]).get("/me").text
    assert api.client(beside["secret"]).get("/me").status_code == 200
    assert refused(api.client(secrets[0]).post("/runs", json={"budget": "1.00"})) == (401, "run_killed", None)


def test_a_revoked_key_takes_its_runs_with_it(api: Api, ada: str) -> None:
    made = api.made("/keys", person=ada)
    run = started(api.client(made["secret"]))
    api.operator.delete(f"/keys/{made['key']['id']}")
    assert api.operator.get(f"/runs/{run['run']['run']}").json()["state"] == "killed"
    assert refused(api.client(run["secret"]).get("/me")) == (401, "run_killed", None)
    [listed] = api.operator.get("/keys", params={"person": ada}).json()
    assert (listed["id"], listed["state"]) == (made["key"]["id"], "revoked"), "the keys of runs are not listed"


@pytest.mark.parametrize("by", ["operator", "the person"])
def test_a_person_is_stopped_altogether(api: Api, ada: str, by: str) -> None:
    bert = api.person("Bert")
    key, berts = api.key(ada), api.key(bert)
    run = started(api.client(key))
    caller = api.operator if by == "operator" else api.client(key)
    assert refused(api.client(berts).post(f"/people/{ada}/kill")) == (403, "role_missing", None)
    assert caller.post(f"/people/{ada}/kill").json() == {"person": ada, "keys": 2, "runs": 1}
    assert refused(api.client(key).get("/me")) == (401, "key_revoked", None)
    assert refused(api.client(run["secret"]).get("/me")) == (401, "run_killed", None)
    assert api.client(berts).get("/me").status_code == 200
    assert api.operator.post(f"/people/{ada}/kill").json() == {"person": ada, "keys": 0, "runs": 0}
    assert refused(api.operator.post("/people/eve@example.com/kill")) == (404, "unknown", "email")


def test_a_balance_shows_the_limits_of_runs_that_have_not_ended(api: Api, ada: str, clock: VirtualClock) -> None:
    caller = api.client(api.key(ada))
    ended, over = started(caller, name="ended"), started(caller, name="over", until="1h")
    started(caller, name="running", until="2h")
    caller.post(f"/runs/{ended['run']['run']}/end", json={})

    def shown() -> list[str]:
        return [limit["name"] for limit in caller.get(f"/people/{ada}/balance").json()["limits"]]

    assert shown() == [f"run {over['run']['name']}", "run running"]
    clock.advance(3_600)
    assert shown() == ["run running"]
