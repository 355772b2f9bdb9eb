"""A statement as a page for print: PDF, set by Typst, with the signed JSON attached."""

from __future__ import annotations

import json

from bursar.document import Facts
from bursar.reports.look import typeset
from bursar.reports.pages import page_of
from bursar.reports.statement_shape import Statement

TEMPLATE = "statement.typ"


def render_pdf(statement: Statement, facts: Facts, signed: bytes) -> bytes:
    """The pages of a document, which carry its signed JSON file; the same statement gives the same bytes."""
    return typeset(TEMPLATE, {"data": json.dumps(page_of(statement, facts)), "signed": signed.decode()})
