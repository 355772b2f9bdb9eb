"""Files that a command is given."""

from __future__ import annotations

import sys
from collections.abc import Iterable
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


def read_bytes(file: Path) -> bytes:
    """What is in a file. Raises Refused(CONFIG_INVALID) when it cannot be read."""
    try:
        return file.read_bytes()
    except FileNotFoundError:
        problem = "it is not there"
    except OSError:
        problem = "it cannot be read"
    raise Refused(refuse(Why.CONFIG_INVALID, file=file, field="(file)", problem=problem))


def write_text(file: Path, text: str) -> None:
    """Write a text to a file, new or not. Raises Refused(CONFIG_INVALID) when it cannot be written."""
    write_bytes(file, text.encode())


def write_bytes(file: Path, content: bytes) -> None:
    """The same for bytes."""
    try:
        file.write_bytes(content)
    except OSError:
        raise Refused(refuse(Why.CONFIG_INVALID, file=file, field="(file)", problem="it cannot be written")) from None


def write_pieces(file: Path, pieces: Iterable[bytes]) -> int:
    """Write what comes piece by piece to a file, which is there when all of it is; returns how many bytes it has.

    Raises Refused(CONFIG_INVALID) when it cannot be written.
    """
    part = file.with_name(file.name + ".part")
    size = 0
    try:
        with part.open("wb") as target:
            for piece in pieces:
                size += target.write(piece)
        part.replace(file)
    except OSError:
        raise Refused(refuse(Why.CONFIG_INVALID, file=file, field="(file)", problem="it cannot be written")) from None
    finally:
        part.unlink(missing_ok=True)
    return size
