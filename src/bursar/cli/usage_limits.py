"""What Claude Code says of its subscription's limits, and what it said last.

The JSON on a status line's standard input has `rate_limits`, for subscribers and after a session's first answer, with
`five_hour` and `seven_day`, each with `used_percentage` (0 to 100) and `resets_at` (seconds since 1970 UTC): see
code.claude.com, "Customize your status line". Nothing else on this machine tells it, so the last is kept for others.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NamedTuple

from bursar.cli.again import LIMITS, folder, put

FIVE_HOURS, SEVEN_DAYS = "five_hour", "seven_day"
US = 1_000_000
LONGEST_US = 8 * 86_400 * US
"""A reset that is further away is no instant in seconds."""
LARGEST = 1e12


class Limit(NamedTuple):
    """How much of a limit is used, in percent, and when it is reset, in seconds since 1970 UTC."""

    used_percent: float
    resets_s: int


Limits = dict[str, Limit]
"""By name, FIVE_HOURS and SEVEN_DAYS, those that are known and not over."""


def limits_in(told: Any, now_us: int) -> Limits:
    """The limits in `rate_limits`; none of what has another shape, and none that was reset since."""
    found: Limits = {}
    for name in (FIVE_HOURS, SEVEN_DAYS):
        its = told.get(name) if isinstance(told, dict) else None
        its = its if isinstance(its, dict) else {}
        used, resets = number(its.get("used_percentage")), number(its.get("resets_at"))
        if used is not None and resets is not None and now_us < resets * US < now_us + LONGEST_US:
            found[name] = Limit(used, int(resets))
    return found


def place() -> Path:
    """Where they are kept."""
    return folder() / LIMITS


def keep(told: Any) -> None:
    """Keep what was told, if it is other than before."""
    text = json.dumps(told)
    try:
        if place().read_text() == text:
            return
    except (OSError, ValueError):
        pass
    put(place(), text)


def kept(now_us: int) -> Limits:
    """What was told last and is not over."""
    try:
        return limits_in(json.loads(place().read_bytes()), now_us)
    except (OSError, ValueError):
        return {}


def number(value: object) -> float | None:
    """A number that is one, and not larger than anything here can be."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < LARGEST:
        return value
    return None
