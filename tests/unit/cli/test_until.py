"""Times as people write them where they are; the API reads the rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from bursar.cli.until import until


@pytest.fixture
def stockholm(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine whose clock is Stockholm's; on 28 March 2027 it is put forward at 02:00."""
    monkeypatch.setenv("TZ", "Europe/Stockholm")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def local(day: str, hour: int, minute: int = 0) -> datetime:
    """An instant that is written in UTC, on the local clock."""
    return datetime.fromisoformat(f"{day}T{hour:02}:{minute:02}:00+00:00").astimezone()


@pytest.mark.parametrize(
    ("text", "now", "meant"),
    [
        ("07:00", local("2026-11-23", 21), "2026-11-24T06:00:00+00:00"),
        ("7:00", local("2026-11-23", 21), "2026-11-24T06:00:00+00:00"),
        ("23:30", local("2026-11-23", 21), "2026-11-23T22:30:00+00:00"),
        ("22:00", local("2026-11-23", 21), "2026-11-24T21:00:00+00:00"),
        ("00:00", local("2026-11-23", 21), "2026-11-23T23:00:00+00:00"),
        ("07:00", local("2027-03-27", 22), "2027-03-28T05:00:00+00:00"),
        ("2026-12-01", local("2026-11-23", 21), "2026-11-30T23:00:00+00:00"),
        ("2027-04-01", local("2026-11-23", 21), "2027-03-31T22:00:00+00:00"),
    ],
)
@pytest.mark.usefixtures("stockholm")
def test_a_time_of_day_is_the_next_one_and_a_day_begins_here(text: str, now: datetime, meant: str) -> None:
    told = datetime.fromisoformat(until(text, now.astimezone()))
    assert told.astimezone(UTC).isoformat() == meant


@pytest.mark.parametrize("text", ["30m", "12h", "2026-11-24T07:00:00Z", "24:00", "7", "soon", ""])
def test_everything_else_is_for_the_api_to_read(text: str) -> None:
    assert until(text, local("2026-11-23", 21)) == text
