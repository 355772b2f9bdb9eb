"""Limits and pools through the API: who sets them, who sees them, and what they say."""

from __future__ import annotations

import pytest

from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

DOLLAR = 10**9
DAY_S = 86_400


@pytest.fixture
def bob(api: Api, ada: str) -> str:
    """Somebody in the team "platform", beside Ada, who is in none."""
    api.made("/people", email="bob@example.com", name="Bob", team="platform")
    return "bob@example.com"


def test_a_limit_is_set_listed_and_ended(api: Api, ada: str, bob: str) -> None:
    made = api.made("/limits", team="platform", per="day", models="claude-*", amount="500", soft="400")
    assert (made["id"], made["scope"], made["whose"], made["amount"]) == (1, "team", "platform", "500.00")
    assert (made["soft"], made["soft_passed"], made["spent"], made["available"]) == (
        "400.00",
        False,
        "0.00",
        "500.00",
    )
    assert (made["period"], made["ends"], made["ended"]) == ("2026-11-01", "2026-11-02T00:00:00Z", None)
    api.made("/limits", person=ada, per="life", amount="20")
    listed = api.operator.get("/limits").json()
    assert [(one["id"], one["whose"], one["soft"], one["ends"]) for one in listed] == [
        (1, "platform", "400.00", "2026-11-02T00:00:00Z"),
        (2, ada, None, None),
    ]
    ended = api.operator.delete("/limits/1")
    assert (ended.status_code, ended.json()["ended"]) == (200, "2026-11-01T00:00:00Z")
    assert [one["id"] for one in api.operator.get("/limits").json()] == [2]
    assert refused(api.operator.delete("/limits/9")) == (404, "unknown", "limit")


def test_a_person_sees_the_limits_and_pools_that_apply(api: Api, ada: str, bob: str) -> None:
    for body in ({"everybody": True}, {"team": "platform"}, {"person": ada}):
        api.made("/limits", per="day", amount="5", **body)
    made = api.made("/pools", team="platform", plan="engineers")
    assert (made["team"], made["plan"], made["version"], made["begins"]) == (
        *("platform", "engineers", 1),
        "2026-10-31T23:00:00Z",
    )
    assert (made["granted"], made["available"], made["period"]) == ("2000.00", "2000.00", "2026-11")
    adas, bobs = api.client(api.key(ada)), api.client(api.key(bob))
    assert [one["scope"] for one in adas.get("/limits").json()] == ["everybody", "person"]
    assert [one["scope"] for one in bobs.get("/limits").json()] == ["everybody", "team"]
    assert (adas.get("/pools").json(), bobs.get("/pools").json()) == ([], [made])
    assert api.operator.get("/pools", params={"person": bob}).json() == [made]
    for path in ("/limits", "/pools"):
        assert refused(bobs.get(path, params={"person": ada})) == (403, "role_missing", None)
        assert refused(bobs.post(path, json={})) == (403, "role_missing", None)
    assert bobs.get(f"/people/{bob}/balance").json()["pools"] == [made]
    assert [plan["name"] for plan in bobs.get("/plans").json()] == ["engineers"]
    assert bobs.get("/plans/engineers").json()["terms"]["amount"] == "2000.00"


def test_a_pool_begins_on_a_day_of_its_plan_and_renews(api: Api, ada: str, bob: str, clock: VirtualClock) -> None:
    later = api.made("/pools", team="platform", plan="engineers", **{"from": "2026-11-10"})
    assert (later["begins"], later["period"], later["granted"]) == ("2026-11-09T23:00:00Z", "", "0.00")
    clock.advance(10 * DAY_S)
    [now] = api.operator.get("/pools").json()
    assert (now["period"], now["granted"], now["expires"]) == ("2026-11", "2000.00", "2026-11-30T23:00:00Z")
    assert api.made("/pools", team="platform", plan="engineers", **{"from": "2026-11-10"}) == now


def test_a_statement_of_who_draws_on_the_pool(api: Api, ada: str, bob: str) -> None:
    api.made("/pools", team="platform", plan="engineers")
    assert refused(api.operator.get(f"/people/{bob}/statement")) == (404, "unknown", None)
    api.call(bob, "b-1", 3 * DOLLAR)
    found = api.operator.get(f"/people/{bob}/statement").json()
    assert (found["period"], found["granted"], found["closing"]) == ("2026-11", "0.00", "0.00")
    assert found["from_pools"] == [
        {"team": "platform", "plan": "engineers", "calls": 1, "spent": "3.00", "held": "0.00"}
        | dict.fromkeys(("beyond", "adjusted", "taken_back"), "0.00")
    ]
    page = api.operator.get(f"/people/{bob}/statement", params={"format": "text"}).text
    assert "From the team's pool (platform, engineers): 1 call" in page


WRONG = {
    "no amount": ({"amount": "a lot"}, "amount"),
    "nothing": ({"amount": "0"}, "amount"),
    "no soft amount": ({"soft": "some"}, "soft"),
    "soft above": ({"soft": "6"}, "soft"),
    "no period": ({"per": "hour"}, "per"),
    "two scopes": ({"team": "platform"}, "team"),
    "no zone": ({"time_zone": "UTC+1"}, "time_zone"),
}


@pytest.mark.parametrize(("body", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_limit_that_is_wrong_is_refused(api: Api, bob: str, body: dict[str, str], field: str) -> None:
    wanted = {"everybody": True, "per": "day", "amount": "5", **body}
    assert refused(api.operator.post("/limits", json=wanted)) == (400, "field_invalid", field)
    assert api.operator.get("/limits").json() == []


def test_what_is_not_there_is_refused(api: Api, ada: str) -> None:
    for body, field in (({"team": "none"}, "team"), ({"person": "x@example.com"}, "email"), ({"key": 99}, "key")):
        answer = api.operator.post("/limits", json={"per": "day", "amount": "5", **body})
        assert refused(answer) == (404, "unknown", field)
    assert refused(api.operator.post("/pools", json={"team": "none", "plan": "engineers"})) == (
        *(404, "unknown", "team"),
    )


def test_a_key_with_a_limit_of_its_own_may_make_no_other(api: Api, ada: str) -> None:
    secret = api.key(ada)
    caller = api.client(secret)
    key_id = caller.get("/me").json()["key"]["id"]
    limit = api.made("/limits", key=key_id, per="day", amount="5")
    assert refused(caller.post("/keys", json={})) == (403, "role_missing", None)
    assert caller.get("/limits").json()[0]["whose"].startswith(f"key {key_id} (")
    api.operator.delete(f"/limits/{limit['id']}")
    assert caller.post("/keys", json={}).status_code == 201


def test_a_key_with_a_limit_for_each_day(api: Api, ada: str) -> None:
    caller = api.client(api.key(ada, per_day="5"))
    [limit] = caller.get("/limits").json()
    assert (limit["scope"], limit["per"], limit["amount"], limit["time_zone"]) == ("key", "day", "5.00", "UTC")
    assert refused(caller.post("/keys", json={})) == (403, "role_missing", None)
    before = len(api.operator.get("/keys").json())
    for amount in ("0", "some"):
        answer = api.operator.post("/keys", json={"person": ada, "per_day": amount})
        assert refused(answer) == (400, "field_invalid", "per_day")
    for_nobody = api.operator.post("/keys", json={"role": "administrator", "per_day": "5"})
    assert refused(for_nobody) == (400, "field_invalid", "per_day")
    assert len(api.operator.get("/keys").json()) == before
    api.operator.delete(f"/keys/{caller.get('/me').json()['key']['id']}")
    assert api.operator.get("/limits").json() == [], "it ends with the key"
