"""Blocks of five hours: against a slow reference that walks over single calls, and the corners by hand."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest

from bursar.local.blocks import Block, active, block_until, blocks, largest, pace_of
from bursar.local.group import SLOT_US, Group
from bursar.periods import from_us, to_us

MINUTE_US = 60_000_000
HOUR_US = 60 * MINUTE_US


def at(text: str) -> int:
    return to_us(datetime.fromisoformat(f"2026-{text}").replace(tzinfo=UTC))


def groups_of(calls: list[int], source: str = "claude-code") -> list[Group]:
    """Calls of ten tokens and 1,000 nano-dollars each, in the groups that they are kept in."""
    found: dict[int, list[int]] = {}
    for call in calls:
        found.setdefault(call // SLOT_US, []).append(call)
    return [
        Group(slot, source, "anthropic", "opus", "standard", "s", "/src", len(its),
              6 * len(its), len(its), 0, len(its), 2 * len(its), 0, 1_000 * len(its), min(its), max(its))
        for slot, its in found.items()
    ]  # fmt: skip


def told(block: Block) -> tuple[str, str, int]:
    """A block as "11-23 09:00", "11-23 14:00" and how many calls it has."""
    begins, ends = from_us(block.begins_us), from_us(block.ends_us)
    return f"{begins:%m-%d %H:%M}", f"{ends:%m-%d %H:%M}", block.row.total.calls


def walked(calls: list[int], hours: int) -> list[tuple[datetime, datetime, int, int, int]]:
    """The same from single calls: the next block begins with the first call that the one before does not have."""
    found = []
    left = sorted(from_us(call) for call in calls)
    while left:
        begins = left[0].replace(minute=0, second=0, microsecond=0)
        ends = begins + timedelta(hours=hours)
        inside = [call for call in left if call < ends]
        found.append((begins, ends, len(inside), to_us(inside[0]), to_us(inside[-1])))
        left = left[len(inside) :]
    return found


@pytest.mark.parametrize("seed", range(6))
def test_random_calls_against_the_reference(seed: int) -> None:
    rng = random.Random(seed)
    calls, now = [], at("03-27 00:00")
    for _ in range(400):
        now += rng.choice([rng.randrange(20 * MINUTE_US), rng.randrange(9 * HOUR_US), HOUR_US - now % HOUR_US])
        calls.append(now)
    hours = rng.choice([1, 3, 5, 5, 24])
    groups = groups_of(calls)
    rng.shuffle(groups)
    assert [
        (from_us(one.begins_us), from_us(one.ends_us), its.calls, its.first_us, its.last_us)
        for one in blocks(groups, hours)
        for its in [one.row.total]
    ] == walked(calls, hours)


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        (["11-23 09:00"], [("11-23 09:00", "11-23 14:00", 1)]),
        (["11-23 09:59:59.999999"], [("11-23 09:00", "11-23 14:00", 1)]),
        (["11-23 11:55", "11-23 15:59:59.999999"], [("11-23 11:00", "11-23 16:00", 2)]),
        (["11-23 11:55", "11-23 16:00"], [("11-23 11:00", "11-23 16:00", 1), ("11-23 16:00", "11-23 21:00", 1)]),
        (["11-23 11:55", "11-23 16:40"], [("11-23 11:00", "11-23 16:00", 1), ("11-23 16:00", "11-23 21:00", 1)]),
        (["11-23 22:10", "11-24 02:59"], [("11-23 22:00", "11-24 03:00", 2)]),
        (["11-20 08:00", "11-23 08:30"], [("11-20 08:00", "11-20 13:00", 1), ("11-23 08:00", "11-23 13:00", 1)]),
        ([], []),
    ],
    ids=["full hour", "end of the hour", "before the end", "at the end", "after", "midnight", "a gap", "none"],
)
def test_where_blocks_begin_and_end(calls: list[str], expected: list[tuple[str, str, int]]) -> None:
    assert [told(block) for block in blocks(groups_of([at(call) for call in calls]))] == expected


def test_each_source_has_its_own() -> None:
    ours, others = groups_of([at("11-23 09:10"), at("11-23 13:00")]), groups_of([at("11-23 12:30")], "codex")
    assert [(one.source, *told(one)) for one in blocks(others + ours)] == [
        ("claude-code", "11-23 09:00", "11-23 14:00", 2),
        ("codex", "11-23 12:00", "11-23 17:00", 1),
    ]


def test_pace_is_since_the_first_call_and_goes_on_to_the_end() -> None:
    (block,) = blocks(groups_of([at("11-23 09:30")] * 60 + [at("11-23 10:00")] * 60))
    rate = pace_of(block, at("11-23 11:30"))
    assert rate is not None
    assert (rate.cost_nanos_per_hour, rate.tokens_per_minute) == (60_000, 10)
    assert (rate.end_cost_nanos, rate.end_tokens) == (270_000, 2_700), "two hours, and two and a half to come"


def test_the_first_minutes_are_no_pace() -> None:
    (block,) = blocks(groups_of([at("11-23 09:30")] * 15))
    rates = [pace_of(block, at(now)) for now in ("11-23 09:30", "11-23 09:44", "11-23 09:45", "11-23 10:00")]
    assert [rate and rate.tokens_per_minute for rate in rates] == [10, 10, 10, 5]
    assert rates[0] is not None
    assert rates[0].end_tokens == 150 + 150 * 270 // 15


def test_what_is_active() -> None:
    some = blocks(groups_of([at("11-22 09:30"), at("11-23 09:30"), at("11-23 09:30")]))
    for now, is_active in (
        ("11-23 08:59", False),
        ("11-23 09:00", True),
        ("11-23 13:59:59", True),
        ("11-23 14:00", False),
    ):
        assert some[1].is_active(at(now)) is is_active
        assert (pace_of(some[1], at(now)) is not None) is is_active
        assert active(some, at(now)) == some[1:] * is_active
    assert largest(some, at("11-23 10:00")) == some[0], "what is not over is no measure"
    assert largest(some, at("11-23 14:00")) == some[1]
    assert largest(some[1:], at("11-23 10:00")) is None


def test_the_block_that_the_provider_tells() -> None:
    calls = ["11-23 08:59:59", "11-23 09:00", "11-23 13:59:59", "11-23 14:00"]
    block = block_until(groups_of([at(call) for call in calls]), "claude-code", at("11-23 14:00"))
    assert told(block) == ("11-23 09:00", "11-23 14:00", 2)
    assert block_until(groups_of([at("11-23 09:30")]), "codex", at("11-23 14:00")).row.total.calls == 0
