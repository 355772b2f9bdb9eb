"""Calls that others reported, as a table: what they are, what they cost, and what they have come to."""

from __future__ import annotations

from typing import Any

from bursar.cli.show import NONE, moment, money, table, width

USUAL, ROOMY, WIDE = 100, 110, 150
"""Columns from which on there is room for all tokens, for why a call came to nothing, and for e-mails in full."""
INPUT = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "audio_input")


def show(calls: list[dict[str, Any]], *, with_person: bool) -> None:
    """Print them, all of one source; a person only where there may be several."""
    room = width()
    columns = ["At (UTC)", "Person", "Model", ">Input", ">Output", ">Cost", ">Charged", "State", "Claimed by", "~Why"]
    left_out = set() if with_person else {"Person"}
    if room < USUAL:
        left_out |= {">Output", ">Input"} if with_person else {">Output"}
    if room < ROOMY:
        left_out |= {"~Why"}
    kept = [index for index, name in enumerate(columns) if name not in left_out]
    rows = [_row(call, wide=room >= WIDE) for call in calls]
    table([columns[i] for i in kept], [[row[i] for i in kept] for row in rows], empty="No such call was reported.")


def _row(call: dict[str, Any], *, wide: bool) -> list[str]:
    """A call's cells. Where there is little room, a person is the e-mail's first part."""
    person, *others = (
        email if wide else email.partition("@")[0] for email in (call["person"] or NONE, *call["claimed_by"])
    )
    return [
        moment(call["at"]),
        person,
        call["model"],
        f"{sum(int(call[f'{bucket}_tokens']) for bucket in INPUT):,}",
        f"{call['output_tokens'] + call['audio_output_tokens']:,}",
        money(call["cost"]),
        money(call["charged"]),
        call["state"],
        ", ".join(others) or NONE,
        call["why"] or NONE,
    ]
