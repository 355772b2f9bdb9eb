"""`bursar roster`, `bursar pay` and `bursar compensation`."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pytest

from tests.unit.cli.conftest import Program

ROSTER = "email,name,team,start,end,leave_from,leave_to\nann@example.com,Ann,core,2024-03-01,,2027-01-11,\n"
PAY = "email,effective,base,bonus,equity\nann@example.com,2026-01-01,250000,50000,75000\n"


@pytest.fixture
def roster(tmp_path: Path) -> str:
    file = tmp_path / "people.csv"
    file.write_text(ROSTER)
    return str(file)


def test_a_roster_is_tried_then_brought_in(program: Program, roster: str) -> None:
    tried = program.done("roster", "import", roster, "--dry-run").out
    assert re.search(r"2 +ann@example.com +person +Ann, core, 2024-03-01 to", tried)
    assert "1 person would be added, 0 changed, 0 unchanged. Nothing was written." in tried
    assert program.done("person", "list", "--json").json == []
    assert program.done("roster", "import", roster).out == "1 person added, 0 changed, 0 unchanged.\n"
    again = program.done("roster", "import", roster, "--json").json
    assert (again["added"], again["unchanged"], again["changes"]) == (0, 1, [])
    assert "Nothing would change." in program.done("roster", "import", roster, "--dry-run").out
    assert re.search(r"Leave +from 2027-01-11", program.done("roster", "show", "ann@example.com").out)
    shown = program.done("roster", "show", "ann@example.com", "--json").json
    assert (shown["start"], shown["end"]) == ("2024-03-01", None)
    assert shown["leave"] == [{"from": "2027-01-11", "to": None, "reason": "leave"}]


def test_everything_wrong_with_a_file_is_told(program: Program, tmp_path: Path) -> None:
    file = tmp_path / "wrong.csv"
    file.write_text("email,name,start\nann@example.com,,soon\nbob@example.com,Bob,never\n")
    refused = program.run("roster", "import", str(file))
    assert refused.code == 1
    assert [line.split()[:2] for line in refused.out.splitlines()[-3:]] == [
        ["2", "name"],
        ["2", "start"],
        ["3", "start"],
    ]
    assert refused.err.startswith(f"refused: {file}, line 2: name is empty")
    assert "Nothing was changed. There are 2 other problems. [row_invalid]" in refused.err
    told = program.run("roster", "import", str(file), "--json")
    assert [one["line"] for one in told.json["problems"]] == [2, 2, 3]
    assert '"name": "row_invalid"' in told.err
    assert program.done("person", "list", "--json").json == []


def test_a_file_may_come_by_standard_input(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(ROSTER + ",,,,,,x\n"))
    assert "refused: standard input, line 3: email is empty" in program.run("roster", "import", "-").err
    assert "[config_invalid]" in program.run("pay", "import", "no-such-file.csv").err


def test_pay_and_total_compensation(program: Program, roster: str, tmp_path: Path) -> None:
    program.done("roster", "import", roster)
    nothing = program.done("compensation", "ann@example.com").out
    assert "No pay is stored for this day." in nothing
    assert "No pay is stored." in program.done("pay", "show", "ann@example.com").out
    file, plan = tmp_path / "pay.csv", tmp_path / "plan.toml"
    file.write_text(PAY)
    plan.write_text('name = "tokens"\namount = "100000"\nschedule = "annual"\n')
    assert "1 row would be added" in program.done("pay", "import", str(file), "--dry-run").out
    assert program.done("pay", "import", str(file)).out == "1 row added, 0 changed, 0 unchanged.\n"
    program.done("plan", "add", str(plan))
    program.done("grant", "ann@example.com", "--plan", "tokens", "--from", "2026-01-01")
    page = program.done("compensation", "ann@example.com", "--at", "2026-11-01").out
    assert re.search(r"Token budget +\$100,000\.00 +21\.05 %", page)
    assert re.search(r"Total +\$475,000\.00 +100\.00 %", page)
    told = program.done("compensation", "ann@example.com", "--at", "2026-11-01", "--json").json
    assert (told["pay"], told["total"], told["tokens_share_bps"]) == ("375000.00", "475000.00", 2105)
    assert [line["a_year"] for line in told["budgets"]] == ["100000.00"]
    year = program.done("pay", "show", "ann@example.com", "--period", "2026", "--json").json
    assert year["period"]["pay"] == "375000.00"
    for wrong in ("2026-13", "november", "0026"):
        assert "[field_invalid]" in program.run("pay", "show", "ann@example.com", "--period", wrong).err
    assert "[field_invalid]" in program.run("compensation", "ann@example.com", "--at", "soon").err


def test_rates(program: Program, roster: str, tmp_path: Path) -> None:
    assert "No rate yet." in program.done("pay", "rates").out
    assert "1.08 USD from 2026-01-01" in program.done("pay", "rate", "eur", "1.08", "--from", "2026-01-01").out
    assert "[exists]" in program.run("pay", "rate", "EUR", "1.09", "--from", "2026-01-01").err
    for words in (("EUR", "a lot", "--from", "2026-01-01"), ("EUR", "1", "--from", "2026-02-30")):
        assert "[field_invalid]" in program.run("pay", "rate", *words).err
    assert program.done("pay", "rates", "--json").json == [{"currency": "EUR", "rate": "1.08", "from": "2026-01-01"}]
    program.done("roster", "import", roster)
    file = tmp_path / "pay.csv"
    file.write_text("email,effective,base,currency\nann@example.com,2026-01-01,100000,EUR\n")
    program.done("pay", "import", str(file))
    page = program.done("compensation", "ann@example.com", "--at", "2026-11-01").out
    assert "$108,000.00" in page
    assert "Paid in EUR, converted at 1.08 USD." in page


def test_a_key_of_finance(program: Program, roster: str) -> None:
    program.done("roster", "import", roster)
    made = program.done("key", "create", "ann@example.com", "--finance", "--json").json
    assert made["key"]["role"] == "finance"
    assert "ann@example.com, finance" in program.done("key", "list").out
    both = program.run("key", "create", "ann@example.com", "--finance", "--administrator")
    assert (both.code, "a key has one role" in both.err) == (1, True)
