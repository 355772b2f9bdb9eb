"""`bursar export`: files for finance, and the old form for a person."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from zipfile import ZipFile

import pytest

from bursar.app import now_us
from bursar.books import Books, Spender
from bursar.periods import from_us
from bursar.pricing.catalog import build_book
from bursar.store.database import Database
from tests.support.calls import USD, Caller
from tests.unit.cli.conftest import Program


@pytest.fixture
def month(program: Program, ada: str) -> str:
    """A month in which she made a call that cost a dollar and a nano-dollar, before and after nobody did."""
    books = Books(Database.in_folder(program.folder), build_book(), now_us)
    spender = books.find_spender(books.create_key(ada).secret)
    assert isinstance(spender, Spender)
    at_us = now_us()
    caller = Caller(books.journal)
    caller.hold("c1", spender.person_id, (spender.lots[0].balance_id,), 2 * USD, at_us)
    caller.settle("c1", USD + 1, at_us + 1)
    books.close()
    return f"{from_us(at_us):%Y-%m}"


def rows(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline="")))


def test_everything_about_a_person_with_and_without_the_word(program: Program, ada: str, tmp_path: Path) -> None:
    one, other = tmp_path / "one.zip", tmp_path / "other.zip"
    said = program.done("export", ada, "-o", str(one)).out
    assert said == f"Everything that is known about {ada} is in {one}.\n"
    assert program.done("export", "-o", str(other), ada, "--json").json["bytes"] == one.stat().st_size
    program.done("export", "person", ada, "-o", str(other))
    assert one.read_bytes() == other.read_bytes()
    assert "person.json" in ZipFile(one).namelist()
    assert program.run("export", "nobody").code == 2
    assert "chargeback" in program.run("export").err


def test_a_journal_goes_to_a_file_or_to_the_terminal(program: Program, month: str, tmp_path: Path) -> None:
    words = ("export", "gl", "--period", month, "--format", "csv", "--entries", "money")
    file = tmp_path / "gl.csv"
    assert program.done(*words, "-o", str(file)).out == f"The journal is in {file} ({file.stat().st_size} bytes).\n"
    assert [(row["account"], row["debit"], row["credit"]) for row in rows(file.read_text())] == [
        ("Expenses:AI-Usage", "1.000000001", ""),
        ("Liabilities:AI-Providers", "", "1.000000001"),
    ]
    assert program.done(*words).out.splitlines() == file.read_text().splitlines()
    assert program.done(*words, "--json").json["text"].encode() == file.read_bytes()
    told = program.done(*words[:-4], "--format", "quickbooks", "--per", "month", "-o", str(file), "--json").json
    assert (told["files"], told["bytes"]) == ([str(file)], file.stat().st_size)
    since = program.run(*words, "--recorded-since", "2126-01-01")
    assert "recorded_since" in since.err
    assert len(program.done(*words, "--recorded-before", "2026-01-01").out.splitlines()) == 1, "the headings"
    accounts = tmp_path / "ledger.toml"
    accounts.write_text('usage_expense = "6450 AI usage"')
    assert "6450 AI usage" in program.done(*words, "--accounts", str(accounts)).out


def test_what_is_refused_leaves_no_file(program: Program, month: str, tmp_path: Path) -> None:
    file = tmp_path / "gl.csv"
    refused = program.run("export", "gl", "--period", "2026-13", "--format", "csv", "-o", str(file))
    assert refused.code == 1
    assert "[field_invalid]" in refused.err
    assert not list(tmp_path.glob("gl.csv*"))
    nowhere = program.run("export", "gl", "--period", month, "--format", "csv", "-o", str(tmp_path / "no" / "gl.csv"))
    assert (nowhere.code, "it cannot be written" in nowhere.err) == (1, True)


def test_tables_for_chargeback_and_payroll(program: Program, month: str, tmp_path: Path) -> None:
    in_its_zone = program.done("export", "chargeback", "--period", month, "--time-zone", "Europe/Stockholm")
    assert "compilers  engineers  $2,000.00  $1.00" in in_its_zone.out
    assert "zone" not in in_its_zone.err
    assert "with --time-zone Europe/Stockholm" in program.done("export", "chargeback", "--period", month).err
    [centre] = program.done("export", "chargeback", "--period", month, "--json").json
    assert (centre["team"], centre["spent"]) == ("compilers", "1.000000001")
    file = tmp_path / "chargeback.csv"
    program.done("export", "chargeback", "--period", month, "-o", str(file))
    assert rows(file.read_text())[0]["spent"] == "1.000000001"
    assert program.done("export", "payroll", "--period", month).out == f"Nothing in {month}.\n"
    assert program.done("export", "payroll", "--period", month, "-o", str(file)).code == 0
    assert file.read_text().startswith("employee_number,person,name,team,period_start,period_end,")
    setup, numbers = tmp_path / "payroll.toml", tmp_path / "numbers.csv"
    setup.write_text('schedule = "daily"')
    numbers.write_text("email,number\n")
    words = ("export", "payroll", "--period", month, "--setup", str(setup), "--employees", str(numbers))
    assert "setup.schedule is 'daily'" in program.run(*words).err
    setup.write_text('schedule = "semimonthly"')
    assert program.done(*words).out == f"Nothing in {month}.\n"


def test_usage_as_focus_and_as_parquet(program: Program, month: str, tmp_path: Path) -> None:
    file, folder = tmp_path / "focus.csv", tmp_path / "calls"
    program.done("export", "focus", "--period", month, "-o", str(file))
    [row] = rows(file.read_text())
    assert (row["BilledCost"], row["SubAccountName"]) == ("1.000000001", "compilers")
    assert "ada@example.com" not in file.read_text()
    said = program.done("export", "parquet", "--period", month, "-o", str(folder)).out
    assert said == f"1 call of 1 day are in {folder}.\n"
    told = program.done("export", "parquet", "--period", month, "-o", str(folder), "--no-people", "--json").json
    [written] = folder.glob("day=*/calls.parquet")
    assert (told["calls"], told["days"], told["bytes"]) == (1, 1, written.stat().st_size)
    assert b"ada@example.com" not in written.read_bytes()
