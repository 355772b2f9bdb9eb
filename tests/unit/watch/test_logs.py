"""The log's lines, and what becomes of those that come too fast."""

from __future__ import annotations

import json
import logging
import sys
from collections.abc import Iterator

import pytest

from bursar.config import LogConfig
from bursar.watch import logs
from bursar.watch.logs import Lines, Log, Objects


def a_record(message: str, *arguments: object, failed: bool = False, **facts: object) -> logging.LogRecord:
    error = None
    if failed:
        try:
            int("two\nlines")
        except ValueError:
            error = sys.exc_info()
    made = logging.LogRecord("bursar.test", logging.WARNING, "x.py", 1, message, arguments, error)
    made.created = 1_793_491_200.1234
    made.facts = facts
    return made


def test_text() -> None:
    line = Lines().format(a_record("%d calls", 3, call="abc", cost_usd="0.10"))
    assert line == "2026-11-01T00:00:00.123Z WARNING bursar.test: 3 calls call=abc cost_usd=0.10"


def test_an_object_is_one_line_whatever_is_in_it() -> None:
    line = Objects().format(a_record('a "quoted"\nbreak', failed=True, person=1))
    assert "\n" not in line
    told = json.loads(line)
    assert told.pop("error").endswith("two\\nlines'")
    assert told == {
        "at": "2026-11-01T00:00:00.123Z",
        "level": "warning",
        "logger": "bursar.test",
        "message": 'a "quoted"\nbreak',
        "person": 1,
    }


@pytest.fixture(autouse=True)
def _level_as_before() -> Iterator[None]:
    level = logging.getLogger("bursar").level
    yield
    logging.getLogger("bursar").setLevel(level)


def test_format_and_level_may_change_while_it_is_open(capsys: pytest.CaptureFixture[str]) -> None:
    log = Log()
    speaker = logging.getLogger("bursar.test")
    log.open(LogConfig(level="warning"))
    speaker.info("too quiet")
    speaker.warning("heard")
    log.close()
    assert [line[25:] for line in capsys.readouterr().err.splitlines()] == ["WARNING bursar.test: heard"]
    log.open(LogConfig())
    log.configure(LogConfig(format="json", level="debug"))
    speaker.debug("heard, too")
    log.close()
    assert json.loads(capsys.readouterr().err)["message"] == "heard, too"
    assert log.dropped == 0


def test_what_comes_too_fast_is_dropped_and_counted(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Log()
    monkeypatch.setattr(logs, "MOST_LINES", 0)
    log.open(LogConfig())
    logging.getLogger("bursar.test").warning("nobody hears")
    log.close()
    assert log.dropped == 1
    assert "nobody hears" not in capsys.readouterr().err
