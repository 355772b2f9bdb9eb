"""How the commands about offers answer: text for a terminal, JSON, or a report as HTML or PDF."""

from __future__ import annotations

import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from bursar.cli.files import write_bytes
from bursar.cli.show import page_width, say
from bursar.refusals import field_invalid

if TYPE_CHECKING:
    from bursar.cli.session import Session
    from bursar.reports.offers.letter import Letter

REPORT_HELP = "Write a report there, .html or .pdf, instead of text to the terminal."
HTML, PDF = ".html", ".pdf"


def report_file(file: Path | None) -> Path | None:
    """Check the name of a report's file, before anything is computed."""
    if file is not None and file.suffix.lower() not in (HTML, PDF):
        raise field_invalid("--report", repr(str(file)), f"a file that ends in {HTML} or {PDF}")
    if file is not None and not file.absolute().parent.is_dir():
        raise field_invalid("--report", repr(str(file)), "in a folder that is there")
    return file


def tell(session: Session, found: msgspec.Struct, letter: Callable[[], Letter], report: Path | None) -> None:
    """Answer as it was asked: the numbers as JSON, or the letter about them as a report or as text."""
    if report is not None:
        write_bytes(report, _report(letter(), report))
    if session.show_json(_plain(msgspec.to_builtins(found))):
        return
    if report is not None:
        say(f"The report is in {report}.")
        return
    from bursar.reports.offers.text import render_text  # noqa: PLC0415 - slow to import

    coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
    print(render_text(letter(), page_width(), coloured=coloured), end="")


def _report(letter: Letter, file: Path) -> bytes:
    from bursar.reports.offers.pages import render_html, render_pdf  # noqa: PLC0415 - slow to import

    return render_pdf(letter) if file.suffix.lower() == PDF else render_html(letter)


def _plain(value: Any) -> Any:
    """A value as JSON can have it: an infinite number is a text, as `--set` takes it."""
    match value:
        case dict():
            return {name: _plain(one) for name, one in value.items()}
        case list() | tuple():
            return [_plain(one) for one in value]
        case float() if math.isinf(value):
            return str(value)
    return value
