"""How amounts of usage look: dollars, tokens, spans of time. Loads next to nothing, for the status line."""

from __future__ import annotations

from bursar.money import people_usd

CENT_NANOS = 10_000_000
MINUTE_US = 60_000_000


def short(tokens: int) -> str:
    """A number of tokens in three digits or so: 812, 12.3k, 4.56M, 1.20G."""
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if tokens >= size:
            value = tokens / size
            digits = 2 if value < 10 else 1 if value < 100 else 0
            return f"{value:.{digits}f}{unit}"
    return str(tokens)


def dollars(nanos: int) -> str:
    """Dollars and cents; what is less than a cent is not nothing."""
    return "<$0.01" if 0 < nanos < CENT_NANOS else people_usd(nanos)


def span(length_us: int) -> str:
    """A length of time as "2h 14m", "14m", "<1m"; days only where there is one: "3d 4h"."""
    minutes = length_us // MINUTE_US
    if minutes < 1:
        return "<1m"
    hours, minutes = divmod(minutes, 60)
    days, hours = divmod(hours, 24)
    if days:
        return f"{days}d {hours}h"
    return f"{hours}h {minutes:02d}m" if hours else f"{minutes}m"
