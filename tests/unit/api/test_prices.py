"""Prices through the API."""

from __future__ import annotations

import json

import bursar
from tests.unit.api.conftest import Api, refused


def test_a_models_prices_in_every_catalog_and_in_one(api: Api) -> None:
    everywhere = api.operator.get("/prices/claude-sonnet-4-5").json()
    assert {"anthropic", "google"} <= {card["catalog"] for card in everywhere["cards"]}
    (card,) = api.operator.get("/prices/claude-sonnet-4-5", params={"catalog": "anthropic"}).json()["cards"]
    assert (card["rates"][0]["input"], card["rates"][0]["output"]) == ("3.00", "15.00")
    assert card["rates"][0]["audio_input"] is None
    assert card["variants"] == ["batch", "standard"]
    assert card["rates"][1]["above_tokens"] == 200_000


def test_a_model_whose_name_has_a_slash(api: Api) -> None:
    found = api.operator.get("/prices/openai/gpt-4o-mini", params={"catalog": "openrouter"}).json()
    assert found["model"] == "openai/gpt-4o-mini"
    assert found["cards"][0]["catalog"] == "openrouter"


def test_what_has_no_price(api: Api) -> None:
    assert refused(api.operator.get("/prices/no-such-model")) == (404, "model_not_priced", "model")
    nowhere = api.operator.get("/prices/gpt-5", params={"catalog": "nowhere"})
    assert refused(nowhere) == (404, "unknown", "catalog")
    variant = api.operator.get("/prices/gpt-5", params={"catalog": "openai", "variant": "nothing"})
    assert refused(variant) == (400, "variant_not_priced", "variant")


def test_the_price_book_is_compared_with_a_table_exactly(api: Api) -> None:
    entry = {"litellm_provider": "openai", "mode": "chat", "output_cost_per_token": 0.00001}
    table = {
        "gpt-5": {**entry, "input_cost_per_token": 0.0000025},
        "gpt-4o-mini": {**entry, "input_cost_per_token": 0.00000015, "output_cost_per_token": 0.0000006},
    }
    found = api.operator.post("/prices/check", json={"table": json.dumps(table)}).json()
    assert found["compared"] is True
    assert found["differences"] == [
        {
            "catalog": "openai",
            "model": "gpt-5",
            "variant": "standard",
            "bucket": "input",
            "above_tokens": 0,
            "ours": "1.25",
            "theirs": "2.5",
            "named": "gpt-5",
        }
    ]
    assert (found["models"], found["rates"]) == (2, 4)
    assert {odd["catalog"] for odd in found["unusual"]} > {"openai"}
    here = api.operator.post("/prices/check", json={"table": json.dumps(table), "catalogs": ["openai"]}).json()
    assert here["differences"] == found["differences"]
    assert {odd["catalog"] for odd in here["unusual"]} == {"openai"}
    elsewhere = api.operator.post("/prices/check", json={"table": json.dumps(table), "catalogs": ["anthropic"]})
    assert refused(elsewhere) == (400, "field_invalid", "table")
    nowhere = api.operator.post("/prices/check", json={"catalogs": ["nowhere"]})
    assert refused(nowhere) == (404, "unknown", "catalogs")
    alone = api.operator.post("/prices/check", json={}).json()
    assert (alone["compared"], alone["differences"]) == (False, [])
    for table_text in ("[]", "nothing", '{"gpt-5": 1}'):
        refusal = api.operator.post("/prices/check", json={"table": table_text})
        assert refused(refusal) == (400, "field_invalid", "table")


def test_the_version_names_providers_but_not_their_keys_or_addresses(api: Api, ada: str) -> None:
    answer = api.client(api.key(ada)).get("/version")
    assert answer.json() == {
        "bursar": bursar.__version__,
        "price_book": api.books.prices.version,
        "providers": [{"name": "anthropic", "wire": "anthropic", "models": ["claude-*"], "catalog": "anthropic"}],
    }
    assert "provider.example" not in answer.text


def test_the_api_describes_itself(api: Api) -> None:
    described = api.operator.get("/openapi.json").json()
    assert described["info"]["title"] == "Bursar"
    for path in ("/docs", "/docs/", "/docs/swagger"):
        assert "<script" not in api.operator.get(path).text.lower(), "nothing is loaded from elsewhere"
    operations = [(path, method) for path, methods in described["paths"].items() for method in methods]
    assert ("/api/people/{email}/statement", "get") in operations
    for path, method in operations:
        operation = described["paths"][path][method]
        assert operation["summary"], (path, method)
        assert {"401", "403"} <= set(operation["responses"]), (path, method)
