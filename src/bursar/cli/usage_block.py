"""Blocks of hours, as somebody asked for them: which there are, which is active, what it comes to, as JSON."""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple

from bursar.cli import usage_limits
from bursar.cli.usage_found import Found, row_json
from bursar.cli.usage_limits import FIVE_HOURS, US, Limits
from bursar.local.blocks import HOURS, Block, active, block_until, blocks, largest, pace_of
from bursar.local.group import Group
from bursar.local.pace import MINUTE_US
from bursar.money import usd
from bursar.refusals import field_invalid

CLAUDE_CODE = "claude-code"
LARGEST = "max"
_TOKENS = re.compile(r"([1-9][0-9]{0,14})([kMG]?)")
_UNITS = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}


class BlocksTold(NamedTuple):
    """Blocks that begin in the days asked for, those that are active, the latest first, and each source's largest.

    `now_us` is in microseconds since 1970 UTC. `limit` is how many tokens somebody says that a block may have; where
    nobody does, a block is measured by the largest of its source that is over.
    """

    listed: list[Block]
    actives: list[Block]
    largest: dict[str, Block]
    limit: int | None
    limits: Limits
    hours: int
    now_us: int

    @property
    def active(self) -> Block | None:
        """The block of now, None if there is none; of several sources the one that began last."""
        return self.actives[0] if self.actives else None

    def measure(self, block: Block) -> int:
        """What a block is measured by, in tokens; 0 where there is nothing."""
        most = self.largest.get(block.source)
        return self.limit or (most.row.total.tokens if most else 0)

    def share(self, block: Block, tokens: int) -> float | None:
        """What part of that so many tokens are."""
        measure = self.measure(block)
        return tokens / measure if measure else None

    def within(self, found: Found) -> Found:
        """What was found, but for what is in no block that is listed."""
        return found._replace(groups=[group for block in self.listed for group in block.groups])


def now_in_us() -> int:
    """The instant of now."""
    return time.time_ns() // 1000


def token_limit(text: str | None) -> int | None:
    """Read how many tokens a block may have, like 500000 or 20M; None is as many as the largest. Raises Refused."""
    if text is None or text == LARGEST:
        return None
    read = _TOKENS.fullmatch(text)
    if read is None:
        raise field_invalid("token_limit", text, "a number of tokens like 500000 or 20M, or max")
    return int(read[1]) * _UNITS[read[2]]


def blocks_told(found: Found, now_us: int, *, hours: int = HOURS, limit: int | None = None) -> BlocksTold:
    """The blocks of the agents that were asked for, of Claude Code if none was."""
    sources = found.asked.sources or [CLAUDE_CODE]
    limits = usage_limits.kept(now_us)
    five = limits.get(FIVE_HOURS) if hours == HOURS else None
    some = _blocks([group for group in found.told.groups if group.source in sources], hours, five and five.resets_s)
    over = {source: largest((block for block in some if block.source == source), now_us) for source in sources}
    most = {source: block for source, block in over.items() if block is not None}
    asked = found.asked
    listed = [
        block
        for block in some
        if (asked.since is None or found.calendar.instant(block.begins_us).date() >= asked.since)
        and (asked.until is None or found.calendar.instant(block.begins_us).date() <= asked.until)
    ]
    return BlocksTold(listed, active(some, now_us), most, limit, limits, hours, now_us)


def claude_now(found: Found) -> BlocksTold:
    """Claude Code's blocks, whichever agents were asked for."""
    return blocks_told(found._replace(asked=found.asked._replace(sources=[CLAUDE_CODE])), now_in_us())


def blocks_json(found: Found, told: BlocksTold) -> dict[str, Any]:
    """Blocks as JSON, and of the active one how long it lasts and what it comes to."""
    return (
        found.head()
        | {
            "hours": told.hours,
            "token_limit": told.limit,
            "limits": {
                name: {"used_percent": one.used_percent, "resets": found.time_json(one.resets_s * US)}
                for name, one in told.limits.items()
            },
            "active": told.active and _block_json(found, told, told.active) | _pace_json(told, told.active),
            "largest": [_block_json(found, told, block) for block in told.largest.values()],
            "blocks": [_block_json(found, told, block) for block in told.listed],
        }
        | told.within(found).foot()
    )


def _blocks(groups: list[Group], hours: int, resets_s: int | None) -> list[Block]:
    """The blocks; the one that the provider says is active takes its place, and those before end where it begins."""
    if resets_s is None:
        return blocks(groups, hours)
    told = block_until(groups, CLAUDE_CODE, resets_s * US)
    others = blocks(
        [group for group in groups if group.source != CLAUDE_CODE or group.first_us < told.begins_us], hours
    )
    before = [
        block._replace(ends_us=min(block.ends_us, told.begins_us)) if block.source == CLAUDE_CODE else block
        for block in others
    ]
    return [*before, *([told] if told.row.total.calls else [])]


def _block_json(found: Found, told: BlocksTold, block: Block) -> dict[str, Any]:
    its = block.row.total
    return {
        "source": block.source,
        "begins": found.time_json(block.begins_us),
        "ends": found.time_json(block.ends_us),
        "first": found.time_json(its.first_us),
        "last": found.time_json(its.last_us),
        "is_active": block.is_active(told.now_us),
        "share_of_limit": told.share(block, its.tokens),
    } | row_json("", block.row)


def _pace_json(told: BlocksTold, block: Block) -> dict[str, Any]:
    rate = pace_of(block, told.now_us)
    assert rate is not None, "a block that is listed has calls"
    return {
        "minutes_left": (block.ends_us - told.now_us) // MINUTE_US,
        "cost_per_hour": usd(rate.cost_nanos_per_hour),
        "tokens_per_minute": rate.tokens_per_minute,
        "cost_at_end": usd(rate.end_cost_nanos),
        "tokens_at_end": rate.end_tokens,
        "share_of_limit_at_end": told.share(block, rate.end_tokens),
    }
