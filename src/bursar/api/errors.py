"""How the API tells that something was refused: `{"error": {"name", "message", "field"}}` and the refusal's status.

What the framework finds wrong with a request becomes one of our refusals, in our words. The text of an exception
never reaches a client.
"""

from __future__ import annotations

import logging
import re
from typing import Any

import msgspec
from litestar import MediaType, Request, Response
from litestar.exceptions import HTTPException, SerializationException, ValidationException

from bursar.refusals import Refusal, Refused, Why, refuse

log = logging.getLogger("bursar.api")
MAX_BODY_BYTES = 16 * 1024 * 1024
_SHAPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
}
_PARTS = {"str": "characters", "array": "entries"}
_BOUNDS = {">=": "at least", "<=": "at most"}
_MISSING = re.compile(r"Object missing required field `([^`]+)`")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]+)`")
_BOUND = re.compile(r"Expected `int` (>=|<=) (-?\d+)")
_LENGTH = re.compile(r"Expected `(str|array)` of length (>=|<=) (\d+)")
_PARAMETER = re.compile(r"Missing required \w+ parameter '([^']+)'")
_EXPECTED = re.compile(r"Expected `([^`]+)`, got `([^`]+)`")


class Told(msgspec.Struct, frozen=True):
    """A refusal for machines and people: its stable name, its text, and the field that is wrong, if one is."""

    name: str
    message: str
    field: str | None


class ErrorAnswer(msgspec.Struct, frozen=True):
    """The body of every answer that is an error."""

    error: Told


def answer_to(refusal: Refusal) -> ErrorAnswer:
    """A refusal as a body."""
    return ErrorAnswer(Told(refusal.why.value, refusal.text, refusal.field))


async def check_body(request: Request[Any, Any, Any]) -> None:
    """Refuse a body that is no JSON before anything looks into it; the framework reads what was read here."""
    if await request.body():
        try:
            await request.json()
        except (SerializationException, UnicodeDecodeError, RecursionError):
            raise Refused(refuse(Why.BODY_INVALID, problem="it is not JSON in UTF-8, nested reasonably")) from None


def tell_refused(_request: Request[Any, Any, Any], problem: Refused) -> Response[ErrorAnswer]:
    """Answer with a refusal."""
    return _response(problem.refusal)


def tell_http(request: Request[Any, Any, Any], problem: HTTPException) -> Response[ErrorAnswer]:
    """Answer what the framework refused, as a refusal of ours."""
    if problem.status_code >= 500:
        return tell_internal(request, problem)
    return _response(_translated(request, problem))


def tell_internal(request: Request[Any, Any, Any], problem: Exception) -> Response[ErrorAnswer]:
    """Answer that something unexpected happened, and log it."""
    log.error("%s %s failed", request.method, request.url.path, exc_info=problem)
    return _response(refuse(Why.INTERNAL))


def _response(refusal: Refusal) -> Response[ErrorAnswer]:
    headers = {}
    if refusal.status == 401:
        headers["www-authenticate"] = "Bearer"
    if refusal.retryable:
        headers["retry-after"] = "1"
    return Response(answer_to(refusal), status_code=refusal.status, media_type=MediaType.JSON, headers=headers)


def _translated(request: Request[Any, Any, Any], problem: HTTPException) -> Refusal:
    path = request.url.path
    if problem.status_code == 404:
        return refuse(Why.ROUTE_UNKNOWN, method=request.method, path=path, routes="the routes in /api/openapi.json")
    if problem.status_code == 405:
        methods = (problem.headers or {}).get("allow", "").split(", ")
        allowed = ", ".join(sorted(method for method in methods if method != "OPTIONS"))
        return refuse(Why.METHOD_UNKNOWN, method=request.method, path=path, allowed=allowed)
    if problem.status_code == 413:
        return refuse(Why.BODY_TOO_LARGE, limit=MAX_BODY_BYTES)
    if isinstance(problem, ValidationException) and isinstance(problem.extra, list) and problem.extra:
        return _wrong_field(problem.extra[0])
    if missing := _PARAMETER.match(problem.detail):
        return refuse(Why.FIELD_MISSING, field=missing[1], right="given")
    return refuse(Why.BODY_INVALID, problem="it is not what this route takes")


def _wrong_field(found: dict[str, Any]) -> Refusal:
    """Read what the decoder found: its kind and its field, not its words."""
    key, message = str(found.get("key", "")), str(found.get("message", ""))
    within = "" if key in {"", "data"} else f"{key}."
    if missing := _MISSING.search(message):
        return refuse(Why.FIELD_MISSING, field=within + missing[1], right="given")
    if unknown := _UNKNOWN.search(message):
        return refuse(Why.FIELD_INVALID, field=within + unknown[1], got="not known here", right="left out")
    if not within:
        return refuse(Why.BODY_INVALID, problem=_wrong_body(message))
    got, right = _wrong_value(message)
    return refuse(Why.FIELD_INVALID, field=key, got=got, right=right)


def _wrong_body(message: str) -> str:
    if expected := _EXPECTED.search(message):
        return f"it must be {_shape(expected[1])}, and is {_shape(expected[2])}"
    return "it is not the JSON that this route takes; see /api/openapi.json"


def _wrong_value(message: str) -> tuple[str, str]:
    if expected := _EXPECTED.search(message):
        return _shape(expected[2]), _shape(expected[1])
    if bound := _BOUND.search(message):
        return "out of bounds", f"{_BOUNDS[bound[1]]} {bound[2]}"
    if length := _LENGTH.search(message):
        got = "too long" if length[2] == "<=" else "too short"
        return got, f"{_SHAPES[length[1]]} of {_BOUNDS[length[2]]} {length[3]} {_PARTS[length[1]]}"
    return "not of the right kind", "as /api/openapi.json says"


def _shape(names: str) -> str:
    return " or ".join(_SHAPES.get(name.strip(), "something else") for name in names.split("|"))
