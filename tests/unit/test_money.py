"""Money: exact, in integers, refused by name when it is none."""

from __future__ import annotations

from fractions import Fraction
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.money import MAX_NANOS, NANOS_PER_USD, MoneyError, ceil_div, parse_usd, people_usd, usd

LARGEST = MAX_NANOS // NANOS_PER_USD * NANOS_PER_USD - 1
amounts = st.integers(0, LARGEST)


@pytest.mark.parametrize(
    ("text", "nanos"),
    [
        ("0", 0),
        ("0.00", 0),
        ("2000.00", 2_000_000_000_000),
        ("2000", 2_000_000_000_000),
        ("$1,500", 1_500_000_000_000),
        ("$1,234,567.89", 1_234_567_890_000_000),
        (" 13.5 ", 13_500_000_000),
        ("0.000000001", 1),
        ("0.1", 100_000_000),
        ("0.3", 300_000_000),
        ("1.1000000000000000", 1_100_000_000),
        ("007", 7_000_000_000),
        ("4611686017.999999999", LARGEST),
    ],
)
def test_an_amount_is_read_exactly(text: str, nanos: int) -> None:
    assert parse_usd(text) == nanos


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "is not an amount"),
        ("$", "is not an amount"),
        (".", "is not an amount"),
        (".5", "is not an amount"),
        ("5.", "is not an amount"),
        ("twelve", "is not an amount"),
        ("12 USD", "is not an amount"),
        ("$$5", "is not an amount"),
        ("--5", "is not an amount"),
        ("1e3", "is not an amount"),
        ("1_000", "is not an amount"),
        ("NaN", "is not an amount"),
        ("sNaN", "is not an amount"),
        ("Infinity", "is not an amount"),
        ("0x10", "is not an amount"),
        ("１２", "is not an amount"),
        ("1,50", "is not an amount"),
        ("1.500,00", "is not an amount"),
        ("1,5000", "is not an amount"),
        (",500", "is not an amount"),
        ("1.2.3", "is not an amount"),
        ("-1", "is negative"),
        ("$-1", "is negative"),
        ("-0.000000001", "is negative"),
        ("0.0000000001", "more than nine decimals"),
        ("1.0000000005", "more than nine decimals"),
        ("1." + "0" * 60 + "1", "more than nine decimals"),
        ("4611686018", "too large"),
        ("9" * 100_000, "too large"),
    ],
)
def test_what_is_no_amount_is_refused(text: str, problem: str) -> None:
    with pytest.raises(MoneyError, match=problem):
        parse_usd(text)


@given(amounts)
def test_machines_read_what_was_written(nanos: int) -> None:
    written = usd(nanos)
    assert parse_usd(written) == nanos
    assert Fraction(written) * NANOS_PER_USD == nanos
    assert 2 <= len(written.split(".")[1]) <= 9


@given(st.integers(-LARGEST, LARGEST))
def test_a_sum_may_be_negative_when_written(nanos: int) -> None:
    assert Fraction(usd(nanos)) * NANOS_PER_USD == nanos


@given(amounts)
def test_people_read_it_within_half_a_cent(nanos: int) -> None:
    shown = Fraction(people_usd(nanos).removeprefix("$").replace(",", "")) * NANOS_PER_USD
    assert abs(shown - nanos) <= NANOS_PER_USD // 200
    if nanos < NANOS_PER_USD // 100:
        assert shown == nanos


@pytest.mark.parametrize(
    ("nanos", "text"),
    [
        (0, "$0.00"),
        (1, "$0.000000001"),
        (9_999_999, "$0.009999999"),
        (10_000_000, "$0.01"),
        (14_999_999, "$0.01"),
        (15_000_000, "$0.02"),
        (999_999_999, "$1.00"),
        (1_234_560_000_000, "$1,234.56"),
        (-2_500_000_000, "-$2.50"),
        (-2_000, "-$0.000002"),
    ],
)
def test_amounts_as_people_write_them(nanos: int, text: str) -> None:
    assert people_usd(nanos) == text


@given(st.integers(0, 2**100), st.integers(1, 2**60))
def test_the_one_rounding_rule_is_up(numerator: int, denominator: int) -> None:
    assert ceil_div(numerator, denominator) == ceil(Fraction(numerator, denominator))
