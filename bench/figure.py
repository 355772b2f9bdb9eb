"""A figure: one table of what was measured, with a note on how; one record for terminal, Markdown and JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import median

import msgspec
from rich.table import Table

Cell = str | int | float | None


class Spread(msgspec.Struct, frozen=True):
    """The values of all rounds as median and range."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        if self.low == self.high:
            return number(self.median)
        return f"{number(self.median)} ({number(self.low)}..{number(self.high)})"


def spread(values: Sequence[float]) -> Spread:
    """Summarise one value a round."""
    return Spread(median(values), min(values), max(values))


class Figure(msgspec.Struct, frozen=True):
    """One measured table; the first row's keys are its columns, in order, their units in their names."""

    title: str
    note: str
    rows: Sequence[Mapping[str, Cell | Spread]]


def number(value: float) -> str:
    """A number for people, to three significant digits from 0.01 on: 1,234 and 56.7 and 0.05."""
    if isinstance(value, int) or abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"


def written(cell: Cell | Spread) -> str:
    """A cell for people."""
    if cell is None:
        return "–"
    return number(cell) if isinstance(cell, int | float) else str(cell)


def as_table(figure: Figure) -> Table:
    """The figure for a terminal."""
    table = Table(title=figure.title, caption=figure.note, title_justify="left", caption_justify="left")
    for column in figure.rows[0]:
        table.add_column(column, justify="left" if column == "program" else "right")
    for row in figure.rows:
        table.add_row(*map(written, row.values()))
    return table


def as_markdown(figure: Figure) -> str:
    """The figure as a Markdown section."""
    columns = list(figure.rows[0])
    lines = [f"## {figure.title}", "", "| " + " | ".join(columns) + " |", "|" + "---|" * len(columns)]
    lines += ["| " + " | ".join(map(written, row.values())) + " |" for row in figure.rows]
    return "\n".join([*lines, "", figure.note, ""])
