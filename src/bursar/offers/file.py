"""Offer files: TOML that a person writes down an offer in, or answers questions for.

Reading is pure, text in. A field that is unknown, malformed or contradicts another is refused by its name, with what
would be right. What an offer does not state is left out of the file and is None in the offer.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from typing import Any

import msgspec

from bursar.offers.budget import Expectation, TokenBudget
from bursar.offers.checks import Cap
from bursar.offers.entries import ENTRIES, EQUITY, MARKET, NOW, OFFER, TOKENS, YOU
from bursar.offers.market import AREA, Wages, wages
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.person import Person
from bursar.refusals import Refused, Why, refuse

Values = Mapping[str, Any]


class Now(msgspec.Struct, frozen=True, kw_only=True):
    """What a person is paid before the offer, dollars a year."""

    base_usd_year: float
    tokens_usd_year: float = 0.0


class OfferFile(msgspec.Struct, frozen=True, kw_only=True):
    """What an offer file says: the offer, who it is made to, where its base is compared, and what is paid now.

    `occupation` and `area` are names of `bursar.offers.market`; None where the file compares with nothing.
    """

    offer: Offer
    person: Person = Person()
    occupation: str | None = None
    area: str = AREA
    now: Now | None = None

    @property
    def market(self) -> Wages | None:
        """The wages to compare the base with."""
        return None if self.occupation is None else wages(self.occupation, self.area)


def read_offer(text: str) -> OfferFile:
    """Read an offer file. Raises Refused(OFFER_INVALID) with the first wrong field and what would be right."""
    try:
        written = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        raise _wrong("(file)", f"it is not TOML: {problem}") from None
    return from_values(written)


def from_values(written: Values) -> OfferFile:
    """An offer from the tables of a file. Raises Refused(OFFER_INVALID)."""
    top = {name: value for name, value in written.items() if name not in ENTRIES or name == OFFER}
    tables = {name: _table(name, written[name]) for name in (TOKENS, YOU, MARKET, NOW) if name in written}
    read = _checked(OFFER, "", top)
    grants = tuple(_checked(EQUITY, path, grant) for path, grant in _grants(written.get(EQUITY, [])))
    parts = {name: _checked(name, f"{name}.", table) for name, table in tables.items()}
    for path, values, needed in (("", read, ("name", "base")), ("tokens.", parts.get(TOKENS), ("amount",))):
        _needed(path, values, needed)
    _needed("market.", parts.get(MARKET), ("occupation",))
    _needed("now.", parts.get(NOW), ("base",))
    try:
        return _build(read, grants, parts)
    except Refused as refused:
        raise _as_the_file_has_it(refused, written) from None


def _build(read: Values, grants: tuple[Values, ...], parts: Mapping[str, Values]) -> OfferFile:
    offer = Offer(
        name=read["name"],
        base_usd_year=read["base"],
        bonus_usd_year=read.get("bonus", 0.0),
        equity=tuple(EquityGrant(**_renamed(grant)) for grant in grants),
        tokens=_budget(parts[TOKENS]) if TOKENS in parts else None,
    )
    market, now = parts.get(MARKET, {}), parts.get(NOW)
    if market:
        wages(market["occupation"], market.get("area", AREA))
    return OfferFile(
        offer=offer,
        person=Person(**_renamed(parts.get(YOU, {}))),
        occupation=market.get("occupation"),
        area=market.get("area", AREA),
        now=None if now is None else Now(**_renamed(now)),
    )


def _budget(read: Values) -> TokenBudget:
    """A token budget from checked fields. Raises Refused for fields that contradict each other."""
    terms = dict(read)
    amount, cap = terms.pop("amount"), terms.pop("carry_over_cap", Cap(None, None))
    multiple, measure = terms.pop("expectation_multiple", None), terms.pop("expectation_measure", None)
    if measure is not None and multiple is None:
        raise _wrong("tokens.expectation_multiple", "it is missing; a measure needs what is expected by it")
    _check_escalator(terms)
    if terms.get("unused") == "carry_over":
        terms.setdefault("carry_over_periods", 1)
    return TokenBudget(
        amount_usd_year=amount.usd,
        firm=amount.firm,
        period_months=terms.pop("schedule", None),
        carry_over_cap_usd=cap.usd,
        carry_over_cap_share=cap.share,
        escalator_index=terms.pop("escalator", None) == "price_index",
        expectation=None if multiple is None else Expectation(output_multiple=multiple, measure=measure),
        **_renamed(terms),
    )


def _check_escalator(terms: Values) -> None:
    kind = terms.get("escalator", "none")
    if "escalator_rate" in terms and kind != "fixed":
        raise _wrong("tokens.escalator_rate", f'it goes with escalator = "fixed" only; escalator is "{kind}"')
    if kind == "fixed" and "escalator_rate" not in terms:
        raise _wrong("tokens.escalator_rate", 'it is missing; escalator = "fixed" needs it')


RENAMED = {
    "value": "value_usd",
    "spot": "spot_usd",
    "strike": "strike_usd",
    "personal_use": "personal_use_share",
    "cash_out_cap": "cash_out_cap_usd",
    "on_leaving": "leaver",
    "leaving_days": "leaver_days",
    "leaving_vested": "leaver_vested",
    "own_spend": "own_spend_usd_year",
    "usage_months": "usage_usd_months",
    "outside_wealth": "outside_wealth_usd",
    "base": "base_usd_year",
    "bonus": "bonus_usd_year",
    "tokens": "tokens_usd_year",
}
"""What a field of the file is called in the records, where it is called otherwise."""

_FILE_NAMES = {record: name for name, record in RENAMED.items()} | {
    "amount_usd_year": "amount",
    "carry_over_cap_usd": "carry_over_cap",
    "carry_over_cap_share": "carry_over_cap",
    "output_multiple": "expectation_multiple",
}


def _renamed(values: Values) -> dict[str, Any]:
    return {RENAMED.get(name, name): value for name, value in values.items()}


def _checked(table: str, path: str, values: Values) -> dict[str, Any]:
    """The fields of a table, each checked by itself."""
    entries = {entry.name: entry for entry in ENTRIES[table]}
    read = {}
    for name, value in values.items():
        if name not in entries:
            known = ", ".join([*entries, *([] if table else [name for name in ENTRIES if name])])
            raise _wrong(f"{path}{name}", f"there is no such field; the fields are {known}")
        try:
            read[name] = entries[name].check(f"{path}{name}", value)
        except Refused as refused:
            raise _wrong(f"{path}{name}", refused.refusal.facts["problem"]) from None
    return read


def _table(name: str, value: object) -> Values:
    if not isinstance(value, dict):
        raise _wrong(name, f"it is a table; begin it with [{name}] on a line of its own")
    return value


def _grants(value: object) -> list[tuple[str, Values]]:
    if not isinstance(value, list) or not all(isinstance(grant, dict) for grant in value):
        raise _wrong(EQUITY, "begin each grant with [[equity]] on a line of its own")
    return [
        (f"{EQUITY}[{number}]." if len(value) > 1 else f"{EQUITY}.", grant) for number, grant in enumerate(value, 1)
    ]


def _needed(path: str, values: Values | None, names: tuple[str, ...]) -> None:
    for name in names:
        if values is not None and name not in values:
            raise _wrong(f"{path}{name}", "it is missing")


def _as_the_file_has_it(refused: Refused, written: Values) -> Refused:
    """A refusal by a record, told with the names of the file."""
    facts, field = refused.refusal.facts, refused.refusal.field or ""
    if refused.refusal.why is not Why.FIELD_INVALID:
        return refused
    table, _, record = field.rpartition(".")
    table = TOKENS if table.startswith(TOKENS) else table or (MARKET if record in ("occupation", "area") else "")
    name = _FILE_NAMES.get(record, record)
    given = written.get(table, {}) if table else written
    got = facts["got"] if isinstance(given, list) else repr(given[name]) if name in given else "missing"
    return _wrong(f"{table}.{name}" if table else name, f"it is {got}; it must be {facts['right']}")


def _wrong(field: str, problem: str) -> Refused:
    return Refused(refuse(Why.OFFER_INVALID, field=field, problem=problem))
