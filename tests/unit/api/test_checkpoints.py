"""Checkpoints and signing keys through the API."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bursar.signing import SigningKeys
from tests.unit.api.conftest import Api, refused


def test_a_proof_needs_no_body(api: Api, ada: str) -> None:
    bodies: list[dict[str, Any]] = [{}, {"json": {}}, {"json": None}, {"json": {"checkpoint": None}}]
    for body in bodies:
        assert api.operator.post("/journal/verify", **body).json()["is_right"] is True


def test_a_proof_against_a_checkpoint(api: Api, ada: str) -> None:
    taken = api.operator.post("/journal/checkpoint").json()
    (key,) = api.operator.get("/signing/keys").json()
    for keys in (None, key["jwk"], {"keys": [key["jwk"]]}):
        found = api.operator.post("/journal/verify", json={**taken, "keys": keys})
        assert found.json()["is_right"] is True
    lines = api.operator.post("/journal/verify", params={"progress": "true"}, json=taken).text.splitlines()
    assert '"is_right":true' in lines[-1]


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"checkpoint": "a.b.c"}, (400, "signature_invalid", None)),
        ({"checkpoint": 7}, (400, "field_invalid", "checkpoint")),
        ({"checkpoints": "x"}, (400, "field_invalid", "checkpoints")),
        ({"keys": {}}, (400, "field_missing", "checkpoint")),
        ({"checkpoint": "x", "keys": {}}, (400, "field_invalid", "keys")),
    ],
)
def test_what_is_refused(api: Api, body: dict[str, Any], expected: tuple[int, str, str | None]) -> None:
    assert refused(api.operator.post("/journal/verify", json=body)) == expected
    streamed = api.operator.post("/journal/verify", params={"progress": "true"}, json=body)
    assert refused(streamed) == expected


def test_somebody_elses_checkpoint(api: Api, tmp_path: Path) -> None:
    text = SigningKeys(tmp_path / "stranger", api.books.clock).sign(b"{}", "bursar-checkpoint+json")
    answer = api.operator.post("/journal/verify", json={"checkpoint": text})
    assert refused(answer) == (400, "signing_key_unknown", None)
