"""Files for finance, streamed as they are made. What is due to lots is posted first, so that nothing is missing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec
import sqlalchemy as sa
from litestar.di import NamedDependency
from litestar.openapi.datastructures import ResponseSpec
from litestar.params import JSONBody
from litestar.response import Stream

from bursar.api.access import ACCOUNTS
from bursar.api.routes import route
from bursar.books import Books
from bursar.books.upkeep import close_periods
from bursar.exports.journal import Journal

CSV = "text/csv; charset=utf-8"
_FILE = ResponseSpec(bytes, generate_examples=False, media_type="text/plain", description="The file")


class JournalWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which journal: `format` is beancount, hledger, csv, netsuite or quickbooks.

    `entries` are of money (what is owed), of credit (what became of budgets) or all; by default what the format is
    for. `accounts` is a TOML file with names of accounts.
    """

    period: str
    format: str
    time_zone: str = "UTC"
    entries: str | None = None
    accounts: str = ""


@route("POST /exports/gl", ACCOUNTS, status=200, answer=_FILE)
def export_journal(data: JSONBody[JournalWanted], books: NamedDependency[Books]) -> Stream:
    """A balanced journal of a period by day, team and plan, for a general ledger.

    The same entries have the same ids whenever they are exported.
    """
    wanted = Journal(data.period, data.format, time_zone=data.time_zone, kinds=data.entries, accounts=data.accounts)
    return _streamed(books, wanted.lines, CSV if wanted.is_table else "text/plain; charset=utf-8")


def _streamed(books: Books, lines: Callable[[sa.Connection], Iterable[str]], media_type: str) -> Stream:
    close_periods(books, books.clock())
    return Stream(_encoded(books, lines), media_type=media_type)


def _encoded(books: Books, lines: Callable[[sa.Connection], Iterable[str]]) -> Iterator[bytes]:
    with books.database.reading() as connection:
        for line in lines(connection):
            yield line.encode()


ROUTES = (export_journal,)
