"""Terms as a plan file would write them, and how two versions of a plan differ."""

from __future__ import annotations

from typing import Any, NamedTuple

from bursar.money import usd
from bursar.terms.plan import Terms


class Difference(NamedTuple):
    """A field that two versions have otherwise, each value as text."""

    field: str
    was: str
    becomes: str


def percent(bps: int) -> str:
    """A share as a plan file writes it: "25%", "12.5%"."""
    whole, rest = divmod(bps, 100)
    return f"{whole}.{rest:02d}".rstrip("0").rstrip(".") + "%"


def multiple_text(bps: int) -> str:
    """How many times, as a plan file writes it: "2.0", "1.25"."""
    whole, rest = divmod(bps // 100, 100)
    return f"{whole}.{rest:02d}".removesuffix("0")


def cap_text(nanos: int | None, bps: int | None) -> str | None:
    """A most, as a plan file writes it: "500.00", "25%"; None where there is none."""
    if bps is not None:
        return percent(bps)
    return None if nanos is None else usd(nanos)


def written(terms: Terms) -> dict[str, Any]:
    """Every field with its value as the file has it; None where there is none."""
    multiple = terms.expectation_multiple_bps
    return {
        "amount": usd(terms.amount_nanos) if terms.amount_nanos else None,
        "denomination": terms.denomination,
        "tokens": terms.tokens or None,
        "tokens_of": terms.tokens_of or None,
        "tokens_output": percent(terms.tokens_output_bps) if terms.tokens else None,
        "currency": terms.currency,
        "schedule": terms.schedule,
        "anchor": None if terms.anchor is None else terms.anchor.isoformat(),
        "time_zone": terms.time_zone,
        "availability": terms.availability,
        "proration": terms.proration,
        "unused": terms.unused,
        "carry_over_cap": cap_text(terms.carry_over_cap_nanos, terms.carry_over_cap_bps),
        "carry_over_periods": terms.carry_over_periods or None,
        "grace_days": terms.grace_days or None,
        "models": terms.models,
        "clamp": terms.clamp,
        "priority": terms.priority,
        "notice_reduce_days": terms.notice_reduce_days,
        "notice_revoke_days": terms.notice_revoke_days,
        "revocable": terms.revocable,
        "vesting_cliff_months": terms.vesting_cliff_months or None,
        "vesting_months": terms.vesting_months,
        "on_leave": terms.on_leave,
        "on_leaving": terms.on_leaving,
        "leaving_days": terms.leaving_days or None,
        "leaving_vested": terms.leaving_vested,
        "cash_out_rate": percent(terms.cash_out_rate_bps) if terms.cash_out_rate_bps else None,
        "cash_out_cap": None if terms.cash_out_cap_nanos is None else usd(terms.cash_out_cap_nanos),
        "run_out_days": terms.run_out_days or None,
        "outside_usage": terms.outside_usage,
        "overrun": terms.overrun,
        "overrun_ceiling": cap_text(terms.overrun_ceiling_nanos, terms.overrun_ceiling_bps),
        "personal_use": percent(terms.personal_use_bps) if terms.personal_use_bps else None,
        "escalator": terms.escalator,
        "escalator_rate": percent(terms.escalator_rate_bps) if terms.escalator_rate_bps else None,
        "escalator_basket": terms.escalator_basket or None,
        "tax_character": terms.tax_character,
        "expectation_multiple": None if multiple is None else multiple_text(multiple),
        "expectation_measure": terms.expectation_measure or None,
    }


def differences(was: Terms, becomes: Terms) -> list[Difference]:
    """The fields that differ, in the order in which they are documented."""
    old, new = written(was), written(becomes)
    return [Difference(field, _text(old[field]), _text(new[field])) for field in new if old[field] != new[field]]


def _text(value: Any) -> str:
    match value:
        case None:
            return "none"
        case bool():
            return "true" if value else "false"
        case tuple():
            return ", ".join(value) or "all"
    return str(value)
