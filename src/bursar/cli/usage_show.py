"""How one's own usage looks in a terminal: a table whose chart is one of its columns, a colour for each model.

Where there are no colours the bars are shaded, so that models can still be told apart.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date

from rich import box
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bursar.cli.show import NONE, clean, console, count
from bursar.cli.usage_found import Found, project_name, short_model
from bursar.local.tables import Row, Sum, added_up, by_model, by_session
from bursar.money import people_usd

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red", "bright_cyan", "bright_magenta")
SHADES = "█▓▒░"
EIGHTHS = " ▏▎▍▌▋▊▉█"
STEPS = "▁▂▃▄▅▆▇█"
OTHER = "other models"
ROOMY, WIDE = 96, 116
"""Columns from which on a table has the parts of its tokens, and from which on it has all of them."""
LEAST_BAR, MOST_BAR = 8, 46
MOST_TOLD = 3
MILLION = 1_000_000
CENT_NANOS = 10_000_000


class Palette:
    """A colour and a shade for each model: the dearest get their own, the others share one."""

    def __init__(self, models: Iterable[str], screen: Console) -> None:
        self._colours = screen.color_system is not None
        self._places = {model: place for place, model in enumerate(models)}

    def place(self, model: str) -> int:
        """Which of the colours it has."""
        return min(self._places.get(model, 0), len(COLOURS) - 1)

    def style(self, model: str) -> str:
        """The style of its part of a bar."""
        return COLOURS[self.place(model)] if self._colours else ""

    def block(self, model: str) -> str:
        """The character that fills its part of a bar."""
        return SHADES[0] if self._colours else SHADES[self.place(model) % len(SHADES)]

    def legend(self) -> Text:
        """Which colour is which model."""
        text = Text()
        names = list(self._places)
        for name in names[: len(COLOURS) - 1] if len(names) > len(COLOURS) else names:
            text.append(self.block(name), self.style(name)).append(f" {clean(short_model(name))}   ")
        if len(names) > len(COLOURS):
            last = names[-1]
            text.append(self.block(last), self.style(last)).append(f" {OTHER}")
        return text

    def bar(self, models: Mapping[str, Sum], of_nanos: int, cells: int) -> Text:
        """A bar in parts, as long as its cost is of another."""
        text, done, drawn = Text(), 0, 0
        ordered = sorted(models.items(), key=lambda pair: self._places.get(pair[0], 0))
        for model, its in ordered:
            done += its.cost_nanos
            until = done * cells // of_nanos if of_nanos else 0
            text.append(self.block(model) * (until - drawn), self.style(model))
            drawn = until
        rest = done * cells * 8 // of_nanos - drawn * 8 if of_nanos else 0
        if rest and drawn < cells and ordered:
            text.append(EIGHTHS[rest], self.style(ordered[-1][0]))
        return text


def periods(found: Found, rows: Sequence[Row], heading: str) -> None:
    """Print days or months: cost, a bar by model, tokens."""
    screen = console()
    _title(screen, found, f"Cost by {heading.lower()}")
    if rows:
        palette = Palette([row.name for row in found.models()], screen)
        total = added_up(found.groups)
        columns = _columns(screen.width)
        cells = _bar_cells(screen.width, columns, rows, total)
        grid = _grid(heading, columns)
        most = max(row.total.cost_nanos for row in rows)
        for row in rows:
            bar = palette.bar(row.models, most, cells)
            grid.add_row(_day(row.name), _cost(row.total), bar, *_cells(row.total, columns))
        grid.add_section()
        grid.add_row("Total", _cost(total), "", *_cells(total, columns), style="bold")
        screen.print(grid)
        screen.print(Padding(palette.legend(), (0, 0, 0, 1)))
    _notes(screen, found, _average(rows, heading))


def models(found: Found) -> None:
    """Print models, the dearest first."""
    screen = console()
    _title(screen, found, "Cost by model")
    rows = found.models()
    if rows:
        palette = Palette([row.name for row in rows], screen)
        columns = _columns(screen.width)
        grid = _grid("Model", [*columns, "Per million"])
        total = added_up(found.groups)
        most = max(row.total.cost_nanos for row in rows)
        names = max(len(short_model(row.name)) for row in rows)
        cells = max(LEAST_BAR, _bar_cells(screen.width, columns, rows, total) - 12 - max(0, names - 10))
        for row in rows:
            name = Text(clean(short_model(row.name)))
            bar = palette.bar({row.name: row.total}, most, cells)
            grid.add_row(name, _cost(row.total), bar, *_cells(row.total, columns), _per_million(row.total))
        grid.add_section()
        grid.add_row("Total", _cost(total), "", *_cells(total, columns), _per_million(total), style="bold")
        screen.print(grid)
    _notes(screen, found, "")


def sessions(found: Found, limit: int) -> None:
    """Print sessions, the latest first."""
    screen = console()
    _title(screen, found, "Sessions")
    listed = by_session(found.groups)
    if listed:
        wide = screen.width >= ROOMY
        palette = Palette([row.name for row in found.models()], screen)
        grid = _plain_grid()
        for heading in ("Last", "Project", *(("Session",) if wide else ())):
            grid.add_column(heading, no_wrap=True, overflow="ellipsis", ratio=1 if heading == "Project" else None)
        grid.add_column("Cost", justify="right", no_wrap=True)
        grid.add_column("", no_wrap=True)
        for heading in ("Calls", "Tokens", *(("Cached",) if wide else ())):
            grid.add_column(heading, justify="right", no_wrap=True)
        most = max(row.total.cost_nanos for _, row in listed[:limit])
        for group, row in listed[:limit]:
            its = row.total
            grid.add_row(
                f"{found.calendar.at(its.last_slot):%Y-%m-%d %H:%M}",
                Text(clean(project_name(group.project) or NONE)),
                *((Text(clean(group.session[:8])),) if wide else ()),
                _cost(its),
                palette.bar(row.models, most, 14 if wide else LEAST_BAR),
                f"{its.calls:,}",
                short(its.tokens),
                *((_share(its),) if wide else ()),
            )
        screen.print(grid)
        screen.print(Padding(palette.legend(), (0, 0, 0, 1)))
    more = len(listed) - limit
    _notes(screen, found, f"{count(more, 'earlier session')} not shown; --limit shows more." if more > 0 else "")


def today(found: Found) -> None:
    """Print today at one glance."""
    screen = console()
    screen.print(_glance(found, screen))
    _notes(screen, found, "")


def watch(look: Callable[[], Found], every_s: float) -> None:
    """Show today, anew every so many seconds, until somebody interrupts."""
    screen = console()
    with Live(console=screen, screen=screen.is_terminal, auto_refresh=False) as live:
        try:
            while True:
                found = look()
                foot = Text(f"\n{time.strftime('%H:%M:%S')}  every {every_s:g} s, Ctrl-C ends", "dim")
                live.update(Group(_glance(found, screen), foot), refresh=True)
                time.sleep(every_s)
        except KeyboardInterrupt:
            return


def short(tokens: int) -> str:
    """A number of tokens in three digits or so: 812, 12.3k, 4.56M, 1.20G."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if tokens >= size:
            value = tokens / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:.{digits}f}{unit}"
    return str(tokens)


def dollars(nanos: int) -> str:
    """Dollars and cents; what is less than a cent is not nothing."""
    return "<$0.01" if 0 < nanos < CENT_NANOS else people_usd(nanos)


def _glance(found: Found, screen: Console) -> RenderableType:
    groups = found.of_today()
    total, rows = added_up(groups), by_model(groups)
    yesterday, month = added_up(found.of_days(1, 1)), added_up(found.of_days(29, 0))
    head = Text().append(f"Today, {_long_day(found.asked.today)}", "bold")
    parts: list[RenderableType] = [head, Text()]
    big = Text("  ").append(_cost_text(total), "bold green")
    big.append(f"   {count(total.calls, 'call')}   {short(total.tokens)} tokens, {_share(total)} of input cached")
    parts.append(big)
    hours = found.hours()
    if any(hours):
        most = max(hours)
        steps = "".join(STEPS[-(-cost * (len(STEPS) - 1) // most)] * 2 if cost else "· " for cost in hours)
        parts += [
            Text(),
            Text("  ").append(steps, "cyan"),
            Text(f"  {'0':<12}{'6':<12}{'12':<12}{'18':<11}24", "dim"),
        ]
    if rows:
        palette = Palette([row.name for row in rows], screen)
        grid = Table.grid(padding=(0, 2))
        most = max(row.total.cost_nanos for row in rows)
        for row in rows:
            its = row.total
            bar = palette.bar({row.name: its}, most, 24)
            grid.add_row(Text(clean(short_model(row.name))), _cost(its), bar, f"{short(its.tokens)} tokens")
        parts += [Text(), Padding(grid, (0, 0, 0, 2))]
    parts += [Text(), Text(f"  Yesterday {_cost_text(yesterday)} · last 30 days {_cost_text(month)}", "dim")]
    return Group(*parts)


def _title(screen: Console, found: Found, title: str) -> None:
    asked = found.asked
    agents = ", ".join(found.titles[name] for name in found.told.files if name in found.titles)
    days = f"since {asked.since}" if asked.since else "all days"
    if asked.until:
        days = f"{asked.since or 'the first day'} to {asked.until}"
    zone = asked.zone.key if asked.zone else ""
    about = " · ".join(part for part in (agents, days, zone) if part)
    screen.print(Text(title, "bold").append(f"   {about}", "not bold dim"))
    screen.print()


def _columns(width: int) -> list[str]:
    if width >= WIDE:
        return ["Calls", "Input", "Written", "Cached", "Output", "Tokens"]
    return ["Input", "Cached", "Output"] if width >= ROOMY else ["Tokens", "Cached"]


def _cells(its: Sum, columns: Sequence[str]) -> list[str]:
    cached = _share(its) if "Input" not in columns else short(its.cache_read)
    told = {
        "Calls": f"{its.calls:,}",
        "Input": short(its.input),
        "Written": short(its.cache_write),
        "Cached": cached,
        "Output": short(its.output),
        "Tokens": short(its.tokens),
    }
    return [told[name] for name in columns]


def _grid(heading: str, columns: Sequence[str]) -> Table:
    grid = _plain_grid()
    grid.add_column(heading, no_wrap=True)
    grid.add_column("Cost", justify="right", no_wrap=True)
    grid.add_column("", no_wrap=True)
    for name in columns:
        grid.add_column(name, justify="right", no_wrap=True)
    return grid


def _plain_grid() -> Table:
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")


def _bar_cells(width: int, columns: Sequence[str], rows: Sequence[Row], total: Sum) -> int:
    """What room is left for bars: the columns' cells and their padding are taken off."""
    widest = [
        max(len(name), *(len(_cells(its, columns)[at]) for its in (*(row.total for row in rows), total)))
        for at, name in enumerate(columns)
    ]
    costs = max(len(_cost(its).plain) for its in (*(row.total for row in rows), total))
    taken = len("Mon 23 Nov") + costs + sum(widest) + 2 * (len(columns) + 3) + 1
    return max(LEAST_BAR, min(MOST_BAR, width - taken))


def _cost(its: Sum) -> Text:
    return Text(_cost_text(its), "yellow" if its.unpriced_calls else "")


def _cost_text(its: Sum) -> str:
    """A cost; with a plus where some calls have no price, and in words where none has one."""
    if its.unpriced_calls and its.unpriced_calls == its.calls:
        return "no price"
    return dollars(its.cost_nanos) + ("+" if its.unpriced_calls else "")


def _per_million(its: Sum) -> str:
    priced = its.tokens - its.unpriced_tokens
    return dollars(its.cost_nanos * MILLION // priced) if priced else NONE


def _share(its: Sum) -> str:
    return f"{its.cached_share:.0%}"


def _day(name: str) -> str:
    """A day as "Mon 23 Nov", a month as "Nov 2026"."""
    if len(name) == len("2026-11"):
        return f"{date.fromisoformat(f'{name}-01'):%b %Y}"
    return f"{date.fromisoformat(name):%a %d %b}"


def _long_day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"


def _average(rows: Sequence[Row], heading: str) -> str:
    if len(rows) < 2:
        return ""
    average = sum(row.total.cost_nanos for row in rows) // len(rows)
    return f"{dollars(average)} on an active {heading.lower()}, of {len(rows)}."


def _notes(screen: Console, found: Found, first: str) -> None:
    """What is to be said below: what has no price, what could not be read, or that there is nothing."""
    notes = [first] if first else []
    if not found.told.files:
        notes.append("No logs of a coding agent were found here. --path FOLDER looks elsewhere.")
    elif not found.groups:
        notes.append("No calls in these days; --since all shows all there are.")
    total = added_up(found.groups)
    if total.unpriced_calls:
        models = ", ".join(sorted({short_model(name) for row in found.models() for name in _unpriced(row)}))
        notes.append(
            f"{count(total.unpriced_calls, 'call')} ({short(total.unpriced_tokens)} tokens) without a price, not in "
            f"the cost: {models}."
        )
    for one in found.told.unread[:MOST_TOLD]:
        notes.append(f"{one.file} {one.reason}.")
    broken = found.told.broken
    if broken:
        notes.append(f"{count(len(broken), 'line')} could not be read:")
        notes += [f"  {one.file}:{one.line}: {one.reason}" for one in broken[:MOST_TOLD]]
        if len(broken) > MOST_TOLD:
            notes.append(f"  and {len(broken) - MOST_TOLD:,} more; --json shows them.")
    if notes:
        screen.print()
    for note in notes:
        screen.print(Text(clean(note), "dim"), soft_wrap=note.startswith("  "))


def _unpriced(row: Row) -> list[str]:
    return [name for name, its in row.models.items() if its.unpriced_calls]
