"""Rounded amounts add up."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.reports.cents import show, split_cents, to_cents


@pytest.mark.parametrize(
    ("parts", "total", "cents"),
    [
        ([5_000_000, 5_000_000], 1, [1, 0]),
        ([14_000_000, 16_000_000], 3, [1, 2]),
        ([10_000_000, 20_000_000], 3, [1, 2]),
        ([3_333_333, 3_333_333, 3_333_334], 1, [0, 0, 1]),
        ([], 0, []),
    ],
)
def test_the_largest_remainders_go_up(parts: list[int], total: int, cents: list[int]) -> None:
    assert split_cents(parts, total) == cents


@given(st.lists(st.integers(0, 2**62), max_size=40))
def test_parts_sum_and_each_is_within_a_cent(parts: list[int]) -> None:
    total = to_cents(sum(parts))
    cents = split_cents(parts, total)
    assert sum(cents) == total
    assert all(abs(cent * 10_000_000 - part) < 10_000_000 for cent, part in zip(cents, parts, strict=True))


def test_a_total_that_is_none_is_refused() -> None:
    with pytest.raises(AssertionError):
        split_cents([10_000_000], 5)


@pytest.mark.parametrize(
    ("cents", "nanos", "text"), [(0, 0, "$0.00"), (0, 1, "<$0.01"), (1, 1, "$0.01"), (123_456, 1, "$1,234.56")]
)
def test_shown(cents: int, nanos: int, text: str) -> None:
    assert show(cents, nanos) == text
