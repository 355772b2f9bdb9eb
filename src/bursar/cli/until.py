"""Until when a run may last, as people write it where they are: 07:00, 30m, 12h, a day."""

from __future__ import annotations

import re
from datetime import date, datetime, time, timedelta

_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])")


def until(text: str, now: datetime) -> str:
    """The instant that is meant, for the API: a time of day is the next one, a day begins, both on the local clock.

    `now` is local. What is a span, an instant or nothing that makes sense is left for the API to read.
    """
    found = _CLOCK.fullmatch(text)
    if found:
        at = time(int(found[1]), int(found[2]))
        day = now.date() if datetime.combine(now.date(), at).astimezone() > now else now.date() + timedelta(days=1)
        return datetime.combine(day, at).astimezone().isoformat()
    try:
        return datetime.combine(date.fromisoformat(text), time()).astimezone().isoformat()
    except ValueError:
        return text
