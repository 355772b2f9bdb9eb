"""Better terms that one can ask for: a menu, each with what it changes of a token budget.

Terms that exclude each other, or are more and less of the same, are in one slot; a set takes at most one of a slot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from itertools import combinations, product
from typing import Any, NamedTuple

from bursar.offers.budget import TokenBudget
from bursar.offers.prose import about_share

NOTICE_DAYS = 90
VESTING_MONTHS = 12
CARRY_MONTHS = 12
LEAVER_DAYS = 60
SHARES = (0.25, 0.5, 1.0)
ESCALATOR_RATE = 0.05


class Term(NamedTuple):
    """A better term: its slot, how an offer would write it, and the fields of the budget that it changes."""

    slot: str
    words: str
    changes: Mapping[str, Any]


Terms = tuple[Term, ...]


def menu(budget: TokenBudget) -> dict[str, Terms]:
    """The better terms that this budget does not have yet, by slot, the weakest of a slot first."""
    found = ((slot, tuple(offered(budget))) for slot, offered in _SLOTS.items())
    return {slot: terms for slot, terms in found if terms}


def sets(found: Mapping[str, Terms], size: int) -> Iterator[Terms]:
    """Every set of so many terms, at most one of each slot."""
    for slots in combinations(found, size):
        yield from product(*(found[slot] for slot in slots))


def changes(terms: Terms) -> dict[str, Any]:
    """What a set of terms changes."""
    return {field: value for term in terms for field, value in term.changes.items()}


def _firm(budget: TokenBudget) -> Iterator[Term]:
    if not budget.firm and budget.amount_usd_year:
        yield Term("firm", f"${budget.amount_usd_year:,.0f} a year granted, not “up to”", {"firm": True})


def _money(budget: TokenBudget) -> Iterator[Term]:
    if budget.denomination != "money":
        yield Term("money", "the amount in dollars, not in tokens", {"denomination": "money"})


def _models(budget: TokenBudget) -> Iterator[Term]:
    if budget.models:
        yield Term("models", "every model and tool that security allows", {"models": ()})


def _tax(budget: TokenBudget) -> Iterator[Term]:
    if budget.tax_character == "imputed":
        yield Term("tax", "a working-condition tool, not taxed as pay", {"tax_character": "tool"})


def _revocable(budget: TokenBudget) -> Iterator[Term]:
    if budget.revocable is not False and budget.vesting_months != 0:
        yield Term("revocable", "granted credit is not revoked", {"revocable": False, "notice_revoke_days": None})


def _notice(budget: TokenBudget) -> Iterator[Term]:
    if (budget.notice_reduce_days or 0) < NOTICE_DAYS and budget.vesting_months != 0:
        yield Term("notice", f"{NOTICE_DAYS} days of notice before a reduction", {"notice_reduce_days": NOTICE_DAYS})


def _vesting(budget: TokenBudget) -> Iterator[Term]:
    months = budget.vesting_months
    if months is None or months > VESTING_MONTHS or (months and budget.vesting_cliff_months):
        words = f"vesting month by month over {VESTING_MONTHS} months, without a cliff"
        yield Term("vesting", words, {"vesting_months": VESTING_MONTHS, "vesting_cliff_months": 0})
    if months != 0:
        yield Term("vesting", "credit that is vested when granted", {"vesting_months": 0, "vesting_cliff_months": 0})


def _carry_over(budget: TokenBudget) -> Iterator[Term]:
    capped = budget.carry_over_cap_usd is not None or budget.carry_over_cap_share is not None
    months = budget.carry_over_periods * (budget.period_months or 1)
    if budget.unused != "keep" and (capped or months < CARRY_MONTHS):
        periods = CARRY_MONTHS // (budget.period_months or 1)
        longest = max(periods, budget.carry_over_periods)
        terms = {"unused": "carry_over", "carry_over_periods": longest, "grace_days": 0}
        uncapped = {"carry_over_cap_usd": None, "carry_over_cap_share": None}
        yield Term("carry-over", "unused credit is carried over for a year, without a cap", terms | uncapped)


def _cash_out(budget: TokenBudget) -> Iterator[Term]:
    for share in SHARES:
        if share > budget.cash_out_rate or (share == budget.cash_out_rate and budget.cash_out_cap_usd is not None):
            words = f"unused credit is paid out at {about_share(share)}, without a cap"
            yield Term("cash-out", words, {"cash_out_rate": share, "cash_out_cap_usd": None})


def _personal(budget: TokenBudget) -> Iterator[Term]:
    for share in SHARES:
        if share > (budget.personal_use_share or 0.0):
            yield Term("personal", f"personal use of up to {about_share(share)}", {"personal_use_share": share})


def _escalator(budget: TokenBudget) -> Iterator[Term]:
    if budget.escalator_rate < ESCALATOR_RATE:
        words = f"the amount grows by {about_share(ESCALATOR_RATE)} a year"
        yield Term("escalator", words, {"escalator_rate": ESCALATOR_RATE})


def _leaver(budget: TokenBudget) -> Iterator[Term]:
    if budget.leaver == "forfeit":
        words = f"credit stays usable for {LEAVER_DAYS} days after the last one"
        yield Term("leaver", words, {"leaver": "days", "leaver_days": LEAVER_DAYS})


_SLOTS: dict[str, Callable[[TokenBudget], Iterator[Term]]] = {
    "firm": _firm,
    "money": _money,
    "models": _models,
    "tax": _tax,
    "revocable": _revocable,
    "notice": _notice,
    "vesting": _vesting,
    "carry-over": _carry_over,
    "cash-out": _cash_out,
    "personal": _personal,
    "escalator": _escalator,
    "leaver": _leaver,
}
