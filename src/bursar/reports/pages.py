"""What the pages of a statement show, in words and numbers that are ready to be set: for HTML and PDF alike.

Amounts are rounded as on the page of text, so that every column adds up; widths and heights of bars are in percent.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from bursar.document import Facts
from bursar.money import people_usd
from bursar.periods import from_us
from bursar.reports.cents import show, split_cents, to_cents
from bursar.reports.statement_shape import Corrected, Provisional, Reported, Spend, Statement, YearlyPay
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
from bursar.reports.words import MONTHS, clean, period, tokens
from bursar.reports.words import short_day as day_and_month

MOST_DAYS = 62
"""A chart has a bar for each day of the period, or if it is longer, for each month."""
MOST_MODELS = 12


def page_of(statement: Statement, facts: Facts) -> dict[str, Any]:
    """Everything that a page shows, as lists and texts."""
    lines, closing = sum_lines(statement)
    chart, pay = _chart(statement), statement.compensation
    spent_cents = parts_of(statement)["spent"]
    return {
        "title": f"Statement of token budget, {period(statement.period)}",
        "person": clean(statement.name),
        "email": clean(statement.person),
        "period": period(statement.period),
        "plans": [f"{clean(plan.name)}, {span(plan)}" for plan in statement.plans],
        "figures": _figures(statement),
        "used_percent": _used_percent(statement),
        "lines": [list(line) for line in lines],
        "closing": list(closing),
        "notes": left_texts(statement),
        "pools": [list(line) for pool in statement.from_pools for line in pool_lines(pool)],
        "payroll": [list(line) for line in payroll_lines(statement.payroll)],
        "payroll_note": PAYROLL_NOTE,
        "chart": chart,
        "chart_of": "day" if len(chart) == len(_days(statement)) else "month",
        "models": _models(statement.spending, spent_cents),
        "runs": _runs(statement),
        "provisional": [_provisional(charge) for charge in statement.provisional],
        "reported": [_reported(usage) for usage in statement.reported],
        "corrected": [_corrected(call) for call in statement.corrected],
        "changes": [
            [clean(text) for text in change_told(change, statement.time_zone)] for change in statement.changes
        ],
        "terms": [
            {
                "plan": f"{clean(plan.name)}, version {plan.version}",
                "lines": [[name, clean(text)] for name, text in terms_lines(plan)],
            }
            for plan in statement.plans
            if plan.terms
        ],
        "pay": [] if pay is None else [list(line) for line in pay_lines(pay)],
        "pay_shares": [] if pay is None else _pay_shares(pay),
        "pay_title": "" if pay is None else pay_title(pay),
        "small_print": small_print(statement),
        "document": _document(facts),
    }


def _pay_shares(pay: YearlyPay) -> list[float]:
    """The parts of total compensation in percent of it, for a bar: base, bonus, equity, tokens."""
    parts = (pay.base_nanos, pay.bonus_nanos, pay.equity_nanos, pay.tokens_nanos)
    return [part * 10_000 // (pay.total_nanos or 1) / 100 for part in parts]


def _figures(statement: Statement) -> list[list[str]]:
    """The three numbers that matter, with their names."""
    cents = parts_of(statement)
    left = sum(cents[name] for name in ("available", "unearned", "held"))
    return [
        ["could be spent", people_usd(statement.given_nanos)],
        ["spent", show(cents["spent"], statement.spent_nanos)],
        ["left", show(left, statement.closing_nanos)],
    ]


def _used_percent(statement: Statement) -> float:
    """How full the bar of use is. Of what a page shows this alone is no exact number."""
    return min(100.0, float(statement.used_share) * 100)


def _document(facts: Facts) -> dict[str, str]:
    replaces = f"It replaces {facts.replaces}, which stays valid for what was known then." if facts.replaces else ""
    return {"id": facts.id, "number": str(facts.number), "issued": facts.issued, "replaces": replaces}


def _chart(statement: Statement) -> list[dict[str, Any]]:
    """A bar for each day, or month, of the period: its height in percent of the highest, its amount, its label."""
    if not statement.spending:
        return []
    costs: dict[str, int] = {}
    for line in statement.spending:
        costs[line.day] = costs.get(line.day, 0) + line.cost_nanos
    days = _days(statement)
    if len(days) > MOST_DAYS:
        return _bars([(day[:7], MONTHS[int(day[5:7]) - 1][:3]) for day in days], _by_month(costs))
    return _bars([(day, str(int(day[8:]))) for day in days], costs, is_daily=True)


def _days(statement: Statement) -> list[str]:
    """Every day from the period's first to its last, as the statement's days are, with all on which was spent."""
    spent_on = sorted(date.fromisoformat(line.day) for line in statement.spending)
    zone = ZoneInfo(statement.time_zone)
    firsts, lasts = spent_on[:1], spent_on[-1:]
    if statement.plans:
        firsts.append(from_us(statement.opens_us).astimezone(zone).date())
    if ends := [plan.expires_us for plan in statement.plans if plan.expires_us]:
        lasts.append(from_us(max(ends) - 1).astimezone(zone).date())
    if not firsts or not lasts:
        return []
    first, last = min(firsts), max(lasts)
    return [(first + timedelta(days=number)).isoformat() for number in range((last - first).days + 1)]


def _by_month(costs: dict[str, int]) -> dict[str, int]:
    months: dict[str, int] = {}
    for day, nanos in costs.items():
        months[day[:7]] = months.get(day[:7], 0) + nanos
    return months


def _bars(places: list[tuple[str, str]], costs: dict[str, int], *, is_daily: bool = False) -> list[dict[str, Any]]:
    highest = max(costs.values()) or 1
    return [
        {
            "label": label,
            "name": day_and_month(place) if is_daily else period(place),
            "amount": show(to_cents(costs.get(place, 0)), costs.get(place, 0)),
            "percent": costs.get(place, 0) * 1000 // highest / 10,
            "is_weekend": is_daily and date.fromisoformat(place).weekday() >= 5,
        }
        for place, label in dict.fromkeys(places)
    ]


def _models(spending: Sequence[Spend], spent_cents: int) -> list[dict[str, Any]]:
    """A row for each model, the dearest first; on a page with many, the others are one row."""
    groups = grouped(spending, lambda line: line.model)
    groups.sort(key=lambda group: (-group[1].cost_nanos, group[0]))
    if len(groups) > MOST_MODELS:
        kept, others = groups[: MOST_MODELS - 1], groups[MOST_MODELS - 1 :]
        (together,) = grouped([line for _, line in others], lambda _: f"{len(others)} more")
        groups = [*kept, together]
    cents = split_cents([line.cost_nanos for _, line in groups], spent_cents)
    shares = percents([line.cost_nanos for _, line in groups])
    highest = max((line.cost_nanos for _, line in groups), default=0) or 1
    return [
        {
            "name": clean(name or NOT_RECORDED),
            "calls": f"{line.calls:,}",
            "tokens": f"{tokens(line.input_tokens)} in, {tokens(line.output_tokens)} out",
            "share": share,
            "percent": line.cost_nanos * 1000 // highest / 10,
            "amount": show(cent, line.cost_nanos),
        }
        for (name, line), share, cent in zip(groups, shares, cents, strict=True)
    ]


def _runs(statement: Statement) -> list[dict[str, str]]:
    named = [
        {
            "name": clean(line.name or "without a name"),
            "run": line.run,
            "calls": f"{line.calls:,}",
            "amount": show(to_cents(line.cost_nanos), line.cost_nanos),
        }
        for line in statement.runs[:MOST_RUNS]
    ]
    if others := statement.runs[MOST_RUNS:]:
        nanos = sum(line.cost_nanos for line in others)
        calls = f"{sum(line.calls for line in others):,}"
        named.append(
            {"name": f"{len(others):,} more", "run": "", "calls": calls, "amount": show(to_cents(nanos), nanos)}
        )
    return named


def _provisional(charge: Provisional) -> dict[str, str]:
    return {
        "day": day_and_month(charge.day),
        "model": clean(charge.model or NOT_RECORDED),
        "reason": clean(charge.reason or "no reason was recorded"),
        "call": charge.call,
        "amount": show(to_cents(charge.cost_nanos), charge.cost_nanos),
    }


def _reported(usage: Reported) -> dict[str, str]:
    return {
        "day": day_and_month(usage.day),
        "model": clean(usage.model or NOT_RECORDED),
        "reason": clean(reported_text(usage)),
        "amount": show(to_cents(usage.cost_nanos), usage.cost_nanos),
    }


def _corrected(call: Corrected) -> dict[str, str]:
    return {
        "day": day_and_month(call.day),
        "model": clean(call.model or NOT_RECORDED),
        "reason": clean(corrected_text(call)),
        "amount": show(to_cents(call.cost_nanos), call.cost_nanos),
    }
