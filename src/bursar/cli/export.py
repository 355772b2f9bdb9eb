"""Everything that Bursar knows about a person."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bursar.cli.files import write_bytes
from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import say


def export(
    context: typer.Context,
    email: Email,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FILE", help="Where to.")] = Path("export.zip"),
    json: JsonFlag = False,
) -> None:
    """Write everything that Bursar knows about a person into a ZIP archive of CSV and JSON files.

    A README in it says what each file is. No secrets are in it, and no prompts or answers, which are never stored.

    \b
    Examples:
      bursar export ann@example.com -o export.zip
    """
    session = session_of(context)
    with session.client() as client:
        archive = client.file(path_of("person", email) + "/export")
    write_bytes(output, archive)
    if not session.show_json({"person": email, "file": str(output), "bytes": len(archive)}):
        say(f"Everything that is known about {email} is in {output}.")
