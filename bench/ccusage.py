"""ccusage, from npm: what people look at their own usage with. Its native program, without the launcher on Node."""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path

from bench.processes import BenchError, run
from bench.program import PEERS

VERSION = "20.0.24"
"""The newest of which the registry has the program for this platform, too."""
FOLDER = PEERS / "ccusage"
MACHINES = {"x86_64": "x64", "aarch64": "arm64"}


def prepare() -> Path:
    """Install the pinned version under .peers when it is absent; the path of its program."""
    machine = MACHINES.get(platform.machine())
    if machine is None:
        raise BenchError(f"there is no ccusage for {platform.machine()}")
    program = FOLDER / f"node_modules/@ccusage/ccusage-linux-{machine}/bin/ccusage"
    marker = FOLDER / f"bench-{VERSION}"
    if not marker.exists():
        shutil.rmtree(FOLDER, ignore_errors=True)
        FOLDER.mkdir(parents=True)
        (FOLDER / "package.json").write_text(json.dumps({"private": True, "dependencies": {"ccusage": VERSION}}))
        run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER)
        os.chmod(program, 0o755)
        marker.touch()
    return program
