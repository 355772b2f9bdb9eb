"""A statement as one page of HTML: no script, nothing loaded from elsewhere, the signed JSON inside."""

from __future__ import annotations

from base64 import b64encode

from bursar.document import EMBEDDED_IN_HTML, Facts
from bursar.reports.look import html_template
from bursar.reports.pages import page_of
from bursar.reports.statement_shape import Statement

TEMPLATE = "statement.html.j2"


def render_html(statement: Statement, facts: Facts, signed: bytes) -> bytes:
    """The page of a document, which carries its signed JSON file."""
    embedded = EMBEDDED_IN_HTML + b64encode(signed).decode()
    return html_template(TEMPLATE).render(page_of(statement, facts), embedded=embedded).encode()
