"""Portkey's open gateway, from npm. It routes by headers of the request and knows no budgets."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.processes import free_port, run, started
from bench.program import COMPLETIONS, PEERS, Running, Upstream, wait_for_answer

VERSION = "1.15.2"
SERVER_VERSION = "1.13.5"
"""Of @hono/node-server, its HTTP server, as in its own lock file: newer ones break streams (its issue 1389)."""
MANIFEST = {
    "private": True,
    "dependencies": {"@portkey-ai/gateway": VERSION},
    "overrides": {"@hono/node-server": SERVER_VERSION},
}
FOLDER = PEERS / "portkey"
PACKAGE = FOLDER / "node_modules/@portkey-ai/gateway"


class Portkey:
    """Portkey's gateway on Node, without its log page, which would make it slower."""

    name = "portkey"
    budgets = "none"

    def prepare(self) -> str:
        """Install the pinned version under .peers when it is absent; its install scripts are not needed."""
        marker = FOLDER / f"bench-{VERSION}"
        if not marker.exists():
            shutil.rmtree(FOLDER, ignore_errors=True)
            FOLDER.mkdir(parents=True)
            (FOLDER / "package.json").write_text(json.dumps(MANIFEST))
            run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=FOLDER)
            marker.touch()
        return VERSION

    @contextmanager
    def start(self, upstream: Upstream, folder: Path) -> Iterator[Running]:
        """Start it; a custom host on loopback has to be trusted by name, or it answers 400."""
        port = free_port()
        headers = {
            "Authorization": "Bearer sk-bench",
            "x-portkey-provider": "openai",
            "x-portkey-custom-host": f"http://127.0.0.1:{upstream.port}/v1",
        }
        command: list[str | Path] = ["node", PACKAGE / "build/start-server.js", f"--port={port}", "--headless"]
        env = {"NODE_ENV": "production", "TRUSTED_CUSTOM_HOSTS": "127.0.0.1"}
        url = f"http://127.0.0.1:{port}{COMPLETIONS}"
        since_s = time.monotonic()
        with started(command, log=folder / "portkey.log", env=env, cwd=folder) as tree:
            yield Running(url, headers, tree, wait_for_answer(tree, url, headers, since_s=since_s), [])
