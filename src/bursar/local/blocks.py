"""Blocks: the spans of five hours in which Claude's subscriptions count usage, put together from groups.

A span "starts with your first message to Claude and lasts for 5 hours" (support.anthropic.com, article 11014257,
"About Claude's Max plan usage"). It does not say at which minute; people saw limits reset at full hours, and a
message at 11:55 begin a span at 11:00 (github.com/ccusage/ccusage, issue 133), so a block begins at the full hour, in
UTC, of its first call, as ccusage's do. A call at the very end belongs to the next block: spans are half-open.

Only the provider knows all calls: those on its website and from other machines count, too. Where it says when a span
ends, as it does in the status line, that is what counts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from bursar.local.group import SLOT_US, Group
from bursar.local.pace import HOUR_US, Pace, pace
from bursar.local.tables import Row

HOURS = 5


class Block(NamedTuple):
    """Calls of one source from `begins_us` on and before `ends_us`, in microseconds since 1970 UTC, and their sum."""

    source: str
    begins_us: int
    ends_us: int
    row: Row
    groups: list[Group]

    @classmethod
    def empty(cls, source: str, begins_us: int, hours: int) -> Block:
        """A block with nothing in it yet."""
        return cls(source, begins_us, begins_us + hours * HOUR_US, Row.empty(""), [])

    def add(self, group: Group) -> None:
        """Count a group."""
        self.row.add(group)
        self.groups.append(group)

    def is_active(self, now_us: int) -> bool:
        """Whether it has begun and not ended."""
        return self.begins_us <= now_us < self.ends_us


def blocks(groups: Iterable[Group], hours: int = HOURS) -> list[Block]:
    """The blocks of each source, oldest first. Of whole hours, so that a quarter of an hour is never in two."""
    found: list[Block] = []
    last: dict[str, Block] = {}
    for group in sorted(groups, key=lambda group: group.slot):
        at_us = group.slot * SLOT_US
        block = last.get(group.source)
        if block is None or at_us >= block.ends_us:
            block = last[group.source] = Block.empty(group.source, at_us - at_us % HOUR_US, hours)
            found.append(block)
        block.add(group)
    return found


def block_until(groups: Iterable[Group], source: str, ends_us: int) -> Block:
    """The block of five hours that ends at an instant which the provider told; to the quarter of an hour."""
    block = Block.empty(source, ends_us - HOURS * HOUR_US, HOURS)
    for group in groups:
        if group.source == source and block.begins_us // SLOT_US <= group.slot < ends_us // SLOT_US:
            block.add(group)
    return block


def pace_of(block: Block, now_us: int) -> Pace | None:
    """The pace since a block's first call; None for a block that is not active or has no call."""
    its = block.row.total
    if not block.is_active(now_us) or not its.calls:
        return None
    return pace(its.cost_nanos, its.tokens, first_us=its.first_us, now_us=now_us, ends_us=block.ends_us)


def largest(some: Iterable[Block], now_us: int) -> Block | None:
    """The block with the most tokens of those that are over; None if none is."""
    return max(
        (block for block in some if block.ends_us <= now_us), key=lambda block: block.row.total.tokens, default=None
    )


def active(some: Iterable[Block], now_us: int) -> list[Block]:
    """The blocks of now, of each source one at most, the one that began last first."""
    return sorted((block for block in some if block.is_active(now_us)), key=lambda block: -block.begins_us)
