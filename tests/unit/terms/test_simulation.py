"""A plan played through: what comes out sums, and is what the rules say."""

from __future__ import annotations

from datetime import date, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.terms.plan import Terms
from bursar.terms.proration import Employment
from bursar.terms.simulation import SimulatedLot, simulate
from bursar.terms.written import differences
from tests.unit.terms.plans import NO_PRICES, USD, carry_over, plan, tokens

PLANS = [
    plan(),
    plan('proration = "daily"\navailability = "accrual"\ntime_zone = "Europe/Stockholm"'),
    carry_over(2, "25%"),
    plan('unused = "grace"\ngrace_days = 40'),
    plan('schedule = "biweekly"\nanchor = 2026-01-02\nunused = "carry_over"\ncash_out_rate = "50%"'),
    carry_over(2, "25%", 'outside_usage = "charge"\nrun_out_days = 10'),
    plan('overrun = "soft"\noverrun_ceiling = "10%"\nunused = "grace"\ngrace_days = 10'),
    plan('schedule = "weekly"\nunused = "grace"\ngrace_days = 3\ncash_out_rate = "10%"\ncash_out_cap = "5.00"'),
]
DAYS = st.integers(0, 400).map(lambda n: date(2026, 1, 1) + timedelta(days=n))


def sums(lots: tuple[SimulatedLot, ...]) -> tuple[int, int, int]:
    """What was put in and what became of it; what went out over to what came in."""
    put_in = sum(lot.granted_nanos + lot.overrun_nanos for lot in lots)
    became = sum(lot.spent_nanos + lot.cashed_out_nanos + lot.expired_nanos + lot.left_nanos for lot in lots)
    return put_in, became, sum(lot.carried_out_nanos - lot.carried_in_nanos for lot in lots)


@settings(max_examples=60)
@given(
    st.sampled_from(PLANS),
    DAYS,
    st.integers(0, 200),
    st.dictionaries(DAYS, st.integers(0, 900 * USD), max_size=12),
    st.builds(Employment, st.none() | DAYS, st.none() | DAYS),
)
def test_nothing_is_lost_or_made(
    terms: Terms, first: date, days: int, usage: dict[date, int], employment: Employment
) -> None:
    last = first + timedelta(days=days)
    done = simulate(terms, first, last, usage, employment, prices=NO_PRICES)
    put_in, became, gone_on = sums(done.lots)
    assert put_in == became + gone_on
    for lot in done.lots:
        told = (lot.spent_nanos, lot.carried_out_nanos, lot.cashed_out_nanos, lot.expired_nanos, lot.left_nanos)
        assert min(told) >= 0
        assert lot.granted_nanos + lot.carried_in_nanos + lot.overrun_nanos == sum(told)
    wanted = sum(amount for day, amount in usage.items() if first <= day <= last)
    assert sum(lot.spent_nanos for lot in done.lots) + done.uncovered_nanos == wanted


def test_a_joiner_on_the_17th() -> None:
    terms = plan('proration = "daily"', "3000.00")
    november, december = simulate(terms, date(2026, 11, 17), date(2026, 12, 1), prices=NO_PRICES).lots
    assert (november.granted_nanos, december.granted_nanos) == (1_400 * USD, 3_000 * USD)


def test_grace_over_new_year() -> None:
    terms = plan('unused = "grace"\ngrace_days = 15')
    used = {date(2027, 1, 15): 600 * USD, date(2027, 1, 16): 700 * USD}
    december, january = simulate(terms, date(2026, 12, 1), date(2027, 1, 31), used, prices=NO_PRICES).lots
    assert (december.spent_nanos, december.expired_nanos) == (600 * USD, 400 * USD), "the 15th is its last day"
    assert january.spent_nanos == 700 * USD


def test_what_is_unspent_goes_on_when_the_run_out_is_over() -> None:
    terms = carry_over(1, more='outside_usage = "charge"\nrun_out_days = 10')
    used = {date(2026, 12, 10): 1_200 * USD, date(2026, 12, 11): 1_200 * USD}
    november, december = simulate(terms, date(2026, 11, 1), date(2026, 12, 11), used, prices=NO_PRICES).lots
    assert (november.carried_out_nanos, december.carried_in_nanos) == (1_000 * USD, 1_000 * USD)
    assert december.spent_nanos == 2_000 * USD
    on_the_10th = simulate(terms, date(2026, 11, 1), date(2026, 12, 9), used, prices=NO_PRICES).lots
    assert [lot.left_nanos for lot in on_the_10th] == [1_000 * USD, 1_000 * USD], "the run-out is not over"


def test_a_soft_budget_is_passed_up_to_its_ceiling_when_nothing_else_is_left() -> None:
    terms = plan('overrun = "soft"\noverrun_ceiling = "100.00"')
    used = {date(2026, 11, 10): 1_050 * USD, date(2026, 11, 11): 80 * USD}
    done = simulate(terms, date(2026, 11, 1), date(2026, 12, 1), used, prices=NO_PRICES)
    november, december = done.lots
    assert (november.spent_nanos, november.overrun_nanos, november.expired_nanos) == (1_100 * USD, 100 * USD, 0)
    assert done.uncovered_nanos == 30 * USD
    assert (december.granted_nanos, december.overrun_nanos) == (1_000 * USD, 0)


def test_leave_and_leaving() -> None:
    terms = plan('proration = "daily"\non_leave = "pause"', "3000.00")
    away = Employment(ends=date(2026, 12, 10), leave=((date(2026, 11, 11), date(2026, 11, 20)),))
    november, december = simulate(terms, date(2026, 11, 1), date(2027, 2, 1), {}, away, prices=NO_PRICES).lots
    assert november.granted_nanos == 2_000 * USD
    assert december.granted_nanos == 967_741_935_490  # ten of 31 days


def test_how_versions_differ() -> None:
    new = carry_over(2, "500.00")
    assert [tuple(change) for change in differences(plan(), new)] == [
        ("unused", "expire", "carry_over"),
        ("carry_over_cap", "none", "500.00"),
        ("carry_over_periods", "none", "2"),
    ]
    assert differences(new, new) == []
    indexed = plan('escalator = "price_index"\nescalator_basket = ["sonnet", "mini"]')
    assert [tuple(change) for change in differences(tokens(), indexed)] == [
        ("amount", "none", "1000.00"),
        ("denomination", "tokens", "money"),
        ("tokens", "50000000", "none"),
        ("tokens_of", "sonnet", "none"),
        ("tokens_output", "25%", "none"),
        ("escalator", "none", "price_index"),
        ("escalator_basket", "none", "sonnet, mini"),
    ]
