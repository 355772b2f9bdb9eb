"""Names of fields as Google's JSON takes them: in camelCase, or the same in snake_case.

Both mean one field, so a request that gives both says two things, and is refused. So is a name that only looks like
one that matters: it is not for us to say how the provider would read it.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import msgspec

from bursar.gateway.wires.base import Target
from bursar.gateway.wires.fields import text
from bursar.gateway.wires.prompt import read_as
from bursar.refusals import field_invalid

Fields = dict[str, msgspec.Raw]
_UPPER = re.compile(r"[A-Z]")
_object = msgspec.json.Decoder(Fields).decode
_objects = msgspec.json.Decoder(list[Fields]).decode


class Names(NamedTuple):
    """The names that matter in one object: themselves, each spelling, and each without case or underscores."""

    camel: frozenset[str]
    spelled: dict[str, str]
    plain: dict[str, str]


def names(*camel: str) -> Names:
    """The names that matter in one object, given in camelCase."""
    spelled = {name: name for name in camel} | {_snake(name): name for name in camel}
    return Names(frozenset(camel), spelled, {_plain(name): name for name in camel})


def canonical(fields: Fields, known: Names, at: str = "") -> Fields:
    """The same fields, those that matter in camelCase. Raises Refused. `at` is what their names are told with."""
    if known.camel.issuperset(fields):
        return fields
    read: Fields = {}
    for name, raw in fields.items():
        camel = known.spelled.get(name)
        if camel is None:
            meant = known.plain.get(_plain(name))
            if meant is not None:
                raise field_invalid(at + name, "in another case", f"written {meant}")
            read[name] = raw
        elif camel in read:
            raise field_invalid(at + name, "given in two spellings", f"given once, as {camel}")
        else:
            read[camel] = raw
    return read


def one_object(data: bytes, field: str) -> Fields:
    """The fields of an object. Raises Refused."""
    return read_as(_object, data, field, "an object")


def objects(data: bytes, field: str) -> list[Fields]:
    """A list of objects; one alone stands for a list of one, as Google takes it. Raises Refused."""
    if data.startswith(b"{"):
        return [one_object(data, field)]
    return read_as(_objects, data, field, "a list of objects")


def model_of(fields: Fields, target: Target, at: str = "") -> str:
    """The model of the path, which the body may only repeat. Raises Refused.

    It is taken out of the fields: a provider may have the model under another name.
    """
    assert target.model is not None, "the path names the model"
    said = text(fields, "model", "a model's name") if "model" in fields else None
    fields.pop("model", None)
    if said is not None and said.removeprefix("models/") != target.model:
        raise field_invalid(f"{at}model", "another", "the model of the path")
    return target.model


def _snake(camel: str) -> str:
    return _UPPER.sub(lambda found: "_" + found[0].lower(), camel)


def _plain(name: str) -> str:
    return name.replace("_", "").casefold()
