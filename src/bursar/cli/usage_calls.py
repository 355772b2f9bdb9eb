"""The single calls that a server knows, as a table."""

from __future__ import annotations

from typing import Any

from bursar.cli.show import NONE, moment, money, table, width

WIDE = 110
"""Columns from which on there is room for everything."""


def show(calls: list[dict[str, Any]], *, with_person: bool) -> None:
    """Print them; a person only where there may be several."""
    wide = width() >= WIDE
    columns = ["Ended (UTC)", "Person", "Key", "Model", ">Input", ">Cached", ">Output", ">Cost", "Outcome"]
    left_out = {name for name, wanted in (("Person", with_person), ("Key", wide), (">Cached", wide)) if not wanted}
    kept = [index for index, name in enumerate(columns) if name not in left_out]
    rows = [_row(call, wide=wide) for call in calls]
    table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], empty="No call was made.")


def _row(call: dict[str, Any], *, wide: bool) -> list[str]:
    """A call's cells. Where there is little room, a person is the e-mail's first part and what is usual is a dash."""
    return [
        moment(call["ended"]),
        call["person"] if wide else call["person"].partition("@")[0],
        call["key"],
        call["model"],
        f"{_input_tokens(call):,}",
        f"{call['cache_read_tokens']:,}",
        f"{call['output_tokens'] + call['audio_output_tokens']:,}",
        money(call["cost"]),
        call["outcome"] if wide or call["outcome"] != "settled" else NONE,
    ]


def _input_tokens(call: dict[str, Any]) -> int:
    buckets = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")
    return sum(int(call[f"{bucket}_tokens"]) for bucket in buckets)
