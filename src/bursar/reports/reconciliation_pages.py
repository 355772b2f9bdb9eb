"""A reconciliation as one page of HTML (no script, nothing loaded from elsewhere), and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from bursar.money import people_usd, usd
from bursar.periods import from_us
from bursar.reports.look import html_template
from bursar.reports.reconciliation import Line, PersonLine, Reconciliation, Residual, Status, SumView
from bursar.reports.words import clean, count, period, short_day, tokens

TEMPLATE = "reconciliation.html.j2"
WHO = ("gateway", "telemetry", "logs", "reported")
NONE = "–"
HEADINGS = (
    *("day", "provider", "model", "person", "status"),
    *(f"{who}_{what}" for who in WHO for what in ("calls", "input_tokens", "output_tokens", "cost")),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render_html(found: Reconciliation, made_us: int) -> bytes:
    """The page. Differences first, then what matches."""
    return html_template(TEMPLATE).render(_page(found, made_us)).encode()


def render_csv(found: Reconciliation) -> bytes:
    """A row for each line, with an empty person, and for each person in it. Costs in dollars, exact."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    for line in found.lines:
        writer.writerow(_row(line, line, ""))
        writer.writerows(_row(line, each, each.person) for each in line.people)
    return file.getvalue().encode()


def _row(line: Line, each: Line | PersonLine, person: str) -> list[str]:
    names = [_safe(name) for name in (line.day, line.provider, line.model, person)]
    return [*names, each.status, *(cell for who in WHO for cell in _cells(getattr(each, who)))]


def _cells(told: SumView) -> list[str]:
    counts = [told.calls, told.input_tokens, told.output_tokens]
    cost = "" if told.cost_nanos is None else usd(told.cost_nanos)
    return [*("" if number is None else str(number) for number in counts), cost]


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula; it came from somebody else's file."""
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _page(found: Reconciliation, made_us: int) -> dict[str, Any]:
    figures = [
        (count(getattr(found, status.replace(" ", "_")), "line"), status.value)
        for status in (Status.MATCHED, Status.DIFFERENT, Status.ONLY_HERE, Status.ONLY_THERE)
    ]
    return {
        "period": period(found.period),
        "figures": figures,
        "residuals": [_residual(each) for each in found.residuals],
        "sections": [
            {"title": title, "status": status.value, "lines": lines}
            for status, title in _TITLES
            if (lines := list(_lines(found, status)))
        ],
        "made": f"{from_us(made_us):%Y-%m-%d %H:%M} UTC",
        "priority": any(line.provider == "anthropic" for line in found.lines),
    }


_TITLES = (
    (Status.DIFFERENT, "Different"),
    (Status.ONLY_HERE, "Only here"),
    (Status.ONLY_THERE, "Only there"),
    (Status.MATCHED, "Matched"),
)


def _lines(found: Reconciliation, status: Status) -> Iterator[dict[str, Any]]:
    for line in found.lines:
        if line.status == status:
            yield {
                "day": short_day(line.day),
                "model": clean(line.model or "no model"),
                "provider": clean(line.provider),
                "cells": [_cell(getattr(line, who)) for who in WHO],
                "apart": _apart(line),
                "people": [_person(each) for each in line.people],
            }


def _person(each: PersonLine) -> dict[str, Any]:
    return {
        "person": clean(each.person or "nobody is named"),
        "status": each.status,
        "cells": [_cell(getattr(each, who)) for who in WHO],
    }


def _cell(told: SumView) -> dict[str, str]:
    used = [number for number in (told.input_tokens, told.output_tokens) if number is not None]
    return {
        "tokens": tokens(sum(used)) if used else "",
        "cost": "" if told.cost_nanos is None else people_usd(told.cost_nanos),
    }


def _apart(line: Line) -> str:
    """What there is beyond here, in words."""
    parts = []
    if line.tokens_apart:
        parts.append(f"{line.tokens_apart:+,} tokens")
    if line.cost_apart_nanos and line.status != Status.MATCHED:
        sign = "+" if line.cost_apart_nanos > 0 else ""
        parts.append(f"{sign}{people_usd(line.cost_apart_nanos)}")
    return ", ".join(parts)


def _residual(each: Residual) -> dict[str, str]:
    return {
        "provider": clean(each.provider),
        "days": count(each.days, "day"),
        "here": people_usd(each.here_nanos),
        "there": people_usd(each.there_nanos),
        "residual": people_usd(each.residual_nanos),
        "posted": people_usd(each.posted_nanos) if each.posted_nanos else NONE,
        "left": people_usd(each.left_nanos) if each.left_nanos else NONE,
    }
