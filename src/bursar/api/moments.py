"""Times as people and programs write them: an instant, a day, or a span such as "12h"."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from bursar.periods import US_PER_SECOND, first_instant, from_us, to_us
from bursar.refusals import field_invalid

SECONDS = {"m": 60, "h": 3_600, "d": 86_400, "w": 7 * 86_400}
REACH = timedelta(days=3_660)
"""How far from now a time may be. Further is a slip of the pen, and a grant opens a lot for every period since."""
_SPAN = re.compile(r"([0-9]{1,6})([mhdw])")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_RIGHT = "a day (2026-11-01){or_span} or an instant (2026-11-01T12:00:00Z)"


def time_before(text: str, field: str, now_us: int) -> int:
    """A day's first instant in UTC, an instant, or a span before now ("7d"). µs UTC. Refused by the field's name."""
    span = _span_us(text)
    return _within_reach(now_us - span if span else _instant(text, field, "UTC", "7d"), text, field, now_us)


def time_after(text: str, field: str, now_us: int) -> int:
    """A day's first instant in UTC, an instant, or a span from now ("12h"). µs UTC. Refused by the field's name."""
    span = _span_us(text)
    return _within_reach(now_us + span if span else _instant(text, field, "UTC", "12h"), text, field, now_us)


def day_or_instant(text: str, field: str, time_zone: str, now_us: int) -> int:
    """A day's first instant in a time zone, or an instant. µs UTC. Refused by the field's name."""
    return _within_reach(_instant(text, field, time_zone, None), text, field, now_us)


def _span_us(text: str) -> int:
    match = _SPAN.fullmatch(text)
    return int(match[1]) * SECONDS[match[2]] * US_PER_SECOND if match else 0


def _instant(text: str, field: str, time_zone: str, example: str | None) -> int:
    try:
        if _DAY.fullmatch(text):
            return first_instant(date.fromisoformat(text), ZoneInfo(time_zone))
        return to_us(datetime.fromisoformat(text))
    except (ValueError, OverflowError):
        right = _RIGHT.format(or_span=f", a span ({example})" if example else "")
        raise field_invalid(field, repr(text), right) from None


def _within_reach(instant_us: int, text: str, field: str, now_us: int) -> int:
    reach_us = REACH // timedelta(microseconds=1)
    if abs(instant_us - now_us) > reach_us:
        right = f"within ten years of {from_us(now_us):%Y-%m-%d}"
        raise field_invalid(field, repr(text), right)
    return instant_us
