"""The close of periods."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import msgspec
from litestar.di import NamedDependency
from litestar.params import JSONBody

from bursar.api.access import ADMINISTRATOR
from bursar.api.moments import day_or_instant
from bursar.api.routes import body, route
from bursar.api.told import told
from bursar.books import Books
from bursar.books.upkeep import Closed, close_periods
from bursar.refusals import field_invalid
from bursar.reports.plain import plain

_DAY_US = timedelta(days=1) // timedelta(microseconds=1)


class Through(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The last day (UTC) that is closed; up to now when it is left out."""

    through: str | None = None


class CloseView(msgspec.Struct, frozen=True, kw_only=True):
    """What a close posted, by the ledger's verbs: nothing when all had been posted before."""

    through_us: int
    posted: tuple[Closed, ...]


@route("POST /close", ADMINISTRATOR, status=200, answer=body(told(CloseView), "What was posted"))
def close(data: JSONBody[Through], books: NamedDependency[Books]) -> dict[str, Any]:
    """Post what is due to lots: open, earn, carry over, cash out, expire. May be done any number of times."""
    now_us = books.clock()
    through_us = now_us
    if data.through is not None:
        begins_us = day_or_instant(data.through, "through", "UTC", now_us)
        if begins_us > now_us:
            right = "a day that has begun"
            raise field_invalid("through", repr(data.through), right)
        through_us = min(now_us, begins_us + _DAY_US)
    return plain(CloseView(through_us=through_us, posted=tuple(close_periods(books, through_us))))


ROUTES = (close,)
