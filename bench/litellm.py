"""LiteLLM's proxy, from PyPI, in an environment of its own. Without a database it knows no budgets."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import MODEL
from bench.processes import free_port, run, started
from bench.program import COMPLETIONS, PEERS, Running, Upstream, wait_for_answer

VERSION = "1.106.2"
FOLDER = PEERS / "litellm"

CONFIG = """\
model_list:
  - model_name: {model}
    litellm_params:
      model: openai/{model}
      api_base: http://127.0.0.1:{upstream_port}/v1
      api_key: sk-bench
litellm_settings:
  telemetry: false
general_settings:
  master_key: {key}
"""
KEY = "sk-bench-0123456789abcdef0123456789abcdef"
"""It refuses to start without a strong master key; with it a request's key is compared in memory."""


class LiteLLM:
    """LiteLLM's proxy at its cheapest: one worker, no database, the master key alone, quiet logs."""

    name = "litellm"
    budgets = "none (no database)"

    def prepare(self) -> str:
        """Install the pinned version under .peers when it is absent."""
        marker = FOLDER / f"bench-{VERSION}"
        if not marker.exists():
            uv = Path(sys.executable).with_name("uv")
            run([uv, "venv", "--clear", "--python", sys.executable, FOLDER])
            python = FOLDER / "bin/python"
            run([uv, "pip", "install", "--python", python, f"litellm[proxy]=={VERSION}"])
            marker.touch()
        return VERSION

    @contextmanager
    def start(self, upstream: Upstream, folder: Path) -> Iterator[Running]:
        """Start it with one model that points to `upstream`; it fetches nothing from outside."""
        port = free_port()
        config = folder / "litellm.yaml"
        config.write_text(CONFIG.format(model=MODEL, key=KEY, upstream_port=upstream.port))
        command: list[str | Path] = [
            FOLDER / "bin/litellm",
            "--config",
            config,
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
        ]
        env = {"LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_LOG": "ERROR", "LITELLM_TELEMETRY": "False"}
        url = f"http://127.0.0.1:{port}{COMPLETIONS}"
        headers = {"Authorization": f"Bearer {KEY}"}
        since_s = time.monotonic()
        with started([*command, "--num_workers", "1"], log=folder / "litellm.log", env=env, cwd=folder) as tree:
            yield Running(url, headers, tree, wait_for_answer(tree, url, headers, since_s=since_s), [])
