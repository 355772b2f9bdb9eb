"""A statement as a document: signed JSON, and pages (PDF, HTML) that carry it and are sealed.

Signed is the JSON, as a compact JWS that goes into the same file: the text of the file without it is what was signed,
to the byte. A page carries that whole file inside, and ends with a seal, a second JWS over the SHA-256 of every byte
before it. So one changed byte anywhere is found, with the public keys and nothing else: no data folder, no network.
"""

from __future__ import annotations

import re
import zlib
from base64 import b64decode, urlsafe_b64decode
from binascii import Error as Base64Error
from collections.abc import Callable
from hashlib import sha256
from typing import Any

import msgspec

from bursar.periods import iso
from bursar.refusals import Refused, Why, refuse
from bursar.signing import Jwks, verify

STATEMENT = "bursar-statement+json"
PAGE = "bursar-page+json"
JSON, HTML, PDF = "json", "html", "pdf"
MEDIA_TYPES = {JSON: "application/json", HTML: "text/html; charset=utf-8", PDF: "application/pdf"}
EMBEDDED_NAME = "statement.json"
EMBEDDED_IN_HTML = "data:application/json;base64,"
ID_LENGTH = 20
Sign = Callable[[bytes, str], str]
"""Signs bytes as something (see `bursar.signing.SigningKeys.sign`)."""

_SIGNED_END = re.compile(rb',\n  "signed": "([A-Za-z0-9_.-]*)"\n}\n\Z')
_SEALS = {
    PDF: re.compile(rb"\n%bursar-seal ([A-Za-z0-9_.-]+)\n\Z"),
    HTML: re.compile(rb"\n<!-- bursar-seal ([A-Za-z0-9_.-]+) -->\n\Z"),
}
_EMBEDDED_IN_PDF = re.compile(rb"<<([^\n]*/Type/EmbeddedFile[^\n]*)>>\nstream\n")
_EMBEDDED_IN_HTML = re.compile(re.escape(EMBEDDED_IN_HTML).encode() + rb"([A-Za-z0-9+/=]+)")


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """Which document it is: the `number`th of its person and period, given out at `issued`.

    `replaces` names the one before it, which stays a valid document: something has changed since.
    """

    id: str
    number: int
    replaces: str | None
    issued: str


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What is signed: the document's facts, and the statement as `reports.plain` tells it."""

    document: Facts
    statement: dict[str, Any]


class _Seal(msgspec.Struct, frozen=True):
    document: str
    sha256: str


# --- making ---------------------------------------------------------------------------------------------------


def content_of(statement: dict[str, Any], *, number: int, replaces: str | None, issued_us: int) -> Content:
    """The document of a statement. Its id follows from its content."""
    unnamed = Facts(id="", number=number, replaces=replaces, issued=iso(issued_us))
    digest = sha256(msgspec.json.encode(Content(document=unnamed, statement=statement))).hexdigest()
    return Content(document=msgspec.structs.replace(unnamed, id="st-" + digest[:ID_LENGTH]), statement=statement)


def to_sign(content: Content) -> bytes:
    """The bytes that are signed: indented JSON."""
    return msgspec.json.format(msgspec.json.encode(content), indent=2) + b"\n"


def signed_file(signed: bytes, jws: str) -> bytes:
    """The JSON file: what was signed, with its signature as the last field."""
    return signed.removesuffix(b"\n}\n") + f',\n  "signed": "{jws}"\n}}\n'.encode()


def payload_of(jws: str) -> bytes:
    """What was signed, of a compact JWS of one's own."""
    payload = jws.split(".")[1]
    return urlsafe_b64decode(payload + "=" * (-len(payload) % 4))


def sealed(page: bytes, form: str, document_id: str, sign: Sign) -> bytes:
    """A page with its seal, which readers of PDF and HTML pass over."""
    jws = sign(msgspec.json.encode(_Seal(document_id, sha256(page).hexdigest())), PAGE)
    return page + (f"\n%bursar-seal {jws}\n" if form == PDF else f"\n<!-- bursar-seal {jws} -->\n").encode()


# --- verifying ------------------------------------------------------------------------------------------------


def form_of(file: bytes) -> str:
    """What a file is by how it begins. Refused when it is nothing that Bursar gives out."""
    if file.startswith(b"%PDF-"):
        return PDF
    if file.startswith(b"<!doctype html>"):
        return HTML
    if file.startswith(b"{"):
        return JSON
    raise _changed("file", "it does not begin as a PDF, an HTML page or JSON does")


def verified(file: bytes, jwks: Jwks) -> Content:
    """What a file says, if it is to the byte what was given out, signed with one of these keys.

    Raises Refused: DOCUMENT_CHANGED, which says what differs, or what `bursar.signing.verify` refuses.
    """
    form = form_of(file)
    if form == JSON:
        return _verified_json(file, jwks)
    seal_found = _SEALS[form].search(file)
    if seal_found is None:
        raise _changed(form, "the seal at its end is missing or was changed")
    seal = msgspec.json.decode(verify(seal_found[1].decode(), jwks, PAGE), type=_Seal)
    page = file[: seal_found.start()]
    if sha256(page).hexdigest() != seal.sha256:
        raise _changed(form, f"it is not the page that was sealed as document {seal.document}")
    content = _verified_json(_embedded(page, form), jwks)
    if content.document.id != seal.document:
        raise _changed(form, f"it is sealed as document {seal.document} and carries document {content.document.id}")
    return content


def _verified_json(file: bytes, jwks: Jwks) -> Content:
    end = _SIGNED_END.search(file)
    if end is None:
        raise _changed(JSON, "the field signed at its end is missing or was changed")
    signed = verify(end[1].decode(), jwks, STATEMENT)
    told = file[: end.start()] + b"\n}\n"
    if told != signed:
        raise _changed(JSON, _difference(told, signed))
    return msgspec.json.decode(signed, type=Content)


def _embedded(page: bytes, form: str) -> bytes:
    """The signed JSON that a page carries."""
    try:
        return _embedded_in_pdf(page) if form == PDF else _embedded_in_html(page)
    except (ValueError, zlib.error, Base64Error):
        raise _changed(form, "the signed JSON inside it cannot be read") from None


def _embedded_in_pdf(page: bytes) -> bytes:
    found = _EMBEDDED_IN_PDF.search(page)
    length = found and re.search(rb"/Length (\d+)", found[1])
    if found is None or length is None:
        raise ValueError
    stream = page[found.end() : found.end() + int(length[1])]
    return zlib.decompress(stream) if b"/FlateDecode" in found[1] else stream


def _embedded_in_html(page: bytes) -> bytes:
    found = _EMBEDDED_IN_HTML.search(page)
    if found is None:
        raise ValueError
    return b64decode(found[1], validate=True)


def _difference(told: bytes, signed: bytes) -> str:
    """Where a text differs from what was signed, by the name of the field if the text is still JSON."""
    try:
        where = _first_difference(msgspec.json.decode(told), msgspec.json.decode(signed), "")
    except (msgspec.DecodeError, UnicodeDecodeError):
        where = None
    if where is not None:
        return where
    line = next(
        (
            number
            for number, pair in enumerate(zip(told.split(b"\n"), signed.split(b"\n"), strict=False), 1)
            if pair[0] != pair[1]
        ),
        signed.count(b"\n"),
    )
    return f"line {line} is not what was signed"


def _first_difference(told: Any, signed: Any, where: str) -> str | None:
    if isinstance(told, dict) and isinstance(signed, dict):
        names = [*signed, *(name for name in told if name not in signed)]
        pairs = [(told.get(name), signed.get(name), f"{where}.{name}".lstrip(".")) for name in names]
    elif isinstance(told, list) and isinstance(signed, list) and len(told) == len(signed):
        pairs = [
            (one, other, f"{where}[{index}]") for index, (one, other) in enumerate(zip(told, signed, strict=True))
        ]
    else:
        return None if told == signed else f"{where} is {_short(told)}; signed was {_short(signed)}"
    return next((found for pair in pairs if (found := _first_difference(*pair)) is not None), None)


def _short(value: Any) -> str:
    text = msgspec.json.encode(value).decode()
    return text if len(text) <= 60 else text[:59] + "…"


def _changed(form: str, problem: str) -> Refused:
    return Refused(refuse(Why.DOCUMENT_CHANGED, form=form, problem=problem))
