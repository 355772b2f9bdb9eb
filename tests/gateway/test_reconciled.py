"""From calls through the gateway to the provider's report and back: processes and sockets, nothing in between.

The provider's report is the simulation's own bill. What the gateway charged matches it to the nano-dollar; what
somebody spent past the gateway is found, and put down as the residual.
"""

from __future__ import annotations

import csv
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bursar.cli.client import connected
from bursar.cli.show import money
from tests.gateway.place import Place, opened
from tests.support.books import assert_proved
from tests.unit.cli.conftest import Program
from tests.unit.sim.raw import CHAT, MESSAGES, ask, until

SONNET, OPUS, GPT = "claude-sonnet-4-5", "claude-opus-4-5", "gpt-4.1-mini"
PERIOD = f"{datetime.now(UTC):%Y-%m}"
ADMIN = "sk-admin-only-in-the-environment"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("reconciled") / "data", amount="50.00") as place:
        yield place


@pytest.fixture
def program(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Program:
    for name in ("ANTHROPIC_ADMIN_KEY", "OPENAI_ADMIN_KEY"):
        monkeypatch.setenv(name, ADMIN)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("COLUMNS", "160")
    return Program(place.folder, capsys)


def call(url: str, key: str, model: str, words: int) -> None:
    path = MESSAGES if model.startswith("claude") else CHAT
    body = {"model": model, "max_tokens": 80, "messages": [{"role": "user", "content": "word " * words}]}
    headers = {"anthropic_version": "2023-06-01"} if path == MESSAGES else {}
    assert ask(url, "POST", path, body, key=key, **headers).status == 200


def fetched(program: Program, place: Place) -> dict[str, Any]:
    """What came of fetching all reports of the last two days, by source."""
    reports = {}
    for provider in ("anthropic", "openai"):
        words = ("import", provider, "--since", "2d", "--provider-url", place.sim.url, "--json")
        told = program.done(*words).json
        assert told["broken"] == []
        reports.update({each["source"]: each for each in told["reports"]})
    return reports


def reconciled(program: Program, *more: str) -> dict[str, Any]:
    told: dict[str, Any] = program.done("reconcile", "--period", PERIOD, "--json", *more).json
    return told


def test_what_passes_the_gateway_matches_and_what_does_not_is_found(
    program: Program, place: Place, tmp_path: Path
) -> None:
    for model, words in ((SONNET, 3), (SONNET, 2_000), (SONNET, 2_000), (OPUS, 5), (GPT, 7), (GPT, 900)):
        call(place.url, place.key, model, words)
    place.assert_books_are_the_bill()

    place.sim.configure(faults={"rate_limited": 0.3, "refuse": 0.2})
    first = fetched(program, place)
    place.sim.configure(faults={})
    assert (first["anthropic-usage"]["added"], first["openai-usage"]["added"]) == (2, 1)
    again = fetched(program, place)
    assert {(each["added"], each["grown"]) for each in again.values()} == {(0, 0)}, "told twice is told once"

    told = reconciled(program)
    assert (told["matched"], told["different"], told["only_here"], told["only_there"]) == (3, 0, 0, 0)
    assert [each["residual"] for each in told["residuals"]] == ["0.00", "0.00"]
    [opus] = [line for line in told["lines"] if line["model"] == OPUS]
    assert opus["gateway"] == opus["known"]
    assert opus["reported"]["cost"] == opus["gateway"]["cost"]
    assert [each["person"] for each in opus["people"]] == ["ada@example.com"]
    assert "Everything matches." in program.done("reconcile", "--period", PERIOD).out

    before = place.sim.bill.total_nanos()
    call(place.sim.url, "sk-of-somebody", OPUS, 40)
    call(place.sim.url, "sk-of-somebody", "claude-haiku-4-5", 10)
    past = f"{(place.sim.bill.total_nanos() - before) / 1e9:.9f}".rstrip("0")
    grown = fetched(program, place)
    assert (grown["anthropic-usage"]["added"], grown["anthropic-cost"]["grown"]) == (2, 1)

    told = reconciled(program, "--provider", "anthropic")
    assert {line["model"]: line["status"] for line in told["lines"]} == {
        SONNET: "matched",
        OPUS: "different",
        "claude-haiku-4-5": "only there",
    }
    assert [each["residual"] for each in told["residuals"]] == [past]

    shown = program.done("reconcile", "--period", PERIOD, "--people", "--report", str(tmp_path / "page.html")).out
    assert "only there" in shown
    page = (tmp_path / "page.html").read_text()
    assert "<script" not in page
    assert "claude-haiku-4-5" in page
    rows = list(csv.DictReader(io.StringIO(program.done("reconcile", "--period", PERIOD, "--csv").out)))
    assert {row["status"] for row in rows if row["model"] == OPUS and not row["person"]} == {"different"}
    for row in (row for row in rows if row["cost_apart"]):
        assert Decimal(row["reported_cost"]) - Decimal(row["known_cost"]) == Decimal(row["cost_apart"])
    assert any(Decimal(row["cost_apart"] or 0) for row in rows)
    for other in ("--post", "--json"):
        assert "csv" in program.run("reconcile", "--period", PERIOD, "--csv", other).err

    post = ("reconcile", "--period", PERIOD, "--provider", "anthropic", "--post", "--yes", "--json")
    [posted] = program.done(*post, "--report", str(tmp_path / "posted.html")).json
    assert "anthropic --post" in page
    assert "anthropic --post" not in (tmp_path / "posted.html").read_text()
    assert (posted["account"], posted["amount"], posted["residual"]) == ("residual:anthropic", past, past)
    [posted] = program.done(*post).json
    assert (posted["account"], posted["amount"], posted["residual"]) == ("", "0.00", past)
    [residual] = reconciled(program, "--provider", "anthropic")["residuals"]
    assert (residual["posted"], residual["left"]) == (past, "0.00")
    shown = program.done("export", "chargeback", "--period", PERIOD).out
    spent = sum(
        Decimal(row["spent"]) for row in program.done("export", "chargeback", "--period", PERIOD, "--json").json
    )
    assert "residual:anthropic" in shown
    assert money(str(spent)) in shown.splitlines()[-1]
    assert_proved(place.database)


def test_fetching_that_is_killed_goes_on_where_it_was(program: Program, place: Place, tmp_path: Path) -> None:
    """SIGKILL after the first of the pages; every page is told as a whole, so nothing is told by halves."""
    words = ("import", "anthropic", "--since", "90d", "--provider-url", place.sim.url)
    place.sim.configure(faults={"rate_limited": 0.7})
    command = [sys.executable, "-m", "bursar", "--data", str(place.folder), *words]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as running:
        until(lambda: bool(notes(tmp_path)) or running.poll() is not None, timeout_s=60)
        running.kill()
    [note] = notes(tmp_path)
    left = json.loads(note.read_text())["page"]
    assert left
    place.sim.configure(faults={})
    program.done(*words)
    assert notes(tmp_path) == [], "what is whole is begun anew the next time"
    names = {"anthropic-usage", "anthropic-cost"}
    known = {one["id"]: one for one in totals(program) if one["source"] in names}
    program.done(*words)
    assert {one["id"]: one for one in totals(program) if one["source"] in names} == known


def notes(folder: Path) -> list[Path]:
    return list((folder / "cache" / "bursar").glob("report-*.json"))


def totals(program: Program) -> list[dict[str, Any]]:
    with connected(program.folder, None, None) as client:
        found: list[dict[str, Any]] = client.get("/provider-totals", limit=1_000)
    return found


def test_the_admin_key_is_kept_nowhere(program: Program, place: Place, tmp_path: Path) -> None:
    fetched(program, place)
    for file in (*place.folder.rglob("*"), *(tmp_path / "cache").rglob("*")):
        assert not file.is_file() or ADMIN.encode() not in file.read_bytes(), file


def test_a_key_must_be_given(program: Program, place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_ADMIN_KEY")
    done = program.run("import", "anthropic", "--provider-url", place.sim.url)
    assert done.code == 1
    assert "ANTHROPIC_ADMIN_KEY" in done.err
