"""Rules about the budget as pay: what it is counted as, taxed as and expected for, and the base next to it."""

from __future__ import annotations

import numpy as np

from bursar.offers.expectation import pressure
from bursar.offers.fineprint.rule import Case, Rule, term
from bursar.offers.history import FLAT_SHARE
from bursar.offers.prose import about_share, about_usd
from bursar.offers.rows import Floats

PERSONAL_SHARE = 0.25
"""What the ask is: a quarter of the use may be personal."""


def _overstated_usd_year(case: Case) -> Floats:
    return case.budget.amount_usd_year - case.break_even_usd_year


def _effort_usd_year(case: Case) -> Floats:
    """Residual effort, paid like the effort of today."""
    assert case.budget.expectation is not None
    multiple = case.budget.expectation.output_multiple
    residual = [pressure(multiple, 1.0, float(uplift)).residual_effort for uplift in case.rows["a"][:, 0]]
    return np.array(residual) * case.base_usd_year


def _says_expected(case: Case) -> str:
    expectation = case.budget.expectation
    assert expectation is not None
    multiple, uplift = expectation.output_multiple, float(case.rows["a"][0, 0])
    residual = pressure(multiple, 1.0, uplift).residual_effort
    effort = (
        f"the other {about_share(residual)} is effort of yours" if residual else "nothing is left to bring yourself"
    )
    return (
        f"{multiple:g} times today's output is expected, and not how it is measured. If the tools bring "
        f"{uplift:g} times, {effort}."
    )


def _band_gap_usd_year(case: Case) -> float:
    market = case.file.market
    return 0.0 if market is None else market.low_usd - case.base_usd_year


def _fills_the_gap(case: Case) -> bool:
    """The base is below the market's band, and tokens stand where the rest of it would be."""
    return _band_gap_usd_year(case) > 0 and case.budget.amount_usd_year > 0


def _says_below(case: Case) -> str:
    market = case.file.market
    assert market is not None
    filled = case.budget.amount_usd_year >= _band_gap_usd_year(case)
    looks = "With the tokens it looks as if it were not." if filled else "The tokens do not even fill the gap."
    return (
        f"A base of ${case.base_usd_year:,.0f} is below the market's band for {market.occupation} in {market.area}, "
        f"which begins at ${market.low_usd:,} ({market.source}, 25th percentile). {looks}"
    )


def _raise_in_tokens(case: Case) -> bool:
    """Tokens grow, and the base by less than half of what the market's raise would be."""
    now = case.file.now
    if now is None or case.budget.amount_usd_year <= now.tokens_usd_year:
        return False
    raised = (case.base_usd_year - now.base_usd_year) / now.base_usd_year
    return bool(raised < FLAT_SHARE * case.rows["g"][0, 0])


def _raise_usd_year(case: Case) -> Floats:
    assert case.file.now is not None
    return case.file.now.base_usd_year * (1 + case.rows["g"][:, 0]) - case.base_usd_year


def _says_raised(case: Case) -> str:
    now = case.file.now
    assert now is not None
    more_usd, raised_usd = case.budget.amount_usd_year - now.tokens_usd_year, case.base_usd_year - now.base_usd_year
    base = f"the base by ${raised_usd:,.0f}" if raised_usd > 0 else "the base does not"
    growth = float(case.rows["g"][0, 0])
    return (
        f"Compute grows by ${more_usd:,.0f} a year and {base}; the market's raise of {about_share(growth)} would be "
        f"{about_usd(now.base_usd_year * growth)}."
    )


RULES: tuple[Rule, ...] = (
    Rule(
        "headline",
        "Counted as compensation",
        ("tokens.in_headline",),
        lambda case: case.budget.in_headline is True,
        lambda case: (
            f"“Total compensation” counts the tokens as ${case.budget.amount_usd_year:,.0f} a year of pay. Under "
            f"these terms they are worth as much as {about_usd(float(case.break_even_usd_year[0]))} of base."
        ),
        "Offers are compared by their headlines: one that counts tokens as dollars wins against one that pays them.",
        "A comparison without the tokens; or so much more base as the headline overstates.",
        _overstated_usd_year,
        "headline",
    ),
    Rule(
        "unmeasured-expectation",
        "Expected output without a measure",
        ("tokens.expectation_multiple", "tokens.expectation_measure"),
        lambda case: case.budget.expectation is not None and not case.budget.expectation.measure,
        _says_expected,
        "Without a measure there is no way to show that it was met, and what the tools do not bring is asked of you.",
        "How it is measured, by whom and from when; an expectation that follows what the tools are seen to bring.",
        _effort_usd_year,
        "effort",
    ),
    term(
        "personal-use-unclear",
        "Personal use is not mentioned",
        ("tokens.personal_use",),
        finds=lambda budget: budget.personal_use_share is None,
        says=lambda _: "The offer does not say whether you may use any of it for yourself.",
        why="Only what you may use for yourself saves you money; what is not allowed in writing is a risk to use.",
        ask=f"Personal use of up to {about_share(PERSONAL_SHARE)} of the budget, in writing.",
        mend=lambda _: {"personal_use_share": PERSONAL_SHARE},
    ),
    term(
        "tax-unstated",
        "Tax is not mentioned",
        ("tokens.tax_character",),
        finds=lambda budget: budget.tax_character is None,
        says=lambda _: "The offer does not say whether the budget counts as your income.",
        why="If any of it is imputed to you as income, you owe tax on dollars that you never get.",
        ask="That it is a working-condition tool, and that the employer bears the tax if it is held to be income.",
        mend=lambda _: {"tax_character": "tool"},
    ),
    term(
        "taxed-as-pay",
        "Taxed as pay",
        ("tokens.tax_character",),
        finds=lambda budget: budget.tax_character == "imputed",
        says=lambda _: "All of the budget counts as your income, whether you use it or not.",
        why="Tax is due in money on what came as tokens: a budget taxed in full can be worth less than nothing.",
        ask="That it is a working-condition tool; or pay that covers the tax.",
        mend=lambda _: {"tax_character": "tool"},
    ),
    Rule(
        "below-market",
        "Tokens fill a base below the market",
        ("base", "market.occupation", "market.area"),
        _fills_the_gap,
        _says_below,
        "A base is what raises, bonus, pension and the next offer are reckoned from; tokens are in none of them.",
        "A base within the market's band, and the tokens next to it.",
        lambda case: case.constant(_band_gap_usd_year(case)),
        "market",
    ),
    Rule(
        "raise-in-tokens",
        "A raise paid in tokens",
        ("base", "now.base", "now.tokens"),
        _raise_in_tokens,
        _says_raised,
        "A raise is paid again each year and grows; tokens are granted again only if somebody grants them again.",
        "The market's raise on the base, and tokens for the work that needs them.",
        _raise_usd_year,
        "raise",
    ),
)
