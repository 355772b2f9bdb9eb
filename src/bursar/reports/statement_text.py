"""A statement as a page of plain text, for a terminal, a file or an e-mail.

Amounts are rounded to the cent so that every column adds up to its total; the JSON has them exactly.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from bursar.periods import from_us
from bursar.reports.cents import largest_remainders, show, split_cents, to_cents
from bursar.reports.statement import FromPool, PlanPeriod, Provisional, Spend, Statement
from bursar.reports.words import MONTHS, WEEKDAYS, bar, clean, count, fit, period, short_day, tokens

BAR = 18
LEAST_BAR = 8
GAP = "  "
MIN_WIDTH, MAX_WIDTH = 60, 100
NOT_RECORDED = "(not recorded)"


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
        spent_cents = _parts_of(statement)["spent"]
        _models(page, statement.spending, spent_cents)
        _days(page, statement.spending, spent_cents)
    _provisional(page, statement.provisional)
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


def _parts_of(statement: Statement) -> dict[str, int]:
    """The amounts of the sum in cents: what came in and where it is are rounded to the same total."""
    came = (statement.opening_nanos, statement.granted_nanos, statement.overrun_nanos)
    went = (statement.spent_nanos, statement.expired_nanos, statement.available_nanos, statement.held_nanos)
    total_cents = to_cents(sum(came))
    names = ("opening", "granted", "overrun", "spent", "expired", "available", "held")
    return dict(zip(names, split_cents(came, total_cents) + split_cents(went, total_cents), strict=True))


def _sums(page: _Page, statement: Statement) -> None:
    cents = _parts_of(statement)
    calls = sum(line.calls for line in statement.spending)
    rows = [
        ("Opening balance", "", cents["opening"], statement.opening_nanos),
        ("Granted", "", cents["granted"], statement.granted_nanos),
        ("Borne by the employer beyond the budget", "+", cents["overrun"], statement.overrun_nanos),
        (f"Spent on {count(calls, 'call')}", "−", cents["spent"], statement.spent_nanos),
        ("Expired unspent", "−", cents["expired"], statement.expired_nanos),
    ]
    always = ("Opening balance", "Granted", "Spent")
    shown = [(text, sign + show(*amount)) for text, sign, *amount in rows if amount[1] or text.startswith(always)]
    closing = show(cents["available"] + cents["held"], statement.closing_nanos)
    ruled = max(len(amount) for _, amount in [*shown, ("", closing)])
    for text, amount in shown:
        page.line(f"  {text}", amount)
    page.line("", "─" * ruled)
    page.line("  Closing balance", closing)
    page.line()


def _left(page: _Page, statement: Statement) -> None:
    """What the closing balance means: until when it can be spent, and what of it is held."""
    cents = _parts_of(statement)
    if statement.available_nanos:
        free = show(cents["available"], statement.available_nanos)
        page.paragraph(f"{free} is left to spend{_until(statement.plans)}.")
    elif statement.expired_nanos:
        expired = show(cents["expired"], statement.expired_nanos)
        page.paragraph(f"The period is over. {expired} was not spent in time and has expired.")
    elif statement.plans and not statement.held_nanos:
        page.paragraph("All of it is spent.")
    if statement.running:
        held = show(cents["held"], statement.held_nanos)
        calls = count(len(statement.running), "call that has", "calls that have")
        page.paragraph(
            f"{held} is held for {calls} not ended: the most that can be charged. What is not needed comes back."
        )


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
