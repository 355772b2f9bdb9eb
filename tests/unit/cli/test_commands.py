"""Every command, in its form for people and in its form for programs."""

from __future__ import annotations

import json
import re
import stat
import time
from pathlib import Path

import pytest

from bursar.app import now_us
from bursar.books import Books, Spender
from bursar.cli.main import main
from bursar.pricing.catalog import build_book
from bursar.store.database import Database
from tests.support.calls import USD, Caller
from tests.unit.cli.conftest import PLAN, Program


def test_init_makes_a_folder_a_configuration_and_one_key(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    program = Program(tmp_path / "new" / "data", capsys)
    made = program.done("init", "--json").json
    assert made["key"].startswith("bsr_")
    assert stat.S_IMODE(program.folder.stat().st_mode) == 0o700
    config = Path(made["config"]).read_text()
    assert "# [providers.anthropic]" in config
    again = program.run("init")
    assert again.code == 1
    assert "[exists]" in again.err
    assert [key["role"] for key in program.done("key", "list", "--json").json] == ["administrator"]


def test_init_leaves_an_operators_configuration_as_it_is(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "bursar.toml").write_text("# mine\n")
    shown = Program(tmp_path, capsys).done("init").out
    assert "bsr_" in shown
    assert "shown this once" in shown
    assert (tmp_path / "bursar.toml").read_text() == "# mine\n"


def test_init_after_the_last_administrators_key_was_revoked(program: Program) -> None:
    program.done("key", "revoke", "1")
    assert program.done("init", "--json").json["key"].startswith("bsr_")


def test_people(program: Program, ada: str) -> None:
    assert "ada@example.com  Ada   compilers" in program.done("person", "list").out
    assert program.done("person", "show", ada.upper(), "--json").json["name"] == "Ada"
    assert "compilers" in program.done("person", "show", ada).out
    assert program.done("person", "list", "--json").json[0]["email"] == ada
    made = program.done("person", "add", "bo@example.com", "--name", "Bo", "--json").json
    assert (made["email"], made["team"]) == ("bo@example.com", "")


def test_plans(program: Program, ada: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "$2,000.00 USD every month" in program.done("plan", "show", "engineers").out
    assert program.done("plan", "show", "engineers", "--json").json["terms"]["amount"] == "2000.00"
    file = tmp_path / "newer.toml"
    file.write_text(PLAN.replace("2000", "2500"))
    with file.open() as text:
        monkeypatch.setattr("sys.stdin", text)
        assert program.done("plan", "add", "-", "--yes", "--json").json["version"] == 2
    listed = program.done("plan", "list").out
    assert listed.index("$2,500.00") < listed.index("$2,000.00")
    assert [plan["version"] for plan in program.done("plan", "list", "--json").json] == [2, 1]


def test_a_plan_is_changed_only_when_somebody_says_so(program: Program, ada: str, tmp_path: Path) -> None:
    file = tmp_path / "newer.toml"
    file.write_text(PLAN + 'unused = "grace"\ngrace_days = 10\n')
    refused = program.run("plan", "add", str(file))
    assert refused.code == 1
    assert "--yes" in refused.err
    assert "engineers: version 1 becomes 2" in refused.out
    assert re.search(r"grace_days\s+none\s+10", refused.out)
    assert len(program.done("plan", "list", "--json").json) == 1
    said = program.done("plan", "add", str(file), "--yes").out
    assert "stays usable for 10 days after the period, then expires" in said
    again = program.done("plan", "add", str(file))
    assert "becomes" not in again.out, "the same file again changes nothing, so nobody is asked"
    assert "version 2" in again.out


def test_a_plan_is_linted_and_played_through(program: Program, tmp_path: Path) -> None:
    plan, usage = tmp_path / "plan.toml", tmp_path / "usage.csv"
    plan.write_text(PLAN + 'proration = "daily"\nunused = "carry_over"\ncarry_over_cap = "25%"\n')
    usage.write_text("day,amount\n2026-11-20,300\n2026-11-20,100.50\n2026-12-24,9999\n")
    linted = program.done("plan", "lint", str(plan), "--json").json
    assert {"audience": "person", "field": "carry_over_cap"}.items() <= linted["warnings"][0].items()
    assert (linted["version"], linted["terms"]["carry_over_cap"]) == (None, "25%")
    assert "carry_over_cap" in program.done("plan", "lint", str(plan)).out
    asked = ("simulate", str(plan), "--from", "2026-11-17", "--to", "2027-01-31", "--usage", str(usage))
    done = program.done(*asked, "--json").json
    assert [(lot["period"], lot["granted"], lot["spent"]) for lot in done["lots"]] == [
        ("2026-11", "933.333333328", "400.50"),
        ("2026-12", "2000.00", "2233.333333332"),
        ("2027-01", "2000.00", "0.00"),
    ]
    assert done["uncovered"] == "7765.666666668"
    shown = program.done(*asked).out
    assert "expired (breakage)" in shown
    assert "Nothing could pay for $7,765.67 of the usage." in shown


def test_a_plan_of_tokens_is_linted_shown_and_played_through_with_other_prices(
    program: Program, tmp_path: Path
) -> None:
    plan, cheaper = tmp_path / "tokens.toml", tmp_path / "cheaper.toml"
    plan.write_text(
        'name = "tokens"\ndenomination = "tokens"\ntokens = "50M"\ntokens_of = "claude-sonnet-4-5"\n'
        'tax_character = "imputed_income"\nexpectation_multiple = "2.0"\nexpectation_measure = "merged changes"\n'
    )
    cheaper.write_text(
        '[[rate]]\ncatalog = "anthropic"\nmodel = "claude-sonnet-4-5"\nfrom = 2026-12-01\ninput = "1"\noutput = "5"'
    )
    shown = program.done("plan", "add", str(plan)).out
    assert "50,000,000 tokens of claude-sonnet-4-5, 25% of them output, every month" in shown
    assert "income of the person, says the employer" in shown
    assert "2.0 times the output without the budget (merged changes)" in shown
    assert "50,000,000 tokens of claude-sonnet-4-5" in program.done("plan", "list").out
    days = ("--from", "2026-11-01", "--to", "2026-12-31")
    played = program.done("simulate", str(plan), *days, "--prices", str(cheaper), "--json").json
    assert [lot["granted"] for lot in played["lots"]] == ["300.00", "100.00"]
    assert "at $2.00 a million" in program.done("simulate", str(plan), *days, "--prices", str(cheaper)).out
    plan.write_text(plan.read_text().replace("sonnet-4-5", "sonata-9"))
    warning = program.done("plan", "lint", str(plan), "--json").json["warnings"][0]
    assert warning["field"] == "tokens_of"
    assert "claude-sonata-9" in warning["text"]
    cheaper.write_text("rate = 5")
    refused = program.run("simulate", str(plan), *days, "--prices", str(cheaper))
    assert "prices: rate" in refused.err


@pytest.mark.parametrize(
    ("usage", "days", "why"),
    [
        ("day;amount\n", ("2026-11-01", "2026-11-30"), "config_invalid"),
        ("day,amount\n2026-11-01,much\n", ("2026-11-01", "2026-11-30"), "config_invalid"),
        ("day,amount\nsoon,5\n", ("2026-11-01", "2026-11-30"), "field_invalid"),
        ("day,amount\n2026-11-01,-5\n", ("2026-11-01", "2026-11-30"), "field_invalid"),
        ("day,amount\n", ("2026-11-31", "2026-12-30"), "field_invalid"),
        ("day,amount\n", ("2026-11-01", "2026-10-31"), "field_invalid"),
        ("day,amount\n", ("2026-11-01", "2126-10-31"), "field_invalid"),
    ],
)
def test_what_cannot_be_played(program: Program, tmp_path: Path, usage: str, days: tuple[str, str], why: str) -> None:
    plan, used = tmp_path / "plan.toml", tmp_path / "usage.csv"
    plan.write_text(PLAN)
    used.write_text(usage)
    refused = program.run("simulate", str(plan), "--from", days[0], "--to", days[1], "--usage", str(used))
    assert refused.code == 1
    assert f"[{why}]" in refused.err


def test_close(program: Program, ada: str) -> None:
    program.done("grant", ada, "--plan", "engineers", "--from", time.strftime("%Y-01-02"))
    assert "Nothing was left to post." in program.done("close").out, "a grant opens its lots and closes what is over"
    done = program.done("close", "--through", time.strftime("%Y-%m-%d"), "--json").json
    assert done["posted"] == []
    refused = program.run("close", "--through", "2999-01-01")
    assert refused.code == 1
    assert "[field_invalid]" in refused.err


def test_grants(program: Program, ada: str) -> None:
    day = time.strftime("%Y-%m-02")
    said = program.done("grant", ada, "--plan", "engineers", "--from", day).out
    assert said.startswith("ada@example.com has the plan engineers, version 1, from ")
    made = program.done("grant", ada, "--plan", "engineers", "--from", day, "--json").json
    assert (made["person"], made["plan"]) == (ada, "engineers")


def test_keys(program: Program, ada: str) -> None:
    said = program.done("key", "create", ada, "--name", "night run", "--limit", "25", "--expires", "12h").out
    secret = said.splitlines()[0]
    assert secret.startswith("bsr_")
    assert secret not in said[len(secret) :], "it is shown once"
    assert "$25.00" in said
    made = program.done("key", "create", ada, "--json").json
    assert made["key"]["person"] == ada
    administrator = program.done("key", "create", "--administrator", "--json").json
    assert administrator["key"]["role"] == "administrator"
    assert [key["id"] for key in program.done("key", "list", "--person", ada, "--json").json] == [3, 2]
    assert "night run" in program.done("key", "list").out
    assert "revoked" in program.done("key", "revoke", "2").out
    assert program.done("key", "revoke", "2", "--json").json["state"] == "revoked"


def test_balance_statement_usage_and_journal(program: Program, ada: str) -> None:
    call(program.folder, ada)
    shown = program.done("balance", ada).out
    assert "$1,998.77 left of $2,000.00" in shown
    assert re.search(r"^Spent +\$1\.23$", shown, re.MULTILINE)
    assert program.done("balance", ada, "--json").json["available"] == "1998.766"
    page = program.done("statement", ada).out
    assert "$1,998.77 is left to spend" in page
    period = time.strftime("%Y-%m")
    assert program.done("statement", ada, "--period", period, "--json").json["spent"] == "1.234"
    used = program.done("usage", "calls", "--since", "1h").out
    assert "claude-sonnet-4-5" in used
    assert "$1.23" in used
    assert [one["cost"] for one in program.done("usage", "calls", "--person", ada, "--json").json] == ["1.234"]
    assert "lot " in program.done("journal", "show", "--person", ada).out
    assert len(program.done("journal", "show", "--limit", "2", "--json").json) == 2


def test_a_balance_without_a_budget(program: Program) -> None:
    program.done("person", "add", "bo@example.com", "--name", "Bo")
    assert "No budget is open now." in program.done("balance", "bo@example.com").out
    assert program.run("statement", "bo@example.com").code == 1


def test_journal_verify_says_what_it_read(program: Program, ada: str) -> None:
    call(program.folder, ada)
    said = program.done("journal", "verify").out
    assert said.startswith("The books are right: 3 postings, ")
    assert program.done("journal", "verify", "--json").json["is_right"] is True


def test_journal_verify_fails_when_the_books_are_wrong(program: Program, ada: str) -> None:
    database = Database.in_folder(program.folder)
    with database.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE balances SET spent = spent + 1, available = available - 1")
    database.close()
    found = program.run("journal", "verify")
    assert found.code == 1
    assert "The books are WRONG: 2 faults" in found.out
    assert "balance_differs" in found.out
    assert program.run("journal", "verify", "--json").code == 1


def test_prices(program: Program, tmp_path: Path) -> None:
    shown = program.done("prices", "show", "claude-sonnet-4-5", "--catalog", "anthropic").out
    assert "claude-sonnet-4-5 at anthropic" in shown
    assert "above 200,000" in shown
    assert program.done("prices", "show", "gpt-5", "--json").json["model"] == "gpt-5"
    assert "Price book pb-" in program.done("prices", "check").out
    table = tmp_path / "table.json"
    entry = {"litellm_provider": "openai", "mode": "chat", "input_cost_per_token": 0.00000125}
    table.write_text(json.dumps({"gpt-5": entry}))
    same = program.done("prices", "check", str(table)).out
    assert "The table has the same prices" in same
    assert "Compared 1 rate of 1 model: 0 differ." in same
    table.write_text(json.dumps({"gpt-5": {**entry, "input_cost_per_token": 0.01}}))
    differs = program.run("prices", "check", str(table))
    assert differs.code == 1
    assert "1.25" in differs.out
    assert "10000" in differs.out
    assert "+799900.0 %" in differs.out
    assert "What to do: look the price up at the provider" in differs.out
    as_json = program.run("prices", "check", str(table), "--catalog", "openai", "--json")
    assert (as_json.code, as_json.json["compared"], as_json.json["rates"]) == (1, True, 1)
    elsewhere = program.run("prices", "check", str(table), "--catalog", "anthropic")
    assert "a table without any price that the price book has" in elsewhere.err
    assert "There is no catalog 'antropic'" in program.run("prices", "check", "--catalog", "antropic").err


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--version"])
    assert capsys.readouterr().out.startswith("bursar ")


def call(folder: Path, email: str) -> None:
    """A call of $1.234 by this person, just now."""
    books = Books(Database.in_folder(folder), build_book(), now_us)
    try:
        spender = books.find_spender(books.create_key(email).secret)
        assert isinstance(spender, Spender)
        caller = Caller(books.journal)
        at_us = now_us()
        caller.hold("call-1", spender.person_id, (spender.lots[0].balance_id,), 2 * USD, at_us)
        caller.settle("call-1", 1_234_000_000, at_us)
    finally:
        books.close()
