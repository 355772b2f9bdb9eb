"""What others report, for tests that need some of everything: imports, what they brought, and what calls came to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import Account
from bursar.ledger.postings import Charge, Correct, Returned
from bursar.store import decisions, imports, totals
from bursar.store.decisions import ADJUSTED, BILLED, CHARGED, MEMO, NOBODY, PENDING, TOLD, UNPRICED
from bursar.store.faults import FaultName
from bursar.store.imports import Claim, Head, Import, Record
from bursar.store.journal import Journal
from bursar.store.totals import Total
from tests.support.calls import posted
from tests.support.clock import NOVEMBER_US

TOKENS = dict.fromkeys(totals.TOKENS, 0)
_RECORD: dict[str, Any] = {
    **{"source": "codex", "key": "", "version": 1, "person_id": 1, "person": "a@example.com"},
    **{"at_us": NOVEMBER_US + 1, "catalog": "openai", "model": "gpt-5-mini", "variant": "standard"},
    **TOKENS,
    **{"input_tokens": 10, "web_searches": 0, "reasoning_tokens": 0},
    **{"request_id": None, "message_id": None, "sidechain": 0},
    **{"price_version": "pb-1", "cost_nanos": 500, "source_cost_nanos": None},
}
_TOTAL: dict[str, Any] = {
    **{"source": "openai-usage", "key": "a day", "version": 1, "catalog": "openai"},
    **{"starts_us": NOVEMBER_US, "ends_us": NOVEMBER_US + 86_400_000_000, "model": "gpt-5-mini"},
    **dict.fromkeys(("variant", "item", "person", "api_key", "project", "grouping"), ""),
    **TOKENS,
    **{"input_tokens": 70, "requests": 3, "web_searches": 0, "cost_nanos": None},
}
TOTAL = Total(**_TOTAL)


def record(key: str, **more: object) -> Record:
    """What is told of a call, of Codex's unless it says so."""
    return Record(**{**_RECORD, "key": key, **more})


def head(told: Record, state: str, why: str, **more: object) -> Head:
    """What a call has come to; `record_id` is still to come."""
    names = (told.request_id, told.message_id, told.person_id, told.at_us)
    return msgspec.structs.replace(
        Head(told.source, told.key, 0, *names, state, why, charged_nanos=0, charged_record=None, charges=0), **more
    )


def report(
    journal: Journal, came_to: Sequence[tuple[Record, Head]], told: Sequence[Total] = (), claims: Sequence[Claim] = ()
) -> dict[tuple[str, str], int]:
    """Write an import; returns the numbers of its records."""

    def write(connection: sa.Connection) -> dict[tuple[str, str], int]:
        made = Import(0, "codex", "a.jsonl", "A", NOVEMBER_US, len(came_to), len(came_to), 0, 0)
        import_id = imports.add_import(connection, made)
        numbers = imports.add_records(connection, import_id, [each for each, _ in came_to])
        for each, its in came_to:
            why = decisions.why_pending(import_id) if its.state == PENDING else its.why
            written = msgspec.structs.replace(its, record_id=numbers[each.source, each.key], why=why)
            imports.put_heads(connection, [written], new=each.version == 1)
        totals.add(connection, import_id, told)
        imports.add_claims(connection, import_id, claims)
        return numbers

    return journal.write(write)


def write_reports(journal: Journal) -> None:
    """Three imports, of calls that charge nobody, beside the journal that `fill` makes. The person is number 1."""
    memo, other = record("memo", message_id="msg_0"), record("other", source="otel", message_id="msg_1", cost_nanos=7)
    nobody = record("nobody", person_id=None, person="b@example.com")
    unpriced = record("unpriced", model="gpt-9", price_version="", cost_nanos=None, source_cost_nanos=9)
    billed = record("billed", request_id="req_plain")
    told = record("told", message_id="msg_1", sidechain=1)
    report(
        journal,
        [
            (memo, head(memo, MEMO, decisions.WHY_MEMO)),
            (nobody, head(nobody, NOBODY, decisions.why_nobody("b@example.com"))),
            (unpriced, head(unpriced, UNPRICED, decisions.why_unpriced("gpt-9", "openai"))),
            (billed, head(billed, BILLED, decisions.WHY_BILLED)),
        ],
        [TOTAL, msgspec.structs.replace(TOTAL, key="another day", cost_nanos=9)],
    )
    grown = msgspec.structs.replace(memo, version=2, output_tokens=90, cost_nanos=600)
    report(
        journal,
        [
            (other, head(other, MEMO, decisions.WHY_MEMO)),
            (told, head(told, TOLD, decisions.why_told("otel"))),
            (grown, head(grown, MEMO, decisions.WHY_MEMO)),
        ],
        claims=[Claim("codex", "memo", 1), Claim("codex", "billed", 1)],
    )
    waiting, summed = record("waiting"), record("sum", source="copilot")
    report(
        journal,
        [(waiting, head(waiting, PENDING, "")), (summed, head(summed, MEMO, decisions.WHY_SUM))],
        [msgspec.structs.replace(TOTAL, version=2, requests=4)],
    )


def write_charges(journal: Journal, lot_id: int) -> None:
    """Calls of person 1 that are charged: one for more when it had grown, one for less, one to nobody's credit."""
    dear, back, late = (
        record(key, cost_nanos=cost) for key, cost in (("dear", 700), ("back", 500), ("adjusted", 40))
    )
    numbers = report(journal, [(each, head(each, PENDING, "")) for each in (dear, back, late)])
    for each in (dear, back, late):
        _charge(journal, lot_id, each, 0, each.cost_nanos or 0, is_late=each is late)
        _decide(journal, each, numbers, ADJUSTED if each is late else CHARGED, 1)
    more, less = record("dear", version=2, cost_nanos=900), record("back", version=2, cost_nanos=300)
    before = [(more, 700), (less, 500)]
    came_to = [
        (each, head(each, PENDING, "", charged_nanos=nanos, charged_record=numbers["codex", each.key], charges=1))
        for each, nanos in before
    ]
    numbers = report(journal, came_to)
    _charge(journal, lot_id, more, 1, 200)
    _decide(journal, more, numbers, CHARGED, 2)
    returned = (Returned(lot_id, Account.AVAILABLE, 200),)
    posted(journal.post(Correct("codex:back:1", 1, returned, NOVEMBER_US + 30, "it was less")))
    _decide(journal, less, numbers, CHARGED, 2)


def _charge(journal: Journal, lot_id: int, told: Record, n: int, nanos: int, *, is_late: bool = False) -> None:
    at_us = NOVEMBER_US + 20
    posted(journal.post(Charge(f"codex:{told.key}:{n}", 1, (lot_id,), nanos, at_us, at_us, adjustment=is_late)))


def _decide(journal: Journal, told: Record, numbers: dict[tuple[str, str], int], state: str, charges: int) -> None:
    number = numbers[told.source, told.key]
    came_to = head(told, state, "", charged_nanos=told.cost_nanos, charges=charges)
    came_to = msgspec.structs.replace(came_to, record_id=number, charged_record=number)
    journal.write(lambda connection: imports.put_heads(connection, [came_to], new=False))


OF_REPORTS: dict[str, tuple[str, set[FaultName]]] = {
    "an import is edited": ("UPDATE imports SET repeated = 7 WHERE id = 1", {FaultName.PAPER_DIFFERS}),
    "an import is deleted, and what it brought stays": (
        "DELETE FROM imports WHERE id = 1",
        {FaultName.PAPER_MISSING, FaultName.PAPER_UNSEALED},
    ),
    "a record is edited": (
        "UPDATE usage_records SET input_tokens = 9 WHERE id = 1",
        {FaultName.PAPER_DIFFERS},
    ),
    "a record is deleted": (
        "DELETE FROM usage_records WHERE key = 'memo' AND version = 2",
        {FaultName.PAPER_MISSING, FaultName.HEAD_DIFFERS},
    ),
    "a call goes with its record": (
        "DELETE FROM usage_records WHERE key = 'nobody'; DELETE FROM usage_heads WHERE key = 'nobody'",
        {FaultName.PAPER_MISSING},
    ),
    "two totals change places": (
        "UPDATE usage_totals SET id = 9 WHERE id = 1; UPDATE usage_totals SET id = 1 WHERE id = 2;"
        "UPDATE usage_totals SET id = 2 WHERE id = 9",
        {FaultName.PAPER_DIFFERS},
    ),
    "a claim is made up": ("INSERT INTO usage_claims VALUES (1, 'codex', 'memo', 1)", {FaultName.PAPER_UNSEALED}),
    "an outline is deleted": ("DELETE FROM outlines WHERE import_id = 2", {FaultName.PAPER_MISSING}),
    "a record is edited and its outline, too": (
        "UPDATE usage_records SET input_tokens = 9 WHERE id = 1; UPDATE outlines SET outline = x'00'",
        {FaultName.PAPER_DIFFERS},
    ),
    "a head is deleted": ("DELETE FROM usage_heads WHERE key = 'memo'", {FaultName.HEAD_MISSING}),
    "an old version is made to count": (
        "UPDATE usage_heads SET record_id = 1 WHERE key = 'memo'",
        {FaultName.HEAD_DIFFERS},
    ),
    "a call becomes another person's": (
        "UPDATE usage_heads SET person_id = 2 WHERE key = 'dear'",
        {FaultName.HEAD_DIFFERS},
    ),
    "less is said to be charged": (
        "UPDATE usage_heads SET charged_nanos = 1 WHERE key = 'dear'",
        {FaultName.CHARGED_DIFFERS, FaultName.HEAD_DIFFERS},
    ),
    "a charge is forgotten": (
        "UPDATE usage_heads SET charged_nanos = 700, charges = 1 WHERE key = 'dear'",
        {FaultName.CHARGED_DIFFERS, FaultName.HEAD_DIFFERS},
    ),
    "a charge is said to be none": (
        "UPDATE usage_heads SET state = 'memo', why = 'the plan does not charge for it', charged_nanos = 0,"
        " charged_record = NULL, charges = 0 WHERE key = 'dear'",
        {FaultName.CHARGED_DIFFERS},
    ),
    "more charges than anybody can count": (
        f"UPDATE usage_heads SET charges = {2**62} WHERE key = 'dear'",
        {FaultName.CHARGED_DIFFERS},
    ),
    "a memo is said to be charged": (
        "UPDATE usage_heads SET state = 'charged', why = '' WHERE key = 'memo'",
        {FaultName.HEAD_DIFFERS},
    ),
    "an adjustment is said to be a charge": (
        "UPDATE usage_heads SET state = 'charged' WHERE state = 'adjusted'",
        {FaultName.HEAD_DIFFERS},
    ),
    "the gateway billed something else": (
        "UPDATE usage_heads SET state = 'billed', why = 'the gateway billed it' WHERE key = 'memo'",
        {FaultName.HEAD_DIFFERS},
    ),
    "nobody else tells of it": (
        "UPDATE usage_heads SET state = 'told', why = 'otel tells of the same call' WHERE key = 'memo'",
        {FaultName.HEAD_DIFFERS},
    ),
    "a state that there is not": (
        "UPDATE usage_heads SET state = 'free' WHERE key = 'memo'",
        {FaultName.HEAD_DIFFERS},
    ),
    "pending because of no import": (
        "UPDATE usage_heads SET state = 'pending', why = 'import 77' WHERE key = 'memo'",
        {FaultName.HEAD_DIFFERS},
    ),
}
"""What somebody may do to reports, behind Bursar's back, and the faults that are found at least."""
