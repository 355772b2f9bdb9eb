"""What is wrong with a request is told by name and field, in Bursar's words, and nothing else is told."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import sqlalchemy as sa

from bursar.store.database import Database
from tests.unit.api.conftest import Api, refused


@pytest.mark.parametrize(
    ("body", "why", "field"),
    [
        ({"email": "ada@example.com"}, "field_missing", "name"),
        ({"email": "ada@example.com", "name": "Ada", "salary": 1}, "field_invalid", "salary"),
        ({"email": 7, "name": "Ada"}, "field_invalid", "email"),
        ({"email": "ada@example.com", "name": None}, "field_invalid", "name"),
        ({"email": "no e-mail", "name": "Ada"}, "field_invalid", "email"),
        ({"email": "ada@example.com", "name": " "}, "field_invalid", "name"),
        ([], "body_invalid", None),
        ("text", "body_invalid", None),
        (None, "body_invalid", None),
    ],
)
def test_a_body_that_is_not_right(api: Api, body: Any, why: str, field: str | None) -> None:
    assert refused(api.operator.post("/people", json=body)) == (400, why, field)
    assert api.operator.get("/people").json() == []


@pytest.mark.parametrize("content", [b"", b"{nope", b'{"email": "\xff"}', b'{"a":' * 50_000, b"[" * 50_000])
def test_a_body_that_is_no_json(api: Api, content: bytes) -> None:
    assert refused(api.operator.post("/people", content=content)) == (400, "body_invalid", None)


def test_a_body_that_is_too_large(api: Api) -> None:
    body = json.dumps({"email": "ada@example.com", "name": "A" * 17_000_000})
    assert refused(api.operator.post("/people", content=body)) == (413, "body_too_large", None)


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/usage?limit=0", "limit"),
        ("/usage/reported?outcome=chraged", "outcome"),
        ("/reconciliation?period=9999-12-31", "period"),
        ("/usage?limit=1001", "limit"),
        ("/usage?limit=many", "limit"),
        ("/usage?after=99999999999999999999", "after"),
        ("/usage?since=yesterday", "since"),
        ("/usage?since=0001-01-01", "since"),
        ("/usage?since=2026-02-30", "since"),
        ("/usage?persn=ada@example.com", "persn"),
        ("/journal?before=1", "before"),
        ("/people/ada@example.com/statement?format=pdf", "format"),
        ("/people/ada@example.com/statement?width=-1", "width"),
    ],
)
def test_a_parameter_that_is_not_right(api: Api, ada: str, path: str, field: str) -> None:
    assert refused(api.operator.get(path)) == (400, "field_invalid", field)


def test_a_parameter_that_is_missing(api: Api) -> None:
    assert refused(api.operator.get("/reconciliation")) == (400, "field_missing", "period")


def test_how_long_a_field_may_be_is_told(api: Api) -> None:
    for name, told in (("x" * 301, "too long; it must be a text of at most 300 characters"), ("a\n", "printable")):
        answer = api.operator.post("/usage", json={"source": "tool", "name": name, "records": []})
        assert refused(answer) == (400, "field_invalid", "name")
        assert told in answer.json()["error"]["message"]
    wrong = api.operator.post("/usage", json={"source": "tool\n", "records": []})
    assert refused(wrong) == (400, "field_invalid", "source")


def test_a_route_or_a_method_that_is_not_there(api: Api) -> None:
    assert refused(api.operator.get("/nothing")) == (404, "route_unknown", None)
    assert refused(api.operator.delete("/keys/one")) == (404, "route_unknown", None)
    answer = api.operator.put("/people")
    assert refused(answer) == (405, "method_unknown", None)
    assert "it takes GET, POST." in answer.json()["error"]["message"]


def test_an_id_that_no_database_can_hold(api: Api) -> None:
    assert refused(api.operator.delete("/keys/99999999999999999999999")) == (400, "field_invalid", "key_id")
    assert refused(api.operator.delete("/keys/12345")) == (404, "unknown", "key")


def test_what_is_unexpected_is_logged_and_not_told(
    api: Api, sqlite_database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    with sqlite_database.engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE people RENAME TO hidden_people"))
    with caplog.at_level(logging.ERROR, logger="bursar.api"):
        answer = api.operator.get("/people")
    assert refused(answer) == (500, "internal", None)
    assert "table" not in answer.text
    assert "OperationalError" not in answer.text
    assert "no such table: people" in caplog.text
