"""A statement as one page of HTML: no script, nothing loaded from elsewhere, the signed JSON inside."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from bursar.document import EMBEDDED_IN_HTML, Facts
from bursar.reports.pages import page_of
from bursar.reports.statement import Statement

if TYPE_CHECKING:
    from jinja2 import Template

TEMPLATE = "statement.html.j2"


def render_html(statement: Statement, facts: Facts, signed: bytes) -> bytes:
    """The page of a document, which carries its signed JSON file."""
    embedded = EMBEDDED_IN_HTML + b64encode(signed).decode()
    return _template().render(page_of(statement, facts), embedded=embedded).encode()


@cache
def _template() -> Template:
    from jinja2 import Environment, StrictUndefined  # noqa: PLC0415 - seldom needed

    text = files("bursar.reports").joinpath("templates", TEMPLATE).read_text("utf-8")
    environment = Environment(autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(text)
