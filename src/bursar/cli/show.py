"""How answers look in a terminal: tables, money and times as people write them.

Rich is imported when something is printed with it, so that `--help` does not wait for it.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from bursar.money import NANOS_PER_USD, people_usd

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 200
"""Columns when nobody looks: nothing is cut that a program may want."""
PAGE_WIDTH, LEAST_PAGE, MOST_PAGE = 80, 20, 400
NUMBER, PROSE = ">", "~"
"""What a heading begins with: a column of numbers, set to the right; one whose cells may be broken over lines."""
NONE = "–"


def width() -> int:
    """How many columns there are to print on."""
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns if _is_seen() else PIPED_WIDTH


def page_width() -> int:
    """How wide a page of text is to be."""
    return min(max(width(), LEAST_PAGE), MOST_PAGE) if _is_seen() else PAGE_WIDTH


def _is_seen() -> bool:
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def console() -> Console:
    """Where tables and charts are printed: as wide as the terminal, or as PIPED_WIDTH where nobody looks."""
    from rich.console import Console  # noqa: PLC0415

    return Console(width=width(), highlight=False, emoji=False, markup=False)


def money(amount: str | None) -> str:
    """An amount of the API ("2000.00") as people write it ("$2,000.00"); a dash for none."""
    return NONE if amount is None else people_usd(int(Decimal(amount) * NANOS_PER_USD))


def moment(instant: str | None, time_zone: str = "UTC") -> str:
    """An instant of the API as "2026-11-23 14:05", in a time zone; a dash for none."""
    if instant is None:
        return NONE
    read = datetime.fromisoformat(instant).replace(tzinfo=UTC)
    return f"{read.astimezone(ZoneInfo(time_zone)):%Y-%m-%d %H:%M}"


def count(number: int, one: str) -> str:
    """A number of things, in the right number."""
    return f"{number:,} {one}" + ("" if number == 1 else "s")


def clean(text: str) -> str:
    """A text without characters that would do something to a terminal."""
    return "".join(letter if letter.isprintable() else "\ufffd" for letter in text)


def table(columns: Sequence[str], rows: Iterable[Sequence[str]], *, empty: str = "", title: str = "") -> None:
    """Print rows under headings, or `empty` if there are none. A column with nothing but dashes is left out."""
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    rows = list(rows)
    if not rows:
        say(empty)
        return
    if title:
        console().print(Text(clean(title), style="bold"))
    kept = [index for index in range(len(columns)) if any(row[index] != NONE for row in rows)]
    grid = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")
    for heading in (columns[index] for index in kept):
        grid.add_column(
            heading.lstrip(NUMBER + PROSE),
            justify="right" if heading.startswith(NUMBER) else "left",
            no_wrap=not heading.startswith(PROSE),
            overflow="fold",
        )
    for row in rows:
        grid.add_row(*(Text(clean(row[index])) for index in kept))
    console().print(grid)


def facts(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values below each other."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Table.grid(padding=(0, 2))
    grid.add_column(style="bold", no_wrap=True)
    grid.add_column(overflow="fold")
    for name, value in pairs:
        grid.add_row(Text(name), Text(clean(value)))
    console().print(grid)


def say(text: str) -> None:
    """Print a line, however long it is."""
    print(clean(text))


def gap() -> None:
    """Print an empty line."""
    print()


@contextmanager
def progress(text: str, *, in_bytes: bool = False) -> Iterator[Callable[[int, int], None]]:
    """A bar on stderr while something long runs; call what is yielded with how much is done, of how much.

    What is counted in bytes is shown with its rate. Where stderr is no terminal there is nothing, not even an empty
    line.
    """
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    shown = (*columns, TimeRemainingColumn()) if in_bytes else Progress.get_default_columns()
    with Progress(*shown, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task(text, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
