"""Exports over HTTP: for finance and administrators, payroll for finance alone; what is due is posted before."""

from __future__ import annotations

import httpx
import pytest

from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

DOLLAR = 10**9
JOURNAL = {"period": "2026-11", "format": "csv"}
WANTED = {
    "gl": JOURNAL,
    "focus": {"period": "2026-11"},
    "calls": {"period": "2026-11"},
    "chargeback": {"period": "2026-11"},
}


def asked(who: httpx.Client, what: str, **wanted: object) -> httpx.Response:
    return who.post(f"/exports/{what}", json=wanted)


def test_finance_and_administrators_have_them_and_nobody_else(api: Api, ada: str) -> None:
    cleo = api.person("Cleo")
    finance = api.client(api.key(cleo, role="finance"))
    administrator = api.client(api.made("/keys", role="administrator")["secret"])
    limited = api.client(finance.post("/keys", json={"role": "finance", "limit": "5.00"}).json()["secret"])
    for what, wanted in WANTED.items():
        for reader in (api.operator, finance, administrator):
            assert asked(reader, what, **wanted).status_code == 200, what
        for stranger in (api.client(api.key(ada)), limited):
            assert refused(asked(stranger, what, **wanted)) == (403, "role_missing", None), what
    for reader in (api.operator, finance):
        assert asked(reader, "payroll", period="2026-11").json() == []
    for stranger in (administrator, limited, api.client(api.key(ada))):
        assert refused(asked(stranger, "payroll", period="2026-11")) == (403, "role_missing", None)


def test_what_is_due_is_posted_before(api: Api, ada: str, clock: VirtualClock) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    clock.advance(40 * 86_400)
    [november, _] = asked(api.operator, "chargeback", period="2026-Q4", time_zone="Europe/Stockholm").json()
    assert (november["month"], november["granted"], november["spent"]) == ("2026-11", "2000.00", "3.00")
    [_, december] = asked(api.operator, "chargeback", period="2026-Q4", time_zone="Europe/Stockholm").json()
    assert (december["granted"], december["expired"]) == ("2000.00", "1997.00"), "expired as December began"


def test_each_says_what_it_is(api: Api, ada: str) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    types = {what: asked(api.operator, what, **wanted).headers["content-type"] for what, wanted in WANTED.items()}
    assert types == {
        "gl": "text/csv; charset=utf-8",
        "focus": "text/csv; charset=utf-8",
        "calls": "application/vnd.apache.arrow.stream",
        "chargeback": "application/json",
    }
    plain = asked(api.operator, "gl", period="2026-11", format="hledger")
    assert plain.headers["content-type"] == "text/plain; charset=utf-8"
    table = asked(api.operator, "chargeback", period="2026-11", format="csv")
    assert table.headers["content-type"] == "text/csv; charset=utf-8"
    assert table.text.splitlines()[1].startswith("2026-11,,engineers,")


@pytest.mark.parametrize(
    ("what", "wanted", "field"),
    [
        ("gl", {"period": "2026-11", "format": "xml"}, "format"),
        ("gl", {"period": "2026-11", "format": "csv", "accounts": "x = 1"}, "accounts"),
        ("focus", {"period": "soon"}, "period"),
        ("focus", {"period": "2026-11", "version": "1.3"}, "version"),
        ("calls", {"period": "2026-11", "time_zone": "Nowhere"}, "time_zone"),
        ("chargeback", {"period": "2026-11", "format": "pdf"}, "format"),
        ("payroll", {"period": "0000"}, "period"),
    ],
)
def test_what_is_not_right_is_refused_before_anything_is_sent(
    api: Api, what: str, wanted: dict[str, str], field: str
) -> None:
    assert refused(asked(api.operator, what, **wanted)) == (400, "field_invalid", field)
