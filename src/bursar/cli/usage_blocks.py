"""How blocks of hours look: the active one with its pace, and a table of all."""

from __future__ import annotations

from datetime import datetime

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from bursar.cli.show import NONE, console, count
from bursar.cli.usage_amounts import dollars, short, span
from bursar.cli.usage_block import CLAUDE_CODE, BlocksTold
from bursar.cli.usage_draw import (
    ROOMY,
    Palette,
    bar_room,
    bar_table,
    cost_of,
    cost_text,
    say_notes,
    say_title,
    token_cells,
    token_columns,
)
from bursar.cli.usage_found import Found
from bursar.cli.usage_limits import FIVE_HOURS, SEVEN_DAYS, US
from bursar.local.blocks import Block, pace_of
from bursar.local.tables import Sum, added_up, by_model

USED, COMING, FREE, LIMIT = "█▒░┃"
MOST_GAUGE = 60
WARNED = 0.8
"""The share of the limit from which on a pace is worth a warning."""
LIMITS = ((FIVE_HOURS, "five hours"), (SEVEN_DAYS, "week"))


def blocks(found: Found, told: BlocksTold, *, only_active: bool, latest_first: bool, wants_limit: bool) -> None:
    """Print the active block, and all that were asked for below it."""
    screen = console()
    if not only_active:
        title = f"Blocks of {count(told.hours, 'hour')}"
        say_title(screen, found, title, sources=found.asked.sources or [CLAUDE_CODE])
    if told.active is not None:
        _active(screen, found, told, told.active, wants_limit=wants_limit)
    elif told.limits:
        screen.print(Text(_limits(found, told)))
    elif only_active:
        screen.print("No block is active.")
    if only_active:
        return
    shown = told.within(found)
    if told.listed:
        if told.active is not None or told.limits:
            screen.print()
        _table(screen, shown, told, told.listed[::-1] if latest_first else told.listed)
    say_notes(screen, shown)


def _active(screen: Console, found: Found, told: BlocksTold, block: Block, *, wants_limit: bool) -> None:
    its, rate = block.row.total, pace_of(block, told.now_us)
    assert rate is not None, "a block that is listed has calls"
    begins, ends = found.calendar.instant(block.begins_us), found.calendar.instant(block.ends_us)
    head = Text().append(f"Now, {begins:%H:%M} to {ends:%H:%M}", "bold")
    head.append(f"   {span(block.ends_us - told.now_us)} left", "green")
    screen.print(head)
    big = Text("  ").append(cost_text(its), "bold green")
    screen.print(big.append(f"   {short(its.tokens)} tokens   {count(its.calls, 'call')}"))
    share = told.share(rate.end_tokens)
    colour = "green" if share is None or share < WARNED else "red" if wants_limit and share > 1 else "yellow"
    gauge = _gauge(told, its, rate.end_tokens, min(MOST_GAUGE, screen.width - 4), colour)
    pace = f"{dollars(rate.cost_nanos_per_hour)} an hour, {short(rate.tokens_per_minute)} tokens a minute"
    coming = f"at this pace {dollars(rate.end_cost_nanos)} and {short(rate.end_tokens)} tokens by {ends:%H:%M}"
    lines = [Text(f"{pace}; {coming}")]
    if share is not None:
        lines.append(Text(_compared(found, told, its, share, wants_limit=wants_limit), colour))
    if told.limits:
        lines.append(Text(_limits(found, told)))
    for line in (gauge, *lines):
        screen.print(Padding(line, (0, 0, 0, 2), expand=False))


def _gauge(told: BlocksTold, its: Sum, end_tokens: int, cells: int, colour: str) -> Text:
    """What is used and what comes at this pace; where that is more than the limit, it has a mark."""
    most = max(told.limit, end_tokens, 1)
    used, coming = its.tokens * cells // most, end_tokens * cells // most
    parts = [(USED, colour)] * used + [(COMING, colour)] * (coming - used) + [(FREE, "dim")] * (cells - coming)
    if 0 < told.limit < end_tokens:
        parts[told.limit * cells // most] = (LIMIT, "bold")
    return Text().join(Text(sign, style) for sign, style in parts)


def _compared(found: Found, told: BlocksTold, its: Sum, end_share: float, *, wants_limit: bool) -> str:
    now = told.share(its.tokens) or 0.0
    if wants_limit or told.largest is None:
        whole = f"{short(told.limit)} tokens"
    else:
        begins = found.calendar.instant(told.largest.begins_us)
        whole = f"the largest block before ({short(told.limit)} tokens, {_day(begins)} {begins:%H:%M})"
    return f"{now:.0%} of {whole}; at this pace {end_share:.0%}"


def _limits(found: Found, told: BlocksTold) -> str:
    """What Claude Code itself says of its limits."""
    parts = []
    for name, what in LIMITS:
        if name in told.limits:
            limit = told.limits[name]
            resets = found.calendar.instant(limit.resets_s * US)
            when = f"at {resets:%H:%M}" if name == FIVE_HOURS else f"{_day(resets)} {resets:%H:%M}"
            parts.append(f"{limit.used_percent:.0f}% of the {what} used, reset {when}")
    return f"Claude Code says: {'; '.join(parts)}"


def _table(screen: Console, found: Found, told: BlocksTold, listed: list[Block]) -> None:
    wide = screen.width >= ROOMY
    palette = Palette([row.name for row in by_model(found.groups)], screen)
    columns = token_columns(screen.width)
    total = added_up(found.groups)
    names = [_name(found, block, wide=wide) for block in listed]
    more = [_more(told, block, wide=wide) for block in listed]
    name_cells = max(map(len, names))
    more_cells = sum(max(len(heading), *(len(one[heading]) for one in more)) + 2 for heading in more[0])
    room = bar_room(screen.width - more_cells, columns, [block.row for block in listed], total, name_cells)
    table = bar_table("Block", [*columns, *more[0]], name_cells)
    most = max(block.row.total.cost_nanos for block in listed)
    for name, block, rest in zip(names, listed, more, strict=True):
        its = block.row.total
        cells = [*token_cells(its, columns), *rest.values()]
        style = "bold" if block.is_active(told.now_us) else ""
        table.add_row(name, cost_of(its), palette.bar(block.row.models, most, room), *cells, style=style)
    table.add_section()
    table.add_row("Total", cost_of(total), "", *token_cells(total, columns), *("" for _ in more[0]), style="bold")
    screen.print(table)
    screen.print(Padding(palette.legend(), (0, 0, 0, 1), expand=False))


def _more(told: BlocksTold, block: Block, *, wide: bool) -> dict[str, str]:
    """The last cells of a block: from its first call to its last where there is room, and its share of the limit."""
    its = block.row.total
    share = told.share(its.tokens)
    shown = {"Share": NONE if share is None else f"{share:.0%}"}
    return {"Span": span(its.last_us - its.first_us)} | shown if wide else shown


def _name(found: Found, block: Block, *, wide: bool) -> str:
    begins, ends = found.calendar.instant(block.begins_us), found.calendar.instant(block.ends_us)
    name = f"{_day(begins)} {begins:%H:%M}–{ends:%H:%M}" if wide else f"{begins:%d %b %H:%M}–{ends:%H:%M}"
    several = len(found.asked.sources) > 1
    return f"{name} {found.titles.get(block.source, block.source)}" if several else name


def _day(at: datetime) -> str:
    return f"{at:%a %d %b}"
