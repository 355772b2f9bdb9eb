"""Reading the top level of a request's JSON body, field by field, strictly.

A field that is read here is read as the provider will read it, or the request is refused: JSON numbers are not taken
for strings nor strings for numbers, a key given twice has its last value, and a key that only looks like one that
matters (some servers compare keys without regard to case) is no key.
"""

from __future__ import annotations

import re

import msgspec

from bursar.refusals import Refused, Why, field_invalid, refuse

UNLIMITED = 10**18
"""What a count of more than 18 digits is read as: more than anything that is ever sold."""

LONGEST_NAME = 256
"""The most characters of a name (of a model, of a tier) in a request."""

_decode_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_decode_text = msgspec.json.Decoder(str).decode
_ESCAPED_ASCII = re.compile(rb"\\u00[2-7]")
_KINDS = {ord('"'): "a string", ord("["): "a list", ord("{"): "an object"}


def top_level(body: bytes, guarded: frozenset[str]) -> dict[str, msgspec.Raw]:
    """The fields of a body; the values are undecoded. Raises Refused.

    `guarded` are the names that matter: one that looks like them but for upper and lower case is refused.
    """
    try:
        if not body.isascii():
            body.decode()  # the decoder does not check the text that it leaves undecoded
        fields = _decode_fields(body)
    except UnicodeDecodeError:
        raise body_invalid("it is not UTF-8") from None
    except msgspec.ValidationError:
        raise body_invalid("it is JSON, but not an object") from None
    except msgspec.DecodeError:
        raise body_invalid("it is not JSON") from None
    except RecursionError:
        raise body_invalid("it is nested too deeply") from None
    for name in fields:
        if name not in guarded and name.casefold() in guarded:
            right = f"written {name.casefold()}"
            raise field_invalid(name, "in another case", right)
    return fields


def given(fields: dict[str, msgspec.Raw], name: str) -> bytes | None:
    """The JSON of a field; None when it is absent or null, which all providers take for the same."""
    raw = fields.get(name)
    if raw is None:
        return None
    data = bytes(raw)
    return None if data == b"null" else data


def text(fields: dict[str, msgspec.Raw], name: str, right: str) -> str | None:
    """A field that holds a string of 1 to LONGEST_NAME characters. Raises Refused."""
    data = given(fields, name)
    if data is None:
        return None
    if data[0] != ord('"'):
        raise invalid(name, data, right)
    value = _decode_text(data)
    if not 0 < len(value) <= LONGEST_NAME:
        got = f"a string of {len(value)} characters"
        raise field_invalid(name, got, f"{right}, of 1 to {LONGEST_NAME}")
    return value


def model(fields: dict[str, msgspec.Raw]) -> str:
    """The model that is asked for. Raises Refused."""
    name = text(fields, "model", "a model's name")
    if name is None:
        raise missing("model", "a model's name")
    return name


def flag(fields: dict[str, msgspec.Raw], name: str) -> bool:
    """A field that holds true or false; absent is false. Raises Refused."""
    data = given(fields, name)
    if data is None or data == b"false":
        return False
    if data != b"true":
        raise invalid(name, data, "true or false")
    return True


def count(
    fields: dict[str, msgspec.Raw], name: str, *, least: int = 1, most: int = UNLIMITED, right: str = ""
) -> int | None:
    """A field that holds a whole number from `least` on. Raises Refused."""
    data = given(fields, name)
    if data is None:
        return None
    if data.isdigit():
        value = int(data) if len(data) <= 18 else UNLIMITED
        if least <= value <= most:
            return value
    raise invalid(name, data, right or f"a whole number, {least} or more")


def listed(fields: dict[str, msgspec.Raw], name: str, right: str) -> bytes:
    """The JSON of a field that must be given and hold a list. Raises Refused."""
    data = given(fields, name)
    if data is None:
        raise missing(name, right)
    if data[0] != ord("["):
        raise invalid(name, data, right)
    return data


def hides_ascii(body: bytes) -> bool:
    """Whether plain letters may be written as escapes in there, so that looking for a word in the bytes may fail."""
    return b"\\u00" in body and _ESCAPED_ASCII.search(body) is not None


def body_invalid(problem: str) -> Refused:
    """A refusal of the whole body, in our own words: a decoder's may quote what the client wrote."""
    return Refused(refuse(Why.BODY_INVALID, problem=problem))


def missing(name: str, right: str) -> Refused:
    """A refusal because a field is absent or null."""
    return Refused(refuse(Why.FIELD_MISSING, field=name, right=right))


def invalid(name: str, data: bytes, right: str) -> Refused:
    """A refusal of a field for what it holds; of strings, lists and objects only the kind is told."""
    got = _KINDS.get(data[0]) or data[:40].decode("ascii", "replace")
    return field_invalid(name, got, right)
