"""The books beside what telemetry, logs and providers tell; what is left over is posted on confirmation."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any, Literal

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody

from bursar.api.access import ACCOUNTS, ADMINISTRATOR
from bursar.api.imports import Text
from bursar.api.routes import body, route
from bursar.api.told import told
from bursar.books import Books
from bursar.books.imports import settle_pending
from bursar.books.residual import PutDown, put_down
from bursar.config import Config
from bursar.importers.totals import nanos_of
from bursar.money import usd
from bursar.refusals import field_invalid
from bursar.reports.plain import plain, to_json
from bursar.reports.reconciliation import Reconciliation, period_named, reconciliation
from bursar.reports.reconciliation_pages import render_csv, render_html

JSON, HTML, CSV = "application/json", "text/html", "text/csv"
MONTH_LENGTH = len("2026-11")
_FOUND = body(told(Reconciliation), "The reconciliation; with a format, a page or a table")
_PUT_DOWN = body(told(PutDown), "What was put down")


class NewResidual(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The residual of a provider and a month as the reconciliation tells it, in dollars; it may be below 0."""

    period: Text
    provider: Text
    residual: Text


@route("GET /reconciliation", ACCOUNTS, answer=_FOUND)
def reconcile(
    books: NamedDependency[Books],
    config: NamedDependency[Config],
    *,
    period: FromQuery[str],
    provider: FromQuery[str | None] = None,
    format: FromQuery[Literal["json", "html", "csv"]] = "json",
) -> Response[bytes]:
    """Gateway, telemetry, logs and the provider's report side by side, by day, model and person.

    `period` is a month or a day in UTC, `provider` one by the price book's name. Lines match, are different, or are
    only here or only there.
    """
    found = _found(books, config, period, provider)
    if format == "html":
        return Response(render_html(found, books.clock()), media_type=HTML)
    if format == "csv":
        return Response(render_csv(found), media_type=CSV)
    return Response(to_json(found), media_type=JSON)


@route("POST /reconciliation/residual", ADMINISTRATOR, status=200, answer=_PUT_DOWN)
def post_residual(
    data: JSONBody[NewResidual], books: NamedDependency[Books], config: NamedDependency[Config]
) -> dict[str, Any]:
    """Put down what a provider billed in a month beyond what is charged, or short of it, under a name of its own.

    Nobody's credit is touched. It is put down once, however often it is asked for; should the residual change, the
    difference is. Refused when the residual is no longer what was confirmed.
    """
    period = period_named(data.period)
    if len(data.period) != MONTH_LENGTH:
        raise field_invalid("period", repr(data.period), "a month like 2026-11")
    residuals = {each.provider: each for each in _found(books, config, data.period, data.provider).residuals}
    if data.provider not in residuals:
        raise field_invalid("provider", repr(data.provider), f"one whose costs are reported for {data.period}")
    now = residuals[data.provider].residual_nanos
    if _nanos(data.residual) != now:
        raise field_invalid("residual", repr(data.residual), f"{usd(now)}, which it is now")
    return plain(put_down(books, data.provider, period, now))


def _found(books: Books, config: Config, period: str, provider: str | None) -> Reconciliation:
    settle_pending(books)
    catalogs = {each.name: each.catalog for each in config.providers}
    with books.database.reading() as connection:
        return reconciliation(connection, period_named(period), catalogs, books.prices, provider=provider)


def _nanos(text: str) -> int:
    try:
        return nanos_of(Decimal(text))
    except (InvalidOperation, ValueError):
        raise field_invalid("residual", repr(text), "dollars, such as 25.00 or -3.50") from None


ROUTES = (reconcile, post_residual)
