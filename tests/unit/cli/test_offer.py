"""`bursar offer`: without a server and without a data folder; text, JSON, reports, and refusals by name."""

from __future__ import annotations

import json
import tomllib
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from bursar.cli.main import main
from bursar.offers.budget import TokenBudget
from bursar.offers.offer import Offer
from bursar.offers.person import Person
from bursar.offers.value import exact_value

TOKENS = """\
name = "Tokens Inc."
base = "375000"
[tokens]
amount = "100000"
unused = "expire"
[you]
marginal_tax_rate = "40%"
"""
BASE = 'name = "Base Ltd"\nbase = "400000"\n'
USE = "date,cost\n2026-01-05,120.50\n2026-03-09,300\n2026-03-31,100\n2026-05-01,10\n"
PAY = "year,base,tokens\n2024,300000,0\n2025,301000,40000\n2026,302000,80000\n"


class Done(NamedTuple):
    code: int
    out: str
    err: str


class Desk:
    """A folder with offer files, and nothing of Bursar in it."""

    def __init__(self, folder: Path, capture: pytest.CaptureFixture[str]) -> None:
        self.folder, self._capture = folder, capture

    def run(self, *words: str) -> Done:
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(["offer", *words])
        printed = self._capture.readouterr()
        return Done(ended.value.code if isinstance(ended.value.code, int) else 0, printed.out, printed.err)

    def done(self, *words: str) -> str:
        done = self.run(*words)
        assert done.code == 0, done.err
        return done.out

    def refused(self, *words: str) -> str:
        done = self.run(*words)
        assert done.code == 1
        assert done.out == ""
        return done.err


@pytest.fixture
def desk(tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    for name, text in (("tokens.toml", TOKENS), ("base.toml", BASE), ("use.csv", USE), ("pay.csv", PAY)):
        (tmp_path / name).write_text(text)
    return Desk(tmp_path, capsys)


def test_an_offer_is_valued_where_there_is_no_bursar(desk: Desk) -> None:
    text = desk.done("value", "tokens.toml")
    assert text.startswith("What this offer is worth: Tokens Inc.\n")
    assert "$475,000" in text
    assert sorted(file.name for file in desk.folder.iterdir()) == ["base.toml", "pay.csv", "tokens.toml", "use.csv"]


def test_json_has_the_models_numbers(desk: Desk) -> None:
    found = json.loads(desk.done("value", "tokens.toml", "--json"))
    offer = Offer(
        name="Tokens Inc.",
        base_usd_year=375_000,
        tokens=TokenBudget(amount_usd_year=100_000, unused="expire", period_months=None),
    )
    worth = exact_value(offer, Person(marginal_tax_rate=0.4))
    assert found["worth"]["tokens_usd"] == worth.tokens_usd
    assert found["worth"]["break_even_base_usd_year"] == worth.break_even_base_usd_year
    assert found["break_even_interval"]["low"] < found["break_even_interval"]["high"]
    assert found["person"]["marginal_tax_rate"] == 0.4


def test_assumptions_are_set(desk: Desk) -> None:
    found = json.loads(desk.done("value", "tokens.toml", "--set", "u=80%", "--set", "eps=inf", "--json"))
    told = {one["name"]: one for one in found["assumptions"]}
    assert (told["u"]["low"], told["u"]["value"], told["u"]["high"]) == (0.8, 0.8, 0.8)
    assert told["eps"]["value"] == "inf"


@pytest.mark.parametrize(
    ("words", "name", "remedy"),
    [
        (["--set", "zz=1"], "unknown", "h_E, h_C, kappa"),
        (["--set", "u=2"], "field_invalid", "from 0 to 1"),
        (["--set", "u=nan"], "field_invalid", "from 0 to 1"),
        (["--set", "u=much"], "field_invalid", "a number, such as 0.2"),
        (["--set", "u"], "field_invalid", "NAME=VALUE"),
        (["--set", "u=1", "--set", "u=1"], "field_invalid", "once for each name"),
        (["--report", "offer.doc"], "field_invalid", ".html or .pdf"),
        (["--report", "nowhere/offer.html"], "field_invalid", "a folder that is there"),
        (["--usage-file", "nothing.csv"], "config_invalid", "not there"),
        (["--usage-file", "pay.csv"], "row_invalid", "one of date, cost"),
    ],
)
def test_what_is_wrong_is_refused_by_name(desk: Desk, words: list[str], name: str, remedy: str) -> None:
    said = desk.refused("value", "tokens.toml", *words)
    assert said.endswith(f"[{name}]\n")
    assert remedy in said


@pytest.mark.parametrize("command", ["value", "check"])
def test_a_wrong_file_is_refused_with_its_name_and_field(desk: Desk, command: str) -> None:
    (desk.folder / "wrong.toml").write_text('name = "X"\nbase = "-1"\n')
    said = desk.refused(command, "wrong.toml")
    assert "field base" in said
    assert "(in wrong.toml)" in said
    assert "not there" in desk.refused(command, "nowhere.toml")


@pytest.mark.parametrize("suffix", [".html", ".pdf", ".PDF"])
def test_a_report_is_written(desk: Desk, suffix: str) -> None:
    assert desk.done("value", "tokens.toml", "--report", f"offer{suffix}") == f"The report is in offer{suffix}.\n"
    made = (desk.folder / f"offer{suffix}").read_bytes()
    assert made.startswith(b"<!doctype html>" if suffix == ".html" else b"%PDF-")


def test_ones_own_use_takes_the_place_of_the_guess(desk: Desk) -> None:
    found = json.loads(desk.done("value", "tokens.toml", "--usage-file", "use.csv", "--json"))
    assert sum(found["person"]["usage_usd_months"]) == pytest.approx(410.0)
    told = {one["name"]: one for one in found["assumptions"]}
    assert told["u"]["value"] == pytest.approx(12 * sum(found["person"]["usage_usd_months"]) / 3 / 100_000)
    assert "your own use" in told["u"]["basis"]


def test_offers_are_compared_to_the_first_files_person(desk: Desk) -> None:
    text = desk.done("compare", "tokens.toml", "base.toml")
    assert "Base Ltd is worth most to you" in text
    found = json.loads(desk.done("compare", "tokens.toml", "base.toml", "--json"))
    assert [one["offer"]["name"] for one in found["valuations"]] == ["Base Ltd", "Tokens Inc."]
    assert {one["person"]["marginal_tax_rate"] for one in found["valuations"]} == {0.4}


def test_offers_of_the_same_name_can_be_told_apart(desk: Desk) -> None:
    (desk.folder / "more.toml").write_text(BASE.replace("400000", "410000"))
    assert "Base Ltd (more.toml) is worth most" in desk.done("compare", "base.toml", "more.toml")


def test_the_fine_print_is_read(desk: Desk) -> None:
    text = desk.done("check", "tokens.toml")
    assert "Ask for:" in text
    found = json.loads(desk.done("check", "tokens.toml", "--json"))
    assert {"no-vesting", "expires"} <= {one["rule"] for one in found["findings"]}
    assert "has no token budget" in desk.done("check", "base.toml")


def test_counter_offers_are_made(desk: Desk) -> None:
    assert "What to ask for" in desk.done("ask", "tokens.toml", "--target", "$400,000")
    found = json.loads(desk.done("ask", "tokens.toml", "--target", "400000", "--json"))
    assert found["target_usd_year"] == 400_000
    assert {"base", "swap"} <= {one["kind"] for one in found["counters"]}
    assert "--target" in desk.refused("ask", "tokens.toml", "--target", "a lot")
    assert "target" in desk.refused("ask", "tokens.toml", "--target", "0")


def test_logs_of_agents_are_ones_own_use(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two calls three months ago, one two months ago, and one in the month that goes on, which does not count."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(desk.folder / "cache"))
    logs = desk.folder / "logs" / "projects" / "one"
    logs.mkdir(parents=True)
    days = (_day(3, 13), _day(3, 14), _day(2, 20), _day(0, 1))
    (logs / "session.jsonl").write_text("".join(_call(day) for day in days))
    found = json.loads(desk.done("value", "tokens.toml", "--usage", "logs", "--json"))
    first, second, third = found["person"]["usage_usd_months"]
    assert first == 2 * second > 0
    assert third == 0
    assert "usage" in desk.refused("value", "tokens.toml", "--usage", "nowhere")
    assert "--usage-file" in desk.refused("value", "tokens.toml", "--usage", "logs", "--usage-file", "use.csv")


def _day(months_ago: int, day: int) -> str:
    """A day of the month so many months before this one."""
    now = datetime.now().astimezone()
    year, month = divmod(now.year * 12 + now.month - 1 - months_ago, 12)
    return f"{year}-{month + 1:02}-{day:02}"


def _call(day: str) -> str:
    """A call as Claude Code logs it."""
    usage = {"input_tokens": 1_000_000, "output_tokens": 100_000}
    message = {"id": f"msg_{day}", "role": "assistant", "model": "claude-sonnet-4-5", "usage": usage}
    line = {"type": "assistant", "timestamp": f"{day}T12:00:00.000Z", "requestId": f"req_{day}", "message": message}
    return json.dumps(line) + "\n"


def test_pay_over_the_years(desk: Desk) -> None:
    assert "tokens came where a raise would have been" in desk.done("history", "pay.csv").replace("\n", " ")
    assert json.loads(desk.done("history", "pay.csv", "--json"))["verdict"] == "flat"
    (desk.folder / "pay.csv").write_text("year,base,tokens\n2024,300000,0\n2025,?,0\n")
    said = desk.refused("history", "pay.csv")
    assert "pay.csv" in said
    assert "line 3" in said


def test_a_template_can_be_valued_as_it_is(desk: Desk) -> None:
    desk.done("new", "new.toml", "--template")
    assert tomllib.loads((desk.folder / "new.toml").read_text())["base"] == "375000"
    assert "$475,000" in desk.done("value", "new.toml")
    assert "already" in desk.refused("new", "new.toml", "--template")


def test_an_offer_is_asked_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who answers badly is told why and asked again; what is missing in the end is asked for, too."""
    from io import StringIO

    from bursar.offers.template import questions

    asked = {"name": "Asked AG", "base": "lots\n250000", "tokens.amount": "50000", "tokens.unused": "grace"}
    lines = [asked.get(question.field, "") for question in questions()]
    monkeypatch.setattr("sys.stdin", StringIO("\n".join([*lines, "30"]) + "\n"))
    done = desk.run("new", "asked.toml")
    assert done.code == 0, done.err
    assert "'lots' is not an amount" in done.out
    assert "grace_days" in done.out
    made = tomllib.loads((desk.folder / "asked.toml").read_text())
    assert (made["name"], made["base"]) == ("Asked AG", "250000")
    assert made["tokens"] == {"amount": "50000", "unused": "grace", "grace_days": 30}


def test_without_a_budget_its_terms_are_not_asked(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from io import StringIO

    from bursar.offers.template import questions

    asked = {"name": "Plain", "base": "100000"}
    lines = [
        asked.get(question.field, "")
        for question in questions()
        if question.field == "tokens.amount" or not question.field.startswith("tokens.")
    ]
    monkeypatch.setattr("sys.stdin", StringIO("\n".join(lines) + "\n"))
    done = desk.run("new", "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out[done.out.index("{") :])["offer"]["tokens"] is None
