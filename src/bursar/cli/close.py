"""The close of periods."""

from __future__ import annotations

from typing import Annotated

import typer

from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import count, moment, money, say, table

WORDS = {
    "open": "opened",
    "accrue": "earned",
    "add": "added",
    "carry": "carried over",
    "cash_out": "cashed out",
    "expire": "expired",
    "revoke": "revoked",
}
"""What the ledger's verbs did to lots."""


def close(
    context: typer.Context,
    through: Annotated[
        str | None, typer.Option(metavar="DATE", help="The last day to close, YYYY-MM-DD in UTC.  [now]")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Close what has ended: open the lots that are due, carry over, cash out and expire what is unspent.

    A running server does the same by itself. It may be done any number of times: what was posted is not posted again.

    \b
    Examples:
      bursar close
      bursar close --through 2026-11-30
    """
    session = session_of(context)
    with session.client() as client:
        done = client.post("/close", {"through": through})
    if session.show_json(done):
        return
    table(
        ["Lots", ">Postings", ">Amount"],
        [
            [WORDS.get(one["verb"], one["verb"]), f"{one['postings']:,}", money(one["amount"])]
            for one in done["posted"]
        ],
        empty="Nothing was left to post.",
    )
    postings = sum(one["postings"] for one in done["posted"])
    say(f"Closed through {moment(done['through'])} UTC; {count(postings, 'posting')}.")
