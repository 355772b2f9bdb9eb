"""Totals of providers' reports: what the books are compared with, and never what anybody is charged."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Annotated, Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from msgspec import Meta

from bursar.api.access import ADMINISTRATOR, Caller
from bursar.api.holds import Count
from bursar.api.imports import MAX_TEXT, Text
from bursar.api.moments import day_or_instant
from bursar.api.paging import PAGE, After, PageSize
from bursar.api.routes import body, route
from bursar.api.told import told, told_list
from bursar.books import Books
from bursar.books.totals import TotalsTaken, take_totals
from bursar.importers.totals import DIMENSIONS, UsageTotal, nanos_of
from bursar.refusals import field_invalid
from bursar.reports.plain import plain
from bursar.reports.totals import TotalView, provider_totals
from bursar.usage import Usage

MOST_TOTALS = 10_000
Many = Annotated[int, Meta(ge=0, le=10**15)]
_TAKEN = body(told(TotalsTaken), "What came of it")
_TOTALS = body(told_list(TotalView), "Totals, those told last first")


class NewTotal(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a report says of a time, from `starts` up to `ends`, for one value of each thing that it is grouped by.

    `catalog` is the provider by the price book's name. `cost` is in dollars, below 0 for a credit. `grouping` names
    what the report of this time is grouped by, with commas: two groupings of a time are not added up.
    """

    catalog: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    starts: Text
    ends: Text
    model: Text = ""
    variant: Text = ""
    item: Text = ""
    person: Text = ""
    api_key: Text = ""
    project: Text = ""
    grouping: Text = ""
    requests: Count | None = None
    input_tokens: Many = 0
    cache_read_tokens: Many = 0
    cache_write_5m_tokens: Many = 0
    cache_write_1h_tokens: Many = 0
    output_tokens: Many = 0
    audio_input_tokens: Many = 0
    audio_output_tokens: Many = 0
    web_searches: Count = 0
    cost: Text | None = None

    def total(self, source: str, number: int, now_us: int) -> UsageTotal:
        """The same as the books take it. Refused by the name of its place in the report."""
        where = f"totals[{number}]"
        for field in ("catalog", *DIMENSIONS, "grouping"):
            if not getattr(self, field).isprintable():
                raise field_invalid(f"{where}.{field}", "not printable", "printable characters")
        starts_us = day_or_instant(self.starts, f"{where}.starts", "UTC", now_us)
        ends_us = day_or_instant(self.ends, f"{where}.ends", "UTC", now_us)
        if ends_us <= starts_us:
            raise field_invalid(f"{where}.ends", self.ends, "later than it starts")
        return UsageTotal(
            source=source,
            catalog=self.catalog,
            starts_us=starts_us,
            ends_us=ends_us,
            **{name: getattr(self, name) for name in DIMENSIONS},
            grouping=self.grouping,
            requests=self.requests,
            usage=Usage(
                self.input_tokens,
                self.cache_read_tokens,
                self.cache_write_5m_tokens,
                self.cache_write_1h_tokens,
                self.output_tokens,
                self.audio_input_tokens,
                self.audio_output_tokens,
                self.web_searches,
            ),
            cost_nanos=None if self.cost is None else _signed(self.cost, f"{where}.cost"),
        )


class NewTotals(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Totals of one `source`, such as "anthropic-usage", at most 10,000; `name` says what they were read from.

    Of a total that is told again the larger counts; when the report `corrects` what was told, the newer. With
    `dry_run` nothing is kept.
    """

    source: Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}$")]
    totals: Annotated[list[NewTotal], Meta(max_length=MOST_TOTALS)]
    name: Text = ""
    corrects: bool = False
    dry_run: bool = False


@route("POST /provider-totals", ADMINISTRATOR, status=200, answer=_TAKEN)
def report_totals(
    data: JSONBody[NewTotals], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> dict[str, Any]:
    """Bring in what a provider reports of hours or days. Nobody is charged; it is there to be compared with.

    The same may be brought in any number of times.
    """
    if not data.name.isprintable():
        raise field_invalid("name", "not printable", "printable characters")
    now_us = books.clock()
    totals = [total.total(data.source, number, now_us) for number, total in enumerate(data.totals)]
    taken = take_totals(
        books,
        data.source,
        totals,
        actor=caller.name,
        name=data.name,
        corrects=data.corrects,
        dry_run=data.dry_run,
    )
    return plain(taken)


@route("GET /provider-totals", ADMINISTRATOR, answer=_TOTALS)
def list_totals(
    books: NamedDependency[Books],
    *,
    source: FromQuery[str | None] = None,
    limit: PageSize = PAGE,
    after: After = None,
) -> list[dict[str, Any]]:
    """What providers report, of one source or all. For the next page give the last total's `id` as `after`."""
    with books.database.reading() as connection:
        return [plain(each) for each in provider_totals(connection, source, limit, after)]


def _signed(text: str, field: str) -> int:
    """An amount of dollars that may be below 0, in nano-USD."""
    try:
        return nanos_of(Decimal(text))
    except (InvalidOperation, ValueError):
        raise field_invalid(field, repr(text), "dollars, such as 25.00 or -3.50") from None


ROUTES = (report_totals, list_totals)
