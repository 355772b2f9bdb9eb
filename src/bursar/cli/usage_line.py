"""The status line of Claude Code: what it says on standard input, and the line that is shown for it.

Claude Code runs the command whenever something changes, at most every 300 ms, writes an object of JSON to its input
and shows the first line that it prints, colours and all (code.claude.com, "Customize your status line"). Used of the
object are `session_id`, `model.display_name`, `cost.total_cost_usd`, `context_window.used_percentage` and
`rate_limits`; each may be missing.

What the logs tell is kept as long as they do not change, and the line is made anew each time: the clock goes on. This
module loads next to nothing, and that is its point.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Sequence
from typing import Any, NamedTuple

from bursar.cli import usage_limits
from bursar.cli.again import answer_again
from bursar.cli.usage_amounts import dollars, span
from bursar.cli.usage_limits import FIVE_HOURS, SEVEN_DAYS, US, Limits, number
from bursar.local.pace import pace
from bursar.money import NANOS_PER_USD

ELSEWHERE = {"--json", "--help", "-h"}
"""Words with which no line is printed."""
BOLD, DIM, GREEN, YELLOW, RED = "1", "2", "32", "33", "31"
SOON_US = 30 * 60 * US
LIMITS = (("5h", FIVE_HOURS), ("week", SEVEN_DAYS))
MUCH, MOST = 50, 80
"""Percent from which on a share is yellow, and from which on it is red."""


HOW_TO = """\
Claude Code runs this command for its status line and tells it on standard input what is going on. Put this into
~/.claude/settings.json:

  {"statusLine": {"type": "command", "command": "bursar usage statusline"}}"""


class Hook(NamedTuple):
    """What Claude Code says; None and empty is what it does not. `cost_nanos` is its own estimate of the session.

    `resets_s` is when the five hours are over, in seconds since 1970 UTC, as it says now or said last: a session does
    not know before its first answer.
    """

    session: str
    model: str
    cost_nanos: int | None
    context_percent: float | None
    limits: Limits
    resets_s: int | None

    @property
    def facts(self) -> list[object]:
        """What the logs are asked for besides the words of the command."""
        return [self.session, self.resets_s]


class BlockTold(NamedTuple):
    """A block as it is kept: instants in microseconds, and what is in it."""

    ends_us: int
    first_us: int
    cost_nanos: int
    unpriced_calls: int
    tokens: int


class Told(NamedTuple):
    """What the logs tell: nano-USD and calls without a price, of the session, of today, of the block that is active.

    `session` is None where the logs do not know it. `whose` is whose estimate of the session is shown.
    """

    session: tuple[int, int] | None
    today: tuple[int, int]
    block: BlockTold | None
    whose: str


_hook: list[Hook] = []


def hook() -> Hook:
    """What stands on standard input, which is read once."""
    if not _hook:
        _hook.append(read(sys.stdin.buffer.read(), time.time_ns() // 1000))
    return _hook[0]


def read(data: bytes, now_us: int) -> Hook:
    """Understand what Claude Code says, as far as it can be understood."""
    try:
        told = json.loads(data)
    except ValueError:
        told = None
    cost = number(_at(told, "cost", "total_cost_usd"))
    said = _at(told, "rate_limits")
    if said is not None:
        usage_limits.keep(said)
    limits = usage_limits.limits_in(said, now_us)
    five = (limits or usage_limits.kept(now_us)).get(FIVE_HOURS)
    return Hook(
        _text(_at(told, "session_id")),
        _text(_at(told, "model", "display_name")),
        None if cost is None else round(cost * NANOS_PER_USD),
        number(_at(told, "context_window", "used_percentage")),
        limits,
        None if five is None else five.resets_s,
    )


def print_again(words: Sequence[str]) -> bool:
    """Print the line without asking the logs, if nothing changed in them; tells whether it did."""
    if ELSEWHERE.intersection(words) or nobody_says():
        return False
    answer = answer_again(words, hook().facts)
    if answer is None:
        return False
    print(line(hook(), told_of(answer), time.time_ns() // 1000, coloured=is_coloured()), flush=True)
    return True


def nobody_says() -> bool:
    """Whether a person runs this, and not Claude Code."""
    return sys.stdin is None or sys.stdin.isatty()


def told_of(answer: str) -> Told:
    """What was kept as an answer."""
    session, today, block, whose = json.loads(answer)
    return Told(session and tuple(session), tuple(today), block and BlockTold(*block), whose)


def is_coloured() -> bool:
    """Whether to colour: the output is never a terminal, and is shown in one."""
    return not os.environ.get("NO_COLOR")


def line(hook: Hook, told: Told, now_us: int, *, coloured: bool) -> str:
    """The line at an instant."""

    def painted(text: str, *codes: str) -> str:
        return f"\x1b[{';'.join(codes)}m{text}\x1b[0m" if coloured and codes else text

    parts = [painted(hook.model, BOLD)] if hook.model else []
    amount, other = _session(hook, told)
    if amount:
        parts.append(f"{painted(amount, GREEN)} session" + (f" ({other} by Claude Code)" if other else ""))
    parts.append(f"{painted(_cost(*told.today), GREEN)} today")
    block = told.block
    if block is not None and now_us < block.ends_us:
        left_us = block.ends_us - now_us
        left = painted(f"{span(left_us)} left", *((YELLOW,) if left_us < SOON_US else ()))
        rate = pace(block.cost_nanos, block.tokens, first_us=block.first_us, now_us=now_us, ends_us=block.ends_us)
        amount = painted(_cost(block.cost_nanos, block.unpriced_calls), GREEN)
        parts.append(f"{amount} block, {left}, {dollars(rate.cost_nanos_per_hour)}/h")
    shares = [(name, hook.limits[key].used_percent) for name, key in LIMITS if key in hook.limits]
    if hook.context_percent is not None:
        shares.append(("context", hook.context_percent))
    parts += [f"{name} {painted(f'{share:.0f}%', _colour(share))}" for name, share in shares]
    return painted(" · ", DIM).join(parts)


def _session(hook: Hook, told: Told) -> tuple[str, str]:
    """The session's cost, and Claude Code's own estimate where both are wanted; the other stands in for one."""
    logs = "" if told.session is None else _cost(*told.session)
    claude = "" if hook.cost_nanos is None else dollars(hook.cost_nanos)
    if told.whose == "claude":
        return claude or logs, ""
    return logs or claude, claude if told.whose == "both" and logs else ""


def _cost(nanos: int, unpriced_calls: int) -> str:
    """A cost, with a plus where some calls have no price."""
    return dollars(nanos) + ("+" if unpriced_calls else "")


def _colour(share: float) -> str:
    return RED if share >= MOST else YELLOW if share >= MUCH else GREEN


def _at(told: Any, *names: str) -> Any:
    for name in names:
        told = told.get(name) if isinstance(told, dict) else None
    return told


def _text(value: object) -> str:
    """A text without what would do something to a terminal."""
    return "".join(letter for letter in value if letter.isprintable()) if isinstance(value, str) else ""
