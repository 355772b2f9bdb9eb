"""Days as people in a time zone see them, looked up quickly."""

from __future__ import annotations

from bisect import bisect_right
from datetime import date, timedelta
from zoneinfo import ZoneInfo

from bursar.periods import first_instant, from_us


class Days:
    """The local days that lie in `start_us <= t < end_us`."""

    def __init__(self, time_zone: str, start_us: int, end_us: int) -> None:
        zone = ZoneInfo(time_zone)
        self._start_us, self._last_us = start_us, max(start_us, end_us - 1)
        day = from_us(self._start_us).astimezone(zone).date()
        last = from_us(self._last_us).astimezone(zone).date()
        self._days: list[str] = []
        self._starts_us: list[int] = []
        while day <= last:
            self._days.append(day.isoformat())
            self._starts_us.append(first_instant(day, zone))
            day += timedelta(days=1)

    def of(self, instant_us: int) -> str:
        """The day of an instant, as YYYY-MM-DD; an instant outside counts to the nearest day inside."""
        within_us = min(max(instant_us, self._start_us), self._last_us)
        return self._days[max(0, bisect_right(self._starts_us, within_us) - 1)]


def weekday(day: str) -> int:
    """0 for Monday."""
    return date.fromisoformat(day).weekday()
