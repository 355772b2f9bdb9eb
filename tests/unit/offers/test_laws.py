"""The laws that a valuation keeps, over 2,000 random offers with every term that a budget can have."""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import msgspec
import numpy as np
import pytest

from bursar.offers import tokens
from bursar.offers.budget import TokenBudget
from bursar.offers.inkind import worth_usd
from bursar.offers.numbers import MOST_USD
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.parameters import TABLE, parameters_for
from bursar.offers.person import MAX_YEARS, Person
from bursar.offers.rows import Floats, Rows, default_row
from bursar.offers.value import compare, exact_value, value
from tests.unit.offers.random_offers import Values, chance, random_person, random_terms, random_values

OFFERS = 2_000
Case = tuple[TokenBudget, Person, Values]


def cases(seed: int, count: int, *, taxed: bool = True) -> Iterator[Case]:
    rng = np.random.default_rng(seed)
    for _ in range(count):
        person = random_person(rng)
        budget = TokenBudget(**random_terms(rng, taxed=taxed))
        yield budget, person, random_values(rng)


def columns(case: Case, changes: list[Values]) -> Rows:
    """Rows for one budget: its own values, and those with each of the changes."""
    budget, person, values = case
    own = default_row(parameters_for(budget, person, values))
    every = [{}, *changes]
    return {name: np.array([[change.get(name, column[0, 0])] for change in every]) for name, column in own.items()}


def worth_of(case: Case, changes: list[Values]) -> Floats:
    return tokens.story(case[0], case[1], columns(case, changes)).present_usd


def close(scale: float) -> float:
    """How much of a difference is only rounding."""
    return 1e-9 * (abs(scale) + 1)


def test_it_rises_with_what_is_good_and_falls_with_hazards() -> None:
    """Hazards count where a month is worth something: they shorten what is bad as well.

    Who is paid for vested credit on leaving may gain by that.
    """
    moved = 0
    for case in cases(1, OFFERS):
        budget, person, values = case
        changes = [
            {"p": values["p"] + (1 - values["p"]) / 2},
            {"x": values["x"] * 1.5},
            {"eps": values["eps"] + 0.3},
            {"s": values["s"] + (1 - values["s"]) / 4},
            {"h_E": values["h_E"] + 0.1},
            {"h_R": values["h_R"] + 0.1},
            {"h_C": values["h_C"] + 0.2},
            {"kappa": values["kappa"] / 2},
        ]
        told = tokens.story(budget, person, columns(case, changes))
        now, *others = told.present_usd
        for name, other in zip(("p", "x", "eps", "s"), others[:4], strict=True):
            assert other >= now - close(now), (name, case)
        if (told.worth[0] >= 0).all():
            for name, other in zip(("h_E", "h_R", "h_C", "kappa"), others[4:], strict=True):
                assert other <= now + close(now) or (name == "h_E" and budget.leaver_vested), (name, case)
        moved += sum(abs(other - now) > close(now) for other in others)
    assert moved > 4 * OFFERS


def test_it_falls_in_the_tax_where_there_is_income() -> None:
    fell = 0
    for budget, person, values in cases(2, 500):
        higher = msgspec.structs.replace(person, marginal_tax_rate=person.marginal_tax_rate + 0.2)
        row = columns((budget, person, values), [])
        told, taxed = tokens.story(budget, person, row), tokens.story(budget, higher, row)
        if told.imputed.sum() > 1e-6:
            assert taxed.present_usd[0] < told.present_usd[0], (budget, values)
            fell += 1
        else:
            assert taxed.present_usd[0] <= told.present_usd[0] + close(told.present_usd[0])
    assert fell > 200


BETTER: dict[str, Callable[[dict[str, Any], np.random.Generator], dict[str, Any] | None]] = {
    "vests sooner": lambda terms, _: {
        "vesting_months": terms.get("vesting_months", 96) // 2,
        "vesting_cliff_months": 0,
    },
    "notice of cuts": lambda terms, rng: {
        "notice_reduce_days": terms["notice_reduce_days"] + int(rng.integers(1, 150))
    },
    "notice of revocation": lambda terms, _: {"notice_revoke_days": 300} if terms["revocable"] else None,
    "not revocable": lambda _, __: {"revocable": False, "notice_revoke_days": None},
    "all stays for leavers": lambda _, __: {"leaver": "period_end"},
    "paid out on leaving": lambda terms, _: (
        {"leaver_vested": "cash_out"} if "vesting_months" in terms and _cashes(terms) else None
    ),
    "cash-out": lambda terms, _: {"cash_out_rate": (terms.get("cash_out_rate", 0) + 1) / 2},
    "no cap on cash-out": lambda _, __: {"cash_out_cap_usd": None},
    "a higher cap on cash-out": lambda terms, _: (
        {"cash_out_cap_usd": terms["cash_out_cap_usd"] * 2} if "cash_out_cap_usd" in terms else None
    ),
    "escalator": lambda terms, _: {"escalator_rate": terms.get("escalator_rate", 0) + 0.1},
    "carry-over": lambda terms, _: (
        {"unused": "carry_over", "carry_over_periods": 3} if terms["unused"] == "expire" else None
    ),
    "grace": lambda terms, _: {"unused": "grace", "grace_days": 45} if terms["unused"] == "expire" else None,
    "it never ends": lambda terms, _: {"unused": "keep"} if terms["unused"] == "expire" else None,
    "longer grace": lambda terms, _: (
        {"grace_days": terms["grace_days"] + 40} if terms["unused"] == "grace" and not _cashes(terms) else None
    ),
    "longer carry-over": lambda terms, _: (
        {"carry_over_periods": terms["carry_over_periods"] + 2}
        if terms["unused"] == "carry_over" and not _cashes(terms)
        else None
    ),
    "no cap on carry-over": lambda terms, _: (
        {"carry_over_cap_usd": None} if terms["unused"] == "carry_over" and not _cashes(terms) else None
    ),
    "a longer period": lambda terms, _: (
        {"period_months": 12} if not _cashes(terms) and terms["period_months"] == 1 else None
    ),
    "money in place of tokens": lambda _, __: {"denomination": "money", "escalator_index": False},
    "more": lambda terms, _: {"amount_usd_year": terms["amount_usd_year"] * 1.3},
}
"""What makes terms better. None: there is nothing to better, or it would be another trade."""


def _cashes(terms: dict[str, Any]) -> bool:
    return "cash_out_rate" in terms


def test_better_terms_are_never_worth_less() -> None:
    """Where nothing is imputed, and prices do not rise; each of the offers with each of the betterments that fit."""
    rng = np.random.default_rng(3)
    better = dict.fromkeys(BETTER, 0)
    for _ in range(450):
        person = msgspec.structs.replace(random_person(rng), horizon_years=int(rng.integers(1, 4)))
        terms = random_terms(rng, taxed=False)
        values = random_values(rng)
        values["pi"] = max(1.0, values["pi"])
        now = worth_of((TokenBudget(**terms), person, values), [])[0]
        for name, change in BETTER.items():
            changed = change(terms, rng)
            if changed is None or (name == "no cap on cash-out" and "cash_out_cap_usd" not in terms):
                continue
            mended = _mend(terms | changed)
            other = worth_of((TokenBudget(**mended), person, values | _own_use(terms, mended, person, values)), [])[0]
            assert other >= now - close(now), (name, terms, person, values)
            better[name] += bool(other > now + close(now))
    assert all(count > 0 for count in better.values()), better


def _mend(terms: dict[str, Any]) -> dict[str, Any]:
    """Leave out what no longer goes with the rest."""
    if terms["unused"] != "carry_over":
        terms = {name: term for name, term in terms.items() if not name.startswith("carry_over")}
    return terms


def _own_use(before: dict[str, Any], after: dict[str, Any], person: Person, values: Values) -> Values:
    """The person uses what they used, also where it is another part of another amount."""
    if not person.usage_usd_months or after["amount_usd_year"] == before["amount_usd_year"]:
        return {}
    mean = 12 * sum(person.usage_usd_months) / len(person.usage_usd_months)
    ratio = min(1, mean / after["amount_usd_year"]) / min(1, mean / before["amount_usd_year"])
    return {"u": values["u"] * ratio}


def test_personal_use_that_is_granted_is_worth_more() -> None:
    for budget, person, values in cases(4, 200, taxed=False):
        values.pop("p")
        shares = [msgspec.structs.replace(budget, personal_use_share=share) for share in (0.0, 0.2, 0.7, 1.0)]
        worths = [worth_of((one, person, values), [])[0] for one in shares]
        assert all(later >= sooner - close(sooner) for sooner, later in pairwise(worths))


def test_with_everything_vested_revocation_and_cuts_do_not_matter() -> None:
    for budget, person, values in cases(5, 300):
        vested = msgspec.structs.replace(budget, vesting_months=0, vesting_cliff_months=0)
        now, revoked, cut = worth_of((vested, person, values), [{"h_R": 9.0}, {"h_C": 9.0, "kappa": 0.0}])
        assert now == revoked == cut


def test_full_vesting_full_cash_out_and_no_expiry_is_worth_the_face_value() -> None:
    """Whatever is used and whatever for: it is pay. Before tax, for as long as the job lasts; taxed as pay is."""
    rng = np.random.default_rng(6)
    for _ in range(300):
        amount = float(rng.uniform(1_000, 200_000))
        budget = TokenBudget(
            amount_usd_year=amount, unused="keep", vesting_months=0, cash_out_rate=1.0, revocable=chance(rng, 0.5)
        )
        person = random_person(rng)
        values = random_values(rng) | {"h_E": 0.0, "s": 0.0, "delivered": 1.0, "p": 0.0}
        face = tokens.face_usd(budget, person)
        offer = Offer(name="face", base_usd_year=0, tokens=budget)
        free = msgspec.structs.replace(person, marginal_tax_rate=0)
        assert exact_value(offer, free, values).tokens_usd == pytest.approx(face)
        values["p"] = float(rng.uniform(0, 1))
        assert exact_value(offer, free, values).tokens_usd == pytest.approx(face)
        taxed = exact_value(offer, person, values).tokens_usd
        assert taxed >= face * (1 - person.marginal_tax_rate) * (1 - 1e-12)


def test_scaling_the_currency_scales_the_result() -> None:
    for budget, person, values in cases(7, 300):
        caps = {
            name: getattr(budget, name) * 7
            for name in ("amount_usd_year", "carry_over_cap_usd", "cash_out_cap_usd")
            if getattr(budget, name) is not None
        }
        scaled = msgspec.structs.replace(budget, **caps)
        spender = msgspec.structs.replace(
            person, usage_usd_months=tuple(7 * spent for spent in person.usage_usd_months)
        )
        now = worth_of((budget, person, values), [])[0]
        assert worth_of((scaled, spender, values | {"x": values["x"] * 7}), [])[0] == pytest.approx(7 * now)


def test_what_is_granted_is_used_cashed_out_expired_or_left() -> None:
    for budget, person, values in cases(8, 400):
        told = tokens.story(budget, person, columns((budget, person, values), []))
        flows = told.flows
        gone = flows.used.sum() + flows.cashed.sum() + flows.expired.sum() + flows.left[0, -1]
        assert gone == pytest.approx(told.granted.sum())
        assert min(flow.min() for flow in flows) >= -1e-6
        assert (told.personal <= flows.used + 1e-9).all()


def test_worth_in_kind_is_concave_and_rises() -> None:
    amounts = np.linspace(0, 5_000, 2_001)
    for eps in (0.0, 0.3, 0.7, 1.0, 1.5, 30.0, math.inf):
        worth = worth_usd(amounts, np.array(400.0), np.array(eps))
        steps = np.diff(worth)
        assert (steps >= -1e-9).all()
        assert (np.diff(steps) <= 1e-9).all()
        assert (worth <= amounts + 1e-9).all()
        assert worth[160] == pytest.approx(400)


def test_worth_in_kind_where_the_formula_has_its_own_form() -> None:
    def v(amount: float, eps: float) -> float:
        return float(worth_usd(np.array(amount), np.array(100.0), np.array(eps)))

    assert v(250, 1.0) == pytest.approx(100 * (1 + math.log(2.5)))
    assert v(250, 1.0 + 1e-7) == pytest.approx(v(250, 1.0), rel=1e-6)
    assert v(250, 0.0) == pytest.approx(100)
    assert v(250, math.inf) == pytest.approx(250)
    assert v(250, 0.5) == pytest.approx(100 + 100 * (1 - 1 / 2.5))
    assert v(60, 0.7) == 60


def test_an_offer_that_is_better_in_everything_never_ranks_lower() -> None:
    rng = np.random.default_rng(9)
    for budget, person, values in cases(10, 40, taxed=False):
        value_usd = float(rng.uniform(0, 300_000))
        worse = Offer(
            name="worse",
            base_usd_year=float(rng.uniform(0, 300_000)),
            bonus_usd_year=float(rng.uniform(0, 50_000)),
            equity=(EquityGrant(value_usd=value_usd, cliff_months=12),),
            tokens=budget,
        )
        better = Offer(
            name="better",
            base_usd_year=worse.base_usd_year + float(rng.choice([0, 1_000])),
            bonus_usd_year=worse.bonus_usd_year,
            equity=(EquityGrant(value_usd=value_usd, cliff_months=6),),
            tokens=msgspec.structs.replace(budget, vesting_months=0, vesting_cliff_months=0),
        )
        ranked = compare([better, worse], person, values, points=64)
        assert [one.offer.name for one in ranked.valuations] == ["better", "worse"]
        assert ranked.behind[1].low >= 0


def test_the_ends_of_what_may_be_said_give_numbers() -> None:
    """Warnings are errors here, so nothing is divided by 0 on the way either."""
    rng = np.random.default_rng(11)
    grants = (
        EquityGrant(value_usd=MOST_USD, cliff_months=0),
        EquityGrant(kind="options", shares=1e12, spot_usd=1e-6, strike_usd=MOST_USD),
    )
    for _ in range(150):
        budget = TokenBudget(**random_terms(rng) | {"amount_usd_year": float(rng.choice([0, 1e-9, 1e5, MOST_USD]))})
        person = Person(
            horizon_years=int(rng.choice([1, 4, MAX_YEARS])),
            discount_rate=float(rng.choice([0, 1])),
            marginal_tax_rate=float(rng.choice([0, 0.95])),
            usage_usd_months=tuple(rng.choice([0, 1e-6, MOST_USD], 3).tolist()) if chance(rng, 0.5) else (),
        )
        values = {name: float(rng.choice([row.least, row.most])) for name, row in TABLE.items() if chance(rng, 0.6)}
        offer = Offer(name="an end", base_usd_year=MOST_USD, equity=grants, tokens=budget)
        valuation = value(offer, person, values, points=4)
        ends = (valuation.total_interval.low, valuation.break_even_interval.high, valuation.worth.total_usd)
        assert all(math.isfinite(end) for end in ends), (budget, person, values)
