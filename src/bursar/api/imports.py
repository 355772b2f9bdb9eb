"""Usage that others report: tools' own logs, telemetry, other gateways, providers' reports.

A person reports what is their own; an administrator for anybody, record by record or all for one person.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from msgspec import Meta

from bursar.api.access import PERSON, Caller
from bursar.api.holds import Count, Tokens
from bursar.api.keys import read_amount
from bursar.api.moments import day_or_instant, time_before
from bursar.api.paging import PAGE, After, PageSize
from bursar.api.routes import body, route
from bursar.api.told import told, told_list
from bursar.books import Books
from bursar.books.imports import Report, Taken
from bursar.books.uploads import take_whole
from bursar.importers.record import STANDARD, UsageRecord
from bursar.refusals import field_invalid
from bursar.reports.imports import ImportView, ReportedView, brought_in, reported
from bursar.reports.plain import plain

MOST_RECORDS = 10_000
MAX_TEXT = 300
Source = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9-]{0,39}$(?!\n)")]
Text = Annotated[str, Meta(max_length=MAX_TEXT)]
Outcome = Literal["charged", "adjusted", "memo", "billed", "told", "nobody", "unpriced", "refused", "others"]
_TAKEN = body(told(Taken), "What came of it")
_IMPORTS = body(told_list(ImportView), "What was brought in, newest first")
_REPORTED = body(told_list(ReportedView), "Calls that were reported, the one told last first")


class NewRecord(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One call. `key` is its name within the source: the same again is the same call, of which the larger counts.

    `at` is an instant. `catalog` and `model` are what the price book is asked for. `request_id` and `message_id` are
    the provider's names, by which it is known again when somebody else tells of it. `cost` is what the source says
    that it cost, in dollars. `person` is an e-mail, for an administrator's reports.
    """

    key: Annotated[str, Meta(min_length=1, max_length=MAX_TEXT)]
    at: Text
    catalog: Text
    model: Text
    variant: Text = STANDARD
    input_tokens: Count = 0
    cache_read_tokens: Count = 0
    cache_write_5m_tokens: Count = 0
    cache_write_1h_tokens: Count = 0
    output_tokens: Count = 0
    audio_input_tokens: Count = 0
    audio_output_tokens: Count = 0
    web_searches: Count = 0
    reasoning_tokens: Count = 0
    request_id: Text | None = None
    message_id: Text | None = None
    cost: Text | None = None
    person: Text | None = None
    sidechain: bool = False

    def record(self, source: str, number: int, now_us: int) -> UsageRecord:
        """The same as the books take it. Refused by the name of its place in the report."""
        where = f"records[{number}]"
        for field in ("key", "catalog", "model", "variant", "request_id", "message_id", "person"):
            if not (getattr(self, field) or "").isprintable():
                raise field_invalid(f"{where}.{field}", "not printable", "printable characters")
        tokens = Tokens(*(getattr(self, name) for name in Tokens.__struct_fields__))
        return UsageRecord(
            source,
            self.key,
            day_or_instant(self.at, f"{where}.at", "UTC", now_us),
            self.catalog,
            self.model,
            tokens.usage,
            self.variant,
            self.request_id,
            self.message_id,
            cost_nanos=None if self.cost is None else read_amount(self.cost, f"{where}.cost"),
            person=self.person,
            sidechain=self.sidechain,
        )


class NewReport(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Records of one `source`, such as "claude-code", at most 10,000; `name` says what they were read from.

    An administrator may say whose they all are by a `person`'s e-mail; a person's own are always their own. With
    `dry_run` nothing is kept.
    """

    source: Source
    records: Annotated[list[NewRecord], Meta(max_length=MOST_RECORDS)]
    person: Text | None = None
    name: Text = ""
    dry_run: bool = False


def whose(books: Books, caller: Caller, name: str, person: str | None) -> int | None:
    """Whose a report's calls are: a named person's, or a caller's own; None when each of them says so."""
    if not name.isprintable():
        raise field_invalid("name", "not printable", "printable characters")
    if caller.is_limited:
        caller.must_manage_keys()
    if person is None:
        return None if caller.is_administrator else caller.own_id()
    with books.database.reading() as connection:
        return caller.find(connection, person).id


@route("POST /usage", PERSON, status=200, answer=_TAKEN)
def report_usage(
    data: JSONBody[NewReport], books: NamedDependency[Books], caller: NamedDependency[Caller]
) -> dict[str, Any]:
    """Report usage that did not pass the gateway. The same may be reported any number of times, and counts once.

    It is taken whole, or nothing of it. A longer report is sent as an upload, in parts.
    What the gateway billed nets to zero. Whether the rest charges somebody's budget is said by their plan.
    """
    person_id = whose(books, caller, data.name, data.person)
    now_us = books.clock()
    report = Report(
        source=data.source,
        records=[record.record(data.source, number, now_us) for number, record in enumerate(data.records)],
        actor=caller.name,
        name=data.name,
        person_id=person_id,
    )
    return plain(take_whole(books, report, dry_run=data.dry_run))


@route("GET /imports", PERSON, answer=_IMPORTS)
def list_imports(
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    *,
    limit: PageSize = PAGE,
    after: After = None,
    brief: FromQuery[bool] = False,
) -> list[dict[str, Any]]:
    """What was brought in, newest first: everybody's, or a person's own. For the next page give the last `id`.

    When it is to be `brief`, it is not looked what came of it.
    """
    actor = None if caller.is_administrator else caller.name
    with books.database.reading() as connection:
        found = brought_in(connection, actor, limit=limit, after=after, brief=brief)
    return [plain(each) for each in found]


@route("GET /usage/reported", PERSON, answer=_REPORTED)
def list_reported(
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    *,
    person: FromQuery[str | None] = None,
    source: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
    outcome: FromQuery[Outcome | None] = None,
    limit: PageSize = PAGE,
    after: After = None,
) -> list[dict[str, Any]]:
    """Calls that others reported, with what they have come to: everybody's, the named person's, or one's own.

    `since` is a day, an instant or a span ago ("7d"), by the time of the call. An `outcome` is charged, adjusted,
    memo, billed, told, nobody, unpriced or refused; with "others" those are listed that were told of for somebody
    else, too. Of calls that came to nothing `why` says the reason. For the next page give the last call's `id` as
    `after`.
    """
    since_us = None if since is None else time_before(since, "since", books.clock())
    with books.database.reading() as connection:
        person_id = caller.scope(connection, person)
        found = reported(
            connection, person_id, source=source, since_us=since_us, state=outcome, limit=limit, after=after
        )
    return [plain(each) for each in found]


ROUTES = (report_usage, list_imports, list_reported)
