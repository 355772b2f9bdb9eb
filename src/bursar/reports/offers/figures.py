"""Amounts for tables and charts. Prose has its own, with fewer figures: `bursar.offers.prose`."""

from __future__ import annotations

from math import floor, log10

MINUS = "−"
FIGURES = 3


def whole(usd: float) -> str:
    """An amount for a table, to the dollar: "$375,000"."""
    dollars = round(usd)
    return f"{MINUS if dollars < 0 else ''}${abs(dollars):,}"


def thousands(usd: float) -> str:
    """A yearly pay to the thousand, where no more of it is known: "$392,000"."""
    return whole(round(usd, -3)) if abs(usd) >= 10_000 else whole(usd)


def short(usd: float) -> str:
    """An amount for a chart: "$375k", "$1.2M", "$17k", "$940"; three figures from $100,000 on, else two."""
    figures = FIGURES if abs(usd) >= 1e5 else FIGURES - 1
    near = round(usd, figures - 1 - floor(log10(abs(usd)))) if usd else 0.0
    sign, magnitude = (MINUS if near < 0 else ""), abs(near)
    if magnitude >= 1e6:
        return f"{sign}${magnitude / 1e6:,.4g}M"
    if magnitude >= 1e3:
        return f"{sign}${magnitude / 1e3:.4g}k"
    return f"{sign}${magnitude:,.0f}"
