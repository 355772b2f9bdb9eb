"""A statement as a page for print: PDF, set by Typst, with the signed JSON attached.

The same statement gives the same bytes: no date, no fonts but those that come with Typst, no file but the template.
"""

from __future__ import annotations

import json
from importlib.resources import files

from bursar.document import Facts
from bursar.reports.pages import page_of
from bursar.reports.statement import Statement

TEMPLATE = "statement.typ"


def render_pdf(statement: Statement, facts: Facts, signed: bytes) -> bytes:
    """The pages of a document, which carry its signed JSON file."""
    import typst  # noqa: PLC0415 - half a second, and seldom needed

    template = files("bursar.reports").joinpath("templates", TEMPLATE).read_bytes()
    inputs = {"data": json.dumps(page_of(statement, facts)), "signed": signed.decode()}
    return typst.compile(template, format="pdf", ignore_system_fonts=True, sys_inputs=inputs)
