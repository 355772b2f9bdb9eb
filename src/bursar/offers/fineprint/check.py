"""Read an offer's fine print: every rule that finds something, those first that cost most."""

from __future__ import annotations

import msgspec
import numpy as np

from bursar.offers.budget import TokenBudget
from bursar.offers.draws import POINTS, break_even_usd_year, interval, rows_of
from bursar.offers.file import OfferFile
from bursar.offers.fineprint import credit, keeping, pay
from bursar.offers.fineprint.rule import Case, Finding, Rule, Terms
from bursar.offers.parameters import Overrides
from bursar.offers.results import Interval

RULES: tuple[Rule, ...] = (*credit.RULES, *keeping.RULES, *pay.RULES)


class FinePrint(msgspec.Struct, frozen=True, kw_only=True):
    """What was found in an offer. `break_even` is B* now, `mended` with every term mended that a finding would mend.

    Costs are each by itself and do not add up: terms work together, so the sum of what they cost apart is not
    `mended` less `break_even`.
    """

    findings: tuple[Finding, ...]
    break_even_usd_year: float
    break_even_interval: Interval
    mended_usd_year: float
    mended_interval: Interval


def check(file: OfferFile, parameters: Overrides | None = None, points: int = POINTS) -> FinePrint:
    """Read the fine print of an offer; one without a token budget has none.

    `parameters` are set as in `bursar.offers.value`. Raises Refused for one that is none or out of its bounds.
    """
    offer, person = file.offer, file.person
    rows = rows_of(offer, person, parameters, points)
    now = break_even_usd_year(offer, person, rows)
    case = Case(file, parameters or {}, rows, now)
    found = [] if offer.tokens is None else [rule for rule in RULES if rule.finds(case)]
    mended = case.with_terms_usd_year(all_mended(found, case.budget)) if found else now
    findings = [finding_of(rule, case) for rule in found]
    return FinePrint(
        findings=tuple(sorted(findings, key=lambda one: (-one.cost_usd_year, -one.cost_interval.high))),
        break_even_usd_year=float(now[0]),
        break_even_interval=interval(now),
        mended_usd_year=float(mended[0]),
        mended_interval=interval(mended),
    )


def finding_of(rule: Rule, case: Case) -> Finding:
    """What a rule that found something says, with its cost to the cent; less is noise of the arithmetic."""
    cost = np.round(rule.price(case), 2) + 0.0
    return Finding(
        rule=rule.name,
        title=rule.title,
        fields=rule.fields,
        says=rule.says(case),
        why=rule.why,
        ask=rule.ask,
        basis=rule.basis,
        cost_usd_year=float(cost[0]),
        cost_interval=interval(cost),
    )


def all_mended(found: list[Rule], budget: TokenBudget) -> Terms:
    """The terms that all of these rules together would mend."""
    terms: dict[str, object] = {}
    for rule in found:
        terms |= rule.mend(budget) if rule.mend else {}
    return terms
