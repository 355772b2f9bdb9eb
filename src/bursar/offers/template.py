"""Offer files as they are written: every field with what it means, those that are not stated behind a #.

What is written reads back as the same offer.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from bursar.offers.budget import TokenBudget
from bursar.offers.checks import UNSTATED
from bursar.offers.entries import ENTRIES, EQUITY, HEAD, MARKET, NOW, OFFER, TOKENS, YOU, Entry
from bursar.offers.file import RENAMED, Now, OfferFile, from_values
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.person import Person
from bursar.refusals import Refused, Why, refuse

WIDTH = 110
_SCHEDULES = {1: "monthly", 3: "quarterly", 6: "half_yearly", 12: "annual"}
_TAX = {"tool": "working_condition", "imputed": "imputed_income", "personal": "personal_part"}
_PERCENT = {
    *("discount_rate", "marginal_tax_rate", "illiquidity", "volatility"),
    *("personal_use", "cash_out_rate", "escalator_rate"),
}
"""Fields that the file has as a percentage and the records as a fraction."""
_YES, _NO = ("yes", "y", "true"), ("no", "n", "false")


class Question(NamedTuple):
    """What a guided form asks. `field` is the name to answer by; `hint` an example."""

    field: str
    text: str
    hint: str


def template() -> str:
    """An offer file to fill in: the offer of $375,000 with $100,000 of tokens, and every other field behind a #."""
    budget = TokenBudget(
        amount_usd_year=100_000.0, period_months=1, unused="expire", revocable=True, in_headline=True
    )
    offer = Offer(name="Example Inc., senior engineer", base_usd_year=375_000.0, tokens=budget)
    return write_offer(OfferFile(offer=offer, occupation="software-developers"))


def questions() -> list[Question]:
    """What to ask somebody for an offer, in this order. Only the name and the base have to be answered."""
    return [
        Question(_path(table, entry), entry.question, _hint(entry))
        for table, entries in ENTRIES.items()
        for entry in entries
        if entry.question
    ]


def check_answer(field: str, text: str) -> None:
    """Check one answer by itself. Raises Refused(OFFER_INVALID) with what would be right."""
    try:
        _entry(field).check(field, _value(_entry(field), text))
    except Refused as refused:
        facts = refused.refusal.facts
        raise Refused(refuse(Why.OFFER_INVALID, field=field, problem=facts["problem"])) from None


def from_answers(answers: Mapping[str, str]) -> OfferFile:
    """An offer from answers by field; an empty answer says nothing. Raises Refused(OFFER_INVALID)."""
    tables: dict[str, Any] = {}
    for field, text in answers.items():
        table, _, name = field.rpartition(".")
        if text.strip():
            place = tables.setdefault(table, {}) if table else tables
            place[name] = _value(_entry(field), text.strip())
    if EQUITY in tables:
        tables[EQUITY] = [tables[EQUITY]]
    return from_values(tables)


def write_offer(file: OfferFile) -> str:
    """The file of an offer, with comments. It reads back as the same offer."""
    grants = file.offer.equity
    parts = [_part(OFFER, _of_offer(file.offer))]
    parts += [_part(EQUITY, _of_grant(grant)) for grant in grants] or [_part(EQUITY, None)]
    parts.append(_part(TOKENS, None if file.offer.tokens is None else _of_budget(file.offer.tokens)))
    parts.append(_part(YOU, _of_person(file.person)))
    parts.append(_part(MARKET, {"occupation": file.occupation, "area": file.area} if file.occupation else None))
    parts.append(_part(NOW, None if file.now is None else _of_now(file.now)))
    return "\n".join(parts)


def _part(table: str, values: Mapping[str, Any] | None) -> str:
    """A table with all of its fields; without values all of it stands behind a #."""
    head = [f"# {line}" for line in HEAD[table].splitlines()]
    off = "# " if values is None else ""
    title = {OFFER: [], EQUITY: [f"{off}[[{table}]]"]}.get(table, [f"{off}[{table}]"])
    lines = [line for entry in ENTRIES[table] for line in _lines(entry, values or {})]
    return "\n".join([*head, *title, *lines, ""])


def _lines(entry: Entry, values: Mapping[str, Any]) -> Iterator[str]:
    """A field and what it means, on one line where there is room."""
    value = values.get(entry.name)
    line = f"{entry.name} = {_toml(value)}" if value is not None else f"# {entry.name} = {_toml(entry.example)}"
    if len(line) + len(entry.comment) < WIDTH and "\n" not in entry.comment:
        yield f"{line}  # {entry.comment}"
        return
    yield from (f"# {words}" for words in entry.comment.splitlines())
    yield line


def _toml(value: object) -> str:
    """A value as TOML has it. JSON writes texts, numbers, truth and lists the same."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _of_offer(offer: Offer) -> dict[str, Any]:
    bonus = _usd(offer.bonus_usd_year) if offer.bonus_usd_year else None
    return {"name": offer.name, "base": _usd(offer.base_usd_year), "bonus": bonus}


def _of_grant(grant: EquityGrant) -> dict[str, Any]:
    values = _fields(EQUITY, grant)
    for name in ("value", "spot", "strike"):
        values[name] = None if values[name] is None else _usd(values[name])
    if grant.kind == "rsu":
        values |= {"volatility": None, "term_years": None}
    return values


def _of_budget(budget: TokenBudget) -> dict[str, Any]:
    amount = _usd(budget.amount_usd_year) if budget.amount_usd_year else UNSTATED
    cap = budget.carry_over_cap_usd
    fixed, expectation = budget.escalator_rate > 0, budget.expectation
    values = _fields(TOKENS, budget) | {
        "amount": amount if budget.firm or amount == UNSTATED else f"up to {amount}",
        "schedule": _SCHEDULES[budget.period_months] if budget.period_months else None,
        "carry_over_cap": _percent(budget.carry_over_cap_share) if cap is None else _usd(cap),
        "denomination": None if budget.denomination == "money" else budget.denomination,
        "cash_out_cap": None if budget.cash_out_cap_usd is None else _usd(budget.cash_out_cap_usd),
        "escalator": "fixed" if fixed else "price_index" if budget.escalator_index else None,
        "models": "all" if budget.models == () else budget.models,
        "tax_character": _TAX[budget.tax_character] if budget.tax_character else None,
        "expectation_multiple": expectation and f"{expectation.output_multiple:.4g}",
        "expectation_measure": expectation and expectation.measure,
    }
    for name in ("carry_over_periods", "grace_days", "vesting_cliff_months", "leaving_days"):
        values[name] = values[name] or None
    for name, rate in (("cash_out_rate", budget.cash_out_rate), ("escalator_rate", budget.escalator_rate)):
        values[name] = values[name] if rate else None
    return values


def _of_person(person: Person) -> dict[str, Any]:
    values = _fields(YOU, person)
    values["usage_months"] = [_usd(used) for used in person.usage_usd_months] or None
    values["own_spend"] = None if person.own_spend_usd_year is None else _usd(person.own_spend_usd_year)
    wealth_usd = person.outside_wealth_usd
    values["outside_wealth"] = None if wealth_usd == Person().outside_wealth_usd else _usd(wealth_usd)
    return values


def _of_now(now: Now) -> dict[str, Any]:
    return {"base": _usd(now.base_usd_year), "tokens": _usd(now.tokens_usd_year)}


def _fields(table: str, record: object) -> dict[str, Any]:
    """A record's fields by the file's names, shares as percentages."""
    values = {entry.name: getattr(record, RENAMED.get(entry.name, entry.name), None) for entry in ENTRIES[table]}
    return {name: _percent(value) if name in _PERCENT else value for name, value in values.items()}


def _usd(usd: float) -> str:
    return f"{usd:.9f}".rstrip("0").rstrip(".")


def _percent(share: float | None) -> str | None:
    return None if share is None else f"{share * 100:.4f}".rstrip("0").rstrip(".") + "%"


def _path(table: str, entry: Entry) -> str:
    return f"{table}.{entry.name}" if table else entry.name


def _hint(entry: Entry) -> str:
    match entry.example:
        case bool():
            return "yes" if entry.example else "no"
        case list():
            return ", ".join(str(item) for item in entry.example)
    return str(entry.example)


def _entry(field: str) -> Entry:
    table, _, name = field.rpartition(".")
    found = next((entry for entry in ENTRIES.get(table, ()) if entry.name == name), None)
    if found is None:
        raise Refused(refuse(Why.OFFER_INVALID, field=field, problem="there is no such field"))
    return found


def _value(entry: Entry, text: str) -> object:
    """An answer as a file would have it; what cannot be that stays a text and is refused by its check."""
    match entry.kind:
        case "flag":
            return True if text.lower() in _YES else False if text.lower() in _NO else text
        case "whole" | "number":
            return _number(text)
        case "list" if text != "all":
            return [_number(item.strip()) for item in text.split(",")]
    return text


def _number(text: str) -> object:
    try:
        value = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
    return value if isinstance(value, int | float) and not isinstance(value, bool) else text
