"""Checks of an offer's numbers: each refuses with the field's name, what it is, and what it must be."""

from __future__ import annotations

import math

from bursar.refusals import field_invalid

MOST_USD = 1e12
"""Amounts stay below this: a thousand billion dollars, far above any pay and far below where floats lose cents."""


def amount_usd(field: str, got: object, *, least: float = 0.0) -> float:
    """Dollars: finite, from `least` to a thousand billion. Raises Refused(FIELD_INVALID)."""
    return between(field, got, least, MOST_USD, f"dollars from {least:g} to 1,000,000,000,000")


def share(field: str, got: object) -> float:
    """A share from 0 to 1. Raises Refused(FIELD_INVALID)."""
    return between(field, got, 0.0, 1.0, "a share from 0 to 1")


def between(field: str, got: object, least: float, most: float, right: str = "") -> float:
    """A number from `least` to `most`, both included. Raises Refused(FIELD_INVALID)."""
    right = right or f"a number from {least:g} to {most:g}"
    if isinstance(got, bool) or not isinstance(got, int | float):
        raise field_invalid(field, "missing" if got is None else repr(got), right)
    if math.isnan(got) or not least <= got <= most:
        raise field_invalid(field, f"{got:g}" if isinstance(got, float) else got, right)
    return float(got)


def whole(field: str, got: object, least: int, most: int, of: str) -> int:
    """A whole number from `least` to `most`; `of` says what it counts. Raises Refused(FIELD_INVALID)."""
    if isinstance(got, bool) or not isinstance(got, int) or not least <= got <= most:
        raise field_invalid(
            field, "missing" if got is None else repr(got), f"a whole number from {least} to {most} {of}"
        )
    return got


def one_of(field: str, got: object, words: tuple[str, ...]) -> str:
    """One of some words. Raises Refused(FIELD_INVALID)."""
    if not isinstance(got, str) or got not in words:
        raise field_invalid(field, "missing" if got is None else repr(got), "one of " + ", ".join(words))
    return got
