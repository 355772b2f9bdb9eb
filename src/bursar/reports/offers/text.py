"""A letter as text for a terminal: bars of block characters, tables, prose at the terminal's width."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING

from bursar.reports.offers.bars import Bar, bars_of, legend_of
from bursar.reports.offers.letter import NUMBER, Letter, Section, Table
from bursar.reports.words import clean, fit

if TYPE_CHECKING:
    from rich.console import JustifyMethod, RenderableType

MOST_WIDTH = 100
"""Lines longer than this are no pleasure to read."""
MOST_NAME, LEAST_BAR, MOST_BAR = 34, 12, 40
LINES = "    \n    \n ── \n    \n ── \n ── \n    \n    \n"
"""The lines of a table: below its head, and above a last row that is a sum."""
GAP, LEAST_TEXT = 2, 8
"""Blanks between the columns of a table, and the least that a column of texts is wide."""
EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")


def render_text(letter: Letter, width: int, *, coloured: bool = False) -> str:
    """A letter at so many columns; with `coloured` in bold and colours of the terminal."""
    from rich.console import Console  # noqa: PLC0415 - slow to import

    page = StringIO()
    console = Console(
        file=page,
        width=min(width, MOST_WIDTH),
        force_terminal=coloured,
        no_color=not coloured,
        highlight=False,
        emoji=False,
        markup=False,
    )
    for part in _parts(letter, console.width):
        console.print(part)
    return "".join(line.rstrip() + "\n" for line in page.getvalue().splitlines())


def _parts(letter: Letter, width: int) -> Iterator[RenderableType]:
    from rich.rule import Rule  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    yield Text(f"{clean(letter.title)}: {clean(letter.about)}", style="bold")
    yield Rule(style="dim")
    if letter.figures:
        yield _figures(letter)
    for words in letter.summary:
        yield ""
        yield Text(clean(words))
    for section in letter.sections:
        yield ""
        yield from _section(section, width)
    yield ""
    for words in letter.small_print:
        yield Text(clean(words), style="dim")


def _figures(letter: Letter) -> RenderableType:
    from rich.table import Table as Grid  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Grid.grid(padding=(0, 2))
    grid.add_column(no_wrap=True)
    grid.add_column(justify="right", no_wrap=True, style="bold")
    grid.add_column(style="dim")
    for figure in letter.figures:
        grid.add_row(Text(clean(figure.name)), Text(figure.amount), Text(clean(figure.remark)))
    return grid


def _section(section: Section, width: int) -> Iterator[RenderableType]:
    from rich.text import Text  # noqa: PLC0415

    title = clean(section.title)
    if section.aside:
        aside = clean(section.aside)
        gap = max(2, width - len(title) - len(aside))
        title += " " * gap + aside
    yield Text(title, style="bold green")
    for words in section.prose:
        yield Text(clean(words))
    if section.picture is not None:
        yield from _bars(bars_of(section.picture), width)
        yield Text(legend_of(section.picture), style="dim")
    if section.table is not None:
        yield _table(section.table, width)
    for words in section.closing:
        yield Text(clean(words), style="dim")


def _bars(bars: list[Bar], width: int) -> Iterator[RenderableType]:
    """The lines of a chart, its bars as wide as names and labels leave room."""
    from rich.text import Text  # noqa: PLC0415

    names = [fit(bar.name, min(MOST_NAME, width // 3)) for bar in bars]
    room = max(map(len, names))
    columns = max(LEAST_BAR, min(MOST_BAR, width - room - max(len(bar.label) for bar in bars) - 4))
    for name, bar in zip(names, bars, strict=True):
        line = Text(f"  {name:<{room}} ")
        begins, filled, pale = (max(0, round(share * columns * 8)) for share in (bar.begins, bar.filled, bar.pale))
        blocks = "█" * (filled // 8) + EIGHTHS[filled % 8]
        if not blocks and not pale:
            blocks = EIGHTHS[1]
        line.append(" " * (begins // 8) + blocks, style="green")
        line.append("░" * (pale // 8 - len(blocks)), style="dim")
        yield line.append(" " + clean(bar.label))


def _table(table: Table, width: int) -> RenderableType:
    from rich import box  # noqa: PLC0415
    from rich.table import Table as Grid  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Grid(box=box.Box(LINES), padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for heading, columns in zip(table.headings, _widths(table, width), strict=True):
        justify: JustifyMethod = "right" if heading.startswith(NUMBER) else "left"
        grid.add_column(heading.lstrip(NUMBER), justify=justify, width=columns, overflow="fold")
    last = len(table.rows) - 1
    for at, row in enumerate(table.rows):
        if table.summed and at == last:
            grid.add_section()
        grid.add_row(*(Text(clean(cell)) for cell in row), style="bold" if table.summed and at == last else "")
    return grid


def _widths(table: Table, width: int) -> list[int]:
    """How wide each column is: numbers are never broken, headings at blanks, and texts share what is left."""
    cells = [[row[at] for row in table.rows] for at in range(len(table.headings))]
    longest = [max(map(len, column), default=0) for column in cells]
    widths = []
    for heading, most in zip(table.headings, longest, strict=True):
        word = max(map(len, heading.lstrip(NUMBER).split()))
        widths.append(max(most, word) if heading.startswith(NUMBER) else 0)
    texts = [at for at, columns in enumerate(widths) if not columns]
    room = width - sum(widths) - GAP * (len(widths) - 1)
    for left, at in zip(range(len(texts), 0, -1), sorted(texts, key=lambda at: longest[at]), strict=True):
        widths[at] = max(LEAST_TEXT, min(max(longest[at], len(table.headings[at])), room // left))
        room -= widths[at]
    for at, heading in enumerate(table.headings):
        if heading.startswith(NUMBER):
            more = min(max(0, room), max(0, len(heading) - len(NUMBER) - widths[at]))
            widths[at] += more
            room -= more
    return widths
