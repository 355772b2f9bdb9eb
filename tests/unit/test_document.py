"""A document that was given out is found changed by one byte, wherever it is, and what is wrong is named."""

from __future__ import annotations

import random
from base64 import b64encode
from pathlib import Path

import msgspec
import pytest

from bursar.document import (
    EMBEDDED_IN_HTML,
    HTML,
    PDF,
    STATEMENT,
    Content,
    content_of,
    sealed,
    signed_file,
    to_sign,
    verified,
)
from bursar.refusals import Refused, Why
from bursar.signing import SigningKeys
from tests.support.clock import VirtualClock

TOLD = {
    "person": "ada@example.com",
    "name": "Ada “Countess” Löv",
    "spent": "88.45",
    "spending": [{"day": "2026-11-02"}],
}


@pytest.fixture
def keys(tmp_path: Path, clock: VirtualClock) -> SigningKeys:
    return SigningKeys(tmp_path / "signing", clock)


def made(number: int = 1, replaces: str | None = None) -> Content:
    return content_of(TOLD, number=number, replaces=replaces, issued_us=10**15)


def as_json(keys: SigningKeys, content: Content) -> bytes:
    return signed_file(to_sign(content), keys.sign(to_sign(content), STATEMENT))


def as_html(keys: SigningKeys, content: Content, *, carries: Content | None = None) -> bytes:
    inside = b64encode(as_json(keys, carries or content)).decode()
    page = f'<!doctype html>\n<p>88.45</p><a href="{EMBEDDED_IN_HTML}{inside}">'.encode()
    return sealed(page, HTML, content.document.id, keys.sign)


def problem(file: bytes, keys: SigningKeys) -> tuple[Why, str]:
    with pytest.raises(Refused) as caught:
        verified(file, keys.jwks())
    return caught.value.refusal.why, str(caught.value)


def test_what_was_given_out_is_verified_and_read(keys: SigningKeys) -> None:
    content = made(2, "st-1")
    assert verified(as_json(keys, content), keys.jwks()) == content
    assert verified(as_html(keys, content), keys.jwks()) == content
    assert content.document.number == 2
    assert content.document.replaces == "st-1"
    assert content.document.issued == "2001-09-09T01:46:40Z"


def test_the_json_is_json_and_says_what_was_signed(keys: SigningKeys) -> None:
    read = msgspec.json.decode(as_json(keys, made()))
    assert read["statement"] == TOLD
    assert read["document"]["id"] == made().document.id
    assert list(read) == ["document", "statement", "signed"]


def test_the_id_follows_from_the_content() -> None:
    assert made().document.id == made().document.id
    assert made().document.id != made(2).document.id


def test_every_byte_of_the_json_counts(keys: SigningKeys) -> None:
    file = as_json(keys, made())
    rng = random.Random(11)
    for at in range(len(file)):
        changed = bytearray(file)
        changed[at] ^= rng.randrange(1, 256)
        with pytest.raises(Refused):
            verified(bytes(changed), keys.jwks())


def test_every_byte_of_a_page_counts(keys: SigningKeys) -> None:
    file = as_html(keys, made())
    rng = random.Random(12)
    for at in range(len(file)):
        changed = bytearray(file)
        changed[at] ^= rng.randrange(1, 256)
        with pytest.raises(Refused):
            verified(bytes(changed), keys.jwks())


def test_a_changed_field_is_named(keys: SigningKeys) -> None:
    file = as_json(keys, made())
    assert problem(file.replace(b'"88.45"', b'"18.45"'), keys) == (
        Why.DOCUMENT_CHANGED,
        'This json is not a statement as Bursar gave it out: statement.spent is "18.45"; signed was "88.45".',
    )
    assert "statement.spending[0].day is" in problem(file.replace(b"2026-11-02", b"2026-11-03"), keys)[1]
    assert (
        "statement.bonus is 1; signed was null"
        in problem(file.replace(b'"spent":', b'"bonus": 1, "spent":'), keys)[1]
    )
    assert "line 3 is not what was signed" in problem(file.replace(b'"id":', b'"id" :'), keys)[1]
    assert "line 3 is not what was signed" in problem(file.replace(b'"id":', b'"id'), keys)[1]


def test_a_cut_or_added_end_is_found(keys: SigningKeys) -> None:
    for file in (as_json(keys, made()), as_html(keys, made())):
        for changed in (file[:-1], file + b"\n", file[: len(file) // 2]):
            assert problem(changed, keys)[0] is Why.DOCUMENT_CHANGED
    assert "the seal at its end is missing" in problem(as_html(keys, made())[:-10], keys)[1]
    assert "the field signed at its end" in problem(to_sign(made()), keys)[1]


def test_what_is_no_document_is_refused(keys: SigningKeys) -> None:
    assert problem(b"", keys) == (
        Why.DOCUMENT_CHANGED,
        "This file is not a statement as Bursar gave it out: it does not begin as a PDF, an HTML page or JSON does.",
    )


def test_another_bursars_key_is_named(keys: SigningKeys, tmp_path: Path, clock: VirtualClock) -> None:
    other = SigningKeys(tmp_path / "other", clock)
    other.public()
    why, _ = problem(as_json(other, made()), keys)
    assert why is Why.SIGNING_KEY_UNKNOWN


def test_a_page_may_not_carry_another_document(keys: SigningKeys) -> None:
    other = made(2)
    why, text = problem(as_html(keys, made(), carries=other), keys)
    assert why is Why.DOCUMENT_CHANGED
    assert f"is sealed as document {made().document.id} and carries document {other.document.id}" in text


def test_a_sealed_page_that_carries_nothing_is_refused(keys: SigningKeys) -> None:
    for form, page in ((HTML, b"<!doctype html>\n<p>88.45</p>"), (PDF, b"%PDF-1.7\nnothing")):
        file = sealed(page, form, made().document.id, keys.sign)
        assert "the signed JSON inside it cannot be read" in problem(file, keys)[1]


def test_a_seal_is_no_statement_and_a_statement_no_seal(keys: SigningKeys) -> None:
    content = made()
    file = signed_file(to_sign(content), keys.sign(to_sign(content), "bursar-page+json"))
    assert problem(file, keys)[0] is Why.SIGNED_AS_OTHER


def test_a_key_that_was_rotated_away_still_verifies(keys: SigningKeys) -> None:
    file = as_json(keys, made())
    keys.rotate()
    assert verified(file, keys.jwks()) == made()
