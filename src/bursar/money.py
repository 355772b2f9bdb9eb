"""Money is an integer number of nano-dollars (10⁻⁹ USD). No float comes near it.

There is one rounding rule: a cost is rounded **up** to the next whole nano-dollar, once, at the end of its
calculation (`ceil_div`). Everything else is exact.
"""

from __future__ import annotations

import re

NANOS_PER_USD = 1_000_000_000
DECIMALS = 9
MAX_DIGITS = 30
"""A whole number of more digits is not even looked at; it is too large."""
MAX_NANOS = 2**62
"""Amounts stay below this (4.6 billion dollars), so that a sum of two fits a signed 64-bit column."""
BELOW_MAX = "below 4,600,000,000"
SOME_MONEY = f"more than 0 and {BELOW_MAX}"
"""What an amount must be, as a refusal says it."""


class MoneyError(ValueError):
    """A text that is not an amount of dollars; its message says what would be right."""


def ceil_div(numerator: int, denominator: int) -> int:
    """Divide two non-negative integers, rounding up: the one rounding rule of Bursar."""
    return -(-numerator // denominator)


_AMOUNT = re.compile(r"\$?(-?)([0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.([0-9]+))?")


def parse_usd(text: str) -> int:
    """Read a decimal string in dollars ("2000.00", "$1,500") as nano-dollars.

    Raises MoneyError when it is no plain decimal, is negative, has more than nine decimals or is too large. A comma
    stands only between thousands, so that "1,50" is refused and not read as 150.
    """
    found = _AMOUNT.fullmatch(text.strip())
    if found is None:
        raise MoneyError(f"{text!r} is not an amount; write dollars like 2000.00")
    minus, whole, fraction = found[1], found[2].replace(",", ""), (found[3] or "").rstrip("0")
    if minus:
        raise MoneyError(f"{text!r} is negative; an amount is 0 or more")
    if len(whole) > MAX_DIGITS or int(whole) >= MAX_NANOS // NANOS_PER_USD:
        raise MoneyError(f"{text!r} is too large; an amount is {BELOW_MAX}")
    if len(fraction) > DECIMALS:
        raise MoneyError(f"{text!r} has more than nine decimals; a nano-dollar is the smallest amount")
    return int(whole) * NANOS_PER_USD + int(fraction.ljust(DECIMALS, "0"))


def usd(nanos: int) -> str:
    """Write nano-dollars exactly as a decimal string for machines: at least two decimals, at most nine."""
    sign = "-" if nanos < 0 else ""
    whole, fraction = divmod(abs(nanos), NANOS_PER_USD)
    decimals = f"{fraction:09d}".rstrip("0").ljust(2, "0")
    return f"{sign}{whole}.{decimals}"


def people_usd(nanos: int) -> str:
    """Write nano-dollars as people do: "$1,234.56"; below a cent as many decimals as it takes, exactly."""
    sign = "-" if nanos < 0 else ""
    magnitude = abs(nanos)
    if 0 < magnitude < NANOS_PER_USD // 100:
        return f"{sign}${usd(magnitude)}"
    cents = (magnitude + 5_000_000) // 10_000_000
    return f"{sign}${cents // 100:,}.{cents % 100:02d}"
