"""The floor: nginx as a plain proxy, which enforces nothing and keeps nothing."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.mock import run_nginx
from bench.processes import BenchError, free_port, run, started
from bench.program import COMPLETIONS, Running, Upstream, wait_for_answer

PROXY = """\
    upstream mock {{ server 127.0.0.1:{upstream_port}; keepalive 256; keepalive_requests 100000000; }}
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://mock;
            proxy_http_version 1.1;
            proxy_set_header Connection "";
            proxy_buffering {buffering};
        }}
    }}"""


def install_from_debian(*packages: str) -> None:
    """Install those of the packages whose command (of the same name) is absent, with apt-get."""
    absent = [name for name in packages if shutil.which(name) is None]
    if not absent:
        return
    if os.geteuid() != 0:
        raise BenchError(f"{' and '.join(absent)} are absent: run 'apt-get install {' '.join(absent)}' as root")
    quietly = {"DEBIAN_FRONTEND": "noninteractive"}
    run(["apt-get", "update", "-q"], env=quietly)
    run(["apt-get", "install", "-q", "-y", "--no-install-recommends", *absent], env=quietly)


class Nginx:
    """nginx's plain proxy with kept connections. `buffering` is off where streams are measured."""

    name = "nginx"
    budgets = "none (plain proxy)"

    def __init__(self, *, buffering: bool = True) -> None:
        self._buffering = "on" if buffering else "off"

    def prepare(self) -> str:
        """Install nginx and wrk from Debian's packages when they are absent."""
        install_from_debian("nginx", "wrk")
        return run(["sh", "-c", "nginx -v 2>&1"]).strip().rpartition("/")[2]

    @contextmanager
    def start(self, upstream: Upstream, folder: Path) -> Iterator[Running]:
        """Start the proxy before `upstream`."""
        port = free_port()
        body = PROXY.format(port=port, upstream_port=upstream.port, buffering=self._buffering)
        command, log = run_nginx(folder / "proxy", body)
        since_s = time.monotonic()
        url = f"http://127.0.0.1:{port}{COMPLETIONS}"
        with started(command, log=log) as tree:
            yield Running(url, {}, tree, wait_for_answer(tree, url, {}, since_s=since_s), [])
