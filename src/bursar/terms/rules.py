"""What the fields of a plan file must be to each other. Each rule names the field that is too much or is missing."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

from bursar.terms.schedules import LEAST_DAYS

Fields = Mapping[str, Any]
Problem = tuple[str, str]
"""A field's name, and what is wrong with it."""


def contradiction(read: Fields) -> Problem | None:
    """The first contradiction between checked fields, given as the file has them; None when there is none."""
    return next((problem for rule in _RULES if (problem := rule(read)) is not None), None)


def _anchor(read: Fields) -> Problem | None:
    schedule, anchor = read.get("schedule", "monthly"), read.get("anchor")
    if schedule == "biweekly" and anchor is None:
        return "anchor", "a biweekly plan needs the day on which one of its periods begins"
    if schedule == "semimonthly" and isinstance(anchor, date) and anchor.day > 15:
        return "anchor", "a semimonthly plan begins on a day from the 1st to the 15th, and again 15 days later"
    return None


def _carry_over(read: Fields) -> Problem | None:
    unused = read.get("unused", "expire")
    for name in ("carry_over_cap", "carry_over_periods"):
        if name in read and unused != "carry_over":
            both = "carry-over and grace exclude each other" if unused == "grace" else f'unused is "{unused}"'
            return name, f'it goes with unused = "carry_over" only; {both}'
    return None


def _grace(read: Fields) -> Problem | None:
    unused = read.get("unused", "expire")
    if "grace_days" in read and unused != "grace":
        both = "carry-over and grace exclude each other" if unused == "carry_over" else f'unused is "{unused}"'
        return "grace_days", f'it goes with unused = "grace" only; {both}'
    if unused == "grace" and "grace_days" not in read:
        return "grace_days", 'it is missing; unused = "grace" needs the days for which a lot stays usable'
    return None


def _vesting(read: Fields) -> Problem | None:
    cliff, months = read.get("vesting_cliff_months"), read.get("vesting_months")
    if cliff is not None and months is None:
        return "vesting_months", "it is missing; a cliff needs the months after which all is vested"
    if cliff is not None and months is not None and cliff > months:
        return "vesting_cliff_months", f"the cliff cannot come after the {months} months of vesting"
    return None


def _notice(read: Fields) -> Problem | None:
    if read.get("revocable", True) is False and "notice_revoke_days" in read:
        return "notice_revoke_days", "credit that is not revocable needs no notice of being revoked"
    return None


def _leave(read: Fields) -> Problem | None:
    if read.get("on_leave") == "pause" and read.get("proration", "none") == "none":
        return "on_leave", '"pause" takes the days of leave out of the amount, which needs proration = "daily"'
    return None


def _leaving(read: Fields) -> Problem | None:
    on_leaving = read.get("on_leaving", "period_end")
    if on_leaving == "days" and "leaving_days" not in read:
        return "leaving_days", 'it is missing; on_leaving = "days" needs them'
    if on_leaving != "days" and "leaving_days" in read:
        return "leaving_days", 'it goes with on_leaving = "days" only'
    if "leaving_vested" in read and "vesting_months" not in read:
        return "leaving_vested", "nothing vests under this plan; it needs vesting_months"
    return None


def _cash_out(read: Fields) -> Problem | None:
    if "cash_out_cap" in read and "cash_out_rate" not in read:
        return "cash_out_cap", "nothing is cashed out under this plan; it needs cash_out_rate"
    if read.get("leaving_vested") == "cash_out" and "cash_out_rate" not in read:
        return "leaving_vested", '"cash_out" needs cash_out_rate, what a dollar of credit pays'
    return None


def _run_out(read: Fields) -> Problem | None:
    days = read.get("run_out_days", 0)
    if days and read.get("outside_usage", "memo") != "charge":
        return "run_out_days", 'nothing is charged late under this plan; it needs outside_usage = "charge"'
    shortest = LEAST_DAYS[read.get("schedule", "monthly")]
    if days >= shortest and read.get("unused") == "carry_over":
        return "run_out_days", (
            f"credit is carried over when the run-out has ended; in {shortest} days the lot that it goes to may have "
            "ended, too"
        )
    return None


def _overrun(read: Fields) -> Problem | None:
    soft = read.get("overrun", "strict") == "soft"
    if soft and "overrun_ceiling" not in read:
        return "overrun_ceiling", 'it is missing; overrun = "soft" needs the most that calls may pass the budget by'
    if not soft and "overrun_ceiling" in read:
        return "overrun_ceiling", 'it goes with overrun = "soft" only; a strict budget is never passed'
    if soft and read.get("availability") == "accrual":
        return "overrun", '"soft" would let calls take on the first day what is earned by the day'
    return None


def _denomination(read: Fields) -> Problem | None:
    if read.get("denomination", "money") == "money":
        names = (name for name in ("tokens", "tokens_of", "tokens_output") if name in read)
        return next(((name, 'it goes with denomination = "tokens" only') for name in names), None)
    if "amount" in read:
        return "amount", "a plan gives money or tokens; what tokens are worth is said by the price book"
    for name in ("tokens", "tokens_of"):
        if name not in read:
            return name, f'it is missing; denomination = "tokens" needs {name}'
    return None


def _escalator(read: Fields) -> Problem | None:
    escalator = read.get("escalator", "none")
    for name, kind in (("escalator_rate", "fixed"), ("escalator_basket", "price_index")):
        if name in read and escalator != kind:
            return name, f'it goes with escalator = "{kind}" only; escalator is "{escalator}"'
        if name not in read and escalator == kind:
            return name, f'it is missing; escalator = "{kind}" needs it'
    if escalator == "price_index" and read.get("denomination") == "tokens":
        return "escalator", "what tokens are worth follows their price already"
    return None


def _expectation(read: Fields) -> Problem | None:
    if "expectation_measure" in read and "expectation_multiple" not in read:
        return "expectation_multiple", "it is missing; a measure needs what is expected by it"
    return None


_RULES: tuple[Callable[[Fields], Problem | None], ...] = (
    _anchor,
    _carry_over,
    _grace,
    _vesting,
    _notice,
    _leave,
    _leaving,
    _cash_out,
    _run_out,
    _overrun,
    _denomination,
    _escalator,
    _expectation,
)
