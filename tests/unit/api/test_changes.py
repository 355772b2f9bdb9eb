"""Changes of terms and requests through the API: who announces, who agrees, who reads the history."""

from __future__ import annotations

import pytest

from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

DAY_S = 86_400
NOTICE = "notice_reduce_days = 10\nnotice_revoke_days = 20\nvesting_months = 10\n"


@pytest.fixture
def ada(api: Api) -> str:
    """A person on a plan with notice and vesting, two months old; her e-mail."""
    email = api.person("Ada")
    api.made("/plans", toml=f'name = "engineers"\namount = "2000.00"\n{NOTICE}')
    api.made("/grants", **{"person": email, "plan": "engineers", "from": "2026-09-01"})
    return email


def admin(api: Api, name: str, person: str | None = None) -> str:
    owner = {} if person is None else {"person": person}
    return str(api.made("/keys", role="administrator", name=name, **owner)["secret"])


def test_a_change_is_told_in_full(api: Api, ada: str, clock: VirtualClock) -> None:
    clock.advance(9.5 * DAY_S)
    made = api.made(
        f"/people/{ada}/changes", kind="amount", amount="1500", effective="2026-12-01", reason="less work"
    )
    assert made == {
        "id": 1,
        "person": ada,
        "plan": "engineers",
        "kind": "reduce",
        "amount": "1500.00",
        "announced": "2026-11-10T12:00:00Z",
        "effective": "2026-12-01T00:00:00Z",
        "until": None,
        "reason": "less work",
        "actor": "operator",
        "approver": "",
        "told": "From 2026-12-01 on the plan engineers gives you $1,500.00 in each period instead of $2,000.00.",
    }


def test_the_person_reads_the_whole_history(api: Api, ada: str, clock: VirtualClock) -> None:
    boss = api.client(admin(api, "boss", api.person("Boss")))
    body = {"kind": "pause", "effective": "2026-11-15", "until": "2026-11-20", "reason": "move"}
    assert boss.post(f"/people/{ada}/changes", json=body).status_code == 201
    adas = api.client(api.key(ada))
    assert adas.post("/requests", json={"amount": "500", "reason": "load test"}).status_code == 201
    answered = boss.post("/requests/1/approve", json={"reason": "Good luck"})
    assert (answered.status_code, answered.json()["state"], answered.json()["change"]) == (200, "approved", 2)
    for at, state, amount in (
        ("2026-08-01", "not begun", "2000.00"),
        ("2026-11-14", "in force", "2000.00"),
        ("2026-11-15", "paused", "2000.00"),
        ("2026-11-20", "in force", "2000.00"),
    ):
        told = adas.get(f"/people/{ada}/terms", params={"at": at}).json()
        assert (told["grants"][0]["state"], told["grants"][0]["amount"]) == (state, amount), at
    now = adas.get(f"/people/{ada}/terms").json()
    assert [(one["kind"], one["actor"], one["plan"]) for one in now["history"]] == [
        ("pause", "boss@example.com", None),
        ("add", "boss@example.com", "engineers"),
    ]
    assert [(one["state"], one["decided_by"]) for one in now["requests"]] == [("approved", "boss@example.com")]
    assert (now["grants"][0]["vested"], now["grants"][0]["amount_from"]) == ("400.00", None)
    assert now["grants"][0]["terms"]["notice_reduce_days"] == 10
    bert = api.client(api.key(api.person("Bert")))
    assert refused(bert.get(f"/people/{ada}/terms")) == (403, "role_missing", None)
    assert bert.get("/requests").json() == []
    assert refused(bert.post("/requests", json={"person": ada, "amount": "1", "reason": "x"}))[1] == "role_missing"


def test_for_cause_takes_a_second_administrator(api: Api, ada: str) -> None:
    carol = api.person("Carol")
    first, again, other = admin(api, "first", carol), admin(api, "desk", carol), admin(api, "other")
    asks = api.client(first)

    def revoke(approver: str) -> tuple[int, str, str | None]:
        body = {"kind": "revoke", "reason": "keys sold", "approver_key": approver}
        return refused(asks.post(f"/people/{ada}/changes", json=body))

    assert revoke(first) == (403, "approver_needed", None)
    assert revoke(again) == (403, "approver_needed", None), "another key of the same person's"
    assert revoke(api.key(ada)) == (403, "approver_needed", None)
    assert revoke("bsr_nothing") == (401, "key_unknown", None)
    old = api.made("/keys", role="administrator", name="old")
    api.operator.delete(f"/keys/{old['key']['id']}")
    assert revoke(old["secret"]) == (401, "key_revoked", None)
    body = {"kind": "revoke", "reason": "keys sold", "approver_key": other}
    made = asks.post(f"/people/{ada}/changes", json=body)
    assert (made.status_code, made.json()["kind"]) == (201, "revoke_for_cause")
    assert (made.json()["actor"], made.json()["approver"]) == (carol, "key 3 (other)")
    assert other not in made.text
    assert api.operator.get(f"/people/{ada}/balance").json()["available"] == "400.00"
    now = api.operator.get(f"/people/{ada}/terms").json()["grants"][0]
    assert (now["state"], now["amount"], now["amount_from"]) == ("revoked", "0.00", 1)


def test_what_breaks_a_promise_is_refused_with_the_earliest_date(api: Api, ada: str) -> None:
    path = f"/people/{ada}/changes"
    for body, earliest in (
        ({"kind": "amount", "amount": "5", "effective": "2026-11-11"}, "2026-11-12"),
        ({"kind": "pause"}, "2026-11-12"),
        ({"kind": "revoke", "effective": "2026-11-21"}, "2026-11-22"),
    ):
        answer = api.operator.post(path, json={**body, "reason": "why not"})
        assert refused(answer) == (409, "notice_too_short", "effective"), body
        assert answer.json()["error"]["message"].endswith(f"The earliest date is {earliest}.")
        right = api.operator.post(path, json={**body, "effective": earliest, "reason": "why not"})
        assert right.status_code == 201, right.text


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"kind": "raise"}, "kind"),
        ({"kind": "amount"}, "amount"),
        ({"kind": "amount", "amount": "a lot"}, "amount"),
        ({"kind": "amount", "amount": "0"}, "amount"),
        ({"kind": "pause", "amount": "5"}, "amount"),
        ({"kind": "revoke", "amount": "0"}, "amount"),
        ({"kind": "revoke", "amount": "5"}, "effective"),
        ({"kind": "extend"}, "until"),
        ({"kind": "extend", "until": "2026-11-20"}, "until"),
        ({"kind": "resume", "until": "2026-12-01"}, "until"),
        ({"kind": "pause", "until": "2026-10-01"}, "until"),
        ({"kind": "pause", "effective": "2026-10-01"}, "effective"),
        ({"kind": "pause", "effective": "soon"}, "effective"),
        ({"kind": "pause", "reason": " "}, "reason"),
        ({"kind": "pause", "plan": "nothing"}, "plan"),
    ],
)
def test_a_wrong_field_is_named(api: Api, ada: str, body: dict[str, str], field: str) -> None:
    answer = api.operator.post(f"/people/{ada}/changes", json={"reason": "why not", **body})
    assert refused(answer)[2] == field


def test_requests_are_listed_by_state_and_answered_once(api: Api, ada: str) -> None:
    for amount in ("5", "6", "7"):
        api.made("/requests", person=ada, amount=amount, reason="more")
    assert api.operator.post("/requests/1/approve", json={}).json()["answer"] == ""
    assert api.operator.post("/requests/2/deny", json={"reason": "No"}).json()["answer"] == "No"
    for state, amount in (("approved", "5.00"), ("denied", "6.00"), ("open", "7.00")):
        [one] = api.operator.get("/requests", params={"only": state}).json()
        assert (one["state"], one["amount"]) == (state, amount)
    assert refused(api.operator.get("/requests", params={"only": "lost"})) == (400, "field_invalid", "only")
    assert refused(api.operator.post("/requests/1/deny", json={"reason": "No"})) == (409, "request_decided", None)
    assert refused(api.operator.post("/requests/3/deny", json={})) == (400, "field_missing", "reason")
    assert refused(api.operator.post("/requests/9/approve", json={})) == (404, "unknown", "request")
    assert refused(api.operator.post("/requests", json={"amount": "5", "reason": "x"})) == (
        *(400, "field_missing"),
        "person",
    )
    limited = api.client(api.key(ada, limit="5.00"))
    assert refused(limited.post("/requests", json={"amount": "5", "reason": "x"})) == (403, "role_missing", None)
