"""Through the API: usage from elsewhere, credit that is extended or taken back in part, and personal keys."""

from __future__ import annotations

import pytest

from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

DAY_S = 86_400
TERMS = 'outside_usage = "charge"\npersonal_use = "10%"\n'
USED = {"at": "2026-11-01", "cost": "30", "source": "editor", "reason": "Premium requests"}


@pytest.fixture
def ada(api: Api, clock: VirtualClock) -> str:
    """A person on a plan that charges usage from elsewhere; it is the 10th."""
    email = api.person("Ada")
    api.made("/plans", toml=f'name = "engineers"\namount = "100.00"\n{TERMS}')
    api.made("/grants", person=email, plan="engineers")
    clock.advance(9.5 * DAY_S)
    return email


def test_usage_is_charged_once_by_its_name(api: Api, ada: str) -> None:
    made = api.made(f"/people/{ada}/adjustments", **USED, id="inv-1")
    assert made == {
        "person": ada,
        "id": "inv-1",
        "how": "charged",
        "cost": "30.00",
        "credit": "30.00",
        "overrun": "0.00",
        "adjusted": "0.00",
        "periods": ["2026-11"],
    }
    assert api.made(f"/people/{ada}/adjustments", **USED, id="inv-1") == made
    conflict = api.operator.post(f"/people/{ada}/adjustments", json={**USED, "cost": "31", "id": "inv-1"})
    assert refused(conflict)[1] == "operation_conflict"
    assert api.made(f"/people/{ada}/adjustments", **USED)["id"] != "inv-1"
    assert api.operator.get(f"/people/{ada}/balance").json()["available"] == "40.00"


@pytest.mark.parametrize(
    ("wrong", "field"),
    [
        ({"cost": "a lot"}, "cost"),
        ({"cost": "0"}, "cost"),
        ({"at": "2027-01-01"}, "at"),
        ({"at": "soon"}, "at"),
        ({"source": " "}, "source"),
        ({"reason": " "}, "reason"),
        ({"id": "x" * 101}, "id"),
    ],
)
def test_a_wrong_field_is_named(api: Api, ada: str, wrong: dict[str, str], field: str) -> None:
    assert refused(api.operator.post(f"/people/{ada}/adjustments", json={**USED, **wrong}))[2] == field


def test_credit_is_extended_and_taken_back_in_part(api: Api, ada: str, clock: VirtualClock) -> None:
    made = api.made(f"/people/{ada}/changes", kind="extend", until="2026-12-16", reason="moved")
    assert (made["kind"], made["until"]) == ("extend", "2026-12-16T00:00:00Z")
    part = api.made(f"/people/{ada}/changes", kind="revoke", amount="25", reason="stopped")
    assert (part["kind"], part["amount"]) == ("revoke_part", "25.00")
    clock.advance(25 * DAY_S)
    lots = api.operator.get(f"/people/{ada}/balance").json()["lots"]
    assert [(lot["period"], lot["available"], lot["expires"]) for lot in lots] == [
        ("2026-11", "75.00", "2026-12-16T00:00:00Z"),
        ("2026-12", "100.00", "2027-01-01T00:00:00Z"),
    ]


def test_a_personal_key_is_told_as_such(api: Api, ada: str) -> None:
    made = api.made("/keys", person=ada, name="home", personal=True)
    assert made["key"]["personal"]
    assert [key["personal"] for key in api.operator.get("/keys", params={"person": ada}).json()] == [True]
    bob = api.person("Bob")
    answer = api.operator.post("/keys", json={"person": bob, "name": "home", "personal": True})
    assert refused(answer)[1] == "no_personal_use"
