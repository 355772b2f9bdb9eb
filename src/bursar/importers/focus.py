"""FOCUS 1.2, the FinOps Foundation's format for bills of any provider: CSV, a row for each charge.

What is kept as the cost is `BilledCost`. FOCUS has no column for a model: it is looked for in `x_Model`, in the tags
and price details, and last in the name of the resource. Quantities in tokens are told apart by the meter's name;
bills of Bursar's own have a column for each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec

from bursar.importers.instants import told_us
from bursar.importers.tables import Row, Table
from bursar.importers.texts import MAX_LETTERS, MOST_IN_ALL
from bursar.importers.totals import Found, UsageTotal, grouped, nanos_of, sound
from bursar.usage import TOKEN_BUCKETS, Usage

NAME = "focus"
NEEDED = ("billedcost", "billingcurrency", "chargeperiodstart", "chargeperiodend")
_UNIT = re.compile(r"([0-9]{1,9}(?:,000)*)?\s*(?:(k|thousand|m|million)s?)?\s*tokens?", re.IGNORECASE)
_SCALES = {"k": 1_000, "thousand": 1_000, "m": 1_000_000, "million": 1_000_000}
_METERS = (
    ("cache_read", re.compile(r"cache[ _-]?read|cached|cache hit", re.IGNORECASE)),
    ("cache_write_1h", re.compile(r"cache.*(?:write|creation).*1 ?h|1 ?h.*cache", re.IGNORECASE)),
    ("cache_write_5m", re.compile(r"cache.*(?:write|creation)", re.IGNORECASE)),
    ("output", re.compile(r"output|completion", re.IGNORECASE)),
    ("input", re.compile(r"input|prompt", re.IGNORECASE)),
)
_OWN = {f"x_{bucket.replace('_', '')}tokens": bucket for bucket in TOKEN_BUCKETS} | {"x_websearches": "web_searches"}
"""Bursar's own bills have a column for each of the buckets, by `exports.focus`."""
_PEOPLE = ("person", "email", "user_email", "user", "owner")
_PROVIDERS = {"amazon": "aws", "amazon web services": "aws", "google cloud": "google", "microsoft": "azure"}


class Focus:
    """Bills in FOCUS."""

    name = NAME
    title = "a bill in FOCUS 1.2"

    def read(self, data: bytes, name: str) -> Found:
        """Read a bill's CSV."""
        table = Table(data, name, NEEDED)
        return Found(totals=grouped(_totals(table)), broken=table.broken)


def _totals(table: Table) -> Iterator[UsageTotal]:
    for row in table.rows():
        try:
            yield sound(_total(row))
        except ValueError as problem:
            table.tell(row.line, f"is not understood: {problem}")


def _total(row: Row) -> UsageTotal:
    currency, cost = row.text("billingcurrency").upper(), row.amount("billedcost")
    if currency != "USD":
        raise ValueError(f"its currency is {currency or 'not given'}")
    if cost is None:
        raise ValueError("it has no BilledCost")
    starts_us, ends_us = told_us(row.text("chargeperiodstart")), told_us(row.text("chargeperiodend"))
    if ends_us < starts_us:
        raise ValueError("it ends before it begins")  # one that does not last is a purchase, or a fee
    tags = _details(row.text("tags"))
    details = _details(row.text("skupricedetails"))
    provider = row.text("providername", "serviceprovidername", "publishername", "invoiceissuername").lower()
    # Bursar's own descriptions say how many calls there were, and so they change while a day grows.
    meter = row.text("skumeter") or ("" if row.text("x_calls") else row.text("chargedescription"))
    kind = row.text("chargecategory"), row.text("chargeclass")
    return UsageTotal(
        source=NAME,
        catalog=_PROVIDERS.get(provider, provider),
        starts_us=starts_us,
        ends_us=max(ends_us, starts_us + 1),
        model=row.text("x_model") or details.get("model") or tags.get("model") or row.text("resourcename"),
        variant=row.text("x_variant"),
        item=" ".join(part for part in (*kind, row.text("servicename"), meter) if part)[:MAX_LETTERS],
        person=row.text("x_person") or next((tags[name] for name in _PEOPLE if tags.get(name)), ""),
        api_key=tags.get("api_key", ""),
        project=row.text("subaccountname", "subaccountid"),
        requests=row.count("x_calls") or None,
        usage=_usage(row, meter),
        cost_nanos=nanos_of(cost),
    )


def _usage(row: Row, meter: str) -> Usage:
    own = {bucket: _tokens(row.amount(name) or Decimal(0)) for name, bucket in _OWN.items()}
    if any(own.values()):
        return Usage(**own)
    unit, quantity = _UNIT.fullmatch(row.text("consumedunit")), row.amount("consumedquantity")
    bucket = next((name for name, pattern in _METERS if pattern.search(meter)), None)
    if unit is None or quantity is None or bucket is None:
        return Usage()
    scale = int((unit[1] or "1").replace(",", "")) * _SCALES.get((unit[2] or "").lower(), 1)
    return Usage(**{bucket: _tokens(quantity * scale)})


def _tokens(quantity: Decimal) -> int:
    """So many tokens. A correction takes back money; of tokens a total tells none below 0."""
    if abs(quantity) > MOST_IN_ALL or quantity != quantity.to_integral_value():
        raise ValueError(f"its quantity is {quantity} tokens")
    return max(0, int(quantity))


def _details(text: str) -> dict[str, str]:
    """A cell of names and values; names in small letters."""
    if not text:
        return {}
    try:
        read = msgspec.json.decode(text, type=dict[str, Any])
    except msgspec.MsgspecError:
        return {}
    return {name.lower(): str(value) for name, value in read.items() if isinstance(value, str | int | float)}
