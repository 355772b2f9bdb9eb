"""The program starts quickly, because it imports what a command needs when the command runs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

from bursar.cli.main import COMMANDS, GROUPS, application, command_in
from bursar.cli.reference import commands

SLOW = ("litestar", "sqlalchemy", "granian", "aiohttp", "genai_prices", "httpx", "rich", "alembic", "altair", "numpy")
LOOK = f"""
import sys
from bursar.cli.main import main
try:
    main(sys.argv[1:])
except SystemExit as ended:
    print(sorted(set({SLOW!r}) & set(sys.modules)))
"""


@pytest.mark.parametrize(
    "words", [["--help"], ["--version"], ["person", "add", "--help"], ["offer", "value", "--help"]], ids=" ".join
)
def test_help_imports_nothing_slow(words: list[str]) -> None:
    said = subprocess.run([sys.executable, "-c", LOOK, *words], capture_output=True, text=True, check=True)
    assert said.stdout.splitlines()[-1] == "[]"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        ("balance ada", "balance"),
        ("--data folder balance", "balance"),
        ("--data=folder --url http://x --key bsr_x usage daily", "usage"),
        ("--data balance plan list", "plan"),
        ("--data", ""),
        ("", ""),
        ("--help balance", "--help"),
        ("--version", "--version"),
    ],
)
def test_of_the_commands_only_the_one_that_is_named_is_loaded(words: str, command: str) -> None:
    assert command_in(words.split()) == command
    loaded = typer.main.get_command(application(command))
    assert isinstance(loaded, TyperGroup)
    assert list(loaded.commands) == [command] or command not in (*GROUPS, *COMMANDS)


def test_the_installed_program_runs(tmp_path: Path) -> None:
    bursar = str(Path(sys.executable).with_name("bursar"))
    made = subprocess.run([bursar, "--data", str(tmp_path), "init"], capture_output=True, text=True, check=True)
    assert made.stderr == ""
    assert "Administrator's key  bsr_" in made.stdout
    refused = subprocess.run([bursar, "--data", str(tmp_path), "init"], capture_output=True, text=True, check=False)
    assert (refused.returncode, refused.stdout) == (1, "")
    assert refused.stderr.startswith("refused: ")


def test_a_reader_that_leaves_is_no_error(tmp_path: Path) -> None:
    bursar = str(Path(sys.executable).with_name("bursar"))
    subprocess.run([bursar, "--data", str(tmp_path), "init"], capture_output=True, check=True)
    piped = f"set -o pipefail; '{bursar}' --data '{tmp_path}' prices check --json | head -c 1"
    said = subprocess.run(["bash", "-c", piped], capture_output=True, text=True, check=False)
    assert said.stdout == "{"
    assert "Traceback" not in said.stderr
    assert "Exception" not in said.stderr


def test_every_command_has_help_and_an_example_and_can_answer_as_json() -> None:
    found = list(commands())
    assert len(found) > 20
    for context in found:
        command = context.command
        assert command.help, context.command_path
        if hasattr(command, "commands"):
            continue
        assert f"  {context.command_path}" in command.help.replace(" --data /srv/bursar", ""), context.command_path
        options = [option for parameter in command.params for option in parameter.opts]
        assert ("--json" in options) == (context.command_path != "bursar up"), context.command_path
