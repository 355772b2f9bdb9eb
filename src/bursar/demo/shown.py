"""What a demo shows when it starts, kept in the data folder from one start to the next."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from bursar.refusals import Refused, Why, refuse

DEMO_FILE = "demo.json"


class Demo(msgspec.Struct, frozen=True, kw_only=True):
    """The demo's keys to paste: a person's with budget left, and one of somebody whose budget is used up.

    `pooled_person` drew on a team's pool in `pooled_month` ("2026-10"). `month` is the last one of which a provider's
    report was brought in. They are empty in a folder that was made before there were any.
    """

    person: str
    key: str
    spent_person: str
    spent_key: str
    pooled_person: str = ""
    pooled_month: str = ""
    month: str = ""


def keep_demo(folder: Path, demo: Demo) -> None:
    """Keep a demo's keys in the data folder, for its later starts.

    Anywhere else a key's secret is shown once and kept by nobody but its owner. A demo's key guards invented people's
    budgets at simulated providers, so it is kept in the clear, if only for the folder's owner to read.
    """
    path = folder / DEMO_FILE
    draft = path.with_suffix(".new")
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(msgspec.json.encode(demo))
    draft.replace(path)


def load_demo(folder: Path) -> Demo | None:
    """The demo of a data folder, or None when it has none. Raises Refused(DATA_FOLDER) when it cannot be read."""
    try:
        return msgspec.json.decode((folder / DEMO_FILE).read_bytes(), type=Demo)
    except FileNotFoundError:
        return None
    except (OSError, msgspec.DecodeError):
        problem = f"has a {DEMO_FILE} that cannot be read"
        raise Refused(refuse(Why.DATA_FOLDER, folder=folder, problem=problem)) from None
