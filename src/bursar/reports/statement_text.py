"""A statement as a page of plain text, for a terminal, a file or an e-mail.

Amounts are rounded to the cent so that every column adds up to its total; the JSON has them exactly.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bursar.money import people_usd
from bursar.periods import from_us
from bursar.reports.cents import largest_remainders, show, split_cents, to_cents
from bursar.reports.statement import Announced, FromPool, PlanPeriod, Provisional, RunSpend, Spend, Statement
from bursar.reports.words import MONTHS, WEEKDAYS, bar, clean, count, fit, period, short_day, tokens

BAR = 18
LEAST_BAR = 8
MOST_RUNS = 10
GAP = "  "
MIN_WIDTH, MAX_WIDTH = 60, 100
NOT_RECORDED = "(not recorded)"
CAME = ("opening", "granted", "added", "carried_in", "overrun")
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
    "expired": "Expired unspent",
    "revoked": "Revoked before it was spent",
    "carried_out": "Carried over to a later period",
    "cashed_out": "Cashed out",
}


def render(statement: Statement, width: int = 80) -> str:
    """The page, in lines of `width` columns (from 60 to 100), ending in a newline. No colour codes."""
    page = _Page(min(max(width, MIN_WIDTH), MAX_WIDTH))
    _heading(page, statement)
    _sums(page, statement)
    _left(page, statement)
    _pools(page, statement.from_pools)
    if not statement.spending:
        page.paragraph("No call was charged to this budget." if statement.from_pools else "No call was charged.")
    else:
        spent_cents = parts_of(statement)["spent"]
        _models(page, statement.spending, spent_cents)
        _days(page, statement.spending, spent_cents)
    _runs(page, statement.runs)
    _provisional(page, statement.provisional)
    _changes(page, statement)
    _terms(page, statement.plans)
    _small_print(page, statement)
    return page.text()


class _Page:
    """Lines of text of one width."""

    def __init__(self, width: int) -> None:
        self.width = width
        self._lines: list[str] = []

    def line(self, left: str = "", right: str = "") -> None:
        """Text on the left, and on the right; the left gives way."""
        room = self.width - len(right) - (1 if right else 0)
        left = fit(left, room)
        self._lines.append(f"{left:<{self.width - len(right)}}{right}".rstrip())

    def paragraph(self, text: str, indent: str = "  ") -> None:
        """Text, wrapped."""
        width = self.width - len(indent)
        self._lines += [indent + line for line in textwrap.wrap(clean(text), width, break_on_hyphens=False)]

    def title(self, text: str) -> None:
        """The title of a part."""
        self._lines += ["", text]

    def text(self) -> str:
        return "\n".join(self._lines) + "\n"


# --- the parts ------------------------------------------------------------------------------------------------


def _heading(page: _Page, statement: Statement) -> None:
    page.line("Statement of token budget", period(statement.period))
    page.line("─" * page.width)
    page.line(f"{statement.name} <{statement.person}>")
    for plan in statement.plans:
        page.line(f"Plan {plan.name}, {_span(plan)}")
    page.line()


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


def _sums(page: _Page, statement: Statement) -> None:
    shown, (closes, closing) = sum_lines(statement)
    ruled = max(len(amount) for _, amount in [*shown, ("", closing)])
    for text, amount in shown:
        page.line(f"  {text}", amount)
    page.line("", "─" * ruled)
    page.line(f"  {closes}", closing)
    page.line()


def _left(page: _Page, statement: Statement) -> None:
    """What the closing balance means: until when it can be spent, and what of it is held."""
    cents = parts_of(statement)
    if statement.available_nanos:
        free = show(cents["available"], statement.available_nanos)
        page.paragraph(f"{free} is left to spend{_until(statement.plans)}.")
    elif statement.expired_nanos:
        expired = show(cents["expired"], statement.expired_nanos)
        page.paragraph(f"The period is over. {expired} was not spent in time and has expired.")
    elif statement.plans and not statement.closing_nanos:
        page.paragraph(
            "Nothing is left of it." if statement.given_nanos > statement.spent_nanos else "All of it is spent."
        )
    if statement.unearned_nanos:
        page.paragraph(
            f"{show(cents['unearned'], statement.unearned_nanos)} is granted and still to be earned, day by day."
        )
    if statement.running:
        held = show(cents["held"], statement.held_nanos)
        calls = count(len(statement.running), "call that has", "calls that have")
        page.paragraph(
            f"{held} is held for {calls} not ended: the most that can be charged. What is not needed comes back."
        )
    if statement.spent_nanos and statement.given_nanos > 0:
        page.paragraph(f"{used(statement)} was used.")


def _pools(page: _Page, drawn: Sequence[FromPool]) -> None:
    """A memo: what was drawn from the team's pool is the team's, and in none of the sums."""
    if not drawn:
        return
    page.line()
    for pool in drawn:
        text = f"  From the team's pool ({pool.team}, {pool.plan}): {count(pool.calls, 'call')}"
        page.line(text, show(to_cents(pool.spent_nanos), pool.spent_nanos))
        if pool.held_nanos:
            page.line("  held in it for calls that have not ended", show(to_cents(pool.held_nanos), pool.held_nanos))
    page.paragraph("What the pool paid is not a part of the balance above.")


class _Row(NamedTuple):
    """A line of a table: a name, what it sums, and what is told of it besides calls and cost."""

    name: str
    sums: Spend
    share: str = ""
    tokens: str = ""


def _models(page: _Page, spending: Sequence[Spend], spent_cents: int) -> None:
    page.title("By model")
    groups = _grouped(spending, lambda line: line.model)
    groups.sort(key=lambda group: (-group[1].cost_nanos, group[0]))
    shares = _percents([line.cost_nanos for _, line in groups])
    rows = [
        _Row(
            model or NOT_RECORDED,
            line,
            f"{share:>5}",
            f"{tokens(line.input_tokens)} in, {tokens(line.output_tokens)} out",
        )
        for (model, line), share in zip(groups, shares, strict=True)
    ]
    _table(page, rows, spent_cents, sum(line.cost_nanos for _, line in groups))


def _days(page: _Page, spending: Sequence[Spend], spent_cents: int) -> None:
    page.title("By day")
    groups = _grouped(spending, lambda line: line.day)
    rows = [_Row(short_day(day), line) for day, line in groups]
    _table(page, rows, spent_cents, max(line.cost_nanos for _, line in groups))


def _table(page: _Page, rows: Sequence[_Row], spent_cents: int, full_nanos: int) -> None:
    """Rows with a bar, which is full at `full_nanos`. On a narrow page the bar gives way, then the tokens."""
    cents = split_cents([row.sums.cost_nanos for row in rows], spent_cents)
    amounts = _column([show(cent, row.sums.cost_nanos) for cent, row in zip(cents, rows, strict=True)])
    counts = _column([count(row.sums.calls, "call") for row in rows])
    told = _column([row.tokens for row in rows])
    shares = _column([row.share for row in rows])
    names = [clean(row.name) for row in rows]
    longest = max(map(len, names))
    fixed = 3 * len(GAP) + 1 + len(shares[0]) + len(counts[0] + GAP + amounts[0])
    if longest + fixed + len(GAP + told[0]) + LEAST_BAR > page.width:
        told = [""] * len(rows)
    if told[0]:
        counts = [told[index] + GAP + counts[index] for index in range(len(rows))]
        fixed += len(told[0] + GAP)
    columns = max(LEAST_BAR, min(BAR, page.width - fixed - longest))
    room = min(longest, page.width - fixed - columns)
    for index, row in enumerate(rows):
        drawn = bar(row.sums.cost_nanos, full_nanos, columns)
        left = f"{GAP}{fit(names[index], room):<{room}}{GAP}{drawn:<{columns}} {shares[index]}"
        page.line(left, counts[index] + GAP + amounts[index])


def _column(texts: Sequence[str]) -> list[str]:
    """Texts of one width, to the right."""
    wide = max(map(len, texts))
    return [f"{text:>{wide}}" for text in texts]


def _percents(parts: Sequence[int]) -> list[str]:
    """Shares that sum to 100 %."""
    whole = sum(parts)
    if not whole:
        return [""] * len(parts)
    percents = largest_remainders([part * 100 for part in parts], whole, 100)
    return ["<1 %" if part and not percent else f"{percent} %" for part, percent in zip(parts, percents, strict=True)]


def _grouped(spending: Iterable[Spend], key: Callable[[Spend], str]) -> list[tuple[str, Spend]]:
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


def used(statement: Statement) -> str:
    """Granted against used: "4.4 % of the $2,000.00 that could be spent"."""
    tenths = int(statement.used_share.replace(".", "")) // 10
    share = f"{tenths // 10}.{tenths % 10} %" if tenths else "<0.1 %"
    return f"{share} of the {people_usd(statement.given_nanos)} that could be spent"


def _runs(page: _Page, runs: Sequence[RunSpend]) -> None:
    """What of the above agent runs spent: the dearest by name, the others in one line."""
    if not runs:
        return
    page.title("By agent run")
    named = [
        (f"{line.name or 'without a name'} ({line.run})", line.calls, line.cost_nanos) for line in runs[:MOST_RUNS]
    ]
    if others := runs[MOST_RUNS:]:
        calls = sum(line.calls for line in others)
        named.append((f"{len(others):,} more", calls, sum(line.cost_nanos for line in others)))
    counts = _column([count(calls, "call") for _, calls, _ in named])
    amounts = _column([show(to_cents(nanos), nanos) for _, _, nanos in named])
    for (text, _, _), calls_told, amount in zip(named, counts, amounts, strict=True):
        page.line(GAP + text, calls_told + GAP + amount)


def _changes(page: _Page, statement: Statement) -> None:
    if not statement.changes:
        return
    page.title("Changes of the terms")
    for change in statement.changes:
        page.paragraph(change_text(change, statement.time_zone))


def change_text(change: Announced, time_zone: str) -> str:
    """A change in words: what, when announced, from when, until when, why, by whom, and what the person was told."""
    amount = "" if change.amount_nanos is None else f" to {people_usd(change.amount_nanos)}"
    until = f" until {day_of(change.until_us, time_zone)}" if change.until_us else ""
    approved = f", approved by {change.approver}" if change.approver else ""
    what = change.kind.replace("_", " ").capitalize() + amount
    announced, effective = (
        day_of(instant_us, time_zone) for instant_us in (change.announced_us, change.effective_us)
    )
    text = f"{what}, announced on {announced} by {change.actor}{approved}, in force from {effective}{until}"
    text += f": {change.reason.rstrip('.')}." if change.reason else "."
    return text if not change.told else f"{text} Told: {change.told}"


def _terms(page: _Page, plans: Sequence[PlanPeriod]) -> None:
    if not any(plan.terms for plan in plans):
        return
    page.title("Terms in force")
    for plan in plans:
        if plan.terms:
            page.paragraph(f"{plan.name}, version {plan.version}: {terms_text(plan)}.")


def terms_text(plan: PlanPeriod) -> str:
    """A plan's terms by the names of the plan file; what is not set is left out."""
    return "; ".join(
        f"{name.replace('_', ' ')} {_told(value)}" for name, value in plan.terms.items() if _is_set(value)
    )


def _is_set(value: object) -> bool:
    return value is not None and value not in ("", [], {})


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def day_of(instant_us: int, time_zone: str) -> str:
    """ "5 November 2026", as the time zone has it."""
    local = from_us(instant_us).astimezone(ZoneInfo(time_zone))
    return f"{local.day} {MONTHS[local.month - 1]} {local.year}"


def _provisional(page: _Page, charges: Sequence[Provisional]) -> None:
    if not charges:
        return
    page.title("Charged provisionally")
    page.paragraph(
        "What these calls used is not known, so each is charged the most that it can have cost, until something "
        "better is known. They are part of what is spent."
    )
    for charge in charges:
        cents = to_cents(charge.cost_nanos)
        page.line(f"  {short_day(charge.day)}  {charge.model or NOT_RECORDED}", show(cents, charge.cost_nanos))
        page.paragraph(f"{charge.reason or 'no reason was recorded'} (call {charge.call})", indent=" " * 14)


def _small_print(page: _Page, statement: Statement) -> None:
    notes = []
    if statement.released_calls:
        calls = count(statement.released_calls, "call was", "calls were")
        notes.append(f"{calls} given back: nothing was charged.")
    notes.append(f"Days are those of {statement.time_zone}; a call counts on the day on which it began.")
    if any(nanos % 10_000_000 for nanos in (statement.spent_nanos, statement.closing_nanos)):
        notes.append("Amounts are rounded to the cent so that they add up; the JSON form has them exactly.")
    page.line()
    page.paragraph(" ".join(notes), indent="")


def _span(plan: PlanPeriod) -> str:
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
        return ", each part until its plan's period ends"
    ((expires_us, time_zone),) = ends
    if not expires_us:
        return ", with no end"
    last = (from_us(expires_us) - timedelta(microseconds=1)).astimezone(ZoneInfo(time_zone))
    return f", until the end of {WEEKDAYS[last.weekday()]} {last.day} {MONTHS[last.month - 1]} {last.year}"
