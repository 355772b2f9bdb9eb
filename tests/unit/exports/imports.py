"""What NetSuite's and QuickBooks Online's imports of journal entries refuse, written down from their documentation.

NetSuite, help: *General CSV File Conventions* (25,000 records or 50 MB an import), *Importing Sublist Data in a
Single File* (the lines of a record are consecutive rows), *Journal Entry … Line-Level Fields
Table* (two lines at least, debits equal credits, ten digits before the decimal point and two after it, no blanks
around an account). QuickBooks Online, Intuit's help: *Import journal entries* (the columns; accounts as Parent:Sub);
Intuit's API reference (21 characters of a journal's number, 4,000 of a description, 100 of a name of an account or
class); and 1,000 rows a file.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby
from typing import NamedTuple

NETSUITE = {"External ID", "Date", "Currency", "Account", "Debit", "Credit"}
QUICKBOOKS = {"Journal No.", "Journal Date", "Account Name", "Debits", "Credits", "Description"}
_AMOUNT = re.compile(r"[0-9]{1,10}\.[0-9]{2}")


class Entry(NamedTuple):
    """What an import makes of the rows with one id: whose day, and what each account is debited, in dollars."""

    day: date
    debits: tuple[tuple[str, Decimal], ...]


def netsuite(text: str) -> dict[str, Entry]:
    """The entries of a file by their external ids, as Import Journal Entry takes them."""
    rows = _rows(text, NETSUITE, most=25_000)
    assert len(text.encode()) <= 50_000_000
    for row in rows:
        assert row["Account"] == row["Account"].strip()
        assert max(len(row["Memo"]), len(row["Line Memo"])) <= 999
    return dict(
        _entries(rows, "External ID", "Date", "Account", sides=("Debit", "Credit"), heads=("Currency", "Memo"))
    )


def quickbooks(text: str) -> dict[str, Entry]:
    """The entries of a file by their numbers, as Import data, Journal entries takes them."""
    rows = _rows(text, QUICKBOOKS, most=1_000)
    for row in rows:
        assert len(row["Journal No."]) <= 21
        assert len(row["Description"]) <= 4_000
        assert len(row["Class"]) <= 100
        names = row["Account Name"].split(":")
        assert all(0 < len(name) <= 100 and '"' not in name for name in names), row
    return dict(
        _entries(
            rows, "Journal No.", "Journal Date", "Account Name", sides=("Debits", "Credits"), heads=("Currency",)
        )
    )


def _rows(text: str, needed: set[str], *, most: int) -> list[dict[str, str]]:
    assert text.isascii() or text.encode("utf-8")
    rows = list(csv.DictReader(io.StringIO(text, newline=""), strict=True))
    assert text.count("\n") == len(rows) + 1, "a row is a line"
    assert len(rows) <= most
    assert all(None not in row and None not in row.values() and set(row) >= needed for row in rows)
    return rows


def _entries(
    rows: list[dict[str, str]], its_id: str, day: str, account: str, *, sides: tuple[str, str], heads: tuple[str, ...]
) -> Iterator[tuple[str, Entry]]:
    """Each entry. Its lines follow each other, agree on what is said of all of it, and balance."""
    seen = set()
    for name, its in groupby(rows, key=lambda row: row[its_id]):
        lines = list(its)
        assert name not in seen, f"the lines of {name} are not consecutive"
        seen.add(name)
        assert name
        assert len(lines) >= 2
        for head in (day, *heads):
            assert len({line[head] for line in lines}) == 1, (name, head)
        amounts = [(line[account], _amount(line[sides[0]], line[sides[1]])) for line in lines]
        assert all(said for said, _ in amounts)
        assert sum(amount for _, amount in amounts) == 0, f"debits and credits of {name} differ"
        its_day = datetime.strptime(lines[0][day], "%m/%d/%Y").date()  # noqa: DTZ007 - a day of a calendar
        yield name, Entry(its_day, tuple(amounts))


def _amount(debit: str, credit: str) -> Decimal:
    """One of the two is empty, and neither is negative or nothing."""
    assert bool(debit) != bool(credit), (debit, credit)
    assert _AMOUNT.fullmatch(debit or credit), debit or credit
    assert Decimal(debit or credit)
    return Decimal(debit or "0") - Decimal(credit or "0")
