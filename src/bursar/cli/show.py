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
from typing import TYPE_CHECKING, NamedTuple
from zoneinfo import ZoneInfo

from bursar.money import NANOS_PER_USD, people_usd

if TYPE_CHECKING:
    from rich.console import Console

PIPED_WIDTH = 200
"""Columns when nobody looks: nothing is cut that a program may want."""
PAGE_WIDTH, LEAST_PAGE, MOST_PAGE = 80, 20, 400
NUMBER, PROSE = ">", "~"
"""What a heading begins with: a column of numbers, set to the right; one whose cells may be broken over lines."""
LEAST_TEXT = 10
"""Characters of a text, such as a date, that stay together in the narrowest column."""
NONE = "–"


def width() -> int:
    """How many columns there are to print on."""
    return shutil.get_terminal_size((PIPED_WIDTH, 24)).columns if _is_seen() else PIPED_WIDTH


def page_width() -> int:
    """How wide a page of text is to be."""
    return min(max(width(), LEAST_PAGE), MOST_PAGE) if _is_seen() else PAGE_WIDTH


def _is_seen() -> bool:
    return sys.stdout.isatty() or "COLUMNS" in os.environ


def console(columns: int | None = None) -> Console:
    """Where tables and charts are printed: as wide as the terminal, or as PIPED_WIDTH where nobody looks."""
    from rich.console import Console  # noqa: PLC0415

    return Console(width=columns or width(), highlight=False, emoji=False, markup=False)


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
    cells = [[clean(row[index]) for index in kept] for row in rows]
    shown = [_Column.of(columns[index], [row[place] for row in cells]) for place, index in enumerate(kept)]
    widths = _widths(shown, width())
    for each, wide in zip(shown, widths, strict=True):
        grid.add_column(
            each.heading,
            justify="right" if each.number else "left",
            no_wrap=wide >= each.most,
            overflow="fold",
            width=wide,
        )
    for row in cells:
        grid.add_row(*(Text(cell) for cell in row))
    # where not even that fits, the terminal breaks the lines: nothing is cut
    console(max(width(), _total(widths))).print(grid)


class _Column(NamedTuple):
    """A column of a table: its heading, and how wide it is, unbroken (`most`) and at the least.

    At the least a heading is broken between its words, a text after LEAST_TEXT characters, and a number not at all.
    """

    heading: str
    number: bool
    prose: bool
    most: int
    least: int

    @staticmethod
    def of(heading: str, cells: Sequence[str]) -> _Column:
        from rich.cells import cell_len  # noqa: PLC0415

        name, number = heading.lstrip(NUMBER + PROSE), heading.startswith(NUMBER)
        longest, word = max(map(cell_len, cells)), max(map(cell_len, name.split() or [""]))
        most = max(longest, cell_len(name))
        least = max(longest if number else min(longest, LEAST_TEXT), word)
        return _Column(name, number, heading.startswith(PROSE), most, least)


def _widths(columns: Sequence[_Column], room: int) -> list[int]:
    """How wide each column is: prose gives way first, and only where that is not enough the others do."""
    widths = _narrowed(
        [each.most for each in columns], [each.least if each.prose else each.most for each in columns], room
    )
    if _total(widths) <= room:
        return widths
    least = [each.least for each in columns]
    return _narrowed([each.least if each.number else each.most for each in columns], least, room)


def _narrowed(widths: Sequence[int], least: Sequence[int], room: int) -> list[int]:
    """Take from the widest until there is room, or all are as narrow as they can be."""
    widths = [max(low, min(wide, room)) for wide, low in zip(widths, least, strict=True)]
    while _total(widths) > room and widths != list(least):
        widest = max((index for index, low in enumerate(least) if widths[index] > low), key=widths.__getitem__)
        widths[widest] -= 1
    return widths


def _total(widths: Sequence[int]) -> int:
    """How wide a table is with columns so wide, and two blanks between them."""
    return sum(widths) + 2 * (len(widths) - 1)


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
