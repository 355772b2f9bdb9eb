"""What a period is worth: tokens at the price of their model, escalators by the year and by an index of prices."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from fractions import Fraction

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.money import MAX_NANOS
from bursar.periods import to_us
from bursar.refusals import Refused, Why
from bursar.terms.amounts import Kind
from bursar.terms.proration import ALWAYS
from bursar.terms.schedules import add_months
from bursar.terms.simulation import simulate
from bursar.terms.worth import worth_at, worth_at_opening, years_of
from tests.unit.terms.plans import NO_PRICES, USD, Listed, plan, tokens


def at(day: str) -> int:
    """A day's first instant in UTC."""
    return to_us(datetime.fromisoformat(day).replace(tzinfo=UTC))


PRICES = Listed(
    {
        "sonnet": [(at("2026-01-01"), 3 * USD, 15 * USD), (at("2026-12-01"), 2 * USD, 10 * USD)],
        "mini": [(at("2026-01-01"), USD // 4, 2 * USD)],
        "embed": [(at("2026-01-01"), 20_000_000, None)],
        "gift": [(at("2026-01-01"), 0, 0)],
    }
)
BEGAN_US = at("2026-11-01")
FIXED = plan('escalator = "fixed"\nescalator_rate = "5%"')
INDEX = plan('escalator = "price_index"\nescalator_basket = ["sonnet", "mini"]')
RATES = st.integers(1, 10_000)
DAYS = st.integers(0, 4_000)


class Event(msgspec.Struct, frozen=True):
    """A change of the amount."""

    amount_nanos: int | None
    effective_us: int
    announced_us: int = 0
    id: int = 1
    kind: str = Kind.RAISE
    until_us: int | None = None


@pytest.mark.parametrize(
    ("lines", "day", "worth"),
    [
        # Per million: three quarters at $3.00 and a quarter at $15.00 are $6.00; from December on $4.00.
        ("", "2026-11-30", 300 * USD),
        ("", "2026-12-01", 200 * USD),
        ('tokens_output = "0%"', "2026-11-01", 150 * USD),
        ('tokens_output = "100%"', "2026-11-01", 750 * USD),
        ('tokens_output = "12.5%"', "2026-11-01", 225 * USD),
    ],
)
def test_tokens_are_worth_what_their_model_costs_at_the_opening(lines: str, day: str, worth: int) -> None:
    assert worth_at_opening(tokens("50M", lines), BEGAN_US, at(day), (), PRICES).amount_nanos == worth


def test_how_the_worth_of_tokens_came_about_is_said() -> None:
    said = worth_at_opening(tokens("50M"), BEGAN_US, BEGAN_US, (), PRICES).note
    assert said == "50,000,000 tokens of maker/sonnet at $6.00 a million, 25% of them output, by price book pb-table"


@given(st.integers(1, 10**12), st.integers(0, 10_000))
def test_tokens_are_priced_exactly_and_rounded_up_once(count: int, output_bps: int) -> None:
    terms = msgspec.structs.replace(tokens(), tokens=count, tokens_output_bps=output_bps)
    amount = worth_at(terms, BEGAN_US, BEGAN_US, (), PRICES).amount_nanos
    share = Fraction(output_bps, 10_000)
    exact = count * (3 * USD * (1 - share) + 15 * USD * share) / 1_000_000
    assert 0 <= amount - exact < 1


@pytest.mark.parametrize(
    ("terms", "why", "what"),
    [
        (tokens(model="opus"), Why.MODEL_NOT_PRICED, "opus"),
        (tokens(model="embed"), Why.VARIANT_NOT_PRICED, "embed output"),
        (tokens(model="gift"), Why.AMOUNT_INVALID, "tokens of maker/gift"),
        (plan('escalator = "price_index"\nescalator_basket = ["sonnet", "opus"]'), Why.MODEL_NOT_PRICED, "opus"),
        (plan('escalator = "price_index"\nescalator_basket = ["gift"]'), Why.AMOUNT_INVALID, "gift"),
    ],
)
def test_what_has_no_price_is_refused_by_name_and_never_worth_nothing(terms: object, why: Why, what: str) -> None:
    with pytest.raises(Refused) as refused:
        worth_at(terms, BEGAN_US, BEGAN_US, (), PRICES)  # type: ignore[arg-type]
    assert refused.value.refusal.why is why
    assert what in refused.value.refusal.text


def test_input_alone_can_be_priced_without_a_price_of_output() -> None:
    terms = tokens("50M", 'tokens_output = "0%"', "embed")
    assert worth_at(terms, BEGAN_US, BEGAN_US, (), PRICES).amount_nanos == USD


@pytest.mark.parametrize(
    ("begun", "day", "years"),
    [
        ("2026-11-01", "2027-10-31", 0),
        ("2026-11-01", "2027-11-01", 1),
        ("2026-11-01", "2036-11-01", 10),
        ("2028-02-29", "2029-02-27", 0),
        ("2028-02-29", "2029-02-28", 1),
        ("2028-02-29", "2032-02-28", 3),
        ("2028-02-29", "2032-02-29", 4),
        ("2026-11-01", "2020-01-01", 0),
    ],
)
def test_a_year_is_over_on_its_anniversary(begun: str, day: str, years: int) -> None:
    assert years_of(plan(), at(begun), at(day)) == years


def test_an_anniversary_is_a_day_of_the_plans_time_zone() -> None:
    stockholm = plan('escalator = "fixed"\nescalator_rate = "5%"\ntime_zone = "Europe/Stockholm"')
    begun_us, hour_us = at("2026-11-01") - 3_600_000_000, 3_600_000_000  # midnight there
    assert years_of(stockholm, begun_us, at("2027-11-01") - hour_us) == 1
    assert years_of(stockholm, begun_us, at("2027-11-01") - hour_us - 1) == 0


@given(RATES, st.dates(date(2000, 1, 1), date(2040, 1, 1)), st.integers(0, 15))
def test_a_fixed_rate_compounds_with_every_anniversary_and_is_rounded_up_once(
    bps: int, begun: date, years: int
) -> None:
    terms = msgspec.structs.replace(FIXED, escalator_rate_bps=bps)
    begun_us, day_us = at(begun.isoformat()), at(add_months(begun, 12 * years).isoformat())
    amount = worth_at(terms, begun_us, day_us, (), NO_PRICES).amount_nanos
    exact = terms.amount_nanos * (1 + Fraction(bps, 10_000)) ** years
    assert 0 <= amount - exact < 1
    if years:
        before = worth_at(terms, begun_us, day_us - 1, (), NO_PRICES).amount_nanos
        assert (
            before == worth_at(terms, begun_us, at(add_months(begun, 12 * (years - 1)).isoformat()), (), NO_PRICES)[0]
        )
        assert before < amount


@given(RATES, DAYS, DAYS)
def test_a_fixed_rate_never_takes_back(bps: int, one: int, other: int) -> None:
    terms = msgspec.structs.replace(FIXED, escalator_rate_bps=bps)
    early_us, late_us = (BEGAN_US + days * 86_400_000_000 for days in sorted((one, other)))
    early, late = (worth_at(terms, BEGAN_US, instant, (), NO_PRICES).amount_nanos for instant in (early_us, late_us))
    assert terms.amount_nanos <= early <= late


def test_a_fixed_rate_goes_on_from_a_raise() -> None:
    """$1,000 grow to $1,050 in November 2027; a raise to $2,000 in May 2028 grows by 5 % in November 2028."""
    raised = (Event(2_000 * USD, at("2028-05-01")),)
    days = ["2027-10-31", "2027-11-01", "2028-05-01", "2028-10-31", "2028-11-01", "2029-11-01"]
    amounts = [worth_at(FIXED, BEGAN_US, at(day), raised, NO_PRICES).amount_nanos for day in days]
    assert amounts == [1_000 * USD, 1_050 * USD, 2_000 * USD, 2_000 * USD, 2_100 * USD, 2_205 * USD]


def test_an_amount_stays_one_that_the_ledger_takes() -> None:
    terms = msgspec.structs.replace(FIXED, escalator_rate_bps=10_000)
    assert worth_at(terms, BEGAN_US, at("2150-11-01"), (), NO_PRICES).amount_nanos == MAX_NANOS - 1


def test_an_index_follows_the_basket_up_and_down() -> None:
    """A million tokens of each: $6.00 + $0.6875, and from December on $4.00 + $0.6875."""
    amounts = [worth_at(INDEX, BEGAN_US, at(day), (), PRICES).amount_nanos for day in ("2026-11-30", "2026-12-01")]
    assert amounts == [1_000 * USD, -(-1_000 * USD * 46_875 // 66_875)]
    later = worth_at(INDEX, at("2026-12-05"), at("2027-06-01"), (), PRICES)
    assert later.amount_nanos == 1_000 * USD
    assert later.note == "$1,000.00 times 1.0000, the price of maker/sonnet, maker/mini since 2026-12-05, by pb-table"


def test_an_index_goes_on_from_a_raise() -> None:
    raised = (Event(2_000 * USD, at("2026-12-15")),)
    assert worth_at(INDEX, BEGAN_US, at("2027-01-01"), raised, PRICES).amount_nanos == 2_000 * USD


@given(st.integers(1, 10**12), st.integers(1, 10**12), st.integers(1, 10**12))
def test_an_index_is_exact_and_rounded_up_once(amount: int, before: int, after: int) -> None:
    prices = Listed({"m": [(0, before, before), (BEGAN_US + 1, after, after)]})
    terms = plan('escalator = "price_index"\nescalator_basket = ["m"]')
    terms = msgspec.structs.replace(terms, amount_nanos=amount)
    exact = min(Fraction(amount) * after / before, Fraction(MAX_NANOS - 1))
    assert 0 <= worth_at(terms, BEGAN_US, BEGAN_US + 1, (), prices).amount_nanos - exact < 1
    assert worth_at(terms, BEGAN_US, BEGAN_US, (), prices).amount_nanos == amount, "the first lot has the plan's"


def test_a_revoked_grant_is_worth_nothing_whatever_the_prices() -> None:
    revoked = (Event(None, BEGAN_US, kind=Kind.REVOKE),)
    assert worth_at(tokens(model="opus"), BEGAN_US, BEGAN_US, revoked, PRICES).amount_nanos == 0


def test_a_plan_of_tokens_played_through_a_fall_of_the_price() -> None:
    lots = simulate(tokens("50M"), date(2026, 11, 17), date(2026, 12, 31), prices=PRICES).lots
    assert [(lot.period, lot.granted_nanos) for lot in lots] == [("2026-11", 300 * USD), ("2026-12", 200 * USD)]
    assert "at $4.00 a million" in lots[1].note


def test_proration_takes_parts_of_what_tokens_are_worth() -> None:
    lots = simulate(tokens("50M", 'proration = "daily"'), date(2026, 11, 16), date(2026, 11, 30), prices=PRICES).lots
    assert lots[0].granted_nanos == 150 * USD


def test_a_simulation_stops_at_a_model_without_a_price() -> None:
    with pytest.raises(Refused) as refused:
        simulate(tokens(model="opus"), date(2026, 11, 1), date(2026, 11, 2), {}, ALWAYS, prices=PRICES)
    assert refused.value.refusal.why is Why.MODEL_NOT_PRICED


@given(st.integers(1, 10**9), DAYS)
def test_tokens_with_a_fixed_rate_are_more_tokens_each_year(count: int, days: int) -> None:
    terms = msgspec.structs.replace(tokens(more='escalator = "fixed"\nescalator_rate = "10%"'), tokens=count)
    at_us = BEGAN_US + days * 86_400_000_000
    years = years_of(terms, BEGAN_US, at_us)
    rate = 6 if at_us < at("2026-12-01") else 4
    exact = Fraction(count * rate * USD, 1_000_000) * Fraction(11, 10) ** years
    assert 0 <= worth_at(terms, BEGAN_US, at_us, (), PRICES).amount_nanos - exact < 1
    assert timedelta(days=days).days // 366 <= years <= timedelta(days=days).days // 365
