"""Every reason for which Bursar refuses something, in one enumeration.

A refusal is a name, the facts that belong to it, and (where input was bad) the field that is wrong. Its text is
written here and nowhere else: CLI, API and gateway map a refusal to their own shape and invent no words.
"""

from __future__ import annotations

from enum import StrEnum
from typing import NamedTuple

import msgspec

from bursar.money import people_usd
from bursar.periods import iso


class Why(StrEnum):
    """The names of all refusals. The values are stable: they appear in APIs, exit codes and the journal."""

    # budget
    BUDGET_EXHAUSTED = "budget_exhausted"
    BUDGET_HELD = "budget_held"
    LIMIT_REACHED = "limit_reached"
    LIMIT_HELD = "limit_held"
    NO_GRANT = "no_grant"
    BUDGET_NOT_PRICED = "budget_not_priced"
    PAUSED = "paused"
    NO_PERSONAL_USE = "no_personal_use"
    # credentials
    KEY_MISSING = "key_missing"
    KEY_UNKNOWN = "key_unknown"
    KEY_REVOKED = "key_revoked"
    KEY_EXPIRED = "key_expired"
    RUN_KILLED = "run_killed"
    CALL_KILLED = "call_killed"
    ROLE_MISSING = "role_missing"
    # requests to the gateway
    BODY_INVALID = "body_invalid"
    BODY_TOO_LARGE = "body_too_large"
    BODY_TOO_SLOW = "body_too_slow"
    BODY_ENCODED = "body_encoded"
    HEADER_INVALID = "header_invalid"
    FIELD_INVALID = "field_invalid"
    FIELD_MISSING = "field_missing"
    ROUTE_UNKNOWN = "route_unknown"
    METHOD_UNKNOWN = "method_unknown"
    WEBSOCKET_UNKNOWN = "websocket_unknown"
    MODEL_UNKNOWN = "model_unknown"
    MODEL_NOT_PRICED = "model_not_priced"
    MODEL_NOT_ALLOWED = "model_not_allowed"
    MODEL_NOT_FOR_KEY = "model_not_for_key"
    VARIANT_NOT_PRICED = "variant_not_priced"
    INPUT_NOT_BOUNDED = "input_not_bounded"
    UPSTREAM_UNREACHABLE = "upstream_unreachable"
    UPSTREAM_TIMEOUT = "upstream_timeout"
    UPSTREAM_CUT = "upstream_cut"
    UPSTREAM_KEY = "upstream_key"
    UPSTREAM_ERROR = "upstream_error"
    # operations on the books
    OPERATION_CONFLICT = "operation_conflict"
    HOLD_UNKNOWN = "hold_unknown"
    HOLD_ENDED = "hold_ended"
    AMOUNT_INVALID = "amount_invalid"
    # changes of terms
    NOTICE_TOO_SHORT = "notice_too_short"
    NOT_REVOCABLE = "not_revocable"
    CREDIT_VESTED = "credit_vested"
    APPROVER_NEEDED = "approver_needed"
    NOTHING_TO_CHANGE = "nothing_to_change"
    REQUEST_DECIDED = "request_decided"
    # whatever is asked for
    UNKNOWN = "unknown"
    EXISTS = "exists"
    PLAN_INVALID = "plan_invalid"
    OFFER_INVALID = "offer_invalid"
    CONFIG_INVALID = "config_invalid"
    ROW_INVALID = "row_invalid"
    SIGNATURE_INVALID = "signature_invalid"
    SIGNING_KEY_UNKNOWN = "signing_key_unknown"
    SIGNED_AS_OTHER = "signed_as_other"
    DOCUMENT_CHANGED = "document_changed"
    DATA_FOLDER = "data_folder"
    ADDRESS_TAKEN = "address_taken"
    SERVER_UNREACHABLE = "server_unreachable"
    REPORT_UNAVAILABLE = "report_unavailable"
    BUSY = "busy"
    STORE_UNAVAILABLE = "store_unavailable"
    STOPPING = "stopping"
    INTERNAL = "internal"


class Rule(NamedTuple):
    """How a refusal is told: HTTP status, whether the same request may succeed later, and its text."""

    status: int
    retryable: bool
    text: str


RULES: dict[Why, Rule] = {
    Why.BUDGET_EXHAUSTED: Rule(
        402,
        False,
        "This token budget is used up: {left} is left and this call could cost up to {bound}. {renewal}",
    ),
    Why.BUDGET_HELD: Rule(
        429,
        True,
        "What is left of this token budget is held by calls that are running: {left} is free, {held} is held, "
        "and this call could cost up to {bound}. Try again when they have ended.",
    ),
    Why.LIMIT_REACHED: Rule(
        402,
        False,
        "The limit {limit} is reached: {left} of it is left and this call could cost up to {bound}. {renewal}",
    ),
    Why.LIMIT_HELD: Rule(
        429,
        True,
        "What is left of the limit {limit} is held by calls that are running: {left} is free, {held} is held, "
        "and this call could cost up to {bound}. Try again when they have ended.",
    ),
    Why.NO_GRANT: Rule(
        402, False, "There is no token budget that is open now{for_model}. Ask whoever grants budgets."
    ),
    Why.BUDGET_NOT_PRICED: Rule(
        402,
        False,
        "What this token budget is worth cannot be told, so it is not open: {problem} Ask whoever grants budgets.",
    ),
    Why.PAUSED: Rule(
        402, False, "This token budget is paused since {since}{until}: {reason}. Ask whoever grants budgets."
    ),
    Why.NO_PERSONAL_USE: Rule(
        402,
        False,
        "The key {key} is for personal use, and no token budget that is open now allows that. Ask whoever grants "
        "budgets, or use another key.",
    ),
    Why.KEY_MISSING: Rule(
        401,
        False,
        "No key was given. Send a Bursar key (bsr_…) as 'Authorization: Bearer …' or as 'x-api-key'.",
    ),
    Why.KEY_UNKNOWN: Rule(401, False, "This is not a key of this Bursar. Its keys begin with bsr_."),
    Why.KEY_REVOKED: Rule(401, False, "The key {key} was revoked. Ask for a new one."),
    Why.KEY_EXPIRED: Rule(401, False, "The key {key} expired at {expired}. Ask for a new one."),
    Why.RUN_KILLED: Rule(401, False, "The agent run {run} was killed at {killed}; its key no longer works."),
    Why.CALL_KILLED: Rule(
        403,
        False,
        "This call was cut off, because its key was revoked or its agent run was killed. It is charged provisionally "
        "at up to {bound}, because the provider may have billed it.",
    ),
    Why.ROLE_MISSING: Rule(403, False, "This needs the role {role}; the key given has the role {has}."),
    Why.BODY_INVALID: Rule(400, False, "The request's body is not right: {problem}."),
    Why.BODY_TOO_LARGE: Rule(
        413, False, "The request's body is larger than {limit} bytes, the most that is accepted."
    ),
    Why.BODY_TOO_SLOW: Rule(408, False, "The request's body did not arrive within {seconds} seconds."),
    Why.BODY_ENCODED: Rule(
        400, False, "The header content-encoding is {encoding!r}; send the body as it is, not compressed."
    ),
    Why.HEADER_INVALID: Rule(400, False, "The header {header} is not right: {problem}."),
    Why.FIELD_INVALID: Rule(400, False, "The field {field} is {got}; it must be {right}."),
    Why.FIELD_MISSING: Rule(400, False, "The field {field} is missing; it must be {right}."),
    Why.ROUTE_UNKNOWN: Rule(
        404, False, "Bursar does not serve {method} {path}; nothing was forwarded. It serves {routes}."
    ),
    Why.METHOD_UNKNOWN: Rule(405, False, "{path} does not take {method}; it takes {allowed}."),
    Why.WEBSOCKET_UNKNOWN: Rule(
        426, False, "{path} is not served over WebSockets; ask for it with {allowed} over HTTP."
    ),
    Why.MODEL_UNKNOWN: Rule(
        404, False, "No provider is configured for the model {model!r} on this wire. See GET /v1/models."
    ),
    Why.MODEL_NOT_PRICED: Rule(
        404, False, "The model {model!r} has no price in price book {version}, so it cannot be paid for."
    ),
    Why.MODEL_NOT_ALLOWED: Rule(
        403, False, "The plan of this budget does not allow the model {model!r}. It allows {allowed}."
    ),
    Why.MODEL_NOT_FOR_KEY: Rule(
        403, False, "This key may not be used for the model {model!r}. It may be used for {allowed}."
    ),
    Why.VARIANT_NOT_PRICED: Rule(
        400, False, "The field {field} asks for {variant!r}, which has no price in price book {version}."
    ),
    Why.INPUT_NOT_BOUNDED: Rule(
        400,
        False,
        "The field {field} brings input whose size cannot be told from the request, and the context window of "
        "{model!r} is not known.",
    ),
    Why.UPSTREAM_UNREACHABLE: Rule(502, True, "The provider {provider} could not be reached. Nothing was charged."),
    Why.UPSTREAM_TIMEOUT: Rule(
        504,
        False,
        "The provider {provider} did not answer in time. The call is charged provisionally at {bound}, "
        "because the provider may have billed it.",
    ),
    Why.UPSTREAM_CUT: Rule(
        502,
        False,
        "The provider {provider} closed the connection before its answer was complete. The call is charged "
        "provisionally at up to {bound}, because the provider may have billed it.",
    ),
    Why.UPSTREAM_KEY: Rule(
        502,
        False,
        "The provider {provider} did not accept the key that this Bursar has for it. Nothing was charged. "
        "Whoever runs this Bursar must mend its configuration.",
    ),
    Why.UPSTREAM_ERROR: Rule(
        502,
        True,
        "The provider {provider}, or something in front of it, answered {status} with a page that is no error of its "
        "API. {charged}",
    ),
    Why.OPERATION_CONFLICT: Rule(409, False, "The operation {operation} was already done with other content."),
    Why.HOLD_UNKNOWN: Rule(404, False, "There is no hold {hold}."),
    Why.HOLD_ENDED: Rule(409, False, "The hold {hold} has already ended."),
    Why.AMOUNT_INVALID: Rule(400, False, "The amount {amount} of {what} is not right: {problem}."),
    Why.NOTICE_TOO_SHORT: Rule(
        409,
        False,
        "The plan {plan} promises {days} days of notice before a budget is {changed}, so {effective} is too soon. "
        "The earliest date is {earliest}.",
    ),
    Why.NOT_REVOCABLE: Rule(
        409, False, "The plan {plan} promises that credit is not revoked without cause. Only a reduction is possible."
    ),
    Why.CREDIT_VESTED: Rule(
        409,
        False,
        "All credit of the plan {plan} that is open on {effective} has vested, and vested credit is not taken back. "
        "The earliest date is {earliest}, when the next period would begin.",
    ),
    Why.APPROVER_NEEDED: Rule(403, False, "For cause it takes a second administrator: {problem}."),
    Why.NOTHING_TO_CHANGE: Rule(409, False, "There is nothing to change: {problem}."),
    Why.REQUEST_DECIDED: Rule(409, False, "The request {request} was {state} by {by} on {decided} already."),
    Why.UNKNOWN: Rule(404, False, "There is no {what} {name!r}."),
    Why.EXISTS: Rule(409, False, "There is already a {what} {name!r}."),
    Why.PLAN_INVALID: Rule(400, False, "The plan's field {field} is not right: {problem}."),
    Why.OFFER_INVALID: Rule(400, False, "The offer's field {field} is not right: {problem}."),
    Why.CONFIG_INVALID: Rule(400, False, "{file}: {field} is not right: {problem}."),
    Why.SIGNATURE_INVALID: Rule(400, False, "The signature is not right: {problem}."),
    Why.SIGNING_KEY_UNKNOWN: Rule(
        400, False, "It is signed with the key {key}, which is not among the public keys that are known: {known}."
    ),
    Why.DOCUMENT_CHANGED: Rule(400, False, "This {form} is not a statement as Bursar gave it out: {problem}."),
    Why.SIGNED_AS_OTHER: Rule(400, False, "It is signed as {signed_as!r}, not as {right!r}."),
    Why.ROW_INVALID: Rule(
        400, False, "{file}, line {line}: {field} is {got}; it must be {right}. Nothing was changed.{others}"
    ),
    Why.DATA_FOLDER: Rule(409, False, "The data folder {folder} {problem}."),
    Why.ADDRESS_TAKEN: Rule(409, False, "The address {address} cannot be had; another program may be using it."),
    Why.SERVER_UNREACHABLE: Rule(502, True, "The Bursar at {url} cannot be asked: {problem}."),
    Why.REPORT_UNAVAILABLE: Rule(502, True, "The report at {url} cannot be had: {problem}."),
    Why.BUSY: Rule(503, True, "Bursar is busy: {what}. Try again."),
    Why.STORE_UNAVAILABLE: Rule(
        503, True, "The journal cannot be written at the moment, so nothing was sent to a provider."
    ),
    Why.STOPPING: Rule(503, True, "Bursar is stopping and cut this call off. It is charged provisionally."),
    Why.INTERNAL: Rule(500, False, "Something went wrong inside Bursar; its log says what."),
}


class Refusal(msgspec.Struct, frozen=True, gc=False):
    """A named reason not to do something, with the facts that its text needs."""

    why: Why
    facts: dict[str, str] = {}
    field: str | None = None

    @property
    def status(self) -> int:
        """The HTTP status that tells this refusal."""
        return RULES[self.why].status

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later without anybody's doing."""
        return RULES[self.why].retryable

    @property
    def text(self) -> str:
        """The refusal in words, for people."""
        return RULES[self.why].text.format_map(_Words(self.facts)).strip()


class _Words(dict[str, str]):
    """Facts as words: `x` is told from the fact `x`, or as money from `x_nanos`; a fact not given is left out."""

    def __missing__(self, name: str) -> str:
        if name == "renewal":
            return _renewal(int(self.get("renews_us", "0")))
        if name == "what" and "waiting" in self:
            return f"{self['waiting']} operations are waiting for the journal"
        if f"{name}_nanos" in self:
            return people_usd(int(self[f"{name}_nanos"]))
        return ""


def _renewal(renews_us: int) -> str:
    if renews_us <= 0:
        return "It does not renew by itself."
    return f"The next period opens at {iso(renews_us)}."


class Refused(Exception):  # noqa: N818 - "refused" is the word of the field
    """Carries a Refusal up to the door that tells it. Only doors and their immediate callees catch it."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.text)
        self.refusal = refusal


def refuse(why: Why, *, field: str | None = None, **facts: object) -> Refusal:
    """Make a refusal; the facts are written into its text."""
    if field is not None:
        facts.setdefault("field", field)
    return Refusal(why, {name: str(value) for name, value in facts.items()}, field)


def field_invalid(field: str, got: object, right: str) -> Refused:
    """What to raise for a field that is wrong: what it is, and what it must be."""
    return Refused(refuse(Why.FIELD_INVALID, field=field, got=got, right=right))
