"""Amounts rounded to the cent so that what is shown adds up."""

from __future__ import annotations

from collections.abc import Sequence

from bursar.money import NANOS_PER_USD, people_usd

NANOS_PER_CENT = NANOS_PER_USD // 100


def to_cents(nanos: int) -> int:
    """The nearest cent; half a cent goes up."""
    return (nanos + NANOS_PER_CENT // 2) // NANOS_PER_CENT


def split_cents(parts_nanos: Sequence[int], total_cents: int) -> list[int]:
    """Round parts (none negative) to cents that sum to `total_cents`, which is their sum rounded up or down."""
    return largest_remainders(parts_nanos, NANOS_PER_CENT, total_cents)


def largest_remainders(parts: Sequence[int], unit: int, total: int) -> list[int]:
    """Parts in whole units that sum to `total`: each rounded down, then those with the largest remainders up.

    `total` units are what the parts' sum comes to, rounded up or down.
    """
    units = [part // unit for part in parts]
    left = total - sum(units)
    assert 0 <= left <= len(units), f"{parts} of {unit} do not round to {total}"
    by_remainder = sorted(range(len(units)), key=lambda index: -(parts[index] % unit))
    for index in by_remainder[:left]:
        units[index] += 1
    return units


def show(cents: int, nanos: int) -> str:
    """A rounded amount as people write it; something that rounds to nothing is "<$0.01"."""
    return "<$0.01" if cents == 0 and nanos else people_usd(cents * NANOS_PER_CENT)
