"""What is refused: one clear line, an exit code, never a traceback."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from bursar.app import Bursar
from tests.unit.cli.conftest import Program

READ = [
    ("person", "list"),
    ("plan", "list"),
    ("key", "list"),
    ("balance", "ada@example.com"),
    ("statement", "ada@example.com"),
    ("usage", "calls"),
    ("prices", "show", "gpt-5"),
    ("journal", "verify"),
]


@pytest.mark.parametrize("words", READ, ids=" ".join)
def test_a_folder_that_is_not_there(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], words: tuple[str, ...]
) -> None:
    done = Program(tmp_path / "nothing", capsys).run(*words)
    assert done.code == 1
    assert done.out == ""
    assert done.err.startswith("refused: The data folder ")
    assert done.err.endswith("is not there; `bursar init` makes one. [data_folder]\n")
    assert not (tmp_path / "nothing").exists()


@pytest.mark.parametrize(
    ("words", "why"),
    [
        (("person", "show", "eve@example.com"), "unknown"),
        (("person", "show", "a/../b"), "unknown"),
        (("person", "show", ""), "unknown"),
        (("balance", ".."), "unknown"),
        (("person", "add", "eve", "--name", "Eve"), "field_invalid"),
        (("plan", "show", "nothing"), "unknown"),
        (("plan", "add", "/nothing.toml"), "config_invalid"),
        (("plan", "add", "/"), "config_invalid"),
        (("grant", "eve@example.com", "--plan", "nothing"), "unknown"),
        (("key", "create", "eve@example.com"), "unknown"),
        (("key", "create"), "field_missing"),
        (("key", "revoke", "99"), "unknown"),
        (("balance", "eve@example.com"), "unknown"),
        (("statement", "eve@example.com"), "unknown"),
        (("usage", "calls", "--person", "eve@example.com"), "unknown"),
        (("usage", "calls", "--since", "yesterday"), "field_invalid"),
        (("prices", "show", "no-such-model"), "model_not_priced"),
        (("prices", "check", "/nothing.json"), "config_invalid"),
    ],
    ids=str,
)
def test_a_refusal_is_a_line_with_its_name_or_json(program: Program, words: tuple[str, ...], why: str) -> None:
    done = program.run(*words)
    assert (done.code, done.out) == (1, "")
    assert done.err.startswith("refused: ")
    assert done.err.endswith(f" [{why}]\n")
    assert done.err.count("\n") == 1
    told = program.run(*words, "--json")
    assert (told.code, told.out) == (1, "")
    assert json.loads(told.err)["error"]["name"] == why


@pytest.mark.parametrize(
    "words",
    [
        ("nothing",),
        ("person", "add"),
        ("usage", "calls", "--limit", "0"),
        ("key", "revoke", "one"),
        ("balance", "a", "b"),
    ],
    ids=" ".join,
)
def test_a_command_that_is_not_understood(program: Program, words: tuple[str, ...]) -> None:
    done = program.run(*words)
    assert done.code == 2
    assert "Usage: bursar" in done.err


def test_a_configuration_that_is_broken(program: Program) -> None:
    (program.folder / "bursar.toml").write_text("[providers.x]\nwire = 'fax'\n")
    done = program.run("person", "list")
    assert done.code == 1
    assert done.err.startswith("refused: bursar.toml: providers.x.wire is not right: ")


@pytest.mark.skipif(os.geteuid() == 0, reason="nothing is forbidden to root")
def test_a_folder_that_may_not_be_written(program: Program) -> None:
    program.folder.chmod(0o500)
    done = program.run("person", "list")
    program.folder.chmod(0o700)
    assert done.code == 1
    assert done.err.endswith("[data_folder]\n")


def test_a_folder_that_another_process_has_and_does_not_serve(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bursar.app.LOCK_WAIT_S", 0.1)
    monkeypatch.setattr("bursar.cli.client.STARTING_S", 0.2)
    other = Bursar.open(program.folder)
    try:
        done = program.run("person", "list")
    finally:
        other.close()
    assert done.code == 1
    assert "is in use by another process. [data_folder]" in done.err


def test_a_folder_is_not_made_elsewhere(program: Program) -> None:
    done = program.bare("--url", "http://127.0.0.1:1", "--key", "x", "init")
    assert done.code == 1
    assert "--url" in done.err
