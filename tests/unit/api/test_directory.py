"""People, plans, grants and keys through the API."""

from __future__ import annotations

import pytest

from tests.support.clock import VirtualClock
from tests.unit.api.conftest import PLAN, Api, refused


def test_a_person_is_added_once(api: Api) -> None:
    wanted = {"email": "Ada@Example.com", "name": "Ada", "team": "compilers"}
    made = api.operator.post("/people", json=wanted)
    assert made.status_code == 201
    assert made.json() == {
        "email": "ada@example.com",
        "name": "Ada",
        "team": "compilers",
        "created": "2026-11-01T00:00:00Z",
    }
    assert refused(api.operator.post("/people", json=wanted)) == (409, "exists", "email")
    assert api.operator.get("/people").json() == [made.json()]
    assert api.operator.get("/people/ada@example.com").json() == made.json()
    assert refused(api.operator.get("/people/eve@example.com")) == (404, "unknown", "email")


def test_a_plan_has_versions_and_grants_keep_theirs(api: Api, ada: str) -> None:
    assert api.made("/plans", toml=PLAN)["version"] == 1
    newer = api.made("/plans", toml=PLAN.replace("2000.00", "2500.00"))
    assert (newer["version"], newer["terms"]["amount"]) == (2, "2500.00")
    assert [plan["version"] for plan in api.operator.get("/plans").json()] == [2, 1]
    assert api.operator.get("/plans/engineers").json()["version"] == 2
    assert [grant["version"] for grant in api.operator.get("/grants").json()] == [1]
    mine = api.client(api.key(ada)).get("/plans/engineers").json()
    assert mine["version"] == 1, "a person sees the terms that they were granted"


@pytest.mark.parametrize(
    ("toml", "field"),
    [
        ("name = ", "(file)"),
        ('name = "x"', "amount"),
        ('name = "x"\namount = "1.00"\nvesting = "cliff"', "vesting"),
        ('name = "x"\namount = 1', "amount"),
    ],
)
def test_a_plan_that_is_not_right_is_refused_by_its_field(api: Api, toml: str, field: str) -> None:
    assert refused(api.operator.post("/plans", json={"toml": toml})) == (400, "plan_invalid", field)


def test_a_grant_begins_on_a_day_of_the_plans_time_zone(api: Api, ada: str) -> None:
    made = api.made("/grants", person=ada.upper(), plan="engineers", **{"from": "2026-10-17"})
    assert made["from"] == "2026-10-16T22:00:00Z"
    assert made["person"] == ada
    again = api.made("/grants", person=ada, plan="engineers", **{"from": "2026-10-17"})
    assert again == made, "the same grant again is the same grant"
    default = api.operator.get("/grants", params={"person": ada}).json()[0]
    assert default["from"] == "2026-10-31T23:00:00Z", "without a day it is this period's first instant"


@pytest.mark.parametrize("day", ["1999-01-01", "9999-12-31", "2026-13-01", "soon", "7d"])
def test_a_grant_from_a_day_that_cannot_be_meant(api: Api, ada: str, day: str) -> None:
    body = {"person": ada, "plan": "engineers", "from": day}
    assert refused(api.operator.post("/grants", json=body)) == (400, "field_invalid", "from")


def test_a_grant_of_what_is_not_there(api: Api, ada: str) -> None:
    nobody = api.operator.post("/grants", json={"person": "eve@example.com", "plan": "engineers"})
    assert refused(nobody) == (404, "unknown", "email")
    for more in ({}, {"from": "2026-11-01"}):
        nothing = api.operator.post("/grants", json={"person": ada, "plan": "nothing", **more})
        assert refused(nothing) == (404, "unknown", "plan")


def test_a_key_has_a_limit_and_an_end(api: Api, ada: str, clock: VirtualClock) -> None:
    made = api.made("/keys", person=ada, name="overnight", limit="25", expires="12h")
    key = made["key"]
    assert made["secret"].startswith("bsr_")
    assert key["shown"] == f"{made['secret'][:8]}…{made['secret'][-4:]}"
    assert (key["limit"], key["expires"], key["state"]) == ("25.00", "2026-11-01T12:00:00Z", "in force")
    clock.advance(12 * 3600)
    assert api.operator.get("/keys").json()[0]["state"] == "expired"
    ended = api.operator.delete(f"/keys/{key['id']}").json()
    assert (ended["state"], ended["revoked"]) == ("revoked", "2026-11-01T12:00:00Z")
    clock.advance(60)
    assert api.operator.delete(f"/keys/{key['id']}").json() == ended, "it was revoked when it was revoked first"


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        ({"limit": "0"}, "limit"),
        ({"limit": "-1"}, "limit"),
        ({"limit": "lots"}, "limit"),
        ({"expires": "2026-10-01"}, "expires"),
        ({"expires": "0h"}, "expires"),
        ({"expires": "soon"}, "expires"),
        ({"role": "owner"}, "role"),
        ({"name": "x" * 101}, "name"),
        ({"name": "two\nlines"}, "name"),
    ],
)
def test_a_key_that_cannot_be_made(api: Api, ada: str, wanted: dict[str, str], field: str) -> None:
    assert refused(api.operator.post("/keys", json={"person": ada, **wanted})) == (400, "field_invalid", field)
    assert api.operator.get("/keys").json() == []


def test_a_key_belongs_to_a_person_unless_it_is_an_administrators(api: Api) -> None:
    assert refused(api.operator.post("/keys", json={})) == (400, "field_missing", "person")
    limited = api.operator.post("/keys", json={"role": "administrator", "limit": "5"})
    assert refused(limited) == (400, "field_invalid", "limit")
    assert api.made("/keys", role="administrator")["key"]["person"] is None
