"""`bursar export gl`: the books as a journal that a general ledger takes over."""

from __future__ import annotations

from collections.abc import Iterator

import sqlalchemy as sa

from bursar.exports import plaintext, tables
from bursar.exports.chart import Chart, check_beancount, read_chart
from bursar.exports.entries import CREDIT, MONEY, entries, in_cents
from bursar.exports.span import Span, read_span
from bursar.refusals import field_invalid

TEXTS = {"beancount": plaintext.beancount, "hledger": plaintext.hledger}
TABLES = {"netsuite": tables.netsuite, "quickbooks": tables.quickbooks}
FORMATS = (*TEXTS, "csv", *TABLES)
KINDS = {"money": (MONEY,), "credit": (CREDIT,), "all": (MONEY, CREDIT)}


class Journal:
    """What is to be written: a time, a format, accounts, and which entries. Refused when one of them is not right."""

    def __init__(self, period: str, format: str, *, time_zone: str, kinds: str | None, accounts: str) -> None:
        if format not in FORMATS:
            raise field_invalid("format", repr(format), ", ".join(FORMATS))
        if kinds is not None and kinds not in KINDS:
            raise field_invalid("entries", repr(kinds), ", ".join(KINDS))
        self.span: Span = read_span(period, time_zone)
        self.chart: Chart = read_chart(accounts)
        if format == "beancount":
            check_beancount(self.chart)
        self.format = format
        self.kinds = KINDS[kinds or ("money" if format in TABLES else "all")]

    @property
    def is_table(self) -> bool:
        """Whether it is CSV."""
        return self.format not in TEXTS

    def lines(self, connection: sa.Connection) -> Iterator[str]:
        """The file, in pieces. An import takes cents; everything else is exact."""
        found = entries(connection, self.span, self.chart, self.kinds)
        if self.format in TEXTS:
            return TEXTS[self.format](found, self.span, self.chart)
        if self.format in TABLES:
            return TABLES[self.format](in_cents(found, self.chart), self.chart)
        return tables.own(found, self.chart)
