"""Calls that others reported, as a table: what they are, what they cost, and what they have come to."""

from __future__ import annotations

from typing import Any

from bursar.cli.show import NONE, moment, money, table, width

WIDE = 110
"""Columns from which on there is room for everything."""
INPUT = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")


def show(calls: list[dict[str, Any]]) -> None:
    """Print them. Why a call came to nothing stands at its end, where there is room for it."""
    wide = width() >= WIDE
    columns = [
        "At (UTC)",
        "Person",
        "Source",
        "Model",
        ">Input",
        ">Output",
        ">Cost",
        ">Charged",
        "State",
        "Claimed by",
        "~Why",
    ]
    kept = [name for name in columns if wide or name not in {"Person", "Source", "~Why"}]
    rows = [dict(zip(columns, _row(call, wide=wide), strict=True)) for call in calls]
    table(kept, [[row[name] for name in kept] for row in rows], empty="No such call was reported.")


def _row(call: dict[str, Any], *, wide: bool) -> list[str]:
    return [
        moment(call["at"]),
        call["person"] or NONE,
        call["source"],
        call["model"],
        f"{sum(int(call[f'{bucket}_tokens']) for bucket in INPUT):,}",
        f"{call['output_tokens'] + call['audio_output_tokens']:,}",
        money(call["cost"]),
        money(call["charged"]),
        call["state"],
        ", ".join(email if wide else email.partition("@")[0] for email in call["claimed_by"]) or NONE,
        call["why"] or NONE,
    ]
