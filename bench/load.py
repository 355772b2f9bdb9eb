"""Load from wrk: one chat completion, sent again and again over keep-alive connections."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bench.processes import BenchError, run

SCRIPT = Path(__file__).parent / "wrk.lua"
MODEL = "gpt-4o-mini"
BODY_BYTES = 1024


class Load(msgspec.Struct, frozen=True):
    """What wrk counted in one run. Times are of whole answers, in microseconds."""

    requests: int
    duration_us: int
    non_2xx: int
    connect: int
    read: int
    write: int
    timeout: int
    p50_us: int
    p90_us: int
    p99_us: int
    max_us: int

    @property
    def per_second(self) -> float:
        """Completed requests a second."""
        return self.requests * 1e6 / self.duration_us


def completion_request(*, stream: bool) -> bytes:
    """A chat completion request of BODY_BYTES bytes, the filler in its one message."""

    def written(filler: int) -> bytes:
        record: dict[str, object] = {
            "model": MODEL,
            "messages": [{"role": "user", "content": ("budget " * filler)[:filler]}],
            "max_tokens": 256,
        }
        if stream:
            record |= {"stream": True, "stream_options": {"include_usage": True}}
        return json.dumps(record).encode()

    body = written(BODY_BYTES - len(written(0)))
    assert len(body) == BODY_BYTES
    return body


def apply_load(
    url: str,
    headers: Mapping[str, str],
    body: Path,
    *,
    seconds: int,
    connections: int,
    pause_ms: int = 0,
) -> Load:
    """Run wrk with one thread. With a pause each connection waits 0 to twice `pause_ms` before each request.

    Raises BenchError when an answer was not 200-299 or a connection failed: such a run measures nothing.
    """
    command = ["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "60s", "--latency"]
    command += ["-s", str(SCRIPT), url, "--", str(body), str(pause_ms)]
    command += [f"{name}: {value}" for name, value in headers.items()]
    load = msgspec.json.decode(run(command).rstrip().rsplit("\n", 1)[-1], type=Load)
    failed = load.non_2xx + load.connect + load.read + load.write + load.timeout
    if failed or not load.requests:
        raise BenchError(f"{url}: {load.requests} answers, {failed} of them failed: {load}")
    return load
