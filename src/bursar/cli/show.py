"""How answers look in a terminal: tables, money and times as people write them."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bursar.money import NANOS_PER_USD, people_usd

PIPED_WIDTH = 200
"""Columns when nobody looks: nothing is cut that a program may want."""
RIGHT = ">"


def console() -> Console:
    """Where answers are printed."""
    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else PIPED_WIDTH
    return Console(width=width, highlight=False, emoji=False)


def error_console() -> Console:
    """Where progress is shown: stderr, so that what is printed can be piped."""
    return Console(stderr=True)


def terminal_width() -> int:
    """How many columns there are; 80 when nobody looks."""
    return Console().width if sys.stdout.isatty() or "COLUMNS" in os.environ else 80


def money(amount: str | None) -> str:
    """An amount of the API ("2000.00") as people write it ("$2,000.00"); a dash for none."""
    return "–" if amount is None else people_usd(int(Decimal(amount) * NANOS_PER_USD))


def moment(instant: str | None, time_zone: str = "UTC") -> str:
    """An instant of the API as "2026-11-23 14:05", in a time zone; a dash for none."""
    if instant is None:
        return "–"
    read = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    return f"{read.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}"


def clean(text: str) -> str:
    """A text without characters that would do something to a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str, title: str = "") -> None:
    """Print rows under headings, or `empty` if there are none. A heading that begins with ">" is one of numbers."""
    rows = list(rows)
    out = console()
    if not rows:
        out.print(Text(empty))
        return
    if title:
        out.print(Text(title, style="bold"))
    grid = Table(box=box.SIMPLE_HEAD, pad_edge=False, show_edge=False, header_style="bold")
    for heading in columns:
        right = heading.startswith(RIGHT)
        grid.add_column(heading.removeprefix(RIGHT), justify="right" if right else "left", no_wrap=right)
    for row in rows:
        grid.add_row(*(Text(clean(cell)) for cell in row))
    out.print(grid)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values below each other."""
    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(Text(name), Text(clean(value)))
    console().print(grid)


def say(text: str) -> None:
    """Print a line."""
    console().print(Text(clean(text)), soft_wrap=True)
