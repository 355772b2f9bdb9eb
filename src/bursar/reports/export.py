"""Everything that Bursar knows about a person, as files that people and spreadsheets read.

Every table that has a `person_id` is in it; what is left out of a table are columns that only Bursar can use (digests
of secrets, places in hash chains). What the person is paid is in it only for those who may see that.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import msgspec
import sqlalchemy as sa

from bursar.document import Content, payload_of, signed_file
from bursar.ledger.accounts import account_of
from bursar.money import usd
from bursar.periods import iso
from bursar.reports.lots import known_person, terms_of
from bursar.store import directory, documents, schema
from bursar.store.documents import Kept
from bursar.store.statements import MONEY_COLUMNS
from bursar.terms.written import written

SAME_DATE = (1980, 1, 1, 0, 0, 0)
"""The same content gives the same archive."""
PAY = "pay"


class _Part(NamedTuple):
    """A table, what of it is left out, and what a row is."""

    table: sa.Table
    about: str
    without: tuple[str, ...] = ()


PARTS = {
    "employment-absences": _Part(schema.absences, "Leave, by its first and last day."),
    PAY: _Part(schema.pay, "What was paid a year, and since when."),
    "grants": _Part(schema.grants, "Enrolments in plans; plans.json has their terms."),
    "changes": _Part(schema.changes, "Changes of the terms: announced, in force, why, by whom, what was told."),
    "requests": _Part(schema.requests, "Requests for more credit, and what came of them."),
    "keys": _Part(schema.keys, "Keys, without their secrets, which are kept nowhere.", ("digest",)),
    "limits": _Part(schema.limits, "Limits that were set on this person."),
    "agent-runs": _Part(schema.runs, "Agent runs."),
    "balances": _Part(schema.balances, "Lots of credit and limits, as they stand."),
    "running-calls": _Part(schema.holds, "Money that is held for running calls.", ("legs", "note", "chain")),
    "calls": _Part(schema.calls, "Every call that has ended: model, tokens, cost. Prompts and answers are not kept."),
    "reported-usage": _Part(schema.usage_records, "Usage that others reported, every version of it.", ("import_id",)),
    "reported-calls": _Part(schema.usage_heads, "What each call that was reported has come to."),
    "reported-claims": _Part(schema.usage_claims, "Calls that were told of as this person's and are another's.",
                             ("import_id",)),
    "reports-under-way": _Part(schema.uploads, "Long reports of usage that are being put together, or were.",
                               ("import_id", "taken")),
    "journal": _Part(schema.postings, "Every posting of the journal; journal-transfers.csv has what each moved.",
                     ("link_id", "digest")),
    "refusals": _Part(schema.refusals, "What was refused, and why.", ("digest",)),
    "statements": _Part(schema.documents, "Statements that were given out; the folder statements has them.",
                        ("digest", "signed")),
}  # fmt: skip
MORE = {
    "person.json": "Who this is about.",
    "plans.json": "The plans of the grants, with their terms.",
    "journal-transfers.csv": "What each posting moved: from an account of a balance to another.",
}
HEAD = """\
What Bursar knows about {name} <{email}>

Amounts are in US dollars, exact to a billionth; times are ISO 8601 in UTC; an empty cell is nothing. Prompts and
answers are neither stored nor here.

"""
WITHOUT_PAY = "Pay is left out: it is for the person and for finance, and somebody else asked for this export.\n"


def export(connection: sa.Connection, person_id: int, *, with_pay: bool) -> bytes:
    """The archive (ZIP). Refused when there is no such person."""
    target = io.BytesIO()
    with ZipFile(target, "w", ZIP_DEFLATED) as archive:
        for name, content in _files(connection, person_id, with_pay=with_pay):
            archive.writestr(ZipInfo(name, SAME_DATE), content, ZIP_DEFLATED)
    return target.getvalue()


def _files(connection: sa.Connection, person_id: int, *, with_pay: bool) -> Iterator[tuple[str, bytes]]:
    person = known_person(connection, person_id)
    parts = {name: part for name, part in PARTS.items() if with_pay or name != PAY}
    abouts = {**MORE, **{f"{name}.csv": part.about for name, part in parts.items()}}
    lines = "".join(f"{name:<26}{about}\n" for name, about in sorted(abouts.items()))
    head = HEAD.format(name=person.name, email=person.email)
    yield "README.txt", (head + lines + ("" if with_pay else "\n" + WITHOUT_PAY)).encode()
    yield "person.json", _json(_told(msgspec.structs.asdict(person)))
    yield "plans.json", _json(_plans(connection, person_id))
    for name, part in parts.items():
        yield f"{name}.csv", _table(connection, part, person_id)
    yield "journal-transfers.csv", _transfers(connection, person_id)
    for kept in documents.documents_of(connection, person_id):
        file = signed_file(payload_of(kept.signed), kept.signed)
        if with_pay or not tells_pay(kept):
            yield f"statements/{kept.period}-{kept.n}-{kept.id}.json", file


def tells_pay(kept: Kept) -> bool:
    """Whether a statement that was given out says what the person is paid."""
    content = msgspec.json.decode(payload_of(kept.signed), type=Content)
    return content.statement.get("compensation") is not None


def _plans(connection: sa.Connection, person_id: int) -> list[dict[str, Any]]:
    return [
        {"grant": grant.id, "plan": plan.name, "version": plan.version, "terms": written(terms_of(plan))}
        for grant, plan in directory.grants_of(connection, person_id)
    ]


def _table(connection: sa.Connection, part: _Part, person_id: int) -> bytes:
    columns = [column for column in part.table.columns if column.name not in {*part.without, "person_id"}]
    theirs = part.table.c.person_id == person_id
    if part.table is schema.limits:
        own_keys = sa.select(schema.keys.c.id).where(schema.keys.c.person_id == person_id)
        theirs = sa.or_(theirs, schema.limits.c.key_id.in_(own_keys))
    rows = connection.execute(sa.select(*columns).where(theirs).order_by(*part.table.primary_key.columns))
    names = [column.name for column in columns]
    return _csv(
        map(_heading, names), ([_cell(name, cell) for name, cell in zip(names, row, strict=True)] for row in rows)
    )


def _transfers(connection: sa.Connection, person_id: int) -> bytes:
    transfers, postings = schema.transfers, schema.postings
    rows = connection.execute(
        sa.select(transfers)
        .join(postings, postings.c.id == transfers.c.posting_id)
        .where(postings.c.person_id == person_id)
        .order_by(transfers.c.posting_id, transfers.c.n)
    )
    return _csv(
        ("posting_id", "n", "from_balance", "from_account", "to_balance", "to_account", "amount"),
        (
            (posting_id, n, *_account(debit), *_account(credit), usd(nanos))
            for posting_id, n, debit, credit, nanos in rows
        ),
    )


def _account(code: int) -> tuple[int, str]:
    balance_id, account = account_of(code)
    return balance_id, account.name.lower()


def _heading(name: str) -> str:
    return name.removesuffix("_nanos").removesuffix("_us")


def _cell(name: str, value: Any) -> Any:
    if value is None:
        return ""
    if name.endswith("_us"):
        return iso(value) if value else ""
    return usd(value) if name.endswith("_nanos") or name in MONEY_COLUMNS else value


def _told(facts: dict[str, Any]) -> dict[str, Any]:
    return {_heading(name): _cell(name, value) if value is not None else None for name, value in facts.items()}


def _csv(headings: Iterable[str], rows: Iterable[Iterable[Any]]) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(headings)
    writer.writerows(rows)
    return text.getvalue().encode()


def _json(value: Any) -> bytes:
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()
