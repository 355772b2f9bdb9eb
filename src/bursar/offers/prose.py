"""Numbers as prose has them: to two significant figures, because a valuation knows no more than that."""

from __future__ import annotations

from math import floor, log10

SIGNIFICANT = 2


def rounded(value: float) -> float:
    """A number to two significant figures, half to even."""
    if not value:
        return 0.0
    return round(value, SIGNIFICANT - 1 - floor(log10(abs(value))))


def about_usd(value_usd: float) -> str:
    """Dollars in prose: "$19,000", "−$4,200", "$1.3 million"; less than a dollar is "$0"."""
    value = rounded(value_usd)
    sign, value = ("−", -value) if value < 0 else ("", value)
    if value >= 1e6:
        return f"{sign}${value / 1e6:,.{0 if value >= 1e7 else 1}f} million"
    return f"{sign}${value:,.0f}" if value >= 1 else "$0"


def about_share(share: float) -> str:
    """A share in prose, given as a fraction: 0.2105 is "21%", 0.0347 "3.5%"."""
    percent = rounded(share * 100)
    return f"{percent:.0f}%" if abs(percent) >= 10 or percent == int(percent) else f"{percent:g}%"


def about(value: float) -> str:
    """A plain number in prose."""
    return f"{rounded(value):,.10g}"
