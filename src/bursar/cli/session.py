"""What the options before the command say, and what every command needs: a client, and a way to print."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from bursar.cli.told import Told
from bursar.refusals import Refused, Why, refuse

if TYPE_CHECKING:
    from bursar.cli.client import Client

PATHS = {"person": "people", "plan": "plans", "run": "runs"}


class Session:
    """One run of the program."""

    def __init__(self) -> None:
        self.folder = Path("bursar-data")
        self.url: str | None = None
        self.key: str | None = None
        self.as_json = False

    @contextmanager
    def client(self, *, create: bool = False, served: bool = False) -> Iterator[Client]:
        """A client of the API, over the network or in this process; with `served` only over the network."""
        from bursar.cli.client import connected  # noqa: PLC0415 - slow to import, and `--help` needs none of it

        with connected(self.folder, self.url, self.key, create=create, served=served) as client:
            yield client

    def show_json(self, answer: Any) -> bool:
        """Print the API's answer if JSON was asked for; tells whether it was."""
        if self.as_json:
            print(json.dumps(answer, indent=2, ensure_ascii=False))
        return self.as_json

    def tell_refused(self, name: str, message: str, field: str | None) -> None:
        """Say on stderr what was refused: a line for people, the API's shape for programs."""
        if self.as_json:
            told = {"error": {"name": name, "message": message, "field": field}}
            print(json.dumps(told, ensure_ascii=False), file=sys.stderr)
        else:
            print(f"refused: {message} [{name}]", file=sys.stderr)


def _remember_json(context: typer.Context, value: bool) -> bool:
    session_of(context).as_json = value
    return value


JsonFlag = Annotated[bool, typer.Option("--json", help="Print data as JSON.", callback=_remember_json, is_eager=True)]
"""The option of every command that prints data."""


def session_of(context: typer.Context) -> Session:
    """The session that a command belongs to."""
    session = context.find_object(Session)
    assert session is not None, "main() gives every run its session"
    return session


def path_of(what: str, name: str) -> str:
    """The API's path of one person or plan. Refused when a path cannot have the name: nothing is so called."""
    if not name.strip(" .") or "/" in name:
        raise Refused(refuse(Why.UNKNOWN, what=what, name=name))
    return f"/{PATHS[what]}/{quote(name.strip(), safe='@')}"


def tell(session: Session, problem: Refused | Told) -> None:
    """Print a refusal, wherever it comes from."""
    if isinstance(problem, Told):
        session.tell_refused(problem.name, problem.message, problem.field)
    else:
        refusal = problem.refusal
        session.tell_refused(refusal.why.value, refusal.text, refusal.field)
