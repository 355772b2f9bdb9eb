"""`bursar export gl`: the books as a journal that a general ledger takes over."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

import sqlalchemy as sa

from bursar.exports import plaintext, tables
from bursar.exports.chart import Chart, check_beancount, check_quickbooks, read_chart
from bursar.exports.entries import CREDIT, DAY, MONEY, MONTH, Entry, entries, in_cents
from bursar.exports.span import WHENEVER, Recorded, Span, read_span
from bursar.refusals import field_invalid

TEXTS = {"beancount": plaintext.beancount, "hledger": plaintext.hledger}
TABLES = {"netsuite": tables.netsuite, "quickbooks": tables.quickbooks}
FORMATS = (*TEXTS, "csv", *TABLES)
KINDS = {"money": (MONEY,), "credit": (CREDIT,), "all": (MONEY, CREDIT)}
PER = (DAY, MONTH)
_CHECKS = {"beancount": check_beancount, "quickbooks": check_quickbooks}


class Journal:
    """What is to be written: a time, a format, accounts, and which entries. Refused when one of them is not right."""

    def __init__(
        self,
        period: str,
        format: str,
        *,
        time_zone: str,
        kinds: str | None,
        accounts: str,
        per: str = DAY,
        recorded: Recorded = WHENEVER,
    ) -> None:
        if format not in FORMATS:
            raise field_invalid("format", repr(format), ", ".join(FORMATS))
        if kinds is not None and kinds not in KINDS:
            raise field_invalid("entries", repr(kinds), ", ".join(KINDS))
        if per not in PER:
            raise field_invalid("per", repr(per), " or ".join(PER))
        self.span: Span = read_span(period, time_zone, recorded)
        if per == MONTH and not self.span.is_of_months:
            raise field_invalid("period", repr(period), "a month, a quarter or a year, where an entry is of a month")
        self.chart: Chart = read_chart(accounts)
        if format in _CHECKS:
            _CHECKS[format](self.chart)
        self.format, self.per = format, per
        self.kinds = KINDS[kinds or ("money" if format in TABLES else "all")]

    @property
    def is_table(self) -> bool:
        """Whether it is CSV."""
        return self.format not in TEXTS

    def lines(self, connection: sa.Connection) -> Iterator[str]:
        """The file, in pieces. An import takes cents; everything else is exact."""
        found = self._entries(connection, self.span)
        if self.format in TEXTS:
            return TEXTS[self.format](found, self.span, self.chart)
        if self.format in TABLES:
            earlier = chain.from_iterable(self._entries(connection, span) for span in self.span.earlier())
            return TABLES[self.format](in_cents(found, self.chart, earlier), self.chart)
        return tables.own(found, self.chart)

    def _entries(self, connection: sa.Connection, span: Span) -> Iterator[Entry]:
        return entries(connection, span, self.chart, self.kinds, per=self.per)
