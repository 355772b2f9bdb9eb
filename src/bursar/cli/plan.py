"""Plans."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, Any

import typer

from bursar.cli.files import read_text
from bursar.cli.session import JsonFlag, Session, path_of, session_of
from bursar.cli.show import count, facts, moment, money, table
from bursar.refusals import Refused, Why, refuse

app = typer.Typer(name="plan", help="Add plans from files, list them, look one up.", no_args_is_help=True)


@app.command()
def add(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The plan's file; - reads standard input.")],
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a plan is changed.")] = False,
    json: JsonFlag = False,
) -> None:
    """Add a plan, or the next version of one, after it has shown what changes.

    Grants that exist keep the version that they have.

    \b
    A plan's file has at least a name and an amount:
      name = "engineers"
      amount = "2000.00"
      time_zone = "Europe/Stockholm"
      models = ["claude-*", "gpt-*"]

    \b
    Examples:
      bursar plan add engineers.toml
      bursar plan add engineers.toml --yes
    """
    session = session_of(context)
    text = read_text(file)
    with session.client() as client:
        checked = client.post("/plans/check", {"toml": text})
        if checked["changes"]:
            _show_changes(checked, session)
            _ask(checked, yes=yes)
        made = client.post("/plans", {"toml": text})
    if not session.show_json(made):
        _show_one(made)


@app.command()
def lint(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE.toml", help="The plan's file; - reads standard input.")],
    json: JsonFlag = False,
) -> None:
    """Read a plan's file and warn about terms that work against the person or that counsel should see.

    Nothing is added. Bursar gives no advice on law or tax.

    \b
    Examples:
      bursar plan lint engineers.toml
    """
    session = session_of(context)
    text = read_text(file)
    with session.client() as client:
        checked = client.post("/plans/check", {"toml": text})
    if not session.show_json(checked):
        table(
            ["For", "Field", "~Warning"],
            [[warning["audience"], warning["field"], warning["text"]] for warning in checked["warnings"]],
            empty=f"Nothing to say about the plan {checked['name']}.",
        )


@app.command("list")
def list_plans(context: typer.Context, json: JsonFlag = False) -> None:
    """List every version of every plan, the newest first.

    \b
    Examples:
      bursar plan list
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/plans")
    if not session.show_json(found):
        _show(found)


@app.command()
def show(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The plan's name.")],
    json: JsonFlag = False,
) -> None:
    """Show what a plan's newest version promises.

    \b
    Examples:
      bursar plan show engineers
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get(path_of("plan", name))
    if not session.show_json(found):
        _show_one(found)


def _show(plans: list[dict[str, Any]]) -> None:
    table(
        ["Plan", ">Version", ">Amount", "Every", "Time zone", "~Models"],
        [
            [
                plan["name"],
                str(plan["version"]),
                _amount(plan["terms"]),
                _every(plan["terms"]),
                plan["terms"]["time_zone"],
                _models(plan["terms"]),
            ]
            for plan in plans
        ],
        empty="No plan yet. `bursar plan add` adds one.",
    )


def _show_changes(checked: dict[str, Any], session: Session) -> None:
    if session.as_json:
        return
    title = f"{checked['name']}: version {checked['version']} becomes {checked['version'] + 1}"
    rows = [[change["field"], change["was"], change["becomes"]] for change in checked["changes"]]
    table(["Field", "~Was", "~Becomes"], rows, title=title)


def _ask(checked: dict[str, Any], *, yes: bool) -> None:
    """Ask whether a plan is to be changed; somebody must be there to be asked."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Refused(refuse(Why.FIELD_MISSING, field="--yes", right="given when there is nobody to ask"))
    typer.confirm(f"Add version {checked['version'] + 1} of the plan {checked['name']}?", abort=True, err=True)


def _show_one(plan: dict[str, Any]) -> None:
    terms = plan["terms"]
    rows = [
        ("Plan", f"{plan['name']}, version {plan['version']}"),
        ("Amount", f"{_amount(terms)}{_blend(terms)} every {_every(terms)}{_from(terms)}"),
        ("Escalator", escalator(terms)),
        ("Time zone", terms["time_zone"]),
        ("Available", "day by day, as it is earned" if terms["availability"] == "accrual" else ""),
        ("Parts of periods", "count by the day" if terms["proration"] == "daily" else ""),
        ("Unused credit", _unused(terms)),
        ("Cash-out", _cash_out(terms)),
        ("Models", _models(terms)),
        ("Longer answers", "are cut to what the budget can pay" if terms["clamp"] else "are refused"),
        ("Priority", f"{terms['priority']} (lower is spent first)"),
        ("Notice", _notice(terms)),
        ("Vesting", _vesting(terms)),
        ("Leave", "days of leave earn nothing" if terms["on_leave"] == "pause" else ""),
        ("Leaving", _leaving(terms)),
        ("Taxed as", TAX_CHARACTERS[terms["tax_character"]]),
        ("Expected", expectation(terms)),
        ("Since (UTC)", moment(plan["created"])),
    ]
    facts([(name, value) for name, value in rows if value])


def _amount(terms: dict[str, Any]) -> str:
    """What a period gives, in dollars or in tokens."""
    if terms["denomination"] == "tokens":
        return f"{terms['tokens']:,} tokens of {terms['tokens_of']}"
    return f"{money(terms['amount'])} {terms['currency']}"


def _blend(terms: dict[str, Any]) -> str:
    return "" if terms["denomination"] == "money" else f", {terms['tokens_output']} of them output,"


def escalator(terms: dict[str, Any]) -> str:
    """How the amount grows, in words; nothing when it does not."""
    if terms["escalator"] == "fixed":
        return f"{terms['escalator_rate']} more with each year of the grant"
    if terms["escalator"] == "price_index":
        return f"follows the price of {', '.join(terms['escalator_basket'])} since the grant's start"
    return ""


TAX_CHARACTERS = {
    "working_condition": "a working-condition tool, says the employer",
    "imputed_income": "income of the person, says the employer",
    "undecided": "",
}


def expectation(terms: dict[str, Any]) -> str:
    """What output the employer expects, in words; nothing when the plan does not say."""
    if not terms["expectation_multiple"]:
        return ""
    measure = f" ({terms['expectation_measure']})" if terms["expectation_measure"] else ""
    return f"{terms['expectation_multiple']} times the output without the budget{measure}"


def _every(terms: dict[str, Any]) -> str:
    words = {
        "weekly": "week",
        "biweekly": "two weeks",
        "semimonthly": "half month",
        "monthly": "month",
        "quarterly": "quarter",
        "annual": "year",
    }
    return words[terms["schedule"]]


def _from(terms: dict[str, Any]) -> str:
    return f", as from {terms['anchor']}" if terms["anchor"] else ""


def _unused(terms: dict[str, Any]) -> str:
    if terms["unused"] == "grace":
        return f"stays usable for {count(terms['grace_days'], 'day')} after the period, then expires"
    if terms["unused"] == "carry_over":
        cap = f", at most {_amount_or_share(terms['carry_over_cap'])}" if terms["carry_over_cap"] else ""
        return f"is carried over for {count(terms['carry_over_periods'], 'period')}{cap}"
    return "expires when the period ends"


def _cash_out(terms: dict[str, Any]) -> str:
    if not terms["cash_out_rate"]:
        return ""
    cap = f", at most {money(terms['cash_out_cap'])} of credit" if terms["cash_out_cap"] else ""
    return f"{terms['cash_out_rate']} of what would expire is paid{cap}"


def _amount_or_share(cap: str) -> str:
    return f"{cap} of the lot" if cap.endswith("%") else money(cap)


def _notice(terms: dict[str, Any]) -> str:
    revoke = (
        "cannot be revoked" if not terms["revocable"] else f"{count(terms['notice_revoke_days'], 'day')} to revoke"
    )
    if terms["revocable"] and not terms["notice_reduce_days"] and not terms["notice_revoke_days"]:
        return ""
    return f"{count(terms['notice_reduce_days'], 'day')} to reduce, {revoke}"


def _vesting(terms: dict[str, Any]) -> str:
    if not terms["vesting_months"]:
        return ""
    cliff = (
        f", nothing before {count(terms['vesting_cliff_months'], 'month')}" if terms["vesting_cliff_months"] else ""
    )
    return f"over {count(terms['vesting_months'], 'month')}{cliff}"


def _leaving(terms: dict[str, Any]) -> str:
    ends = {
        "forfeit": "credit ends with the last day",
        "days": f"credit ends {count(terms['leaving_days'] or 0, 'day')} after the last day",
        "period_end": "",
    }[terms["on_leaving"]]
    return ends + (", what is vested is cashed out" if terms["leaving_vested"] == "cash_out" else "")


def _models(terms: dict[str, Any]) -> str:
    return ", ".join(terms["models"]) or "all"
