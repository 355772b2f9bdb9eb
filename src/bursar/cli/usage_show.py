"""How one's own usage looks in a terminal: tables whose chart is one of their columns, a colour for each model."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bursar.cli.show import NONE, clean, console, count
from bursar.cli.usage_amounts import dollars, short
from bursar.cli.usage_asked import View
from bursar.cli.usage_draw import (
    LEAST_BAR,
    ROOMY,
    Palette,
    bar_room,
    bar_table,
    cached,
    cost_of,
    day_name,
    per_million,
    plain_table,
    say_notes,
    say_title,
    token_cells,
    token_columns,
)
from bursar.cli.usage_found import Found, project_name, short_model
from bursar.cli.usage_session import session_told
from bursar.local.group import Group
from bursar.local.tables import Row, Sum

HEADINGS = {"day": "Day", "week": "Week of", "month": "Month"}
MOST_PARTS = 8
"""More parts of a period than that are shown as one; JSON has them all."""
MOST_NAME = 28
INDENT = "  "
NAMED = 72
"""Columns from which on sessions are named, for `usage session`."""


class _Line(NamedTuple):
    """A line of a table: a period, or a part of one."""

    name: str
    row: Row
    is_part: bool = False


def periods(found: Found, view: View) -> None:
    """Print days, weeks or months: cost, a bar by model, tokens; with their parts below them if they are wanted."""
    screen = console()
    heading = HEADINGS[view.unit]
    say_title(screen, found, f"Cost by {view.unit}" + (f" and {view.by}" if view.by else ""))
    rows, parts = found.periods(view), found.parts(view)
    lines = [line for row in rows for line in (_Line(day_name(row.name), row), *_parts(found, view, parts, row))]
    if lines:
        _draw(screen, found, heading if view.by is None else f"{heading}, {view.by}", lines)
    say_notes(screen, found, _average(rows, view.unit))


def models(found: Found) -> None:
    """Print models, the dearest first."""
    screen = console()
    say_title(screen, found, "Cost by model")
    _models(screen, found.models())
    say_notes(screen, found)


def sessions(found: Found, order: str, limit: int) -> None:
    """Print sessions."""
    screen = console()
    say_title(screen, found, "Sessions")
    listed = found.sessions(order)
    if listed:
        palette = Palette([row.name for row in found.models()], screen)
        _sessions(screen, found, palette, listed[:limit])
        screen.print(Padding(palette.legend(), (0, 0, 0, 1), expand=False))
    more = len(listed) - limit
    others = "earlier session" if order == "latest" else "session"
    say_notes(screen, found, f"{count(more, others)} not shown; --limit shows more." if more > 0 else "")


def session(found: Found, name: str) -> None:
    """Print one session: where and when, its hours and its models."""
    told = session_told(found, name)
    screen, its = console(), told.row.total
    first, last = found.calendar.instant(its.first_us), found.calendar.instant(its.last_us)
    until = f"{last:%H:%M}" if last.date() == first.date() else f"{last:%a %d %b %H:%M}"
    screen.print(Text(f"Session {clean(told.group.session)}", "bold"))
    where = (found.titles[told.group.source], told.group.project, f"{first:%a %d %b %Y %H:%M} to {until}")
    screen.print(Text(" · ".join(clean(part) for part in where if part), "dim"))
    screen.print()
    lines = [_Line(f"{found.calendar.instant(row.total.first_us):%a %d %b %H}:00", row) for row in told.hours]
    _draw(screen, found, "Hour", lines, [row.name for row in told.models])
    screen.print()
    _models(screen, told.models)
    say_notes(screen, found._replace(groups=told.groups))


def _parts(found: Found, view: View, parts: dict[str, list[Row]], row: Row) -> Iterable[_Line]:
    """The lines below a period; what is beyond MOST_PARTS is put together."""
    if view.by is None:
        return
    its = parts[row.name]
    shown = its if len(its) <= MOST_PARTS + 1 else its[:MOST_PARTS]
    for part in shown:
        yield _Line(INDENT + _part_name(found, view.by, part.name), part, is_part=True)
    if len(its) > len(shown):
        rest = Row.empty("")
        for part in its[len(shown) :]:
            rest.merge(part)
        yield _Line(f"{INDENT}{len(its) - len(shown)} others", rest, is_part=True)


def _part_name(found: Found, by: str, name: str) -> str:
    match by:
        case "project":
            return clean(project_name(name)) or "no project"
        case "model":
            return clean(short_model(name))
        case _:
            return found.titles.get(name, name)


def _draw(screen: Console, found: Found, heading: str, lines: Sequence[_Line], names: Sequence[str] = ()) -> None:
    """Print a table of periods and their parts, with the colours of the models below it."""
    palette = Palette(names or [row.name for row in found.models()], screen)
    total = Sum()
    for line in lines:
        if not line.is_part:
            total.merge(line.row.total)
    columns = token_columns(screen.width)
    name_cells = min(MOST_NAME, max(len(heading), *(len(line.name) for line in lines)))
    room = bar_room(screen.width, columns, [line.row for line in lines], total, name_cells)
    table = bar_table(heading, columns, name_cells)
    most = max(line.row.total.cost_nanos for line in lines)
    with_parts = any(line.is_part for line in lines)
    for line in lines:
        its = line.row.total
        style = "bold" if with_parts and not line.is_part else ""
        cells = token_cells(its, columns)
        table.add_row(Text(line.name), cost_of(its), palette.bar(line.row.models, most, room), *cells, style=style)
    table.add_section()
    table.add_row("Total", cost_of(total), "", *token_cells(total, columns), style="bold")
    screen.print(table)
    screen.print(Padding(palette.legend(), (0, 0, 0, 1), expand=False))


def _models(screen: Console, rows: Sequence[Row]) -> None:
    if not rows:
        return
    palette = Palette([row.name for row in rows], screen)
    columns = token_columns(screen.width)
    table = bar_table("Model", [*columns, "Per million"])
    total = Sum()
    for row in rows:
        total.merge(row.total)
    most = max(row.total.cost_nanos for row in rows)
    names = max(len(short_model(row.name)) for row in rows)
    cells = max(LEAST_BAR, bar_room(screen.width, columns, rows, total) - 12 - max(0, names - 10))
    for row in rows:
        name = Text(clean(short_model(row.name)))
        bar = palette.bar({row.name: row.total}, most, cells)
        table.add_row(name, cost_of(row.total), bar, *token_cells(row.total, columns), per_million(row.total))
    table.add_section()
    table.add_row("Total", cost_of(total), "", *token_cells(total, columns), per_million(total), style="bold")
    screen.print(table)


def _sessions(screen: Console, found: Found, palette: Palette, listed: Sequence[tuple[Group, Row]]) -> None:
    wide = screen.width >= ROOMY
    table = plain_table()
    named = screen.width >= NAMED
    for heading in ("Last", "Project", *(("Session",) if named else ())):
        table.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=1 if heading == "Project" else None)
    table.add_column("Cost", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for heading in ("Calls", "Tokens", *(("Cached",) if wide else ())):
        table.add_column(heading, justify="right", no_wrap=True)
    most = max(row.total.cost_nanos for _, row in listed)
    for group, row in listed:
        its = row.total
        table.add_row(
            f"{found.calendar.instant(its.last_us):%Y-%m-%d %H:%M}",
            Text(clean(project_name(group.project) or NONE)),
            *((Text(clean(group.session[:8])),) if named else ()),
            cost_of(its),
            palette.bar(row.models, most, 14 if wide else LEAST_BAR),
            f"{its.calls:,}",
            short(its.tokens),
            *((cached(its),) if wide else ()),
        )
    screen.print(table)


def _average(rows: Sequence[Row], unit: str) -> str:
    if len(rows) < 2:
        return ""
    average = sum(row.total.cost_nanos for row in rows) // len(rows)
    return f"{dollars(average)} on an active {unit}, of {len(rows)}."
