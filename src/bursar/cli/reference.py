"""Writes the reference documentation from what the program itself says: `python -m bursar.cli.reference FOLDER`."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import typer

from bursar.app import Bursar
from bursar.cli.main import application
from bursar.refusals import RULES, Rule, Why

HELP_WIDTH = 88
CLI_HEAD = """\
# The command line

Generated from the program by `make docs`; do not edit.

Exit codes: 0 done; 1 refused, not found, or a check that failed; 2 a command that was not understood. A refusal is
one line on stderr with its name in brackets, or with `--json` the API's error as JSON. The names are those of
[refusals.md](refusals.md). The commands use the server that runs on the data folder; when none runs, they open the
folder themselves.
"""
REFUSALS_HEAD = """\
# Refusals

Generated from the program by `make docs`; do not edit.

Every reason for which Bursar refuses something. The names are stable; gateway, API and command line tell the same
names and texts. Braces stand for the facts of the case. "Again" says whether the same request may succeed later
without anybody's doing.

| Name | Status | Again | Text |
|---|---|---|---|
"""


def commands() -> Iterator[typer.Context]:
    """The program and all its commands, each as the context that its help is written in."""
    return _commands(typer.main.get_command(application()), None, "bursar")


def _commands(command: Any, parent: typer.Context | None, name: str) -> Iterator[typer.Context]:
    settings = {**command.context_settings, "terminal_width": HELP_WIDTH, "max_content_width": HELP_WIDTH}
    context = typer.Context(command, info_name=name, parent=parent, **settings)
    yield context
    for below, its in getattr(command, "commands", {}).items():
        yield from _commands(its, context, below)


def cli_page() -> str:
    """The help of every command."""
    return CLI_HEAD + "".join(_command(context) for context in commands())


def _command(context: typer.Context) -> str:
    lines = "\n".join(line.rstrip() for line in context.command.get_help(context).splitlines())
    return f"\n## {context.command_path}\n\n```text\n{lines}\n```\n"


def refusals_page() -> str:
    """Every refusal with its status and its text."""
    return REFUSALS_HEAD + "".join(_refusal(why, rule) for why, rule in RULES.items())


def _refusal(why: Why, rule: Rule) -> str:
    return f"| `{why.value}` | {rule.status} | {'yes' if rule.retryable else 'no'} | {rule.text} |\n"


def openapi_page() -> str:
    """The API's OpenAPI description."""
    with TemporaryDirectory() as folder:
        bursar = Bursar.open(Path(folder))
        try:
            return json.dumps(bursar.api.whole().openapi_schema.to_schema(), indent=2, ensure_ascii=False) + "\n"
        finally:
            bursar.close()


PAGES = {"cli.md": cli_page, "refusals.md": refusals_page, "openapi.json": openapi_page}


def write(folder: Path) -> None:
    """Write all pages into a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, page in PAGES.items():
        (folder / name).write_text(page(), "utf-8")


if __name__ == "__main__":
    write(Path(sys.argv[1]))
