"""GitHub's AI usage report for Copilot: CSV, a row for each person, day and model.

Reports are in AI credits with tokens, or, from before June 2026, in premium requests without. What is kept as the
cost is `net_amount`, which GitHub bills: what is included in licences is 0 there. People are GitHub's user names.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from bursar.importers.instants import read_us
from bursar.importers.tables import Row, Table
from bursar.importers.totals import Found, UsageTotal, grouped, nanos_of, sound
from bursar.periods import US_PER_SECOND
from bursar.usage import Usage

CATALOG = "copilot"
DAY_US = 86_400 * US_PER_SECOND
NEEDED = ("date", "sku", "model", "net_amount")


class Copilot:
    """Copilot's AI usage report."""

    name = "copilot"
    title = "GitHub Copilot's AI usage report"

    def read(self, data: bytes, name: str) -> Found:
        """Read the CSV of a report."""
        table = Table(data, name, NEEDED)
        totals = []
        for row in table.rows():
            try:
                totals.append(sound(_total(row)))
            except ValueError as problem:
                table.tell(row.line, f"is not understood: {problem}")
        return Found(totals=grouped(totals), broken=table.broken)


def _total(row: Row) -> UsageTotal:
    starts_us = _day_us(row.text("date"))
    cost = row.amount("net_amount")
    if cost is None:
        raise ValueError("it has no net_amount")
    quantity = row.amount("quantity") or Decimal(0)
    counted = row.text("unit_type").lower() == "requests" and quantity == quantity.to_integral_value()
    return UsageTotal(
        source=CATALOG,
        catalog=CATALOG,
        starts_us=starts_us,
        ends_us=starts_us + DAY_US,
        model=row.text("model"),
        item=" ".join(part for part in (row.text("product"), row.text("sku")) if part),
        person=row.text("username"),
        project=" / ".join(
            part for part in (row.text("organization"), row.text("repository"), row.text("cost_center_name")) if part
        ),
        requests=int(quantity) if counted else None,
        usage=Usage(
            input=row.count("input"),
            cache_read=row.count("cache_read"),
            cache_write_5m=row.count("cache_write"),
            output=row.count("output"),
        ),
        cost_nanos=nanos_of(cost),
    )


def _day_us(text: str) -> int:
    """The first instant of a day in UTC; GitHub's pages write 9/5/26 as well, and spreadsheets 9/5/2026."""
    if "/" in text:
        year = "%y" if len(text.rpartition("/")[2]) == 2 else "%Y"
        text = datetime.strptime(text, f"%m/%d/{year}").strftime("%Y-%m-%d")  # noqa: DTZ007 - only the day is read
    day_us = read_us(text)
    return day_us - day_us % DAY_US
