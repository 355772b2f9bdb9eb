"""What people see: money and times as they write them, tables that fit, nothing that acts on a terminal."""

from __future__ import annotations

import pytest

from bursar.cli import show


def test_money_and_moments() -> None:
    assert show.money("1234.5") == "$1,234.50"
    assert show.money("0.000001") == "$0.000001"
    assert show.money(None) == "–"
    assert show.moment("2026-11-30T23:00:00Z") == "2026-11-30 23:00"
    assert show.moment("2026-11-30T23:00:00Z", "Europe/Stockholm") == "2026-12-01 00:00"
    assert show.moment(None) == "–"


def test_a_table_leaves_out_what_has_nothing_but_dashes(capsys: pytest.CaptureFixture[str]) -> None:
    show.table(["Name", "Team", ">Cost"], [["Ada", "–", "$1.00"], ["Bo", "–", "$10.00"]])
    lines = [line.rstrip() for line in capsys.readouterr().out.splitlines()]
    assert lines[0] == "Name    Cost"
    assert lines[2:] == ["Ada    $1.00", "Bo    $10.00"]
    show.table(["Name"], [], empty="Nobody.")
    assert capsys.readouterr().out == "Nobody.\n"


def test_a_table_breaks_prose_and_keeps_the_rest_whole(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    show.table(["Key", "~Name"], [["bsr_abcd…wxyz", "a name that is rather longer than the rest"]])
    lines = capsys.readouterr().out.splitlines()
    assert max(map(len, lines)) <= 40
    assert lines[2].startswith("bsr_abcd…wxyz  a name that is")
    assert len(lines) == 4


def test_nothing_that_is_printed_acts_on_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    nasty = "\x1b[31mred\x07\r[bold]x[/]"
    show.table([nasty.replace("\x1b", "")[:4]], [[nasty]])
    show.facts([("Name", nasty)])
    show.say(nasty)
    printed = capsys.readouterr().out
    assert "\x1b" not in printed
    assert "\x07" not in printed
    assert "\r" not in printed
    assert printed.count("[bold]x[/]") == 3


@pytest.mark.parametrize(("columns", "page"), [("5", 20), ("80", 80), ("1000", 400)])
def test_a_page_is_as_wide_as_the_api_makes_one(monkeypatch: pytest.MonkeyPatch, columns: str, page: int) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    assert show.page_width() == page
