"""How blocks of hours look: the active one with its pace, and a table of all."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from rich.console import Console, Group, RenderableType
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
from bursar.local.tables import added_up, by_model

USED, COMING, FREE, LIMIT = "█▒░┃"
MOST_GAUGE = 60
WARNED = 0.8
"""The share of the limit from which on a pace is worth a warning."""
LIMITS = ((FIVE_HOURS, "five hours"), (SEVEN_DAYS, "week"))


def blocks(found: Found, told: BlocksTold, *, only_active: bool, latest_first: bool) -> None:
    """Print the active block, and all that were asked for below it."""
    screen = console()
    if not only_active:
        title = f"Blocks of {count(told.hours, 'hour')}"
        say_title(screen, found, title, sources=found.asked.sources or [CLAUDE_CODE])
    for block in told.actives:
        screen.print(Group(*panel(found, told, block, screen.width)))
    if told.limits and not told.actives:
        screen.print(Text(_limits(found, told)))
    elif only_active and not told.actives:
        screen.print("No block is active.")
    if only_active:
        return
    shown = told.within(found)
    if told.listed:
        if told.actives or told.limits:
            screen.print()
        _table(screen, shown, told, told.listed[::-1] if latest_first else told.listed)
    say_notes(screen, shown)


def panel(found: Found, told: BlocksTold, block: Block, width: int) -> Iterator[RenderableType]:
    """The block of now: what is used of it, how long it lasts, what it comes to at this pace."""
    its, rate = block.row.total, pace_of(block, told.now_us)
    assert rate is not None, "a block that is listed has calls"
    begins, ends = found.calendar.instant(block.begins_us), found.calendar.instant(block.ends_us)
    whose = found.titles[block.source] if len(told.actives) > 1 else "Now"
    head = Text().append(f"{whose}, {begins:%H:%M} to {ends:%H:%M}", "bold")
    head.append(f"   {span(block.ends_us - told.now_us)} left", "green")
    yield head
    big = Text("  ").append(cost_text(its), "bold green")
    yield big.append(f"   {short(its.tokens)} tokens   {count(its.calls, 'call')}")
    share = told.share(block, rate.end_tokens)
    colour = "green" if share is None or share < WARNED else "red" if told.limit and share > 1 else "yellow"
    gauge = _gauge(its.tokens, rate.end_tokens, told.measure(block), min(MOST_GAUGE, width - 4), colour)
    pace = f"{dollars(rate.cost_nanos_per_hour)} an hour, {short(rate.tokens_per_minute)} tokens a minute"
    coming = f"at this pace {dollars(rate.end_cost_nanos)} and {short(rate.end_tokens)} tokens by {ends:%H:%M}"
    lines = [Text(f"{pace}; {coming}")]
    if share is not None:
        lines.append(Text(_compared(found, told, block, share), colour))
    if told.limits and block.source == CLAUDE_CODE:
        lines.append(Text(_limits(found, told)))
    for line in (gauge, *lines):
        yield Padding(line, (0, 0, 0, 2), expand=False)


def _gauge(tokens: int, end_tokens: int, measure: int, cells: int, colour: str) -> Text:
    """What is used and what comes at this pace; what it is measured by has a mark where it will be passed."""
    most = max(measure, end_tokens, 1)
    used, coming = tokens * cells // most, end_tokens * cells // most
    drawn = USED * used + COMING * (coming - used) + FREE * (cells - coming)
    mark = measure * cells // most if 0 < measure < end_tokens else None
    if mark is not None:
        drawn = drawn[:mark] + LIMIT + drawn[mark + 1 :]
    gauge = Text(drawn)
    gauge.stylize(colour, 0, coming)
    gauge.stylize("dim", coming)
    if mark is not None:
        gauge.stylize("bold not dim default", mark, mark + 1)
    return gauge


def _compared(found: Found, told: BlocksTold, block: Block, end_share: float) -> str:
    now = told.share(block, block.row.total.tokens) or 0.0
    whole = f"{short(told.measure(block))} tokens"
    if not told.limit:
        begins = found.calendar.instant(told.largest[block.source].begins_us)
        whole = f"the largest block before ({whole}, {_day(begins)} {begins:%H:%M})"
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
    columns = token_columns(screen.width) if wide or len(found.asked.sources) < 2 else ["Tokens"]
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
    share = told.share(block, its.tokens)
    shown = {"Share": NONE if share is None else f"{share:.0%}"}
    return {"Span": span(its.last_us - its.first_us)} | shown if wide else shown


def _name(found: Found, block: Block, *, wide: bool) -> str:
    begins, ends = found.calendar.instant(block.begins_us), found.calendar.instant(block.ends_us)
    name = f"{_day(begins)} {begins:%H:%M}–{ends:%H:%M}" if wide else f"{begins:%d %b %H:%M}–{ends:%H:%M}"
    if len(found.asked.sources) < 2:
        return name
    return f"{name if wide else name.partition('–')[0]} {found.titles[block.source]}"


def _day(at: datetime) -> str:
    return f"{at:%a %d %b}"
