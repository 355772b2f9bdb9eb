"""Today at one glance, and as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.table import Column, Table
from rich.text import Text

from bursar.cli.show import clean, console, count
from bursar.cli.usage_amounts import short
from bursar.cli.usage_block import claude_now
from bursar.cli.usage_blocks import panel
from bursar.cli.usage_draw import Palette, cached, cost_of, cost_text, say_notes
from bursar.cli.usage_found import Found, short_model
from bursar.local.tables import added_up, by_model

STEPS = "▁▂▃▄▅▆▇█"


def today(found: Found) -> None:
    """Print today at one glance."""
    screen = console()
    screen.print(_glance(found, screen))
    say_notes(screen, found)


def watch(look: Callable[[], Found], every_s: float) -> None:
    """Show today, anew every so many seconds, until somebody interrupts."""
    screen = console()
    with Live(console=screen, screen=screen.is_terminal, auto_refresh=False) as live:
        try:
            while True:
                found = look()
                foot = Text(f"\n{time.strftime('%H:%M:%S')}  every {every_s:g} s, Ctrl-C ends", "dim")
                live.update(Group(_glance(found, screen, live=True), foot), refresh=True)
                time.sleep(every_s)
        except KeyboardInterrupt:
            return


def _glance(found: Found, screen: Console, *, live: bool = False) -> RenderableType:
    """Today; while somebody watches with the pace of the block of now, which is old a minute later."""
    groups = found.of_today()
    total, rows = added_up(groups), by_model(groups)
    yesterday, month = added_up(found.of_days(1, 1)), added_up(found.of_days(29, 0))
    head = Text().append(f"Today, {_long_day(found.asked.today)}", "bold")
    parts: list[RenderableType] = [head, Text()]
    big = Text("  ").append(cost_text(total), "bold green")
    big.append(f"   {count(total.calls, 'call')}   {short(total.tokens)} tokens, {cached(total)} of input cached")
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
        grid = Table.grid("", Column(justify="right"), "", Column(justify="right"), padding=(0, 2))
        most = max(row.total.cost_nanos for row in rows)
        for row in rows:
            its = row.total
            bar = palette.bar({row.name: its}, most, 24)
            grid.add_row(Text(clean(short_model(row.name))), cost_of(its), bar, f"{short(its.tokens)} tokens")
        parts += [Text(), Padding(grid, (0, 0, 0, 2), expand=False)]
    told = claude_now(found)
    block = told.active
    if block is not None and live:
        parts += [Text(), *panel(found, told, block, screen.width)]
    elif block is not None:
        ends, its = found.calendar.instant(block.ends_us), block.row.total
        text = f"  Block until {ends:%H:%M}  {cost_text(its)}, {short(its.tokens)} tokens"
        parts += [Text(), Text(text)]
    parts += [Text(), Text(f"  Yesterday {cost_text(yesterday)} · last 30 days {cost_text(month)}", "dim")]
    return Group(*parts)


def _long_day(day: date) -> str:
    return f"{day:%A} {day.day} {day:%B}"
