"""Balance."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import typer

from bursar.cli import limit, pool
from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import facts, gap, moment, money, say, table

BAR_WIDTH = 40


def balance(context: typer.Context, email: Email, json: JsonFlag = False) -> None:
    """Show what a person has left, and until when.

    \b
    Examples:
      bursar balance ann@example.com
      bursar balance ann@example.com --json
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("person", email) + "/balance")
    if not session.show_json(found):
        _show(found)


def _show(found: dict[str, Any]) -> None:
    say(f"{found['name']} <{found['person']}>")
    if found["lots"]:
        _lots(found)
    else:
        say("No budget is open now.")
    if found["pools"]:
        gap()
        pool.show(found["pools"])
        say("The team's pool pays when what is one's own is used up.")
    if found["limits"]:
        gap()
        table(
            ["Limit", ">Of", ">Spent", ">Held", ">Left", "Warning"],
            [
                [
                    one["name"],
                    *(money(one[name]) for name in ("granted", "spent", "held", "available")),
                    limit.warning(one),
                ]
                for one in found["limits"]
            ],
        )


_SHOWN = (
    "granted",
    "carried_in",
    "spent",
    "held",
    "expired",
    "revoked",
    "carried_out",
    "cashed_out",
    "overrun",
    "adjusted",
    "unearned",
    "available",
    "beyond",
)
_WORDS = {
    "carried_in": "Carried in",
    "carried_out": "Carried over",
    "cashed_out": "Cashed out",
    "adjusted": "Reported too late",
    "unearned": "Not yet earned",
    "beyond": "May be passed by",
}


def _lots(found: dict[str, Any]) -> None:
    put_in = str(Decimal(found["granted"]) + Decimal(found["carried_in"]))
    say(f"{money(found['available'])} left of {money(put_in)}  {_bar(found)}")
    gap()
    always = {"granted", "spent", "held", "available"}
    shown = [name for name in _SHOWN if name in always or float(found[name])]
    facts((_WORDS.get(name, name.capitalize()), f"{money(found[name]):>14}") for name in shown)
    gap()
    table(
        ["Plan", "Period", ">Granted", ">Spent", ">Held", ">Available", "~Ends"],
        [
            [
                lot["plan"],
                lot["period"],
                *(money(lot[name]) for name in ("granted", "spent", "held", "available")),
                f"{moment(lot['expires'], lot['time_zone'])} {lot['time_zone']}",
            ]
            for lot in found["lots"]
        ],
        empty="",
    )


def _bar(found: dict[str, Any]) -> str:
    """How much is spent or held of what could be, as a bar: what was taken or paid out counts on neither side."""
    used = float(found["spent"]) + float(found["held"])
    usable = used + float(found["available"]) + float(found["unearned"])
    share = used / usable if usable else 1.0
    full = round(BAR_WIDTH * share)
    return "█" * full + "░" * (BAR_WIDTH - full) + f" {share:.0%} used"
