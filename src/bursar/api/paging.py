"""How the numbers of a request are bounded: page sizes, and ids that a database can hold."""

from __future__ import annotations

from typing import Annotated

from litestar.params import PathParameter, QueryParameter

from bursar.reports.usage import MAX_PAGE, PAGE

MAX_ID = 2**62
MIN_WIDTH, MAX_WIDTH = 20, 400
Id = Annotated[int, PathParameter(ge=1, le=MAX_ID)]
"""The number of a record."""
After = Annotated[int | None, QueryParameter(ge=1, le=MAX_ID)]
"""The number of the last record of the page before."""
PageSize = Annotated[int, QueryParameter(ge=1, le=MAX_PAGE)]
"""How many records to answer with at most."""
PageWidth = Annotated[int, QueryParameter(ge=MIN_WIDTH, le=MAX_WIDTH)]
"""The width of a page of text, in columns."""

__all__ = ["PAGE", "After", "Id", "PageSize", "PageWidth"]
