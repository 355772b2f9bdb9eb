"""Who may do what: every route has its guard, and a person's key reaches what is the person's own."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from litestar.routes import HTTPRoute

from bursar.api.access import ACCOUNTS, ADMINISTRATOR, FINANCE, PERSON
from bursar.keys import new_key
from bursar.store.schema import keys
from tests.support.clock import VirtualClock
from tests.unit.api.conftest import TOKEN, Api, refused

SAMPLES = {
    "email": "ada@example.com",
    "name": "engineers",
    "key_id": "1",
    "limit_id": "1",
    "request_id": "1",
    "document": "st-0",
    "token": "rnothing",
    "model": "claude-sonnet-4-5",
    "path": "nothing",
    "hold_id": "x0",
    "upload_id": "1",
    "import_id": "1",
}
ADMINISTRATORS_ONLY = {
    "GET /people",
    "POST /people",
    "POST /imports/1/reassign",
    "POST /plans",
    "POST /grants",
    "POST /pools",
    "POST /limits",
    "DELETE /limits/1",
    "POST /journal/verify",
    "POST /prices/check",
    "POST /reload",
    "POST /roster",
    "POST /close",
    "POST /people/ada@example.com/changes",
    "POST /people/ada@example.com/adjustments",
    "POST /requests/1/approve",
    "POST /requests/1/deny",
    "POST /signing/rotate",
    "POST /journal/checkpoint",
    "GET /provider-totals",
    "POST /provider-totals",
    "POST /reconciliation/residual",
}
FINANCE_ONLY = {"POST /pay", "POST /pay/rates", "POST /exports/payroll"}
FINANCE_AND_ADMINISTRATORS = {
    "POST /exports/gl",
    "POST /exports/focus",
    "POST /exports/calls",
    "POST /exports/chargeback",
    "GET /reconciliation",
}
OF_PAY = ("pay", "compensation")
"""What is under /people/{email} for the person and for finance, not for administrators."""


def all_routes(api: Api) -> list[tuple[str, str, str]]:
    """Every (method, path, role) that the application serves, also those that the framework adds."""
    found = []
    for route in api.application.whole().routes:
        assert isinstance(route, HTTPRoute), "the API serves HTTP routes only"
        for handler in route.route_handlers:
            path = route.path_format.replace("/api", "", 1)
            for name in route.path_parameters:
                path = path.replace(f"{{{name}}}", SAMPLES[name])
            found += [(str(method), path, str(handler.opt.get("role"))) for method in handler.http_methods]
    return found


def test_every_route_names_its_role(api: Api) -> None:
    routes = all_routes(api)
    assert len(routes) > 20
    assert {role for method, _, role in routes if method != "OPTIONS"} == {ACCOUNTS, ADMINISTRATOR, FINANCE, PERSON}
    administrators = {f"{method} {path}" for method, path, role in routes if role == ADMINISTRATOR}
    assert administrators == ADMINISTRATORS_ONLY
    assert {f"{method} {path}" for method, path, role in routes if role == FINANCE} == FINANCE_ONLY
    assert {f"{method} {path}" for method, path, role in routes if role == ACCOUNTS} == FINANCE_AND_ADMINISTRATORS


def test_no_route_answers_without_a_key_in_force(api: Api, ada: str, clock: VirtualClock) -> None:
    revoked, expired = api.made("/keys", person=ada), api.key(ada, expires="1h")
    api.operator.delete(f"/keys/{revoked['key']['id']}")
    clock.advance(3600)
    mistyped = new_key()[:-1] + "0"
    wrong = {
        None: "key_missing",
        "": "key_missing",
        mistyped: "key_unknown",
        new_key(): "key_unknown",
        TOKEN + "x": "key_unknown",
        revoked["secret"]: "key_revoked",
        expired: "key_expired",
    }
    for secret, why in wrong.items():
        caller = api.client(secret)
        for method, path, _ in all_routes(api):
            answer = caller.request(method, path)
            assert refused(answer) == (401, why, None), (method, path)
            assert answer.headers["www-authenticate"] == "Bearer"


def test_a_part_that_is_made_for_a_request_answers_as_the_whole(api: Api, tmp_path: Path) -> None:
    in_parts = Api(api.books, tmp_path)
    asked: set[tuple[str | None, str, str]] = {(None, method, path) for method, path, _ in all_routes(api)}
    paths = ("", "/", "/nothing", "/people/a/b/c", "/people", "/docs/openapi.json", "/openapi.json")
    asked |= {(TOKEN, method, path) for method in ("GET", "PUT") for path in paths}
    for token, method, path in asked:
        one, other = (who.client(token).request(method, path) for who in (api, in_parts))
        assert (one.status_code, one.content) == (other.status_code, other.content), (method, path)


def test_an_administrators_routes_refuse_a_person(api: Api, ada: str) -> None:
    caller = api.client(api.key(ada))
    for method, path, role in all_routes(api):
        if role != PERSON:
            assert refused(caller.request(method, path)) == (403, "role_missing", None), (method, path)


def test_a_key_may_come_as_x_api_key_but_not_as_basic(api: Api, ada: str) -> None:
    secret = api.key(ada)
    assert api.client(None).get("/me", headers={"x-api-key": secret}).status_code == 200
    basic = api.client(None).get("/me", headers={"authorization": f"Basic {secret}"})
    assert refused(basic) == (400, "header_invalid", None)


def test_a_person_sees_what_is_their_own(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 5)
    caller = api.client(api.key(ada))
    assert caller.get("/me").json()["person"]["email"] == ada
    for path in ("", "/balance", "/statement", "/usage"):
        assert caller.get(f"/people/{ada}{path}").status_code == 200, path
        assert caller.get(f"/people/ADA@example.com{path}").status_code == 200, path
    for path in ("/usage", "/journal", "/grants", "/keys"):
        listed = caller.get(path).json()
        assert listed, path
        assert {one["person"] for one in listed} == {ada}
    assert [plan["name"] for plan in caller.get("/plans").json()] == ["engineers"]
    assert caller.get("/plans/engineers").json()["terms"]["amount"] == "2000.00"


def test_a_person_sees_nothing_of_others_not_even_whether_they_exist(api: Api, ada: str) -> None:
    bert = api.person("Bert")
    api.call(ada, "a-1", 5)
    caller = api.client(api.key(bert))
    for email in (ada, "nobody@example.com"):
        for path in ("", "/balance", "/statement", "/usage"):
            assert refused(caller.get(f"/people/{email}{path}")) == (403, "role_missing", None)
        for path in ("/usage", "/journal", "/grants", "/keys"):
            assert refused(caller.get(path, params={"person": email})) == (403, "role_missing", None)
    for path in ("/usage", "/journal", "/grants", "/plans"):
        assert caller.get(path).json() == [], path
    assert refused(caller.get("/plans/engineers")) == (404, "unknown", "plan")


def test_a_person_makes_and_revokes_their_own_keys_only(api: Api, ada: str) -> None:
    bert, caller = api.person("Bert"), api.client(api.key(ada))
    berts = api.made("/keys", person=bert)["key"]["id"]
    made = caller.post("/keys", json={"name": "run"})
    assert made.status_code == 201
    assert made.json()["key"]["person"] == ada
    assert caller.delete(f"/keys/{made.json()['key']['id']}").json()["state"] == "revoked"
    for body in ({"person": bert}, {"role": "administrator"}, {"person": ada, "role": "administrator"}):
        assert refused(caller.post("/keys", json=body)) == (403, "role_missing", None)
    for key_id in (berts, 999):
        assert refused(caller.delete(f"/keys/{key_id}")) == (403, "role_missing", None)
    assert api.operator.get("/keys", params={"person": bert}).json()[0]["state"] == "in force"


def test_a_key_cannot_make_one_that_may_do_more(api: Api, ada: str) -> None:
    limited, short = api.client(api.key(ada, limit="5.00")), api.client(api.key(ada, expires="2h"))
    assert refused(limited.post("/keys", json={})) == (403, "role_missing", None)
    assert refused(limited.delete("/keys/1")) == (403, "role_missing", None)
    assert refused(short.post("/keys", json={"expires": "3h"})) == (400, "field_invalid", "expires")
    assert short.post("/keys", json={"expires": "1h"}).json()["key"]["expires"] == "2026-11-01T01:00:00Z"
    assert short.post("/keys", json={}).json()["key"]["expires"] == "2026-11-01T02:00:00Z"


def test_an_administrators_key_does_what_the_operator_does(api: Api) -> None:
    secret = api.made("/keys", role="administrator", name="finance")["secret"]
    caller = api.client(secret)
    assert caller.post("/people", json={"email": "eve@example.com", "name": "Eve"}).status_code == 201
    assert caller.get("/me").json()["role"] == "administrator"


def test_pay_is_for_the_person_and_for_finance(api: Api, ada: str) -> None:
    cleo = api.person("Cleo")
    finance = api.client(api.key(cleo, role="finance"))
    operator, own = api.operator, api.client(api.key(ada))
    administrator = api.client(api.made("/keys", role="administrator")["secret"])
    colleague = api.client(api.key(cleo))
    her_agent = api.client(api.key(ada, limit="5.00"))
    for path in OF_PAY:
        for reader in (finance, operator, own):
            assert reader.get(f"/people/{ada}/{path}").json()["person"] == ada
        for stranger in (administrator, colleague, her_agent):
            assert refused(stranger.get(f"/people/{ada}/{path}")) == (403, "role_missing", None)
            assert refused(stranger.get(f"/people/nobody@example.com/{path}")) == (403, "role_missing", None)
    for stranger in (administrator, colleague, own):
        assert refused(stranger.post("/pay", json={"csv": ""})) == (403, "role_missing", None)


def test_finance_is_no_administrator_and_makes_no_other_finance(api: Api, ada: str) -> None:
    cleo = api.person("Cleo")
    finance = api.client(api.key(cleo, role="finance"))
    assert finance.get("/me").json()["role"] == "finance"
    for method, path, role in all_routes(api):
        if role == ADMINISTRATOR:
            assert refused(finance.request(method, path)) == (403, "role_missing", None), (method, path)
    for path in ("", "/balance", "/usage", "/employment"):
        assert refused(finance.get(f"/people/{ada}{path}")) == (403, "role_missing", None), path
    assert refused(finance.post("/keys", json={"person": ada, "role": "finance"})) == (403, "role_missing", None)
    made = finance.post("/keys", json={"role": "finance", "limit": "5.00"}).json()
    assert made["key"]["person"] == cleo
    limited = api.client(made["secret"])
    assert refused(limited.get(f"/people/{ada}/pay")) == (403, "role_missing", None), "an agent with such a key"


def test_only_finance_makes_a_key_of_finance(api: Api, ada: str) -> None:
    administrator = api.client(api.made("/keys", role="administrator", person=ada)["secret"])
    for maker in (administrator, api.client(api.key(ada))):
        wanted = {"person": ada, "role": "finance"}
        assert refused(maker.post("/keys", json=wanted)) == (403, "role_missing", None)
    assert refused(api.operator.post("/keys", json={"role": "finance"})) == (400, "field_missing", "person")


def test_a_secret_is_told_once_and_kept_nowhere(api: Api, ada: str) -> None:
    secret = api.key(ada, name="laptop")
    listed = api.operator.get("/keys").text
    assert secret not in listed
    with api.books.database.reading() as connection:
        rows = connection.execute(sa.select(keys)).all()
    assert secret not in str(rows)
    assert secret[8:-4].encode() not in b"".join(bytes(row.digest) for row in rows)
