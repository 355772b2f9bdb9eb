from __future__ import annotations

from typing import get_args

import msgspec
import pytest
from anthropic.types import ErrorResponse, ModelInfo
from anthropic.types.shared.error_type import ErrorType
from openai.types import Model

from bursar.gateway.wires import ANTHROPIC, OPENAI, model_body, models_body
from bursar.refusals import RULES, Why, refuse
from tests.unit.gateway.tables import rows

BUDGET = refuse(Why.BUDGET_EXHAUSTED, left_nanos=10_000_000, bound_nanos=2_000_000_000)

TYPES = """
# refusal            | OpenAI's type         | Anthropic's type
body_invalid         | invalid_request_error | invalid_request_error
key_unknown          | invalid_request_error | authentication_error
budget_exhausted     | insufficient_quota    | billing_error
limit_reached        | insufficient_quota    | billing_error
budget_held          | rate_limit_error      | rate_limit_error
model_not_allowed    | permission_error      | permission_error
model_unknown        | invalid_request_error | not_found_error
body_too_slow        | timeout               | timeout_error
body_too_large       | invalid_request_error | request_too_large
upstream_unreachable | server_error          | api_error
busy                 | server_error          | overloaded_error
upstream_timeout     | server_error          | timeout_error
"""


@pytest.mark.parametrize(("why", "openai", "anthropic"), rows(TYPES))
def test_a_refusal_has_the_type_that_each_provider_gives_its_status(why: str, openai: str, anthropic: str) -> None:
    refusal = refuse(Why(why))
    assert msgspec.json.decode(OPENAI.error(refusal, "req_1"))["error"]["type"] == openai
    assert msgspec.json.decode(ANTHROPIC.error(refusal, "req_1"))["error"]["type"] == anthropic


def test_every_refusal_has_a_type_that_anthropics_sdk_knows() -> None:
    known = set(get_args(ErrorType)) | {"request_too_large"}
    for why in RULES:
        assert msgspec.json.decode(ANTHROPIC.error(refuse(why), "req_1"))["error"]["type"] in known


def test_openais_shape() -> None:
    error = msgspec.json.decode(OPENAI.error(refuse(Why.FIELD_MISSING, field="model", right="a name"), "req_1"))
    assert error == {
        "error": {
            "message": "The field model is missing; it must be a name.",
            "type": "invalid_request_error",
            "param": "model",
            "code": "field_missing",
        }
    }


def test_anthropics_shape_is_what_its_sdk_reads() -> None:
    read = ErrorResponse.model_validate_json(ANTHROPIC.error(BUDGET, "req_1"))
    assert (read.type, read.request_id, read.error.type) == ("error", "req_1", "billing_error")
    assert read.error.message.startswith("This token budget is used up: $0.01 is left")
    assert msgspec.json.decode(ANTHROPIC.error(BUDGET, "req_1"))["error"]["code"] == "budget_exhausted"


def test_an_error_within_a_stream_is_one_event() -> None:
    assert OPENAI.error_event(BUDGET, "req_1") == b"data: " + OPENAI.error(BUDGET, "req_1") + b"\n\n"
    assert ANTHROPIC.error_event(BUDGET, "r") == b"event: error\ndata: " + ANTHROPIC.error(BUDGET, "r") + b"\n\n"


def test_the_meters_see_the_gateways_own_error_events() -> None:
    openai = OPENAI.meter(OPENAI.read(b'{"model":"m","messages":[],"stream":true}'))
    assert openai.feed(OPENAI.error_event(BUDGET, "r")) == OPENAI.error_event(BUDGET, "r")
    anthropic = ANTHROPIC.meter(ANTHROPIC.read(b'{"model":"m","messages":[],"max_tokens":1,"stream":true}'))
    anthropic.feed(ANTHROPIC.error_event(BUDGET, "r"))
    assert (openai.failed, anthropic.failed) == (True, True)


def test_models_in_openais_shape() -> None:
    listed = msgspec.json.decode(models_body("openai", ["gpt-4o", "gpt-5"], created_s=1_700_000_000))
    assert listed["object"] == "list"
    assert [Model.model_validate(entry).id for entry in listed["data"]] == ["gpt-4o", "gpt-5"]
    assert Model.model_validate_json(model_body("openai", "gpt-5", created_s=7)).created == 7


def test_models_in_anthropics_shape() -> None:
    listed = msgspec.json.decode(models_body("anthropic", ["claude-a", "claude-b"], created_s=1_700_000_000))
    assert (listed["first_id"], listed["last_id"], listed["has_more"]) == ("claude-a", "claude-b", False)
    read = ModelInfo.construct(**listed["data"][0])
    assert (read.id, read.type, read.created_at.year) == ("claude-a", "model", 2023)
    assert msgspec.json.decode(models_body("anthropic", [])) == {
        "data": [],
        "has_more": False,
        "first_id": None,
        "last_id": None,
    }
