"""Streaming: CPU time per stream of 500 events, and what a program adds to the time to the first byte."""

from __future__ import annotations

import http.client
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from statistics import median
from threading import Event
from urllib.parse import urlsplit

from bench.cost import Work, measure_in_turn, ratio
from bench.field import Contestant, Say, Settings
from bench.figure import Cell, Figure, Spread, spread
from bench.load import completion_request
from bench.processes import BenchError
from bench.program import COMPLETIONS
from bench.stream_mock import EVENTS, STRAIGHT

CONNECTIONS = 8
FIRST_BYTES = 50


def streaming(field: Sequence[Contestant], settings: Settings, say: Say) -> Figure:
    """Measure streams; `field` runs before stream mocks."""

    def apply(one: Contestant) -> Work:
        return read_streams(one, seconds=settings.seconds)

    rounds = measure_in_turn(field, apply, settings, say)
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
                "streams/s": spread([several.per_second for several in rounds[one.name]]),
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


def read_streams(one: Contestant, *, seconds: int) -> Work:
    """Read streams over kept connections, each reading its last one to the end, so that none is cut off."""
    over = Event()

    def reader() -> int:
        with closing(connect(one.running.url)) as connection:
            count = 0
            while not over.is_set():
                ask(connection, one.running.headers)
                answer = connection.getresponse()
                check_stream(one.name, answer.status, answer.read())
                count += 1
            return count

    since_s = time.monotonic()
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        readers = [pool.submit(reader) for _ in range(CONNECTIONS)]
        try:
            time.sleep(seconds)
        finally:
            over.set()
        streams = sum(counted.result() for counted in readers)
    return Work(streams, streams / (time.monotonic() - since_s), 0)


def check_stream(name: str, status: int, body: bytes) -> None:
    """Every text of a stream must have come through, and the usage that was asked for."""
    texts, usages = body.count(b" budget "), body.count(b'"total_tokens"')
    if status != 200 or texts != EVENTS - 3 or not usages or b"data: [DONE]" not in body:
        raise BenchError(f"{name}: a stream of {texts} texts and {usages} usages, {status}: {body[-500:]!r}")


def connect(url: str) -> http.client.HTTPConnection:
    """Open a connection to the address's server."""
    parts = urlsplit(url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
    connection.connect()
    return connection


def ask(connection: http.client.HTTPConnection, headers: Mapping[str, str]) -> None:
    """Ask for one stream."""
    named = {"Content-Type": "application/json", **headers}
    connection.request("POST", COMPLETIONS, completion_request(stream=True), named)


def added_first_byte_ms(one: Contestant) -> float:
    """Median time to the first byte of a stream through the program, less the same straight from the mock."""
    direct = f"http://127.0.0.1:{one.upstream.port}{COMPLETIONS}"
    through, straight = [], []
    for _ in range(FIRST_BYTES):
        through.append(first_byte_ms(one.running.url, one.running.headers))
        straight.append(first_byte_ms(direct, {STRAIGHT: "yes"}))
    return median(through) - median(straight)


def first_byte_ms(url: str, headers: Mapping[str, str]) -> float:
    """Ask for one stream on a fresh connection and read it whole; milliseconds to its first byte."""
    with closing(connect(url)) as connection:
        since_s = time.perf_counter()
        ask(connection, headers)
        answer = connection.getresponse()
        answer.read(1)
        first_s = time.perf_counter()
        answer.read()
        return (first_s - since_s) * 1000
