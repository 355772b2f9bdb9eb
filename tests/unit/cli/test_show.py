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


@pytest.mark.parametrize("columns", [200, 80, 60, 40, 20])
def test_a_table_cuts_nothing_however_little_room_there_is(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    """Numbers and dates stay whole; a longer text goes on in the next line."""
    monkeypatch.setenv("COLUMNS", str(columns))
    model = "claude-sonnet-5-5-of-a-long-name"
    headings = ["Day", "Model", ">Billed there", ">In the books"]
    show.table(headings, [["2026-11-01", model, "$12,799.16", "$0.00509612"]])
    lines = capsys.readouterr().out.splitlines()
    rule = next(index for index, line in enumerate(lines) if line.startswith("─"))
    first, *more = [line.split() for line in lines[rule + 1 :]]
    assert (first[0], first[2:]) == ("2026-11-01", ["$12,799.16", "$0.00509612"])
    assert "".join([first[1], *(part for line in more for part in line)]) == model
    assert max(map(len, lines)) <= max(columns, 10 + 10 + 10 + 11 + 3 * 2)


def test_a_narrow_table_cuts_no_number_when_texts_are_as_narrow_as_they_can_be(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    headings = ["Person", "Period start", "Period end", "Kind", "Plan", "Tax character", ">Amount"]
    row = [
        "david.osei@nordlys.example",
        "2026-10-01",
        "2026-10-31",
        "cash_out",
        "researchers",
        "undecided",
        "$150.00",
    ]
    for columns in range(60, 130):
        monkeypatch.setenv("COLUMNS", str(columns))
        show.table(headings, [row])
        printed = capsys.readouterr().out
        assert all(word in printed for word in (*row[1:3], row[-1]))
        assert max(map(len, printed.splitlines())) <= max(columns, 79)


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
