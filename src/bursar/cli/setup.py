"""Making a data folder, and serving one."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from bursar.cli.session import JsonFlag, Session, session_of
from bursar.cli.show import facts, gap, say
from bursar.refusals import Refused, Why, field_invalid, refuse

CONFIG_FILE = "bursar.toml"
CONFIG_TEMPLATE = """\
# Bursar's configuration. It is read when Bursar starts, and by `bursar reload`; a field that is wrong is refused.
#
# A provider is a table [providers.NAME]; NAME is how the journal calls it. Take the # away from what you use.
# Providers' keys are read from the environment or from a file, and are written nowhere.

# [providers.anthropic]
# wire = "anthropic"                        # "openai", "anthropic" or "gemini"
# base_url = "https://api.anthropic.com"    # nothing that a client sends can change this
# key_env = "ANTHROPIC_API_KEY"             # or key_file = "anthropic.key", beside this file
# models = ["claude-*"]                     # which models it serves, as names or patterns

# [providers.openai]
# wire = "openai"
# base_url = "https://api.openai.com/v1"
# key_env = "OPENAI_API_KEY"
# models = ["gpt-*", "o*", "text-embedding-*"]

# [providers.gemini]
# wire = "gemini"
# base_url = "https://generativelanguage.googleapis.com"
# key_env = "GEMINI_API_KEY"
# models = ["gemini-*"]

# PostgreSQL instead of the embedded SQLite file:
# [database]
# url = "postgresql://bursar@localhost/bursar"
"""


def up(
    context: typer.Context,
    host: Annotated[str, typer.Option(help="The address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=1, max=65535, help="The port to listen on.")] = 8790,
    demo: Annotated[
        bool, typer.Option("--demo", help="In an empty folder, make a demo company with simulated providers.")
    ] = False,
) -> None:
    """Serve the gateway and the API, until Ctrl-C.

    \b
    Examples:
      bursar up --demo
      bursar --data /srv/bursar up --host 0.0.0.0 --port 8790
    """
    from bursar.up import up as serve  # noqa: PLC0415 - slow to import, and only this command needs it

    raise typer.Exit(serve(session_of(context).folder, host=host, port=port, demo=demo))


def init(context: typer.Context, json: JsonFlag = False) -> None:
    """Make a data folder and the first administrator's key.

    The folder gets a configuration to fill in. The key is shown this once; on this machine it is not
    needed, because whoever can read the data folder is its operator. A folder that has an administrator's key
    already is refused.

    \b
    Examples:
      bursar init
      bursar --data /srv/bursar init --json
    """
    session = session_of(context)
    if session.url is not None:
        raise field_invalid("--url", "given", "left out: a folder is made here")
    with session.client(create=True) as client:
        for key in client.get("/keys"):
            if key["role"] == "administrator" and key["state"] == "in force":
                raise Refused(refuse(Why.EXISTS, what="key of an administrator,", name=key["shown"]))
        made = client.post("/keys", {"role": "administrator", "name": "first administrator"})
    config = _configured(session.folder)
    if not session.show_json({"folder": str(session.folder), "config": str(config), "key": made["secret"]}):
        _say_made(session, config, made["secret"])


def _configured(folder: Path) -> Path:
    """The folder's configuration file, written from a template if there is none."""
    config = folder / CONFIG_FILE
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(CONFIG_TEMPLATE)
    except FileExistsError:
        pass  # the operator's own stays as it is
    return config


def _say_made(session: Session, config: Path, key: str) -> None:
    facts(
        [
            ("Data folder", str(session.folder)),
            ("Configuration", str(config)),
            ("Administrator's key", key),
        ]
    )
    gap()
    say("The key is shown this once; keep it to administer Bursar from elsewhere (--url, --key).")
    say(f"Next: name your providers in {config}, then `bursar --data {session.folder} up`.")
