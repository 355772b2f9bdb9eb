"""Journals as CSV: Bursar's own, and what the imports of NetSuite and QuickBooks Online take.

NetSuite: External ID, Date, Account, Debit, Credit and the like; ten digits and two decimals at most; the lines of an
entry follow each other (Journal Entry Import, NetSuite's help). QuickBooks Online: Journal No., Journal Date, Account
Name, Debits, Credits, Description (Import journal entries, Intuit's help); Class, where classes are tracked, is the
cost centre.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date
from typing import Any

from bursar.exports.chart import Chart
from bursar.exports.entries import ABOUT, Entry, Line
from bursar.money import usd

_OWN = ("id", "date", "kind", "team", "plan", "account", "debit", "credit", "currency")
_NETSUITE = ("External ID", "Date", "Currency", "Memo", "Account", "Debit", "Credit", "Department", "Line Memo")
_MEMO_LENGTH = 999
"""What a memo of NetSuite's has room for. A description in QuickBooks Online has room for 4,000 characters."""
_QUICKBOOKS = ("Journal No.", "Journal Date", "Account Name", "Debits", "Credits", "Description", "Class", "Currency")


def csv_lines(headings: Sequence[str], rows: Iterable[Sequence[Any]]) -> Iterator[str]:
    """Lines of CSV as RFC 4180 has them, one at a time."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings)
    for row in rows:
        writer.writerow(row)
        yield text.getvalue()
        text.seek(0)
        text.truncate()
    if text.getvalue():
        yield text.getvalue()


def own(entries: Iterable[Entry], chart: Chart) -> Iterator[str]:
    """A line for each account of each entry, exact."""

    def row(entry: Entry, line: Line) -> tuple[str, ...]:
        debit, credit = _sides(line, usd)
        team, plan = entry.centre
        named = (entry.kind, chart.department(team), plan)
        return (entry.id, entry.day, *named, line.account, debit, credit, "USD")

    return csv_lines(_OWN, (row(entry, line) for entry in entries for line in entry.lines))


def netsuite(entries: Iterable[Entry], chart: Chart) -> Iterator[str]:
    """What NetSuite's import of journal entries takes, in cents."""
    of_subsidiary = bool(chart.subsidiary)

    def row(entry: Entry, line: Line) -> tuple[str, ...]:
        debit, credit = _sides(line, _two_decimals)
        team, plan = entry.centre
        memo = _one_line(f"Bursar: {ABOUT[entry.kind]}, {chart.department(team) or 'no team'}, {plan}")
        head = (entry.id, _us_day(entry.day), chart.currency, memo)
        cells = (*head, line.account, debit, credit, _one_line(chart.department(team)), _one_line(plan))
        return (*cells, chart.subsidiary) if of_subsidiary else cells

    headings = (*_NETSUITE, "Subsidiary") if of_subsidiary else _NETSUITE
    return csv_lines(headings, (row(entry, line) for entry in entries for line in entry.lines))


def quickbooks(entries: Iterable[Entry], chart: Chart) -> Iterator[str]:
    """What QuickBooks Online's import of journal entries takes, in cents."""

    def row(entry: Entry, line: Line) -> tuple[str, ...]:
        debit, credit = _sides(line, _two_decimals)
        team, plan = entry.centre
        said = _one_line(f"{ABOUT[entry.kind]}, {chart.department(team) or 'no team'}, {plan}")
        head = (entry.id, _us_day(entry.day), line.account, debit, credit, said)
        return (*head, _one_line(chart.department(team)), chart.currency)

    return csv_lines(_QUICKBOOKS, (row(entry, line) for entry in entries for line in entry.lines))


def _sides(line: Line, written: Callable[[int], str]) -> tuple[str, str]:
    """An amount in the debit column or in the credit column; the other one is empty."""
    text = written(abs(line.amount_nanos))
    return (text, "") if line.amount_nanos > 0 else ("", text)


def _one_line(text: str) -> str:
    """A text that an import takes into a cell: a row is a line then, by which long files are divided."""
    return "".join(letter if letter.isprintable() else " " for letter in text)[:_MEMO_LENGTH].strip()


def _two_decimals(nanos: int) -> str:
    text = usd(nanos)
    assert text[-3] == ".", f"{text} is not in cents"
    return text


def _us_day(day: str) -> str:
    """A day as both imports expect it unless they are set otherwise: 11/02/2026."""
    return f"{date.fromisoformat(day):%m/%d/%Y}"
