"""Changes of somebody's terms: raise or reduce, pause, resume, revoke, extend."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import read_text
from bursar.cli.person import Email
from bursar.cli.session import JsonFlag, path_of, session_of
from bursar.cli.show import say

Reason = Annotated[str, typer.Option(metavar="TEXT", help="Why. The person reads it.")]
Effective = Annotated[
    str | None,
    typer.Option(
        metavar="DATE", help="The first day on which it holds, YYYY-MM-DD in the plan's time zone.  [at once]"
    ),
]
PlanName = Annotated[
    str | None, typer.Option(metavar="NAME", help="Which plan's budget, when the person has several.")
]
Approver = Annotated[
    Path | None,
    typer.Option(
        metavar="FILE", help="A file with a second administrator's key, who agrees; - reads standard input."
    ),
]


def change(
    context: typer.Context,
    email: Email,
    *,
    amount: Annotated[str, typer.Option(metavar="USD", help="What the plan gives in each period from then on.")],
    reason: Reason,
    effective: Effective = None,
    plan: PlanName = None,
    json: JsonFlag = False,
) -> None:
    """Raise or reduce what a plan gives a person. Refused without the notice that the plan promises.

    A raise is added to the period that runs on its day; a reduction holds for periods that begin from then on.

    \b
    Examples:
      bursar change ann@example.com --amount 2500 --reason "Leads the migration"
      bursar change ann@example.com --amount 1500 --effective 2027-01-01 --reason "The migration is done"
    """
    _announce(context, email, kind="amount", amount=amount, effective=effective, reason=reason, plan=plan)


def pause(
    context: typer.Context,
    email: Email,
    *,
    reason: Reason,
    effective: Effective = None,
    until: Annotated[
        str | None, typer.Option(metavar="DATE", help="The first day on which it is open again.  [until resumed]")
    ] = None,
    plan: PlanName = None,
    approver: Approver = None,
    json: JsonFlag = False,
) -> None:
    """Close a person's budgets for a time: no call is paid, and no new period opens.

    It needs the notice of a reduction, unless the roster has the person on leave for all of it, or a second
    administrator agrees.

    \b
    Examples:
      bursar pause ann@example.com --effective 2027-01-04 --until 2027-07-01 --reason "Parental leave"
    """
    _announce(
        *(context, email),
        kind="pause",
        effective=effective,
        until=until,
        reason=reason,
        plan=plan,
        approver_key=_key_in(approver),
    )


def resume(
    context: typer.Context,
    email: Email,
    *,
    reason: Reason,
    effective: Effective = None,
    plan: PlanName = None,
    json: JsonFlag = False,
) -> None:
    """Open a person's budgets again that were paused.

    \b
    Examples:
      bursar resume ann@example.com --reason "Back from leave"
    """
    _announce(context, email, kind="resume", effective=effective, reason=reason, plan=plan)


def revoke(
    context: typer.Context,
    email: Email,
    *,
    reason: Reason,
    amount: Annotated[
        str | None,
        typer.Option(metavar="USD", help="Take only that much of what is open; further periods stay.  [all of it]"),
    ] = None,
    effective: Effective = None,
    plan: PlanName = None,
    for_cause: Annotated[
        bool, typer.Option("--for-cause", help="Without notice. It needs an approver and is on the statement.")
    ] = False,
    approver: Approver = None,
    json: JsonFlag = False,
) -> None:
    """Take a plan's budget from a person: what is neither spent nor vested, and all further periods.

    Refused without the notice that the plan promises, and when it promises not to revoke, unless it is for cause.
    Vested credit stays in any case.

    \b
    Examples:
      bursar revoke ann@example.com --effective 2027-02-01 --reason "The programme ends"
      bursar revoke ann@example.com --amount 500 --reason "The project was stopped"
      bursar revoke ann@example.com --for-cause --reason "Keys sold" --approver second-administrator.key
    """
    if for_cause != (approver is not None):
        raise typer.BadParameter("--for-cause and --approver go together")
    _announce(
        *(context, email),
        kind="revoke",
        amount=amount,
        effective=effective,
        reason=reason,
        plan=plan,
        approver_key=_key_in(approver),
    )


def extend(
    context: typer.Context,
    email: Email,
    *,
    until: Annotated[
        str,
        typer.Option(metavar="DATE", help="The first day on which it can no longer be used, YYYY-MM-DD."),
    ],
    reason: Reason,
    effective: Effective = None,
    plan: PlanName = None,
    json: JsonFlag = False,
) -> None:
    """Let credit that is open be used longer. Further periods begin and end as the plan says.

    \b
    Examples:
      bursar extend ann@example.com --until 2027-01-16 --reason "The release was moved"
      bursar extend ann@example.com --until 2027-03-01 --plan quarterly --reason "Back from sick leave"
    """
    _announce(context, email, kind="extend", until=until, effective=effective, reason=reason, plan=plan)


def _announce(context: typer.Context, email: str, **wanted: object) -> None:
    session = session_of(context)
    with session.client() as client:
        made: dict[str, Any] = client.post(f"{path_of('person', email)}/changes", wanted)
    if not session.show_json(made):
        say(f"{made['person']} is told: {made['told']}")


def _key_in(file: Path | None) -> str | None:
    return None if file is None else read_text(file).strip()
