"""Files that were damaged at random: whatever is in them, they are read to their end, and nothing is raised."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from bursar.importers.calls import sources
from bursar.importers.reports import total_sources
from tests.unit.importers import nasty, test_calls_agree, test_reports_agree
from tests.unit.importers.nasty import Planted

PIECES = (
    b'"',
    b"\n",
    b'"\n',
    b"1e999999",
    b"1e99999999999999999999",
    b"null",
    b"{",
    b"[",
    b"-",
    b"\xff",
    b"NaN",
    b"\x00",
)


def objects(one: Callable[[random.Random, int], Any]) -> Callable[[random.Random], Planted]:
    return lambda chance: nasty.objects(chance, [one(chance, number) for number in range(1, 7)], "data")


def rows(one: Callable[[random.Random, int], Any]) -> Callable[[random.Random], Planted]:
    return lambda chance: nasty.table(chance, [one(chance, number) for number in range(1, 7)])


def texts(one: Callable[[random.Random, int], Any]) -> Callable[[random.Random, int], dict[str, str]]:
    return lambda chance, number: {name: str(value) for name, value in one(chance, number).items()}


def own(chance: random.Random, number: int) -> dict[str, Any]:
    return test_calls_agree.own_record(chance, f"call-{number}", test_calls_agree.CLOCKS_BACK)


def spend_log(chance: random.Random, number: int) -> dict[str, Any]:
    return test_calls_agree.spend_log(chance, f"call-{number}", test_calls_agree.CLOCKS_BACK)


def cursor(chance: random.Random, _: int) -> dict[str, str]:
    return test_calls_agree.cursor_event(chance, test_calls_agree.CLOCKS_BACK)


def span(chance: random.Random, _: int) -> dict[str, Any]:
    return test_calls_agree.exported([test_calls_agree.span(chance, test_calls_agree.CLOCKS_BACK)], "ada@example.com")


def buckets(name: str) -> Callable[[random.Random, int], dict[str, Any]]:
    result = test_reports_agree.KINDS[name].result
    return lambda chance, day: test_reports_agree.bucket(name, day, [result(chance, 0), result(chance, 0)])


FILES: Sequence[tuple[str, Callable[[random.Random], Planted]]] = (
    ("cursor", rows(cursor)),
    ("records", rows(texts(own))),
    ("records", objects(own)),
    ("litellm", rows(texts(spend_log))),
    ("litellm", objects(spend_log)),
    ("otel", objects(span)),
    ("copilot", rows(test_reports_agree.copilot_row)),
    ("focus", rows(test_reports_agree.focus_row)),
    ("anthropic-claude-code", objects(lambda chance, n: test_reports_agree.claude_code_entry(chance, n, 0))),
    *((name, objects(buckets(name))) for name in test_reports_agree.KINDS),
)


def damaged(chance: random.Random, data: bytes) -> bytes:
    """A file in which some bytes are others, are gone, were put in or stand twice."""
    found = bytearray(data)
    for _ in range(chance.randrange(1, 6)):
        at, other = chance.randrange(len(found)), chance.randrange(len(found))
        what = chance.randrange(4)
        if what == 0:
            found[at] = chance.randrange(256)
        elif what == 1:
            del found[at + 1 : at + chance.randrange(40)]
        else:
            found[at:at] = chance.choice(PIECES) if what == 2 else found[other : other + chance.randrange(100)]
    return bytes(found)


@pytest.mark.parametrize("rounds", [12, pytest.param(2_000, marks=pytest.mark.soak)])
def test_nothing_is_raised(tmp_path: Path, rounds: int) -> None:
    calls, reports = sources(), total_sources()
    for seed in range(rounds):
        chance = random.Random(seed)
        for name, make in FILES:
            data = damaged(chance, make(chance).data)
            (tmp_path / name).write_bytes(data)
            if name in calls:
                found: Any = calls[name].read(tmp_path / name)
            else:
                found = reports[name].read(data, name)
            assert all(broken.line > 0 for broken in found.broken), (seed, name)
