"""Days and months in time zones, models and sessions, and a month's cost for an offer."""

from __future__ import annotations

from datetime import UTC, date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from bursar.local import monthly_cost
from bursar.local.group import SLOT_US, Group
from bursar.local.tables import (
    Calendar,
    Row,
    Sum,
    added_up,
    by_day,
    by_model,
    by_month,
    by_part,
    by_period,
    by_session,
    period_name,
    unpriced,
    within,
)
from bursar.periods import to_us
from bursar.refusals import Refused
from tests.unit.importers.reading import put
from tests.unit.importers.test_claude_code import answer


def group(
    at: str, cost: int | None = 1_000, *, model: str = "opus", session: str = "s", variant: str = "standard"
) -> Group:
    at_us = to_us(datetime.fromisoformat(at).replace(tzinfo=UTC))
    slot = at_us // SLOT_US
    return Group(
        slot, "codex", "openai", model, variant, session, "/src", 2, 10, 100, 5, 1, 20, 0, cost, at_us, at_us
    )  # fmt: skip


@pytest.mark.parametrize(
    ("zone", "days"),
    [
        ("UTC", ["2026-03-28", "2026-03-29", "2026-03-30"]),
        ("Asia/Kathmandu", ["2026-03-29", "2026-03-30"]),
        ("America/Los_Angeles", ["2026-03-28", "2026-03-29"]),
        ("Europe/Stockholm", ["2026-03-29", "2026-03-30"]),
    ],
)
def test_a_day_begins_where_somebody_is(zone: str, days: list[str]) -> None:
    told = [group("2026-03-28T23:00"), group("2026-03-29T12:00"), group("2026-03-30T00:30")]
    assert [row.name for row in by_day(told, Calendar(ZoneInfo(zone)))] == days


def test_days_on_which_clocks_change_have_their_calls(tmp_path: Path) -> None:
    told = [
        group(f"2026-10-{day}T{hour:02d}:{minute}") for day in (24, 25) for hour in range(24) for minute in (15, 45)
    ]
    rows = by_day(told, Calendar(ZoneInfo("Europe/Stockholm")))
    assert [(row.name, row.total.calls // 2) for row in rows] == [
        ("2026-10-24", 44),
        ("2026-10-25", 50),
        ("2026-10-26", 2),
    ]


def test_bounds_are_days_of_the_zone_and_included() -> None:
    told = [group("2026-03-28T23:00"), group("2026-03-29T12:00"), group("2026-03-30T00:30")]
    zone = Calendar(ZoneInfo("UTC"))
    assert len(list(within(told, zone, date(2026, 3, 29), date(2026, 3, 30)))) == 2
    assert len(list(within(told, zone, None, date(2026, 3, 28)))) == 1


def test_sums() -> None:
    told = [
        group("2026-03-28T23:00"),
        group("2026-03-29T12:00", None, model="new"),
        group("2026-04-01T12:00", 500, variant="fast"),
    ]
    total = added_up(told)
    assert (total.calls, total.cost_nanos, total.unpriced_calls, total.unpriced_tokens) == (6, 1_500, 2, 136)
    assert (total.tokens, total.cache_write) == (3 * 136, 18)
    assert total.cached_share == pytest.approx(300 / 348)
    assert [row.name for row in by_model(told)] == ["opus", "opus (fast)", "new"]
    assert list(unpriced(told)) == ["new"]
    assert [row.name for row in by_month(told, Calendar(UTC))] == ["2026-03", "2026-04"]


def test_sessions_come_the_latest_first() -> None:
    told = [
        group("2026-03-28T23:00", session="a"),
        group("2026-03-29T12:00", session="b"),
        group("2026-03-30T00:30", session="a"),
    ]
    assert [(some.session, row.total.calls) for some, row in by_session(told)] == [("a", 4), ("b", 2)]


def test_what_a_month_cost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    logs = tmp_path / "logs"
    at = [f"2026-{month}-15T10:00:00Z" for month in ("05", "05", "08")]
    put(logs / "a.jsonl", *(answer(f"m{n}", "r", at=when, model="claude-opus-4-5") for n, when in enumerate(at)))
    one = 10 * 5_000 + 1_000 * 500 + 50 * 25_000
    assert monthly_cost([logs], "UTC") == [("2026-05", 2 * one), ("2026-06", 0), ("2026-07", 0), ("2026-08", one)]
    with pytest.raises(Refused, match="a folder with logs of a coding agent"):
        monthly_cost([tmp_path / "cache"])


@pytest.mark.parametrize(
    ("begins", "weeks"),
    [
        (0, [("2026-03-23", 2), ("2026-03-30", 1)]),
        (6, [("2026-03-22", 1), ("2026-03-29", 2)]),
        (5, [("2026-03-28", 3)]),
    ],
    ids=["monday", "sunday", "saturday"],
)
def test_weeks_begin_when_somebody_says(begins: int, weeks: list[tuple[str, int]]) -> None:
    told = [group("2026-03-28T12:00"), group("2026-03-29T12:00"), group("2026-03-30T12:00")]
    rows = by_period(told, period_name("week", Calendar(UTC), begins))
    assert [(row.name, row.total.calls // 2) for row in rows] == weeks


def test_a_week_is_that_of_the_day_somewhere() -> None:
    told = [group("2026-03-29T23:30")]
    rows = [by_period(told, period_name("week", Calendar(ZoneInfo(name)))) for name in ("UTC", "Asia/Tokyo")]
    assert [row.name for some in rows for row in some] == ["2026-03-23", "2026-03-30"]


def test_parts_of_periods_are_the_dearest_first_and_add_up() -> None:
    told = [
        group("2026-03-28T12:00", 10, model="a"),
        group("2026-03-28T13:00", 30, model="b"),
        group("2026-03-28T14:00", None, model="c"),
        group("2026-03-29T12:00", 5, model="a"),
    ]
    name = period_name("day", Calendar(UTC))
    parts = by_part(told, name, "model")
    assert {day: [row.name for row in rows] for day, rows in parts.items()} == {
        "2026-03-28": ["b", "a", "c"],
        "2026-03-29": ["a"],
    }
    for whole in by_period(told, name):
        again = Row.empty("")
        for part in parts[whole.name]:
            again.merge(part)
        for what in Sum.__slots__:
            assert getattr(again.total, what) == getattr(whole.total, what)
        assert again.models.keys() == whole.models.keys()
    assert [row.name for row in by_part(told, name, "project")["2026-03-28"]] == ["/src"]
    assert [row.name for row in by_part(told, name, "source")["2026-03-29"]] == ["codex"]


def test_sums_know_their_first_and_last_call() -> None:
    total = added_up([group("2026-03-29T12:07"), group("2026-03-28T23:01"), group("2026-03-28T23:59")])
    calendar = Calendar(ZoneInfo("Europe/Stockholm"))
    assert f"{calendar.instant(total.first_us):%d %H:%M}" == "29 00:01"
    assert f"{calendar.instant(total.last_us):%d %H:%M}" == "29 14:07"
    assert (added_up([]).first_us, added_up([]).last_us) == (0, 0)
