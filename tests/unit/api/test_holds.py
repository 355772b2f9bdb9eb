"""Holds for other gateways: the budgets, limits and pauses of the gateway; one answer to one request."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from bursar.books import Books
from bursar.books.holds import GIVEN_UP, give_up
from bursar.money import parse_usd
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import RateCard
from bursar.store.database import Database
from tests.support.books import assert_proved
from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

MODEL = "claude-sonnet-4-5"
ASK = {"model": MODEL, "input_tokens": 1_000, "output_tokens": 500, "gateway": "litellm", "cache_writes": False}
BOUND = "0.0105"  # 1,000 × $3 and 500 × $15 for a million


def asked(client: httpx.Client, **body: Any) -> dict[str, Any]:
    answer = client.post("/holds", json=body)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


def balance(api: Api, email: str) -> tuple[str, str, str]:
    [lot] = api.operator.get(f"/people/{email}/balance").json()["lots"]
    return lot["available"], lot["held"], lot["spent"]


def test_a_hold_is_the_bound_of_its_call_and_is_settled_by_what_was_used(api: Api, ada: str) -> None:
    held = asked(api.operator, person=ada, id="call-1", **ASK)
    assert (held["state"], held["amount"], held["cost"]) == ("held", BOUND, None)
    assert (held["person"], held["key"], held["gateway"], held["left"]) == (ada, None, "litellm", "1999.9895")
    assert balance(api, ada) == ("1999.9895", BOUND, "0.00")
    used = {"input_tokens": 400, "cache_read_tokens": 600, "output_tokens": 20}
    body = {"usage": used, "provider_request": "req_1"}
    done = api.operator.post(f"/holds/{held['id']}/settle", json=body).json()
    cost = "0.00168"  # 400 × $3, 600 × $0.30 and 20 × $15 for a million
    assert (done["state"], done["cost"], done["expires"], done["usage"]["cache_read_tokens"]) == (
        "settled",
        cost,
        None,
        600,
    )
    assert balance(api, ada) == ("1999.99832", "0.00", cost)
    [call] = api.operator.get("/usage").json()
    assert (call["wire"], call["provider"], call["model"], call["provider_request"]) == (
        "outside:litellm",
        "anthropic",
        MODEL,
        "req_1",
    )
    assert_proved(api.books.database)


def test_the_same_request_has_the_same_answer_another_is_refused(api: Api, ada: str) -> None:
    held = asked(api.operator, person=ada, id="call-1", **ASK)
    again = asked(api.operator, person=ada, id="call-1", **ASK)
    assert again == held | {"left": None}
    other = api.operator.post("/holds", json={"person": ada, "id": "call-1", **ASK, "output_tokens": 501})
    assert refused(other) == (409, "operation_conflict", None)
    path = f"/holds/{held['id']}/settle"
    settled = api.operator.post(path, json={"usage": {"input_tokens": 1_000}}).json()
    assert api.operator.post(path, json={"usage": {"input_tokens": 1_000}}).json() == settled
    for body in ({"usage": {"input_tokens": 999}}, {"cost": "0.003"}):
        assert refused(api.operator.post(path, json=body)) == (409, "hold_ended", None)
    assert refused(api.operator.post(f"/holds/{held['id']}/release", json={})) == (409, "hold_ended", None)
    assert asked(api.operator, person=ada, id="call-1", **ASK)["state"] == "settled"
    assert balance(api, ada)[1:] == ("0.00", "0.003")


def test_two_askers_may_use_the_same_name(api: Api, ada: str) -> None:
    first = asked(api.operator, person=ada, id="call-1", **ASK)
    second = asked(api.client(api.key(ada)), id="call-1", **ASK)
    assert first["id"] != second["id"]
    assert asked(api.operator, person=ada, **ASK)["id"] != asked(api.operator, person=ada, **ASK)["id"]


def test_what_was_refused_stays_refused(api: Api) -> None:
    bert = api.person("Bert")
    for name, why in (("call-1", "no_grant"), ("call-2", "no_grant")):
        assert refused(api.operator.post("/holds", json={"person": bert, "id": name, **ASK}))[1] == why
    api.made("/plans", toml='name = "small"\namount = "10.00"\n')
    api.made("/grants", person=bert, plan="small")
    assert refused(api.operator.post("/holds", json={"person": bert, "id": "call-1", **ASK}))[1] == "no_grant"
    assert asked(api.operator, person=bert, id="call-3", amount="10.00")["state"] == "held"
    full = {"person": bert, "id": "call-4", "amount": "0.01"}
    assert refused(api.operator.post("/holds", json=full)) == (429, "budget_held", None)
    assert asked(api.operator, person=bert, id="call-3", amount="10.00")["amount"] == "10.00"


def test_an_amount_is_settled_by_a_cost_and_what_it_had_too_much_comes_back(api: Api, ada: str) -> None:
    held = asked(api.operator, person=ada, amount="2.50", model=MODEL)
    path = f"/holds/{held['id']}/settle"
    assert refused(api.operator.post(path, json={"usage": {"output_tokens": 1}})) == (400, "field_missing", "cost")
    assert refused(api.operator.post(path, json={})) == (400, "field_missing", "usage")
    assert api.operator.post(path, json={"cost": "1.25"}).json()["cost"] == "1.25"
    assert balance(api, ada) == ("1998.75", "0.00", "1.25")
    assert api.operator.post(path, json={"cost": "1.25"}).json()["state"] == "settled"


def test_what_costs_more_than_was_held_is_charged_and_told(api: Api, ada: str) -> None:
    held = asked(api.operator, person=ada, amount="1.00", model=MODEL)
    done = api.operator.post(f"/holds/{held['id']}/settle", json={"cost": "3.00"}).json()
    assert (done["cost"], done["reason"]) == ("3.00", "cost more than its bound of $1.00")
    assert balance(api, ada) == ("1997.00", "0.00", "3.00")
    assert_proved(api.books.database)


def test_a_release_gives_all_of_it_back(api: Api, ada: str) -> None:
    held = asked(api.operator, person=ada, **ASK)
    path = f"/holds/{held['id']}/release"
    done = api.operator.post(path, json={"reason": "the provider answered 529"}).json()
    assert (done["state"], done["cost"], done["reason"]) == ("released", "0.00", "the provider answered 529")
    assert api.operator.post(path, json={}).json() == done
    assert balance(api, ada) == ("2000.00", "0.00", "0.00")


def test_one_that_is_not_ended_in_time_is_charged_provisionally(api: Api, ada: str, clock: VirtualClock) -> None:
    held = asked(api.operator, person=ada, expires="10m", **ASK)
    clock.advance(599)
    assert give_up(api.books) == 0
    clock.advance(1)
    assert give_up(api.books) == 1
    assert give_up(api.books) == 0
    now = api.operator.get(f"/holds/{held['id']}").json()
    assert (now["state"], now["cost"], now["reason"]) == ("provisional", BOUND, GIVEN_UP)
    assert balance(api, ada) == ("1999.9895", "0.00", BOUND)
    assert_proved(api.books.database)


def given_up(api: Api, clock: VirtualClock, **body: Any) -> str:
    """A hold whose time is over, so that it is charged; where it is settled."""
    held = asked(api.operator, expires="10m", **body)
    clock.advance(600)
    assert give_up(api.books) == 1
    return f"/holds/{held['id']}"


LATE = {"usage": {"input_tokens": 400, "cache_read_tokens": 600, "output_tokens": 20}, "provider_request": "req_late"}
LATE_COST = "0.00168"


def test_what_it_cost_may_be_said_later_once(api: Api, ada: str, clock: VirtualClock) -> None:
    path = given_up(api, clock, person=ada, **ASK)
    clock.advance(6 * 86_400)
    settled = api.operator.post(f"{path}/settle", json=LATE)
    assert settled.status_code == 200, settled.text
    told = settled.json()
    assert (told["state"], told["cost"], told["amount"]) == ("settled", LATE_COST, BOUND)
    assert (told["usage"]["cache_read_tokens"], told["provider_request"]) == (600, "req_late")
    assert api.operator.get(path).json() == told
    assert api.operator.post(f"{path}/settle", json=LATE).json() == told
    for other in ({"usage": {"output_tokens": 1}}, {"cost": LATE_COST}, {"cost": "1.00"}):
        assert refused(api.operator.post(f"{path}/settle", json=other)) == (409, "hold_ended", None)
    assert refused(api.operator.post(f"{path}/release", json={})) == (409, "hold_ended", None)
    assert balance(api, ada) == ("1999.99832", "0.00", LATE_COST)
    assert_proved(api.books.database)


def test_what_cost_more_than_its_bound_is_charged_later(api: Api, ada: str, clock: VirtualClock) -> None:
    secret = api.key(ada, limit="5.00")
    key = api.operator.get("/keys").json()[0]["id"]
    path = given_up(api, clock, key=key, amount="1.00", model=MODEL)
    told = api.operator.post(f"{path}/settle", json={"cost": "3.50"}).json()
    assert (told["state"], told["cost"], told["amount"]) == ("settled", "3.50", "1.00")
    assert api.operator.post(f"{path}/settle", json={"cost": "3.50"}).json() == told
    assert refused(api.operator.post(f"{path}/settle", json={"cost": "0.50"})) == (409, "hold_ended", None)
    assert balance(api, ada) == ("1996.50", "0.00", "3.50")
    assert api.client(secret).get("/authorize").json()["left"] == "1.50", "the key's limit counts it"
    assert_proved(api.books.database)


def test_what_is_released_later_is_taken_back(api: Api, ada: str, clock: VirtualClock) -> None:
    path = given_up(api, clock, person=ada, **ASK)
    told = api.operator.post(f"{path}/release", json={}).json()
    assert (told["state"], told["cost"]) == ("settled", "0.00")
    assert api.operator.post(f"{path}/release", json={}).json() == told
    assert balance(api, ada) == ("2000.00", "0.00", "0.00")
    assert_proved(api.books.database)


def test_after_a_week_it_stands(api: Api, ada: str, clock: VirtualClock) -> None:
    path = given_up(api, clock, person=ada, **ASK)
    clock.advance(7 * 86_400)
    assert refused(api.operator.post(f"{path}/settle", json=LATE)) == (409, "hold_ended", None)
    assert api.operator.get(path).json()["state"] == "provisional"


def test_what_is_said_later_is_priced_as_it_was_held(api: Api, ada: str, clock: VirtualClock) -> None:
    path = given_up(api, clock, person=ada, amount="1.00", model=MODEL)
    assert refused(api.operator.post(f"{path}/settle", json=LATE)) == (400, "field_missing", "cost")
    assert api.operator.post(f"{path}/settle", json={"cost": "1.00"}).json()["cost"] == "1.00"


def test_a_late_settlement_is_in_the_reconciliation(api: Api, ada: str, clock: VirtualClock) -> None:
    """The call is one call of the provider whose model it is, on the day on which it was charged."""
    path = given_up(api, clock, person=ada, **ASK)
    clock.advance(86_400)
    api.operator.post(f"{path}/settle", json=LATE)
    [line] = api.operator.get("/reconciliation", params={"period": "2026-11"}).json()["lines"]
    known = {"calls": 1, "input_tokens": 1_000, "output_tokens": 20, "cost": LATE_COST}
    assert (line["day"], line["provider"], line["known"]) == ("2026-11-01", "anthropic", known)


def test_a_restart_leaves_it_to_its_gateway(
    sqlite_database: Database, prices: PriceBook, clock: VirtualClock, api: Api, ada: str
) -> None:
    held = asked(api.operator, person=ada, **ASK)
    api.books.journal.close()
    later = Books(sqlite_database, prices, clock)
    api.books.journal = later.journal
    assert api.operator.get(f"/holds/{held['id']}").json()["state"] == "held"
    settled = api.operator.post(f"/holds/{held['id']}/settle", json={"usage": {"output_tokens": 500}}).json()
    assert (settled["state"], settled["cost"]) == ("settled", "0.0075")


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"model": "gpt-5-mini"}, (403, "model_not_allowed", "model")),
        ({"model": "no-such-model"}, (404, "model_not_priced", "model")),
        ({"variant": "no-such-tier"}, (400, "variant_not_priced", "service_tier")),
        ({"model": ""}, (400, "field_missing", "model")),
        ({"input_tokens": None}, (400, "field_missing", "input_tokens")),
        ({"amount": "1.00"}, (400, "field_invalid", "input_tokens")),
        ({"expires": "25h"}, (400, "field_invalid", "expires")),
        ({"expires": "2026-10-01"}, (400, "field_invalid", "expires")),
        ({"id": ""}, (400, "field_invalid", "id")),
        ({"input_tokens": -1}, (400, "field_invalid", "input_tokens")),
        ({"person": None}, (400, "field_missing", "person")),
        ({"person": "nobody@example.com"}, (404, "unknown", "email")),
        ({"key": 1}, (400, "field_invalid", "key")),
        ({"key": 99, "person": None}, (404, "unknown", "key")),
        ({"gateway": "a\nb"}, (400, "field_invalid", "gateway")),
        ({"gateway": ""}, (400, "field_invalid", "gateway")),
        ({"colour": "red"}, (400, "field_invalid", "colour")),
    ],
)
def test_what_is_wrong_is_named(api: Api, ada: str, wrong: dict[str, Any], why: tuple[int, str, str]) -> None:
    body = {name: value for name, value in ({"person": ada} | ASK | wrong).items() if value is not None}
    assert refused(api.operator.post("/holds", json=body)) == why
    assert balance(api, ada) == ("2000.00", "0.00", "0.00")


def test_the_limits_of_a_key_a_person_and_everybody_hold(api: Api, ada: str) -> None:
    secret = api.key(ada, limit="0.02")
    key = api.operator.get("/keys").json()[0]["id"]
    assert asked(api.operator, key=key, **ASK)["key"] == key
    for client, whose in ((api.operator, {"key": key}), (api.client(secret), {})):
        assert refused(client.post("/holds", json=ASK | whose))[1] == "limit_held"
    asked(api.operator, person=ada, **ASK)
    api.made("/limits", amount="0.02", per="day", person=ada)
    asked(api.operator, person=ada, **ASK)
    assert refused(api.operator.post("/holds", json={"person": ada, **ASK}))[1] == "limit_held"


def test_a_teams_pool_pays_when_ones_own_budget_is_gone(api: Api) -> None:
    cleo, dora = "cleo@example.com", "dora@example.com"
    for email in (cleo, dora):
        api.made("/people", email=email, name=email[:4].title(), team="compilers")
    api.made("/plans", toml='name = "own"\namount = "1.00"\n')
    api.made("/plans", toml='name = "team"\namount = "2.00"\n')
    api.made("/grants", person=cleo, plan="own")
    api.made("/pools", team="compilers", plan="team")
    held = asked(api.operator, person=cleo, amount="2.50")
    assert held["left"] == "0.50"
    assert refused(api.operator.post("/holds", json={"person": dora, "amount": "0.51"}))[1] == "budget_held"
    assert asked(api.operator, person=dora, amount="0.50")["state"] == "held"
    api.operator.post(f"/holds/{held['id']}/settle", json={"cost": "1.25"})
    assert asked(api.operator, person=dora, amount="1.25")["left"] == "0.00"
    assert_proved(api.books.database)


def test_a_pause_holds(api: Api, ada: str) -> None:
    api.made(f"/people/{ada}/changes", kind="pause", reason="on leave")
    assert refused(api.operator.post("/holds", json={"person": ada, **ASK}))[1] == "paused"


def test_a_person_asks_for_themselves_alone(api: Api, ada: str) -> None:
    bert = api.person("Bert")
    caller, others = api.client(api.key(ada)), api.client(api.key(bert))
    limited = api.client(api.key(ada, limit="1.00"))
    held = asked(caller, person=ada, **ASK)
    assert refused(caller.post("/holds", json={"person": bert, **ASK}))[1] == "role_missing"
    berts = api.operator.get("/keys", params={"person": bert}).json()[0]["id"]
    assert refused(caller.post("/holds", json={"key": berts, **ASK})) == (400, "field_invalid", "key")
    for stranger in (others, limited):
        assert refused(stranger.get(f"/holds/{held['id']}")) == (404, "hold_unknown", None)
        for verb, body in (("settle", {"cost": "0.00"}), ("release", {})):
            answer = stranger.post(f"/holds/{held['id']}/{verb}", json=body)
            assert refused(answer) == (404, "hold_unknown", None)
    own = asked(limited, **ASK)
    assert limited.post(f"/holds/{own['id']}/release", json={}).json()["state"] == "released"
    assert caller.post(f"/holds/{held['id']}/settle", json={"cost": "0.00"}).json()["cost"] == "0.00"


def test_a_proxy_may_ask_whether_something_is_left(api: Api, ada: str) -> None:
    secret = api.key(ada, limit="0.02")
    caller = api.client(secret)
    answer = caller.get("/authorize", params={"model": MODEL})
    assert (answer.status_code, answer.json()["left"], answer.headers["x-bursar-person"]) == (200, "0.02", ada)
    assert api.client(api.key(ada)).post("/authorize/v1/messages").json()["left"] == "2000.00"
    assert api.client(api.key(ada)).get("/authorize/v1/models").status_code == 200
    assert refused(caller.get("/authorize", params={"model": "gpt-5-mini"}))[1] == "model_not_allowed"
    held = asked(caller, amount="0.02", model=MODEL)
    assert refused(caller.get("/authorize")) == (429, "limit_held", None)
    api.operator.post(f"/holds/{held['id']}/settle", json={"cost": "0.02"})
    assert refused(caller.get("/authorize")) == (402, "limit_reached", None)
    assert refused(api.operator.get("/authorize"))[1] == "role_missing"
    assert refused(api.client(api.key(api.person("Bert"))).get("/authorize")) == (402, "no_grant", None)


CHAT, MESSAGES = "/v1/chat/completions", "/v1/messages"
PIXEL = "data:image/png;base64," + "iVBORw0KGgo" * 10_000


def bound(api: Api, **body: Any) -> int:
    """What a request is held for, in nano-USD, by an amount for its input alone."""
    amount: str = asked(api.operator, **{"cache_writes": False, "output_tokens": 0} | body)["amount"]
    return parse_usd(amount)


def image(url: str) -> dict[str, Any]:
    return {"type": "image_url", "image_url": {"url": url}}


def chat(*parts: Any, **more: Any) -> dict[str, Any]:
    return {"model": MODEL, "messages": [{"role": "user", "content": list(parts)}], **more}


def test_a_request_is_bounded_as_the_gateway_bounds_its_own(api: Api, ada: str, prices: PriceBook) -> None:
    """$3 for a million tokens of text; an image of at most 50,000; a file, which can be as long as the context."""
    text = {"type": "text", "text": "word " * 1_000}
    whole = prices.card_at("anthropic", MODEL, api.books.clock())
    assert isinstance(whole, RateCard)
    assert whole.context_tokens is not None
    plain = bound(api, person=ada, path=CHAT, request=chat(text))
    assert 5_000 * 3_000 <= plain <= 5_300 * 3_000
    for url in (PIXEL, "https://elsewhere.example/a.png"):
        with_image = bound(api, person=ada, path=CHAT, request=chat(text, image(url)))
        assert 50_000 * 3_000 <= with_image - plain <= 50_500 * 3_000
    file = chat(text, {"type": "file", "file": {"file_id": "file-1"}})
    longest = whole.bound(whole.context_tokens, 0, cache_writes=False)
    assert bound(api, person=ada, path=CHAT, request=file) == longest
    added = bound(api, person=ada, path=CHAT, request=chat(text), hidden_prompt_tokens=100)
    assert added == plain + 100 * 3_000
    assert bound(api, person=ada, path=CHAT, request=file, input_tokens=7_000) == 7_000 * 3_000, (
        "who knows better says so"
    )
    tools = chat(text, tools=[{"type": "function", "function": {"name": "look"}}])
    assert bound(api, person=ada, path=CHAT, request=tools) >= plain + 1_024 * 3_000


def test_a_requests_own_maximum_model_and_answers_count(api: Api, ada: str) -> None:
    request = {"model": "ours", "max_tokens": 1_000, "messages": [{"role": "user", "content": "Hi"}]}
    held = asked(api.operator, person=ada, path=MESSAGES, request=request, model=MODEL, input_tokens=0)
    assert (held["amount"], held["model"]) == ("0.015", MODEL)
    two = asked(api.operator, person=ada, path=CHAT, request=chat("Hi", n=2, max_tokens=1_000), input_tokens=0)
    assert two["amount"] == "0.03"


@pytest.mark.parametrize("wrong", ["a\0", "x" * 201])
def test_a_settlement_with_a_variant_that_is_none_settles_nothing(api: Api, ada: str, wrong: str) -> None:
    held = asked(api.operator, person=ada, model=MODEL, amount="1.00")
    body = {"cost": "0.50", "variant": wrong}
    answer = api.operator.post(f"/holds/{held['id']}/settle", json=body)
    assert refused(answer) == (400, "field_invalid", "variant")
    assert api.operator.get(f"/holds/{held['id']}").json()["state"] == "held"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        ({"request": chat("Hi")}, (400, "field_missing", "path")),
        ({"path": CHAT}, (400, "field_missing", "request")),
        ({"path": "/v1/files", "request": chat("Hi")}, (404, "route_unknown", None)),
        ({"path": "/v1/messages/count_tokens", "request": chat("Hi")}, (400, "field_invalid", "path")),
        ({"path": CHAT, "request": {"model": MODEL}}, (400, "field_missing", "messages")),
        ({"path": CHAT, "request": chat("Hi", plugins=[1])}, (400, "field_invalid", "plugins")),
        ({"path": CHAT, "request": chat("Hi", seed=10**30)}, (400, "field_invalid", "request")),
        ({"path": CHAT, "request": chat("Hi"), "amount": "1.00"}, (400, "field_invalid", "path")),
        ({"path": CHAT, "request": chat("Hi"), "catalog": "x"}, (404, "model_not_priced", "model")),
    ],
)
def test_a_request_that_cannot_be_bounded_is_refused(
    api: Api, ada: str, body: dict[str, Any], why: tuple[int, str, str]
) -> None:
    assert refused(api.operator.post("/holds", json={"person": ada, **body})) == why


def test_calls_of_the_gateway_are_no_such_holds(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 5)
    assert refused(api.operator.get("/holds/a-1")) == (404, "hold_unknown", None)
