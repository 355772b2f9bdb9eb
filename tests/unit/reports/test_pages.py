"""What the pages for print and for the browser show: charts without gaps, columns that add up, nothing left out."""

from __future__ import annotations

from decimal import Decimal

import msgspec
import pytest

from bursar.document import Facts
from bursar.periods import Monthly
from bursar.reports.pages import MOST_MODELS, page_of
from bursar.reports.statement_html import render_html
from bursar.reports.statement_pdf import render_pdf
from bursar.reports.statement_shape import FromPool, Statement
from tests.unit.reports.test_statement_text import FULL, PLAN, made, spend

FACTS = Facts(id="st-1", number=1, replaces=None, issued="2026-12-01T00:00:00Z")
EMPTY = made()
POOL = FromPool(team="compilers", plan="swarm", calls=3, spent_nanos=5 * 10**9, held_nanos=0)


def dollars(text: str) -> Decimal:
    return Decimal(0) if "<" in text else Decimal(text.replace("−", "-").replace("$", "").replace(",", ""))


def test_the_chart_has_a_bar_for_every_day_of_the_period() -> None:
    chart = page_of(FULL, FACTS)["chart"]
    assert [bar["label"] for bar in chart] == [str(day) for day in range(1, 31)]
    assert chart[1] == {"label": "2", "name": "Mon  2 Nov", "amount": "$18.44", "percent": 30.2, "is_weekend": False}
    assert chart[2]["percent"] == 100
    assert chart[3] == {"label": "4", "name": "Wed  4 Nov", "amount": "$0.00", "percent": 0, "is_weekend": False}
    assert [bar["label"] for bar in chart if bar["is_weekend"]] == ["1", "7", "8", "14", "15", "21", "22", "28", "29"]


def test_a_year_is_charted_by_month() -> None:
    first, last = Monthly("Europe/Stockholm").named("2026-01"), Monthly("Europe/Stockholm").named("2026-12")
    plan = msgspec.structs.replace(PLAN, opens_us=first.start_us, expires_us=last.end_us)
    lines = (
        spend("2026-03-02", "opus", 1, 10**9),
        spend("2026-03-31", "opus", 1, 10**9),
        spend("2026-07-01", "opus", 1, 1),
    )
    page = page_of(made(*lines, plans=(plan,), period="2026"), FACTS)
    assert page["chart_of"] == "month"
    assert [bar["label"] for bar in page["chart"]][:4] == ["Jan", "Feb", "Mar", "Apr"]
    assert len(page["chart"]) == 12
    assert [bar["amount"] for bar in page["chart"] if bar["percent"] or "<" in bar["amount"]] == ["$2.00", "<$0.01"]


def test_of_many_models_the_cheapest_are_one_row_and_the_column_adds_up() -> None:
    lines = [spend("2026-11-02", f"model-{number:02}", 1, 333_333_333 * number) for number in range(1, 31)]
    models = page_of(made(*lines), FACTS)["models"]
    assert len(models) == MOST_MODELS
    assert (models[0]["name"], models[-1]["name"], models[-1]["calls"]) == ("model-30", "19 more", "19")
    assert sum(dollars(row["amount"]) for row in models) == dollars("$155.00")


@pytest.mark.parametrize(
    "statement",
    [
        FULL,
        EMPTY,
        made(expired=2_000 * 10**9),
        made(spend("2026-11-02", "opus", 1, 3 * 10**9), granted=10**9),
        made(spend("2026-11-02", "free", 1, 0)),
        made(plans=(), granted=0, from_pools=(POOL,)),
        made(spend("2026-11-02", '#set page(width: 1pt) <b>"$x$"', 1, 10**9), name="\x00*_`[]\\"),
        made(plans=(PLAN, msgspec.structs.replace(PLAN, name="endless", expires_us=0))),
    ],
)
def test_every_statement_is_a_page(statement: Statement) -> None:
    page = page_of(statement, FACTS)
    html = render_html(statement, FACTS, b"{}").decode()
    assert page["closing"][1] in html
    assert html.startswith("<!doctype html>")
    assert "<b>" not in html
    assert render_pdf(statement, FACTS, b"{}").startswith(b"%PDF-")
