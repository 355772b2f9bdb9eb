"""A letter as text for a terminal: bars of block characters, tables, prose at the terminal's width."""

from __future__ import annotations

from collections.abc import Iterator
from io import StringIO
from typing import TYPE_CHECKING

from bursar.reports.offers.letter import NUMBER, Bar, Letter, Section, Table
from bursar.reports.words import clean

if TYPE_CHECKING:
    from rich.console import RenderableType

MOST_WIDTH = 100
"""Lines longer than this are no pleasure to read."""
NAME_WIDTH, BAR_WIDTH = 26, 34
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
        yield ""
    for words in letter.summary:
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
    if section.bars:
        yield from (_bar(bar, width) for bar in section.bars)
        if section.caption:
            yield Text(clean(section.caption), style="dim")
    if section.table is not None:
        yield _table(section.table)
    for words in section.closing:
        yield Text(clean(words), style="dim")


def _bar(bar: Bar, width: int) -> RenderableType:
    from rich.text import Text  # noqa: PLC0415

    columns = max(10, min(BAR_WIDTH, width - NAME_WIDTH - 24))
    begins, filled, pale = (max(0, round(share * columns * 8)) for share in (bar.begins, bar.filled, bar.pale))
    line = Text(f"  {clean(bar.name)[:NAME_WIDTH]:<{NAME_WIDTH}}")
    solid = " " * (begins // 8) + "█" * (filled // 8) + EIGHTHS[filled % 8]
    line.append(solid, style="green")
    line.append("░" * max(0, (begins + max(pale, filled)) // 8 - len(solid)), style="dim")
    return line.append(f" {clean(bar.label)}".rjust(1))


def _table(table: Table) -> RenderableType:
    from rich import box  # noqa: PLC0415
    from rich.table import Table as Grid  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    grid = Grid(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="dim")
    for heading in table.headings:
        numeric = heading.startswith(NUMBER)
        grid.add_column(
            heading.lstrip(NUMBER), justify="right" if numeric else "left", no_wrap=numeric, overflow="fold"
        )
    last = len(table.rows) - 1
    for at, row in enumerate(table.rows):
        if table.summed and at == last:
            grid.add_section()
        grid.add_row(*(Text(clean(cell)) for cell in row), style="bold" if table.summed and at == last else "")
    return grid
