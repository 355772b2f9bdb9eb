"""How Bursar's pages look, on screen and on paper: templates that share one style sheet and one Typst preamble."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from jinja2 import Template

PREAMBLE = "look.typ"


@cache
def html_template(name: str) -> Template:
    """A template of HTML by its file name; it may include others, such as `look.css`."""
    from jinja2 import Environment, FunctionLoader, StrictUndefined  # noqa: PLC0415 - seldom needed

    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True, loader=FunctionLoader(_text)
    )
    return environment.get_template(name)


def typeset(name: str, inputs: dict[str, str]) -> bytes:
    """A PDF from a template of Typst and what it is to be filled with.

    The same inputs give the same bytes: no date, no fonts but those that come with Typst, no file but the template.
    """
    import typst  # noqa: PLC0415 - half a second, and seldom needed

    return typst.compile(
        (_text(PREAMBLE) + _text(name)).encode(), format="pdf", ignore_system_fonts=True, sys_inputs=inputs
    )


def _text(name: str) -> str:
    return files("bursar.reports").joinpath("templates", name).read_text("utf-8")
