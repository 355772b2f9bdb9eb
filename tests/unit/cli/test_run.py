"""`bursar run` and `bursar kill` in words: what is understood, what is refused, what is shown."""

from __future__ import annotations

import io
import sys

import pytest

from bursar.app import now_us
from bursar.books import Books, Spender, runs
from bursar.pricing.catalog import build_book
from bursar.store.database import Database
from tests.support.calls import USD, Caller
from tests.unit.cli.conftest import Program


@pytest.fixture
def run(program: Program, ada: str) -> str:
    """A run of Ada's, named nightly, that has spent $1.50 of $5, with a run within it; its token."""
    books = Books(Database.in_folder(program.folder), build_book(), now_us)
    try:
        made = runs.start(books, ada, 5 * USD, name="nightly", models=("claude-*",))
        spender = books.find_spender(made.secret)
        assert isinstance(spender, Spender)
        runs.start(books, ada, USD, name="within", within=spender.key)
        means = spender.for_model("claude-sonnet-4-5")
        caller, at_us = Caller(books.journal), now_us()
        more = {"limits": means.limits, "key_id": spender.key.id}
        caller.hold("call-1", spender.person_id, means.lots, 2 * USD, at_us, **more)
        caller.settle("call-1", 3 * USD // 2, at_us, reason="the provider cut it off")
        return made.run.token
    finally:
        books.close()


def test_runs_are_listed_and_shown(program: Program, run: str) -> None:
    assert [each["name"] for each in program.done("run", "list", "--json").json] == ["within", "nightly"]
    listed = program.done("run", "list", "--running", "--person", "ada@example.com").out
    assert "nightly" in listed
    assert "$1.50" in listed
    shown = program.done("run", "show", run).out
    assert f"nightly ({run}), running" in shown
    assert "claude-sonnet-4-5" in shown
    assert "Runs within it" in shown
    told = program.done("run", "show", run, "--json").json
    assert (told["spent"], told["provisional"], told["by_model"][0]["cost"]) == ("1.50", "1.50", "1.50")


def test_a_run_is_killed(program: Program, run: str) -> None:
    assert f"nightly ({run}), killed" in program.done("run", "kill", run).out
    told = program.done("run", "show", run, "--json").json
    assert (told["state"], [each["state"] for each in told["runs"]]) == ("killed", ["killed"])
    assert program.done("run", "list", "--running", "--json").json == []


def test_no_run_yet(program: Program) -> None:
    assert "No run yet." in program.done("run", "list").out
    for words in (("show", "rnothing"), ("kill", "rnothing"), ("show", "a/b")):
        refused = program.run("run", *words)
        assert (refused.code, refused.err.endswith("[unknown]\n")) == (1, True)


def test_a_folder_that_nobody_serves_cannot_run_anything(program: Program, ada: str) -> None:
    refused = program.run("run", "--budget", "5", "--person", ada, "--", "touch", str(program.folder / "made"))
    assert refused.code == 1
    assert "`bursar up` serves it. [data_folder]" in refused.err
    assert not (program.folder / "made").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("run",), "Usage: bursar run [OPTIONS] -- COMMAND [ARGS]..."),
        (("run", "--", "list"), "say how much it may spend"),
        (("run", "claude", "-p", "hello"), "say how much it may spend"),
        (("run", "--budget", "5"), "write the command to run behind --"),
        (("run", "--budget", "5", "--"), "write the command to run behind --"),
        (("run", "--budget"), "requires an argument"),
        (("run", "--colour", "red", "--", "true"), "No such option"),
    ],
)
def test_what_is_not_understood(program: Program, words: tuple[str, ...], said: str) -> None:
    done = program.run(*words)
    assert (done.code, done.out) == (2, "")
    assert said in done.err


def test_a_person_is_stopped_when_somebody_says_yes(program: Program, run: str, ada: str) -> None:
    refused = program.run("kill", ada)
    assert (refused.code, refused.err.endswith("[field_missing]\n")) == (1, True)
    assert program.done("kill", ada, "--yes").out == "ada@example.com: 2 keys revoked, 2 runs killed.\n"
    assert program.done("kill", ada, "--yes", "--json").json == {"person": ada, "keys": 0, "runs": 0}


@pytest.mark.parametrize(("answer", "code", "runs_left"), [("n\n", 1, 2), ("y\n", 0, 0)])
def test_a_person_at_a_terminal_is_asked(
    program: Program, run: str, ada: str, *, answer: str, code: int, runs_left: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal(answer))
    assert program.run("kill", ada).code == code
    assert len(program.done("run", "list", "--running", "--json").json) == runs_left
