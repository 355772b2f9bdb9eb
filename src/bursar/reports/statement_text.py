"""A statement as a page of plain text, for a terminal, a file or an e-mail.

Amounts are rounded to the cent so that every column adds up to its total; the JSON has them exactly.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

from bursar.reports.cents import show, split_cents, to_cents
from bursar.reports.statement_shape import (
    Corrected,
    ForPayroll,
    FromPool,
    PlanPeriod,
    Provisional,
    Reported,
    RunSpend,
    Spend,
    Statement,
    YearlyPay,
)
from bursar.reports.statement_terms import terms_lines
from bursar.reports.statement_words import (
    MOST_RUNS,
    NOT_RECORDED,
    PAYROLL_NOTE,
    change_told,
    corrected_text,
    grouped,
    left_texts,
    parts_of,
    pay_lines,
    pay_title,
    payroll_lines,
    percents,
    pool_lines,
    reported_text,
    small_print,
    span,
    sum_lines,
)
from bursar.reports.words import bar, clean, count, fit, period, short_day, tokens

BAR = 18
LEAST_BAR = 8
GAP = "  "
MIN_WIDTH, MAX_WIDTH = 60, 100


def render(statement: Statement, width: int = 80) -> str:
    """The page, in lines of `width` columns (from 60 to 100), ending in a newline. No colour codes."""
    page = _Page(min(max(width, MIN_WIDTH), MAX_WIDTH))
    _heading(page, statement)
    _sums(page, statement)
    for text in left_texts(statement):
        page.paragraph(text)
    _pools(page, statement.from_pools)
    if not statement.spending:
        page.paragraph("No call was charged to this budget." if statement.from_pools else "No call was charged.")
    else:
        spent_cents = parts_of(statement)["spent"]
        _models(page, statement.spending, spent_cents)
        _days(page, statement.spending, spent_cents)
    _runs(page, statement.runs)
    _provisional(page, statement.provisional)
    _reported(page, statement.reported)
    _corrected(page, statement.corrected)
    _payroll(page, statement.payroll)
    _changes(page, statement)
    _terms(page, statement.plans)
    _pay(page, statement.compensation)
    page.line()
    page.paragraph(small_print(statement), indent="")
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

    def hanging(self, name: str, text: str) -> None:
        """A name, and beside it text that wraps."""
        lines = textwrap.wrap(clean(text), self.width - len(name), break_on_hyphens=False)
        for index, line in enumerate(lines):
            self._lines.append((" " * len(name) if index else name) + line)

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
        page.line(f"Plan {plan.name}, {span(plan)}")
    page.line()


def _sums(page: _Page, statement: Statement) -> None:
    shown, (closes, closing) = sum_lines(statement)
    ruled = max(len(amount) for _, amount in [*shown, ("", closing)])
    for text, amount in shown:
        page.line(f"  {text}", amount)
    page.line("", "─" * ruled)
    page.line(f"  {closes}", closing)
    page.line()


def _pools(page: _Page, drawn: Sequence[FromPool]) -> None:
    """A memo: what was drawn from the team's pool is the team's, and in none of the sums."""
    if not drawn:
        return
    page.line()
    for line in (line for pool in drawn for line in pool_lines(pool)):
        page.line(GAP + line.text, line.amount)
    page.paragraph("What the pool paid is not a part of the balance above.")


class _Row(NamedTuple):
    """A line of a table: a name, what it sums, and what is told of it besides calls and cost."""

    name: str
    sums: Spend
    share: str = ""
    tokens: str = ""


def _models(page: _Page, spending: Sequence[Spend], spent_cents: int) -> None:
    page.title("By model")
    groups = grouped(spending, lambda line: line.model)
    groups.sort(key=lambda group: (-group[1].cost_nanos, group[0]))
    shares = percents([line.cost_nanos for _, line in groups])
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
    groups = grouped(spending, lambda line: line.day)
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


def _pay(page: _Page, pay: YearlyPay | None) -> None:
    if pay is None:
        return
    page.title(pay_title(pay))
    *parts, (whole, total) = pay_lines(pay)
    for text, amount in parts:
        page.line(GAP + text, amount)
    page.line("", "─" * len(total))
    page.line(GAP + whole, total)


def _payroll(page: _Page, payroll: Sequence[ForPayroll]) -> None:
    if not payroll:
        return
    page.title("For payroll")
    for line in payroll_lines(payroll):
        page.line(GAP + line.text, line.amount)
    page.paragraph(PAYROLL_NOTE)


def _changes(page: _Page, statement: Statement) -> None:
    if not statement.changes:
        return
    page.title("Changes of the terms")
    for change in statement.changes:
        told = change_told(change, statement.time_zone)
        page.line(f"  {told.announced}: {told.what}")
        page.paragraph(told.how, indent=" " * 4)
        if told.told:
            page.paragraph(f"Told: {told.told}", indent=" " * 4)


def _terms(page: _Page, plans: Sequence[PlanPeriod]) -> None:
    if not any(plan.terms for plan in plans):
        return
    page.title("Terms in force")
    for index, plan in enumerate(plan for plan in plans if plan.terms):
        lines = terms_lines(plan)
        wide = max(len(name) for name, _ in lines)
        if index:
            page.line()
        page.line(f"  {plan.name}, version {plan.version}")
        for name, text in lines:
            page.hanging(f"  {name:<{wide}}  ", text)


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


def _reported(page: _Page, usage: Sequence[Reported]) -> None:
    if not usage:
        return
    page.title("Reported from elsewhere")
    page.paragraph("Usage that did not pass the gateway. It is part of what is spent.")
    for one in usage:
        cents = to_cents(one.cost_nanos)
        page.line(f"  {short_day(one.day)}  {one.model or NOT_RECORDED}", show(cents, one.cost_nanos))
        page.paragraph(reported_text(one), indent=" " * 14)


def _corrected(page: _Page, calls: Sequence[Corrected]) -> None:
    if not calls:
        return
    page.title("Corrected")
    page.paragraph("Calls of which too much was charged at first. What they cost now is a part of what is spent.")
    for one in calls:
        cents = to_cents(one.cost_nanos)
        page.line(f"  {short_day(one.day)}  {one.model or NOT_RECORDED}", show(cents, one.cost_nanos))
        page.paragraph(corrected_text(one), indent=" " * 14)
