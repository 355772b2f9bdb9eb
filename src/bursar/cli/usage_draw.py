"""What tables of usage are drawn with: a colour for each model, bars, columns that fit, and what is said below.

Where there are no colours the bars are shaded, so that models can still be told apart.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from rich import box
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bursar.cli.show import NONE, clean, count
from bursar.cli.usage_amounts import dollars, short
from bursar.cli.usage_found import Found, short_model
from bursar.local.tables import Row, Sum, added_up

COLOURS = ("cyan", "magenta", "yellow", "green", "blue", "red", "bright_cyan", "bright_magenta")
SHADES = "█▓▒░"
EIGHTHS = " ▏▎▍▌▋▊▉█"
OTHER = "other models"
TIGHT, ROOMY, WIDE = 56, 96, 116
"""Columns from which on a table has a share of what is cached, the parts of its tokens, and all of them."""
LEAST_BAR, MOST_BAR = 8, 46
MOST_TOLD = 3
MILLION = 1_000_000


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


def say_title(screen: Console, found: Found, title: str, sources: Collection[str] | None = None) -> None:
    """Print what is shown: of which agents (all with files if none is named), which project, days and clock."""
    asked = found.asked
    named = found.told.files if sources is None else sources
    agents = ", ".join(found.titles[name] for name in named if name in found.titles)
    days = f"since {asked.since}" if asked.since else "all days"
    if asked.until:
        days = f"{asked.since or 'the first day'} to {asked.until}"
    zone = asked.zone.key if asked.zone else ""
    about = " · ".join(clean(part) for part in (agents, asked.project or "", days, zone) if part)
    screen.print(Text(title, "bold").append(f"   {about}", "not bold dim"))
    screen.print()


def token_columns(width: int) -> list[str]:
    """What of the tokens there is room for."""
    if width >= WIDE:
        return ["Calls", "Input", "Written", "Cached", "Output", "Tokens"]
    if width >= ROOMY:
        return ["Input", "Cached", "Output"]
    return ["Tokens", "Cached"] if width >= TIGHT else ["Tokens"]


def token_cells(its: Sum, columns: Sequence[str]) -> list[str]:
    """The cells of those columns; where there are few, what is cached is a share."""
    told = {
        "Calls": f"{its.calls:,}",
        "Input": short(its.input),
        "Written": short(its.cache_write),
        "Cached": cached(its) if "Input" not in columns else short(its.cache_read),
        "Output": short(its.output),
        "Tokens": short(its.tokens),
    }
    return [told[name] for name in columns]


def bar_table(heading: str, columns: Sequence[str], name_cells: int | None = None) -> Table:
    """A table of names, costs, bars and columns of numbers; names longer than `name_cells` are cut."""
    table = plain_table()
    table.add_column(heading, no_wrap=True, overflow="ellipsis", max_width=name_cells)
    table.add_column("Cost", justify="right", no_wrap=True)
    table.add_column("", no_wrap=True)
    for name in columns:
        table.add_column(name, justify="right", no_wrap=True)
    return table


def plain_table() -> Table:
    """A table with nothing but a line below its headings."""
    return Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False, show_edge=False, header_style="bold")


def bar_room(
    width: int, columns: Sequence[str], rows: Sequence[Row], total: Sum, name_cells: int = len("Mon 23 Nov")
) -> int:
    """What room is left for bars: the columns' cells and their padding are taken off."""
    sums = [*(row.total for row in rows), total]
    told = [token_cells(its, columns) for its in sums]
    widest = [max(len(name), *(len(one[at]) for one in told)) for at, name in enumerate(columns)]
    costs = max(len(cost_text(its)) for its in sums)
    taken = name_cells + costs + sum(widest) + 2 * (len(columns) + 3) + 1
    return max(LEAST_BAR, min(MOST_BAR, width - taken))


def cost_of(its: Sum) -> Text:
    """A cost for a table."""
    return Text(cost_text(its), "yellow" if its.unpriced_calls else "")


def cost_text(its: Sum) -> str:
    """A cost; with a plus where some calls have no price, and in words where none has one."""
    if its.unpriced_calls and its.unpriced_calls == its.calls:
        return "no price"
    return dollars(its.cost_nanos) + ("+" if its.unpriced_calls else "")


def per_million(its: Sum) -> str:
    """What a million tokens came to, of those that have a price."""
    priced = its.tokens - its.unpriced_tokens
    return dollars(its.cost_nanos * MILLION // priced) if priced else NONE


def cached(its: Sum) -> str:
    """The share of the input that came from the cache."""
    return f"{its.cached_share:.0%}"


def day_name(name: str) -> str:
    """A day as "Mon 23 Nov", a month as "Nov 2026"."""
    if len(name) == len("2026-11"):
        return f"{date.fromisoformat(f'{name}-01'):%b %Y}"
    return f"{date.fromisoformat(name):%a %d %b}"


def say_notes(screen: Console, found: Found, first: str = "") -> None:
    """Print what is to be said below: what has no price, what could not be read, or that there is nothing."""
    notes = [first] if first else []
    if not found.told.files:
        whose = " or ".join(found.titles[name] for name in found.asked.sources) or "a coding agent"
        notes.append(f"No logs of {whose} were found here. --path FOLDER looks elsewhere.")
    elif not found.groups:
        whose = f" of {found.asked.project}" if found.asked.project else ""
        notes.append(f"No calls{whose} in these days; --since all shows all there are.")
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
    if notes and found.groups:
        screen.print()
    for note in notes:
        screen.print(Text(clean(note), "dim"), soft_wrap=note.startswith("  "))


def _unpriced(row: Row) -> list[str]:
    return [name for name, its in row.models.items() if its.unpriced_calls]
