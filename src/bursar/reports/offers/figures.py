"""Amounts for tables and charts. Prose has its own, with fewer figures: `bursar.offers.prose`."""

from __future__ import annotations

from math import floor, log10

MINUS = "−"
FIGURES = 3


def whole(usd: float) -> str:
    """An amount for a table, to the dollar: "$375,000"."""
    dollars = round(usd)
    return f"{MINUS if dollars < 0 else ''}${abs(dollars):,}"


def short(usd: float) -> str:
    """An amount for a chart, in three figures: "$375k", "$1.2M", "$940"."""
    near = round(usd, FIGURES - 1 - floor(log10(abs(usd)))) if usd else 0.0
    sign, magnitude = (MINUS if near < 0 else ""), abs(near)
    if magnitude >= 1e6:
        return f"{sign}${magnitude / 1e6:,.4g}M"
    if magnitude >= 1e3:
        return f"{sign}${magnitude / 1e3:.4g}k"
    return f"{sign}${magnitude:,.0f}"
