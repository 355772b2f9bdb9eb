"""Requests for more credit."""

from __future__ import annotations

from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import NONE, moment, money, say, table

ASK = "ask"
Number = Annotated[int, typer.Argument(metavar="ID", min=1, help="The request's number in `bursar request list`.")]


class _AskByDefault(TyperGroup):
    """`bursar request EMAIL` means `bursar request ask EMAIL`; no e-mail address is called like a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where none is named."""
        named = not args or args[0] in self.commands or args[0] in ctx.help_option_names
        return super().parse_args(ctx, args if named else [ASK, *args])


app = typer.Typer(
    name="request",
    cls=_AskByDefault,
    help="Requests for more credit: `bursar request EMAIL` asks; list, approve, deny.",
    no_args_is_help=True,
)


@app.command(ASK)
def ask(
    context: typer.Context,
    email: Email,
    amount: Annotated[str, typer.Option(metavar="USD", help="How much more, once.")],
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What it is for.")],
    json: JsonFlag = False,
) -> None:
    """Ask for credit beyond what the plan gives, for this period.

    \b
    Examples:
      bursar request ann@example.com --amount 500 --reason "Load test before the launch"
      bursar request ask ann@example.com --amount 500 --reason "The same, written out"
    """
    session = session_of(context)
    with session.client() as client:
        asked = client.post("/requests", {"person": email, "amount": amount, "reason": reason})
    if not session.show_json(asked):
        say(
            f"The request {asked['id']} for {money(asked['amount'])} is open. `bursar request list` tells its answer."
        )


@app.command("list")
def list_requests(
    context: typer.Context,
    person: Annotated[str | None, typer.Option(metavar="EMAIL", help="Only those of this person.")] = None,
    state: Annotated[str | None, typer.Option(metavar="STATE", help="Only open, approved or denied ones.")] = None,
    json: JsonFlag = False,
) -> None:
    """List requests with their answers, the oldest first.

    \b
    Examples:
      bursar request list --state open
      bursar request list --person ann@example.com
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/requests", person=person, only=state)
    if not session.show_json(found):
        show_requests(found)


@app.command()
def approve(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="What is said to the person, if anything.")] = "",
    plan: Annotated[
        str | None, typer.Option(metavar="NAME", help="Whose period it is added to, when there are several.")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Approve a request: the credit is added to the period that runs now.

    \b
    Examples:
      bursar request approve 3
    """
    _answer(context, number, "approve", {"reason": reason, "plan": plan})


@app.command()
def deny(
    context: typer.Context,
    number: Number,
    reason: Annotated[str, typer.Option(metavar="TEXT", help="Why. The person reads it.")],
    json: JsonFlag = False,
) -> None:
    """Deny a request, and say why.

    \b
    Examples:
      bursar request deny 3 --reason "The test can wait for the next period"
    """
    _answer(context, number, "deny", {"reason": reason})


def _answer(context: typer.Context, number: int, verb: str, answer: dict[str, object]) -> None:
    session = session_of(context)
    with session.client() as client:
        answered = client.post(f"/requests/{number}/{verb}", answer)
    if not session.show_json(answered):
        amount = money(answered["amount"])
        say(f"The request {number}, {amount} for {answered['person']}, is {answered['state']}.")


def show_requests(requests: list[dict[str, Any]], title: str = "") -> None:
    """Print requests as a table."""
    table(
        [">ID", "Person", ">Amount", "~Reason", "State", "Asked (UTC)", "By", "~Answer"],
        [
            [
                str(one["id"]),
                one["person"],
                money(one["amount"]),
                one["reason"],
                one["state"],
                moment(one["asked"]),
                one["decided_by"] or NONE,
                one["answer"] or NONE,
            ]
            for one in requests
        ],
        empty="No request yet. `bursar request EMAIL` makes one.",
        title=title,
    )
