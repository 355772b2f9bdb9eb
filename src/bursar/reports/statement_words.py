"""A statement in words and amounts: what its page of text and its pages for print have in common.

Amounts are rounded to the cent so that every column adds up to its total; the JSON has them exactly.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bursar.money import people_usd
from bursar.periods import from_us
from bursar.reports.cents import largest_remainders, show, split_cents, to_cents
from bursar.reports.statement_shape import (
    Announced,
    Corrected,
    ForPayroll,
    FromPool,
    PlanPeriod,
    Reported,
    Spend,
    Statement,
    YearlyPay,
)
from bursar.reports.words import MONTHS, WEEKDAYS, clean, count

MOST_RUNS = 10
NOT_RECORDED = "(not recorded)"
CAME = ("opening", "granted", "added", "carried_in", "overrun", "adjusted")
WENT = ("spent", "expired", "revoked", "carried_out", "cashed_out")
STILL_THERE = ("available", "unearned", "held")
ALWAYS = ("opening", "granted", "spent")
"""Lines of the sum that are told even when they are nothing."""
TEXTS = {
    "opening": "Opening balance",
    "granted": "Granted",
    "added": "Added after the opening",
    "carried_in": "Carried in from an earlier period",
    "overrun": "Borne by the employer beyond the budget",
    "adjusted": "Reported too late for it, borne by the employer",
    "expired": "Expired unspent",
    "revoked": "Revoked before it was spent",
    "carried_out": "Carried over to a later period",
    "cashed_out": "Cashed out",
}


def parts_of(statement: Statement) -> dict[str, int]:
    """The amounts of the sum in cents: what came in and where it is are rounded to the same total."""
    came, went = ([getattr(statement, f"{name}_nanos") for name in names] for names in (CAME, (*WENT, *STILL_THERE)))
    total_cents = to_cents(sum(came))
    cents = split_cents(came, total_cents) + split_cents(went, total_cents)
    return dict(zip((*CAME, *WENT, *STILL_THERE), cents, strict=True))


class Line(NamedTuple):
    """A line of the sum: what it says, the sign and the amount as people write it."""

    text: str
    amount: str


def sum_lines(statement: Statement) -> tuple[list[Line], Line]:
    """The lines from the opening balance on, without those that say nothing, and the closing balance."""
    cents = parts_of(statement)
    calls = sum(line.calls for line in statement.spending)
    texts = {**TEXTS, "spent": f"Spent on {count(calls, 'call')}"}
    lines = []
    for name in (*CAME, *WENT):
        nanos = getattr(statement, f"{name}_nanos")
        if nanos or name in ALWAYS:
            sign = "−" if name in WENT else "" if name in ALWAYS else "+"
            lines.append(Line(texts[name], sign + show(cents[name], nanos)))
    closing = sum(cents[name] for name in STILL_THERE)
    return lines, Line("Closing balance", show(closing, statement.closing_nanos))


def left_texts(statement: Statement) -> list[str]:
    """What the closing balance means: until when it can be spent, what of it is held, how much was used."""
    cents = parts_of(statement)
    texts: list[str] = []
    if statement.available_nanos:
        free = show(cents["available"], statement.available_nanos)
        texts.append(f"{free} is left to spend{_until(statement.plans)}.")
    elif statement.expired_nanos:
        expired = show(cents["expired"], statement.expired_nanos)
        texts.append(f"The period is over. {expired} was not spent in time and has expired.")
    elif statement.plans and not statement.closing_nanos:
        texts.append(
            "Nothing is left of it." if statement.given_nanos > statement.spent_nanos else "All of it is spent."
        )
    if statement.unearned_nanos:
        texts.append(
            f"{show(cents['unearned'], statement.unearned_nanos)} is granted and still to be earned, day by day."
        )
    if statement.running:
        held = show(cents["held"], statement.held_nanos)
        calls = count(len(statement.running), "call that has", "calls that have")
        texts.append(
            f"{held} is held for {calls} not ended: the most that can be charged. What is not needed comes back."
        )
    if statement.spent_nanos and statement.given_nanos > 0:
        texts.append(f"{used(statement)} was used.")
    if statement.overrun_ceiling_nanos:
        texts.append(f"Calls may pass the budget by {people_usd(statement.overrun_ceiling_nanos)} at most.")
    if statement.personal_nanos:
        personal = show(to_cents(statement.personal_nanos), statement.personal_nanos)
        texts.append(f"{personal} of what was spent was for personal use; the employer may report it as income.")
    return texts


def used(statement: Statement) -> str:
    """Granted against used: "4.4 % of the $2,000.00 that could be spent"."""
    tenths = int(statement.used_share.replace(".", "")) // 10
    share = f"{tenths // 10}.{tenths % 10} %" if tenths else "<0.1 %"
    return f"{share} of the {people_usd(statement.given_nanos)} that could be spent"


def percents(parts: Sequence[int]) -> list[str]:
    """Shares that sum to 100 %."""
    whole = sum(parts)
    if not whole:
        return [""] * len(parts)
    percents = largest_remainders([part * 100 for part in parts], whole, 100)
    return ["<1 %" if part and not percent else f"{percent} %" for part, percent in zip(parts, percents, strict=True)]


def grouped(spending: Iterable[Spend], key: Callable[[Spend], str]) -> list[tuple[str, Spend]]:
    """Lines summed by a key, in the keys' first order."""
    groups: dict[str, list[Spend]] = {}
    for line in spending:
        groups.setdefault(key(line), []).append(line)
    return [
        (
            name,
            Spend(
                day="",
                model="",
                calls=sum(line.calls for line in lines),
                input_tokens=sum(line.input_tokens for line in lines),
                output_tokens=sum(line.output_tokens for line in lines),
                cost_nanos=sum(line.cost_nanos for line in lines),
            ),
        )
        for name, lines in groups.items()
    ]


def pool_lines(pool: FromPool) -> list[Line]:
    """What was drawn from a pool, and what there is to say of that."""
    first = f"From the team's pool ({clean(pool.team)}, {clean(pool.plan)}): {count(pool.calls, 'call')}"
    others = (
        ("of it beyond the pool, borne by the employer", pool.beyond_nanos),
        ("of it reported too late for the pool, borne by the employer", pool.adjusted_nanos),
        ("taken back since, because it was not due", pool.taken_back_nanos),
        ("held in it for calls that have not ended", pool.held_nanos),
    )
    told = [(first, pool.spent_nanos), *((text, nanos) for text, nanos in others if nanos)]
    return [Line(text, show(to_cents(nanos), nanos)) for text, nanos in told]


PAYROLL_NOTE = (
    "What payroll pays out for credit, and what the employer may report as income though nobody pays it out. "
    "It is told above, too; this is no tax advice."
)


def payroll_lines(lines: Iterable[ForPayroll]) -> list[Line]:
    """What concerns payroll, with its amounts."""
    return [Line(_for_payroll(line), show(to_cents(line.amount_nanos), line.amount_nanos)) for line in lines]


def _for_payroll(line: ForPayroll) -> str:
    plan = clean(line.plan)
    match line.kind:
        case "cash_out":
            credit = show(to_cents(line.credit_nanos), line.credit_nanos)
            return f"Paid out for {credit} of {plan} that was cashed out"
        case "plan":
            return f"Income: all use of {plan}, by its tax character"
    return f"Income: personal use of {plan}"


def pay_lines(pay: YearlyPay) -> list[Line]:
    """Total compensation a year, with the token budget as a line of its own and its share."""
    whole, hundredths = divmod(pay.tokens_share_bps, 100)
    return [
        Line("Base salary", people_usd(pay.base_nanos)),
        Line("Bonus", people_usd(pay.bonus_nanos)),
        Line("Equity that vests", people_usd(pay.equity_nanos)),
        Line(f"Token budget, {whole}.{hundredths:02d} % of the whole", people_usd(pay.tokens_nanos)),
        Line("Total compensation", people_usd(pay.total_nanos)),
    ]


def pay_title(pay: YearlyPay) -> str:
    """What the lines of pay are of."""
    year, month, day = pay.day.split("-")
    return f"Compensation a year, as of {int(day)} {MONTHS[int(month) - 1]} {year}"


class ChangeTold(NamedTuple):
    """A change in words: when it was announced, what it is, and what else there is to say of it."""

    announced: str
    what: str
    how: str
    told: str


def change_told(change: Announced, time_zone: str) -> ChangeTold:
    """What changed, from when and until when, why, by whom, and what the person was told."""
    announced, effective = (
        day_of(instant_us, time_zone) for instant_us in (change.announced_us, change.effective_us)
    )
    until = f" until {day_of(change.until_us, time_zone)}" if change.until_us and change.kind != "extend" else ""
    approved = f", approved by {change.approver}" if change.approver else ""
    reason = f": {change.reason.rstrip('.')}." if change.reason else "."
    how = f"In force from {effective}{until}; announced by {change.actor}{approved}{reason}"
    return ChangeTold(announced, _what(change, time_zone), how, change.told)


def _what(change: Announced, time_zone: str) -> str:
    amount = "" if change.amount_nanos is None else people_usd(change.amount_nanos)
    match change.kind:
        case "add":
            return f"{amount} added"
        case "revoke_part":
            return f"{amount} revoked"
        case "extend":
            return f"Extended to {day_of(change.until_us, time_zone)}"
    name = change.kind.replace("_", " ").capitalize()
    return f"{name} to {amount}" if amount else name


def day_of(instant_us: int, time_zone: str) -> str:
    """ "5 November 2026", as the time zone has it."""
    local = from_us(instant_us).astimezone(ZoneInfo(time_zone))
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def reported_text(one: Reported) -> str:
    """Who reported usage, and whether it was too late for the budget."""
    late = "; too late for the budget, so it was not charged to it" if one.adjusted_nanos else ""
    which = f"usage {one.id}" if one.calls == 1 else count(one.calls, "call", "calls")
    return f"{one.reason or 'no reason was recorded'}{late} ({which})"


def corrected_text(one: Corrected) -> str:
    """What was taken back of a call's charge, and why."""
    back = show(to_cents(one.taken_back_nanos), one.taken_back_nanos)
    return f"{back} was taken back: {one.reason or 'no reason was recorded'} (call {one.call})"


def small_print(statement: Statement) -> str:
    """What a reader may wonder about: what was given back, whose days these are, how amounts are rounded."""
    notes = []
    if statement.released_calls:
        calls = count(statement.released_calls, "call was", "calls were")
        notes.append(f"{calls} given back: nothing was charged.")
    notes.append(f"Days are those of {statement.time_zone}; a call counts on the day on which it began.")
    if any(nanos % 10_000_000 for nanos in (statement.spent_nanos, statement.closing_nanos)):
        notes.append("Amounts are rounded to the cent so that they add up; the JSON form has them exactly.")
    return " ".join(notes)


def span(plan: PlanPeriod) -> str:
    """From when until when a plan's credit can be spent."""
    zone = ZoneInfo(plan.time_zone)
    opens = from_us(plan.opens_us).astimezone(zone)
    begins = f"{opens.day} {MONTHS[opens.month - 1]} {opens.year}"
    if not plan.expires_us:
        return f"from {begins} ({plan.time_zone})"
    last = (from_us(plan.expires_us) - timedelta(microseconds=1)).astimezone(zone)
    return f"{begins} to {last.day} {MONTHS[last.month - 1]} {last.year} ({plan.time_zone})"


def _until(plans: Sequence[PlanPeriod]) -> str:
    """Until when the closing balance can be spent; said only if that is the same for all of it."""
    ends = {(plan.expires_us, plan.time_zone) for plan in plans}
    if len(ends) != 1:
        return ", each part until its plan's last day, see above"
    ((expires_us, time_zone),) = ends
    if not expires_us:
        return ", with no end"
    last = (from_us(expires_us) - timedelta(microseconds=1)).astimezone(ZoneInfo(time_zone))
    return f", until the end of {WEEKDAYS[last.weekday()]} {last.day} {MONTHS[last.month - 1]} {last.year}"
