"""Coding agents as people run them, against a Bursar with simulated providers; only where they are installed.

`make agents` installs the versions that are pinned here into `tests/agents`. Another folder can be named in
BURSAR_AGENTS, and an agent that is on the PATH is taken, too. What is not found is skipped: together they take a
gigabyte.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.docs.pages import ROOT, blocks_of
from tests.gateway.place import Place
from tests.support.node import BIN
from tests.support.recorder import Recorder

FOLDER = Path(os.environ.get("BURSAR_AGENTS") or Path(__file__).parent)
TIMEOUT_S = 100
WRITTEN_URL = "http://localhost:8790"
PROMPT = "Say something about budgets."
FOUND_AT = {
    "aider": ".venv/aider/bin/aider",
    "claude": "node_modules/@anthropic-ai/claude-code-*/claude",
    "codex": "node_modules/.bin/codex",
    "gemini": "node_modules/.bin/gemini",
    "libraries": ".venv/libraries/bin/python",
    "litellm": ".venv/proxy/bin/litellm",
    "llm": ".venv/libraries/bin/llm",
    "opencode": "node_modules/opencode-*/bin/opencode",
}
"""Where each program is in the folder. Where a package's own launcher needs its install script, what that starts."""


class Done(NamedTuple):
    """How a program ended, and all that it printed."""

    code: int
    printed: str


class Agent:
    """One program with a home of its own. What it asks of the Bursar is in `asked`."""

    def __init__(self, name: str, place: Place, asked: Recorder, home: Path) -> None:
        self.place = place
        self.asked = asked
        self.url = asked.url
        self.home = home
        self._program = program(name)

    def run(self, *arguments: str, **environ: str) -> Done:
        """Run it to its end, without a terminal. Whatever it wants from elsewhere than this machine fails at once."""
        self.asked.seen.clear()
        done = subprocess.run(
            [self._program, *arguments],
            cwd=self.home,
            env={
                "HOME": str(self.home),
                "PATH": f"{BIN}{os.pathsep}{os.environ['PATH']}",
                "TERM": "dumb",
                "NO_COLOR": "1",
                "HTTPS_PROXY": "http://127.0.0.1:9",
                "NO_PROXY": "127.0.0.1",
                **environ,
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=TIMEOUT_S,
            check=False,
        )
        return Done(done.returncode, done.stdout)


def settings_on(page: str, agent: Agent) -> str:
    """The settings that a page of docs/tools gives, which are its first block of JSON or TOML, for this Bursar."""
    blocks = blocks_of(ROOT / "docs" / "tools" / page)
    return next(block.text for block in blocks if block.language in {"json", "toml"}).replace(WRITTEN_URL, agent.url)


def program(name: str) -> str:
    """Where an agent is; skips the test when it is nowhere."""
    found = next(iter(sorted(FOLDER.glob(FOUND_AT[name]))), None) or shutil.which(name)
    if found is None:
        pytest.skip(f"{name} is not installed; `make agents` installs it")
    return str(found)
