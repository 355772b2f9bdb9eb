"""The mock upstream: nginx, which answers every POST with one static completion and its usage."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.load import MODEL
from bench.processes import Tree, free_port, started

COMPLETION = {
    "id": "chatcmpl-bench",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": MODEL,
    "choices": [
        {
            "index": 0,
            "message": {"role": "assistant", "content": "Half of the budget is left. " * 6},
            "finish_reason": "stop",
        }
    ],
    "usage": {"prompt_tokens": 160, "completion_tokens": 42, "total_tokens": 202},
}

FRAME = """\
daemon off;
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr error;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    keepalive_requests 100000000;
    keepalive_timeout 600s;
{body}
}}
"""
"""What mock and plain proxy have in common: one worker, nothing written, connections kept."""

MOCK = """\
    server {{
        listen 127.0.0.1:{port};
        location = /counts {{ stub_status; }}
        location / {{ default_type application/json; return 200 '{completion}'; }}
    }}"""


def run_nginx(folder: Path, body: str) -> tuple[list[str | Path], Path]:
    """Write an nginx configuration into `folder`; the command that runs it, and its log's path."""
    folder.mkdir()
    config = folder / "nginx.conf"
    config.write_text(FRAME.format(folder=folder, body=body))
    return ["nginx", "-p", folder, "-c", config, "-e", "stderr"], folder / "nginx.log"


class Mock:
    """The running mock. `served` counts completions, not the questions for the count."""

    def __init__(self, port: int, tree: Tree) -> None:
        self.port = port
        self.tree = tree
        self._questions = 0

    def served(self) -> int:
        """Completions answered since the start, by nginx's own count of its requests."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/counts", timeout=10) as answer:
            page: bytes = answer.read()
        self._questions += 1
        counts = re.search(rb"requests\s+\d+ \d+ (\d+)", page)
        assert counts is not None
        return int(counts[1]) - self._questions


@contextmanager
def completion_mock(folder: Path) -> Iterator[Mock]:
    """Run the mock for as long as the context lasts."""
    port = free_port()
    command, log = run_nginx(folder, MOCK.format(port=port, completion=json.dumps(COMPLETION)))
    with started(command, log=log) as tree:
        yield Mock(port, tree)
