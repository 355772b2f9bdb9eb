"""A reconciliation as one page of HTML (no script, nothing loaded from elsewhere), and as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from bursar.money import people_usd, usd
from bursar.periods import from_us
from bursar.reports.look import html_template
from bursar.reports.priced import ModelPrice
from bursar.reports.reconciliation import Line, PersonLine, Reconciliation, Residual, SumView
from bursar.reports.told_by import Status
from bursar.reports.words import clean, count, period, short_day, tokens

TEMPLATE = "reconciliation.html.j2"
WHO = ("gateway", "telemetry", "logs", "reported")
NONE = "–"
HEADINGS = (
    *("day", "provider", "model", "person", "status"),
    *(f"{who}_{what}" for who in (*WHO, "known") for what in ("calls", "input_tokens", "output_tokens", "cost")),
    *("tokens_apart", "cost_apart"),
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def render_html(found: Reconciliation, made_us: int) -> bytes:
    """The page. Differences first, then what matches."""
    return html_template(TEMPLATE).render(_page(found, made_us)).encode()


def render_csv(found: Reconciliation) -> bytes:
    """A row for each line, with an empty person, and for each person in it. Costs in dollars, exact.

    What is known, and how far the report is apart from it, stands in a line's row only.
    """
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(HEADINGS)
    for line in found.lines:
        known = [*_cells(line.known), *_parts(line)]
        writer.writerow([*_row(line, line, ""), *known])
        writer.writerows([*_row(line, each, each.person), *[""] * len(known)] for each in line.people)
    return file.getvalue().encode()


def _row(line: Line, each: Line | PersonLine, person: str) -> list[str]:
    names = [_safe(name) for name in (line.day, line.provider, line.model, person)]
    return [*names, each.status, *(cell for who in WHO for cell in _cells(getattr(each, who)))]


def _parts(line: Line) -> list[str]:
    """How many tokens, and dollars, the report has beyond what is known."""
    return [
        "" if line.tokens_apart is None else str(line.tokens_apart),
        "" if line.cost_apart_nanos is None else usd(line.cost_apart_nanos),
    ]


def _cells(told: SumView) -> list[str]:
    counts = [told.calls, told.input_tokens, told.output_tokens]
    cost = "" if told.cost_nanos is None else usd(told.cost_nanos)
    return [*("" if number is None else str(number) for number in counts), cost]


def _safe(text: str) -> str:
    """A text that no spreadsheet takes for a formula; it came from somebody else's file."""
    text = clean(text)
    return f"'{text}" if text.startswith(_FORMULA) else text


def _page(found: Reconciliation, made_us: int) -> dict[str, Any]:
    columns = [who for who in WHO if any(any(_known(getattr(line, who))) for line in found.lines)]
    sections = [
        {
            "title": title,
            "about": about,
            "status": status.value,
            "lines": [_line(line, columns) for line in lines],
            "count": count(len(lines), "line"),
            "sums": [_cell(_added(lines, who)) | {"who": HEADS[who]} for who in columns],
            "apart": _apart_of(lines),
        }
        for status, title, about in _TITLES
        if (lines := [line for line in found.lines if line.status == status])
    ]
    return {
        "period": period(found.period),
        "figures": [_figure(found, status) for status in FIGURES],
        "residuals": [_residual(each) for each in found.residuals],
        "prices": [_price(each) for each in found.prices],
        "columns": [HEADS[who] for who in columns],
        "next": found.next,
        "sections": sections,
        "made": f"{from_us(made_us):%Y-%m-%d %H:%M} UTC",
        "priority": any(line.provider == "anthropic" for line in found.lines),
    }


FIGURES = (Status.MATCHED, Status.DIFFERENT, Status.ONLY_HERE, Status.ONLY_THERE)
HEADS = {"gateway": "Gateway", "telemetry": "Telemetry", "logs": "Logs", "reported": "Provider"}
_TITLES = (
    (Status.DIFFERENT, "Different", "Both tell of it, and tokens or costs are not the same."),
    (Status.ONLY_HERE, "Only here", "Calls are known, of which the provider does not tell."),
    (Status.ONLY_THERE, "Only there", "The provider tells of it, and nobody here knows of such calls."),
    (Status.MATCHED, "Matched", "Tokens agree, and so do costs but for the provider's rounding."),
)


def _figure(found: Reconciliation, status: Status) -> dict[str, str]:
    """How many lines there are of a status, and what they come to: here, or where that is not known, there."""
    lines = [line for line in found.lines if line.status == status]
    who = "reported" if status is Status.ONLY_THERE else "known"
    nanos = _added(lines, who).cost_nanos or _added(lines, "known").cost_nanos or _added(lines, "logs").cost_nanos
    return {
        "name": status.value,
        "lines": count(len(lines), "line"),
        "cost": people_usd(nanos) if nanos else "",
    }


def _added(lines: Sequence[Line], who: str) -> SumView:
    """What some lines come to; null where none of them says anything."""
    told = [getattr(line, who) for line in lines]
    sums = []
    for name in SumView.__struct_fields__:
        known = [number for each in told if (number := getattr(each, name)) is not None]
        sums.append(sum(known) if known else None)
    return SumView(*sums)


def _known(told: SumView) -> tuple[int | None, ...]:
    return told.calls, told.input_tokens, told.output_tokens, told.cost_nanos


def _line(line: Line, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "day": short_day(line.day),
        "model": clean(line.model or "no model"),
        "provider": clean(line.provider),
        "cells": [_cell(getattr(line, who)) | {"who": HEADS[who]} for who in columns],
        "apart": _apart_of([line]),
        "people": [_person(each, columns) for each in line.people],
    }


def _person(each: PersonLine, columns: Sequence[str]) -> dict[str, Any]:
    return {
        "person": clean(each.person or "nobody is named"),
        "status": each.status,
        "cells": [_cell(getattr(each, who)) | {"who": HEADS[who]} for who in columns],
    }


def _cell(told: SumView) -> dict[str, str]:
    used = [number for number in (told.input_tokens, told.output_tokens) if number is not None]
    return {
        "tokens": tokens(sum(used)) if used else "",
        "cost": "" if told.cost_nanos is None else people_usd(told.cost_nanos),
    }


def _apart_of(lines: Sequence[Line]) -> list[str]:
    """What there is beyond here, in words: costs, then tokens."""
    nanos = sum(line.cost_apart_nanos or 0 for line in lines if line.status != Status.MATCHED)
    more = sum(line.tokens_apart or 0 for line in lines)
    return [*([_signed(nanos)] if nanos else []), *([f"{more:+,} tokens"] if more else [])]


def _signed(nanos: int) -> str:
    return f"+{people_usd(nanos)}" if nanos > 0 else people_usd(nanos)


def _residual(each: Residual) -> dict[str, str]:
    only_known = each.here_nanos - each.charged_nanos
    return {
        "provider": clean(each.provider),
        "days": count(each.days, "day"),
        "charged": people_usd(each.charged_nanos),
        "only_known": people_usd(only_known) if only_known else NONE,
        "there": people_usd(each.there_nanos),
        "residual": _signed(each.residual_nanos),
        "posted": _signed(each.posted_nanos) if each.posted_nanos else NONE,
        "left": _signed(each.left_nanos) if each.left_nanos else NONE,
        "books": people_usd(each.books_nanos),
    }


def _price(each: ModelPrice) -> dict[str, str]:
    return {
        "model": clean(each.model),
        "provider": clean(each.provider),
        "tokens": tokens(each.tokens),
        "priced": priced(each),
        "billed": people_usd(each.billed_nanos),
        "apart": _signed(each.apart_nanos) if each.apart_nanos else NONE,
        "share": share(each.apart_permille),
    }


def priced(each: ModelPrice) -> str:
    """What the price book makes of a model's usage: an amount, or from one to another."""
    if each.least_nanos is None or each.most_nanos is None:
        return "no price"
    least, most = people_usd(each.least_nanos), people_usd(each.most_nanos)
    return least if least == most else f"{least} to {most}"


def share(permille: int | None) -> str:
    """A difference in percent with its sign."""
    return NONE if not permille else f"{'+' if permille > 0 else '-'}{abs(permille) // 10}.{abs(permille) % 10} %"
