"""What the benchmark needs to know of a program: how to install it and how to start it before an upstream."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

from bench.load import completion_request
from bench.processes import BenchError, Tree

PEERS = Path(__file__).parent / ".peers"
"""Where peers are installed; git ignores it."""
COMPLETIONS = "/v1/chat/completions"


class Upstream(Protocol):
    """A mock provider on 127.0.0.1 that answers every POST and counts what it answered."""

    port: int
    tree: Tree

    def served(self) -> int:
        """Completions answered since it was started."""


class Finding(NamedTuple):
    """Something that was verified about a run, in words; one that is not `ok` makes the benchmark fail."""

    ok: bool
    text: str


class Running(NamedTuple):
    """A started program that has answered its first request with 200."""

    url: str
    headers: Mapping[str, str]
    tree: Tree
    start_s: float
    """From the program's start to its first answer, in seconds."""
    findings: list[Finding]
    """Empty while it runs; `start` may add what it verifies once the program has been stopped."""


class Program(Protocol):
    """One thing that is measured. `start` stops it, and removes what it wrote, on the way out."""

    name: str
    budgets: str
    """What the program enforces and keeps while it is measured, in a few words."""

    def prepare(self) -> str:
        """Install what is missing and return the version. Raises BenchError."""

    def start(self, upstream: Upstream, folder: Path) -> AbstractContextManager[Running]:
        """Start it before `upstream`, its files in `folder`. Raises BenchError when it does not answer."""


def post(url: str, headers: Mapping[str, str], body: bytes) -> tuple[int, bytes]:
    """Send one request on a fresh connection; its status and body."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    try:
        connection.request("POST", parts.path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        return answer.status, answer.read()
    finally:
        connection.close()


def wait_for_answer(
    tree: Tree, url: str, headers: Mapping[str, str], *, since_s: float, limit_s: float = 60
) -> float:
    """Ask until the program answers 200 with usage; seconds from `since_s` (monotonic) to that answer.

    Only a refused connection or a 5xx is asked again: a program that starts may not be ready yet. Raises
    BenchError for any other answer, when the program ends, or when `limit_s` have passed.
    """
    answer = "no answer"
    while time.monotonic() - since_s < limit_s:
        if tree.process.poll() is not None:
            raise BenchError(f"{url}: the program ended by itself:\n{tree.log_tail()}")
        try:
            status, body = post(url, headers, completion_request(stream=False))
        except (ConnectionError, http.client.HTTPException):
            time.sleep(0.01)
            continue
        if status == 200 and b'"total_tokens"' in body:
            return time.monotonic() - since_s
        answer = f"{status}: {body[:500]!r}"
        if status < 500:
            break
        time.sleep(0.1)
    raise BenchError(f"{url} does not work, {answer}\n{tree.log_tail()}")
