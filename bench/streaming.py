"""Streaming: CPU time per stream of 500 events, and what a program adds to the time to the first byte."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median
from urllib.parse import urlsplit

from bench.cost import measure_in_turn, ratio
from bench.field import Contestant, Say, Settings
from bench.figure import Cell, Figure, Spread, spread
from bench.load import completion_request
from bench.processes import BenchError
from bench.program import COMPLETIONS, post
from bench.stream_mock import EVENTS

CONNECTIONS = 16
FIRST_BYTES = 50


def streaming(field: Sequence[Contestant], body: Path, settings: Settings, say: Say) -> Figure:
    """Measure streams; `field` runs before stream mocks, and `body` asks for a stream with usage."""
    for one in field:
        check_stream(one)
    rounds = measure_in_turn(field, body, settings, CONNECTIONS, say)
    costs = {name: [one.cost_us for one in several] for name, several in rounds.items()}
    rows: list[dict[str, Cell | Spread]] = []
    for one in field:
        say(f"first bytes: {one.name}")
        rows.append(
            {
                "program": one.name,
                "CPU µs/stream": spread(costs[one.name]),
                "CPU µs/event": spread([cost / EVENTS for cost in costs[one.name]]),
                "× nginx": ratio(costs[one.name], costs.get("nginx")),
                "streams/s": spread([several.load.per_second for several in rounds[one.name]]),
                "first byte added ms": added_first_byte_ms(one),
            }
        )
    return Figure(
        f"Streams of {EVENTS} events",
        f"{CONNECTIONS} connections; the mock writes every event by itself and is in no line; nginx does not "
        f"buffer. First byte: median of {FIRST_BYTES} streams, one after the other, in turn with as many straight "
        "to the mock.",
        rows,
    )


def check_stream(one: Contestant) -> None:
    """Read one stream whole: every text must come through, and the usage that was asked for."""
    status, body = post(one.running.url, one.running.headers, completion_request(stream=True))
    content, usage = body.count(b" budget"), body.count(b'"total_tokens"')
    if status != 200 or content != EVENTS - 3 or not usage or b"data: [DONE]" not in body:
        raise BenchError(f"{one.name}: stream of {content} texts and {usage} usages, {status}: {body[-500:]!r}")


def added_first_byte_ms(one: Contestant) -> float:
    """Median time to the first byte of a stream through the program, less the same straight from the mock."""
    direct = f"http://127.0.0.1:{one.upstream.port}{COMPLETIONS}"
    through, straight = [], []
    for _ in range(FIRST_BYTES):
        through.append(first_byte_ms(one.running.url, one.running.headers))
        straight.append(first_byte_ms(direct, {}))
    return median(through) - median(straight)


def first_byte_ms(url: str, headers: Mapping[str, str]) -> float:
    """Ask for one stream on a fresh connection and read it whole; milliseconds to its first byte."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.connect()
    try:
        since_s = time.perf_counter()
        body = completion_request(stream=True)
        connection.request("POST", parts.path, body, {"Content-Type": "application/json", **headers})
        answer = connection.getresponse()
        answer.read(1)
        first_s = time.perf_counter()
        answer.read()
        return (first_s - since_s) * 1000
    finally:
        connection.close()
