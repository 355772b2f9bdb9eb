"""Files that a command is given."""

from __future__ import annotations

import sys
from pathlib import Path

from bursar.refusals import Refused, Why, refuse

STANDARD_INPUT = Path("-")


def read_text(file: Path) -> str:
    """The text of a file; - is standard input. Raises Refused(CONFIG_INVALID) when there is none."""
    try:
        return sys.stdin.read() if file == STANDARD_INPUT else file.read_text("utf-8")
    except FileNotFoundError:
        problem = "it is not there"
    except (OSError, UnicodeDecodeError):
        problem = "it cannot be read as UTF-8 text"
    raise Refused(refuse(Why.CONFIG_INVALID, file=file, field="(file)", problem=problem))


def write_text(file: Path, text: str) -> None:
    """Write a text to a file, new or not. Raises Refused(CONFIG_INVALID) when it cannot be written."""
    try:
        file.write_text(text, "utf-8")
    except OSError:
        raise Refused(refuse(Why.CONFIG_INVALID, file=file, field="(file)", problem="it cannot be written")) from None
