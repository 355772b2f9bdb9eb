from __future__ import annotations

from typing import Any

import msgspec
import pytest
from google.genai.errors import APIError

from bursar.gateway.wires import GEMINI, Limits, Target, model_body, models_body
from bursar.refusals import RULES, Why, refuse
from tests.unit.gateway.tables import rows

BUDGET = refuse(Why.BUDGET_EXHAUSTED, left_nanos=10_000_000, bound_nanos=2_000_000_000)

STATUSES = """
body_invalid         | INVALID_ARGUMENT
key_unknown          | UNAUTHENTICATED
budget_exhausted     | FAILED_PRECONDITION
limit_reached        | FAILED_PRECONDITION
budget_held          | RESOURCE_EXHAUSTED
model_not_allowed    | PERMISSION_DENIED
model_unknown        | NOT_FOUND
method_unknown       | UNIMPLEMENTED
websocket_unknown    | UNIMPLEMENTED
body_too_slow        | DEADLINE_EXCEEDED
body_too_large       | INVALID_ARGUMENT
operation_conflict   | ABORTED
upstream_unreachable | UNAVAILABLE
busy                 | UNAVAILABLE
upstream_timeout     | DEADLINE_EXCEEDED
internal             | INTERNAL
"""


def told(why: Why) -> Any:
    return msgspec.json.decode(GEMINI.error(refuse(why), "req_1"))["error"]


@pytest.mark.parametrize(("why", "status"), rows(STATUSES))
def test_a_refusal_has_the_name_that_google_gives_its_status(why: str, status: str) -> None:
    assert told(Why(why))["status"] == status


def test_every_refusal_says_when_to_try_again_only_if_that_may_help() -> None:
    for why, rule in RULES.items():
        error = told(why)
        assert error["code"] == rule.status
        kinds = [detail["@type"].rpartition(".")[2] for detail in error["details"]]
        assert kinds == ["ErrorInfo", "RetryInfo"][: 1 + rule.retryable]


def test_the_shape_is_what_googles_package_reads() -> None:
    read = APIError(0, msgspec.json.decode(GEMINI.error(refuse(Why.FIELD_MISSING, field="contents", right="a"), "r")))
    assert (read.code, read.status) == (400, "INVALID_ARGUMENT")
    assert read.message == "The field contents is missing; it must be a."
    [info] = read.details["error"]["details"]
    assert (info["reason"], info["domain"]) == ("FIELD_MISSING", "bursar")
    assert info["metadata"] == {"request": "r", "field": "contents"}


def test_an_error_within_a_stream_is_one_event_which_the_meter_sees() -> None:
    event = GEMINI.error_event(BUDGET, "r")
    assert event == b"data: " + GEMINI.error(BUDGET, "r") + b"\r\n\r\n"
    meter = GEMINI.meter(GEMINI.read(b'{"contents": []}', Target("gemini-2.5-flash", stream=True)))
    assert meter.feed(event) == event
    assert meter.failed


def test_models_in_googles_shape() -> None:
    limits = {"gemini-a": Limits(1_000, 10), "gemini-b": Limits()}
    listed = msgspec.json.decode(models_body("gemini", ["gemini-a", "gemini-b"], limits=limits))
    assert [entry["name"] for entry in listed["models"]] == ["models/gemini-a", "models/gemini-b"]
    assert listed["models"][0]["inputTokenLimit"] == 1_000
    assert "outputTokenLimit" not in listed["models"][1]
    one = msgspec.json.decode(model_body("gemini", "gemini-a", limits=limits))
    assert one == listed["models"][0]
    assert msgspec.json.decode(models_body("gemini", [])) == {"models": []}
