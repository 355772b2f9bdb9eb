"""Pay over the years: the detector of a flat base, the substitution ratio, and what is wrong with a file."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.offers.history import History, Year, history, read_history
from bursar.refusals import Refused, Why

FLAT = """
year,base,bonus,equity,tokens,market_growth
2023,350000,35000,100000,0,
2024,350000,36000,100000,20000,4%
2025,353500,36000,90000,50000,3%
2026,375000,37000,90000,100000,3.5%
"""


def read(text: str) -> History:
    return read_history(text.strip())


def test_two_flat_years_while_compute_grows_are_a_pattern() -> None:
    found = read(FLAT)
    assert found.verdict == "flat"
    assert (found.flat_from, found.flat_to) == (2024, 2025)
    assert [step.flat for step in found.steps] == [True, True, False]
    assert [step.market_base_usd for step in found.steps] == pytest.approx([364_000, 374_920, 388_042.2])
    assert [step.forgone_usd for step in found.steps] == pytest.approx([14_000, 21_420, 13_042.2])
    assert found.forgone_total_usd == pytest.approx(48_462.2)
    assert found.tokens_growth_usd == 100_000
    assert found.substitution == pytest.approx(100_000 / 13_042.2)
    assert found.base_growth == pytest.approx((375 / 350) ** (1 / 3) - 1)
    assert found.years[-1].headline_usd == 602_000


def test_the_finding_in_plain_words() -> None:
    assert read(FLAT).text == (
        "From 2023 to 2026 the base went from $350,000 to $375,000 (2.3% a year, the market 3.5%) and compute grew "
        "by $100,000 a year. Had the base followed the market it would be $13,000 a year higher now; over these "
        "years that is $48,000. For each dollar of raise forgone came $7.7 of compute. From 2024 to 2025 compute "
        "grew and the base hardly did: tokens came where a raise would have been."
    )


def test_one_flat_year_is_to_be_watched() -> None:
    found = read("year,base,tokens\n2026,375000,100000\n2025,375000,0")
    assert (found.verdict, found.flat_from, found.flat_to) == ("watch", 2026, 2026)
    assert found.substitution == pytest.approx(100_000 / (375_000 * 0.035))
    assert "In 2026 compute grew" in found.text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("400000,50000", "no year in which compute grew and the base did not"),
        ("375000,20000", "no year in which"),
        ("375000,10000", "compute fell by $10,000"),
    ],
)
def test_no_finding_where_the_base_rose_or_compute_did_not(row: str, said: str) -> None:
    found = read(f"year,base,tokens\n2025,375000,20000\n2026,{row}")
    assert found.verdict == "none"
    assert found.substitution is None
    assert said in found.text


def test_the_market_decides_what_a_raise_is() -> None:
    at = "year,base,tokens,market_growth\n2025,100000,0,\n2026,101700,1000,{}"
    assert read(at.format("3.5%")).verdict == "watch"
    assert read(at.format("3.4%")).verdict == "none", "half of the market's raise is a raise"
    assert read(at.format("0%")).substitution is None


@given(
    st.lists(st.floats(50_000, 900_000), min_size=2, max_size=12),
    st.floats(0, 0.2),
    st.floats(0.1, 10),
)
def test_a_history_does_not_depend_on_the_currency(bases: list[float], growth: float, rate: float) -> None:
    years = [
        Year(year=2020 + i, base_usd=base, tokens_usd=1_000.0 * i, market_growth=growth)
        for i, base in enumerate(bases)
    ]
    other = [
        Year(year=one.year, base_usd=one.base_usd * rate, tokens_usd=one.tokens_usd * rate, market_growth=growth)
        for one in years
    ]
    one, scaled = history(years), history(other)
    assert scaled.forgone_total_usd == pytest.approx(one.forgone_total_usd * rate, abs=1e-3)
    assert one.forgone_usd == pytest.approx(bases[0] * (1 + growth) ** (len(bases) - 1) - bases[-1], abs=1e-3)


WRONG = {
    "nothing": ("", 1, "year"),
    "one year": ("year,base,tokens\n2026,1,1", 2, "year"),
    "only names": ("year,base,tokens", 1, "year"),
    "no base column": ("year,tokens\n2025,1\n2026,1", 1, "base"),
    "an unknown column": ("year,base,tokens,salary\n2025,1,1,1\n2026,1,1,1", 1, "column"),
    "a column twice": ("year,base,base,tokens\n2025,1,1,1\n2026,1,1,1", 1, "base"),
    "a year twice": ("year,base,tokens\n2025,1,1\n2025,1,1", 3, "year"),
    "a year left out": ("year,base,tokens\n2024,1,1\n2026,1,1", 3, "year"),
    "a year in words": ("year,base,tokens\n2024,1,1\nlast,1,1", 3, "year"),
    "a year of the future's future": ("year,base,tokens\n2024,1,1\n9999,1,1", 3, "year"),
    "a year with a decimal": ("year,base,tokens\n2024,1,1\n2025.0,1,1", 3, "year"),
    "no base": ("year,base,tokens\n2025,,1\n2026,1,1", 2, "base"),
    "a base of nothing": ("year,base,tokens\n2025,0.00,1\n2026,1,1", 2, "base"),
    "a negative base": ("year,base,tokens\n2025,1,1\n2026,-5,1", 3, "base"),
    "a base in words": ("year,base,tokens\n2025,1,1\n2026,plenty,1", 3, "base"),
    "a base of infinity": ("year,base,tokens\n2025,1,1\n2026,inf,1", 3, "base"),
    "a base beyond all money": ("year,base,tokens\n2025,1,1\n2026,1000000000000,1", 3, "base"),
    "a negative token budget": ("year,base,tokens\n2025,1,1\n2026,1,-1", 3, "tokens"),
    "growth without a percent sign": (
        "year,base,tokens,market_growth\n2025,1,1,\n2026,1,1,0.035",
        3,
        "market_growth",
    ),
    "growth in words": ("year,base,tokens,market_growth\n2025,1,1,\n2026,1,1,some", 3, "market_growth"),
    "growth of a thousand percent": ("year,base,tokens,market_growth\n2025,1,1,\n2026,1,1,1000%", 3, "market_growth"),
    "a cell too many": ("year,base,tokens\n2025,1,1\n2026,1,1,1", 3, "row"),
    "a quote that stays open": ('year,base,tokens\n2025,1,1\n2026,"1,1', 3, "row"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_by_line_and_field(name: str) -> None:
    text, line, field = WRONG[name]
    with pytest.raises(Refused) as raised:
        read_history(text, "pay.csv")
    refusal = raised.value.refusal
    assert (refusal.why, refusal.field, refusal.facts["line"]) == (Why.ROW_INVALID, field, str(line))
    assert f"pay.csv, line {line}: {field} is " in refusal.text
    assert refusal.facts["right"]
