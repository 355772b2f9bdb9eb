"""What the logs tell for the status line: the session, today, and the block that is active."""

from __future__ import annotations

from typing import Any

from bursar.cli.usage_block import CLAUDE_CODE
from bursar.cli.usage_found import Found, sum_json
from bursar.cli.usage_limits import US
from bursar.cli.usage_line import BlockTold, Hook, Told
from bursar.local.blocks import Block, active, block_until, blocks
from bursar.local.tables import Sum, added_up
from bursar.refusals import field_invalid

WHOSE = ("logs", "claude", "both")


def tally(found: Found, hook: Hook, whose: str, now_us: int) -> Told:
    """The numbers of a line. Raises Refused for another's estimate than WHOSE."""
    if whose not in WHOSE:
        raise field_invalid("session_cost", whose, f"one of {', '.join(WHOSE)}")
    session, today, block = _sums(found, hook, now_us)
    told = None
    if block is not None:
        its = block.row.total
        told = BlockTold(block.ends_us, its.first_us, its.cost_nanos, its.unpriced_calls, its.tokens)
    return Told(_cost(session) if session.calls else None, _cost(today), told, whose)


def tally_json(found: Found, hook: Hook, now_us: int) -> dict[str, Any]:
    """The same as JSON."""
    session, today, block = _sums(found, hook, now_us)
    return {
        "session": hook.session or None,
        "model": hook.model or None,
        "of_session": sum_json(session) if session.calls else None,
        "of_today": sum_json(today),
        "of_block": block and {"ends": found.time_json(block.ends_us)} | sum_json(block.row.total),
        "limits": {
            name: {"used_percent": one.used_percent, "resets": found.time_json(one.resets_s * US)}
            for name, one in hook.limits.items()
        },
        "context_percent": hook.context_percent,
    }


def _sums(found: Found, hook: Hook, now_us: int) -> tuple[Sum, Sum, Block | None]:
    ours = [group for group in found.told.groups if group.source == CLAUDE_CODE]
    resets_s = hook.resets_s
    some = blocks(ours) if resets_s is None else [block_until(ours, CLAUDE_CODE, resets_s * US)]
    block = next((block for block in active(some, now_us) if block.row.total.calls), None)
    return added_up(group for group in ours if group.session == hook.session), added_up(found.of_today()), block


def _cost(its: Sum) -> tuple[int, int]:
    return its.cost_nanos, its.unpriced_calls
