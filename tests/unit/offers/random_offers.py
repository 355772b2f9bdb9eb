"""Random offers, people and parameters, the same for the same seed: with every term that a budget can have."""

from typing import Any

import numpy as np

from bursar.offers.budget import TokenBudget
from bursar.offers.person import Person

Values = dict[str, float]


def chance(rng: np.random.Generator, of: float) -> bool:
    return bool(rng.random() < of)


def random_person(rng: np.random.Generator) -> Person:
    history = tuple(float(spent) for spent in rng.gamma(1.0, 4_000, rng.integers(3, 15)))
    return Person(
        horizon_years=int(rng.integers(1, 4)),
        discount_rate=float(rng.uniform(0, 0.2)),
        marginal_tax_rate=float(rng.uniform(0, 0.5)),
        usage_usd_months=history if chance(rng, 0.6) else (),
    )


def random_values(rng: np.random.Generator) -> Values:
    return {
        "h_E": float(rng.uniform(0, 0.4)),
        "h_C": float(rng.uniform(0, 1.5)),
        "h_R": float(rng.uniform(0, 0.5)),
        "kappa": float(rng.uniform(0, 1)),
        "u": float(rng.uniform(0.02, 1)),
        "p": float(rng.choice([0.0, 1.0, rng.uniform(0, 1)], p=[0.2, 0.1, 0.7])),
        "x": float(rng.choice([240, 2_400, 20_000])),
        "eps": float(rng.choice([0.0, 0.5, 0.7, 1.0, 3.0])),
        "s": float(rng.choice([0.0, 0.05, 0.3, rng.uniform(0, 1)])),
        "pi": float(rng.choice([0.8, 1.0, 2.0, 10.0])),
        "delivered": float(rng.uniform(0.3, 1)),
        "fit": float(rng.uniform(0.5, 1)),
    }


def random_terms(rng: np.random.Generator, *, taxed: bool = True) -> dict[str, Any]:
    """Terms of a budget; `taxed`: now and then all of it is income, so that more of it need not be better."""
    terms: dict[str, Any] = {
        "amount_usd_year": float(rng.uniform(1_000, 200_000)),
        "period_months": int(rng.choice([1, 1, 1, 3, 6, 12])),
        "denomination": str(rng.choice(["money", "money", "frontier_tokens", "commodity_tokens"])),
        "tax_character": str(
            rng.choice(["tool", "personal", "imputed"], p=[0.6, 0.2, 0.2] if taxed else [0.7, 0.3, 0])
        ),
        "leaver": str(rng.choice(["forfeit", "period_end"])),
        "revocable": chance(rng, 0.7),
        "notice_reduce_days": int(rng.integers(0, 200)),
    }
    terms["unused"] = unused = str(rng.choice(["expire", "carry_over", "grace", "keep"]))
    if unused == "carry_over":
        terms["carry_over_periods"] = int(rng.integers(1, 8))
        if chance(rng, 0.5):
            terms["carry_over_cap_usd"] = float(rng.uniform(0, 10_000))
    if unused == "grace":
        terms["grace_days"] = int(rng.integers(1, 80))
    if chance(rng, 0.5):
        terms["vesting_months"] = int(rng.integers(0, 49))
        terms["vesting_cliff_months"] = int(rng.integers(0, terms["vesting_months"] + 1))
    if terms["revocable"]:
        terms["notice_revoke_days"] = int(rng.integers(0, 200))
    if chance(rng, 0.4):
        terms["cash_out_rate"] = float(rng.uniform(0.1, 1))
        if chance(rng, 0.5):
            terms["cash_out_cap_usd"] = float(rng.uniform(100, 10_000))
    if "vesting_months" in terms and "cash_out_rate" in terms and chance(rng, 0.6):
        terms["leaver_vested"] = "cash_out"
    if chance(rng, 0.3):
        terms["escalator_rate"] = float(rng.uniform(0, 0.2))
    elif terms["denomination"] == "money" and chance(rng, 0.2):
        terms["escalator_index"] = True
    return terms


def random_budget(rng: np.random.Generator) -> TokenBudget:
    return TokenBudget(**random_terms(rng))
