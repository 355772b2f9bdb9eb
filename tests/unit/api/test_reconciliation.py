"""The reconciliation over HTTP: who may see it, what a page and a table make of others' texts, what is confirmed."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from tests.support.books import assert_proved
from tests.unit.api.conftest import Api, refused
from tests.unit.api.test_totals import report, total

EVIL = '=HYPERLINK("http://x")<script>alert(1)</script>'


def reconciled(api: Api, **asked: str) -> Any:
    answer = api.operator.get("/reconciliation", params={"period": "2026-11", **asked})
    assert answer.status_code == 200, answer.text
    return answer


def post(api: Api, residual: str, **more: str) -> Any:
    body = {"period": "2026-11", "provider": "anthropic", "residual": residual, **more}
    return api.operator.post("/reconciliation/residual", json=body)


def test_nothing_is_told_of_a_month_of_which_nothing_is_known(api: Api) -> None:
    told = reconciled(api).json()
    assert (told["lines"], told["residuals"], told["matched"]) == ([], [], 0)
    assert "Nothing is known of this period" in reconciled(api, format="html").text


def test_texts_of_others_do_nothing_on_a_page_or_in_a_spreadsheet(api: Api) -> None:
    report(api, total(model=EVIL, person=EVIL, cost="1.00"), source="copilot")
    page = reconciled(api, format="html")
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text
    table = reconciled(api, format="csv")
    rows = list(csv.DictReader(io.StringIO(table.text)))
    assert [row["model"] for row in rows] == ["'" + EVIL] * len(rows)
    assert rows[0]["reported_cost"] == "1.00"
    assert {row["cost_apart"] for row in rows if row["person"]} == {""}


def test_what_is_confirmed_is_what_is_put_down(api: Api) -> None:
    report(api, total(cost="5.00"), source="anthropic-cost")
    assert reconciled(api).json()["residuals"] == [
        {
            "provider": "anthropic",
            "days": 1,
            "days_not_told": 0,
            "here": "0.00",
            "charged": "0.00",
            "there": "5.00",
            "residual": "5.00",
            "posted": "0.00",
            "left": "5.00",
            "books": "0.00",
        }
    ]
    report(api, total(cost="6.00"), source="anthropic-cost")
    assert refused(post(api, "5.00")) == (400, "field_invalid", "residual")
    made = post(api, "6.00")
    assert made.json() == {"account": "residual:anthropic", "amount": "6.00", "residual": "6.00"}
    assert post(api, "6").json() == {"account": "", "amount": "0.00", "residual": "6.00"}
    assert_proved(api.books.database)


@pytest.mark.parametrize(
    ("wrong", "field"),
    [({"period": "2026-11-03"}, "period"), ({"period": "soon"}, "period"), ({"provider": "openai"}, "provider")],
)
def test_a_residual_is_of_a_month_and_of_a_provider_whose_costs_are_known(
    api: Api, wrong: dict[str, str], field: str
) -> None:
    report(api, total(cost="5.00"), source="anthropic-cost")
    assert refused(post(api, "5.00", **wrong)) == (400, "field_invalid", field)


def test_finance_may_look_and_does_not_put_down(api: Api, ada: str) -> None:
    report(api, total(cost="5.00"), source="anthropic-cost")
    with api.client(api.key(ada, role="finance")) as finance:
        assert finance.get("/reconciliation", params={"period": "2026-11"}).status_code == 200
        body = {"period": "2026-11", "provider": "anthropic", "residual": "5.00"}
        assert refused(finance.post("/reconciliation/residual", json=body))[:2] == (403, "role_missing")
    with api.client(api.key(ada)) as person:
        assert refused(person.get("/reconciliation", params={"period": "2026-11"}))[:2] == (403, "role_missing")
