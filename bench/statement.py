"""A person's statement: how long it takes when 10,000 people have made a million calls in its month.

The database is filled with rows as the journal would have written them, in the order in which people called, so that
one person's are scattered over all of it. Each person that is measured is asked for once: nothing of theirs was read
before.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bench.field import Say
from bench.figure import Cell, Figure, Spread, spread
from bursar.document import Facts
from bursar.ledger.accounts import Account, account_code
from bursar.periods import Monthly
from bursar.reports.statement import statement
from bursar.reports.statement_pdf import render_pdf
from bursar.reports.statement_text import render
from bursar.store import directory
from bursar.store.database import Database
from bursar.store.statements import MONEY_COLUMNS
from bursar.terms.plan import read_plan

FOLDER = Path(__file__).parent / "results"
PEOPLE = 10_000
CALLS_EACH = 100
MEASURED = 60
MONTH = Monthly("Europe/Stockholm").named("2026-11")
GRANTED, BOUND, COST = 2_000 * 10**9, 50_000_000, 12_345_678
MODELS = ("claude-opus-4-5", "claude-sonnet-4-5", "claude-haiku-4-5", "gpt-5.2-codex")
PLAN = 'name = "engineers"\namount = "2000.00"\ntime_zone = "Europe/Stockholm"\n'
FACTS = Facts(id="st-0", number=1, replaces=None, issued="2026-12-01T00:00:00Z")
BATCH = 50_000


def statements(say: Say) -> Figure:
    """How long a statement of one person takes, made from the journal, and as text or PDF from then on."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="statement-", dir=FOLDER) as name:
        database = Database.in_folder(Path(name))
        database.migrate()
        say(f"statements: writing {PEOPLE * CALLS_EACH:,} calls of {PEOPLE:,} people")
        fill(database)
        say(f"statements: of {MEASURED} people")
        made, text, pdf = measured(database)
        database.close()
    row: dict[str, Cell | Spread] = {
        "program": "bursar on SQLite",
        "from the journal ms": spread(made),
        "as text ms": spread(text),
        "as PDF ms": spread(pdf),
    }
    note = (
        f"{PEOPLE:,} people with {CALLS_EACH} calls each in the month; {MEASURED} of them, each asked for once, "
        "in this process. Text and PDF are what rendering takes besides. Median (lowest..highest)."
    )
    return Figure("A person's statement among a million calls", note, [row])


def measured(database: Database) -> tuple[list[float], list[float], list[float]]:
    """Milliseconds of each person's statement, of its text and its PDF."""
    rng = random.Random(1)
    made_ms, text_ms, pdf_ms = [], [], []
    for person_id in rng.sample(range(1, PEOPLE + 1), MEASURED):
        since_s = time.perf_counter()
        with database.reading() as connection:
            made = statement(connection, person_id, MONTH.label)
        made_s = time.perf_counter()
        assert made.spent_nanos == CALLS_EACH * COST, "the statement has all of the person's calls"
        render(made)
        text_s = time.perf_counter()
        render_pdf(made, FACTS, b"{}")
        made_ms.append((made_s - since_s) * 1_000)
        text_ms.append((text_s - made_s) * 1_000)
        pdf_ms.append((time.perf_counter() - text_s) * 1_000)
    return made_ms, text_ms, pdf_ms


def fill(database: Database) -> None:
    """People with a plan, a lot each that is as its calls left it, and the journal of all of it."""
    terms = msgspec.json.encode(read_plan(PLAN)).decode()
    with database.engine.begin() as connection:
        plan = directory.add_plan(connection, "engineers", terms, 1)
        raw = connection.connection.driver_connection
        assert raw is not None, "the connection is open"
        people = range(1, PEOPLE + 1)
        _insert(raw, "people(id, email, name, team, created_us)",
                ((n, f"p{n}@example.com", f"Person {n}", "", 1) for n in people))  # fmt: skip
        _insert(raw, "grants(id, person_id, plan_id, from_us, created_us)", ((n, n, plan.id, 1, 1) for n in people))
        spent = CALLS_EACH * COST
        columns = "id, person_id, kind, source, label, priority, opens_us, expires_us, granted, available, spent"
        zeros = [name for name in MONEY_COLUMNS if name not in {"granted", "available", "spent"}]
        kept = (MONTH.label, 100, MONTH.start_us, MONTH.end_us, GRANTED, GRANTED - spent, spent, *(0 for _ in zeros))
        lots = ((n, n, "lot", f"grant:{n}", *kept) for n in people)
        _insert(raw, f"balances({columns}, {', '.join(zeros)})", lots)
        for batch in _batches(_journal()):
            for table, rows in batch.items():
                _insert(raw, table, iter(rows))


POSTINGS = "postings(id, link_id, op, digest, verb, person_id, effective_us, amount_nanos, reason)"
TRANSFERS = "transfers(posting_id, n, debit, credit, amount_nanos)"
CALLS = (
    "calls(posting_id, hold_id, person_id, key_id, wire, provider, model, variant, started_us, ended_us, "
    "input_tokens, cache_read_tokens, cache_write_5m_tokens, cache_write_1h_tokens, output_tokens, "
    "audio_input_tokens, audio_output_tokens, web_searches, reasoning_tokens, price_version, bound_nanos, "
    "cost_nanos, outcome, reason, provider_request)"
)
Row = tuple[str, tuple[Any, ...]]


def _journal() -> Iterator[Row]:
    """The lots' openings, then everybody's first call, everybody's second …: (table, row)."""
    available, held, spent = Account.AVAILABLE, Account.HELD, Account.SPENT
    posting, digest = 0, bytes(32)
    for person in range(1, PEOPLE + 1):
        posting += 1
        yield (
            POSTINGS,
            (posting, 1, f"open:grant:{person}:{MONTH.label}", digest, "open", person, MONTH.start_us, GRANTED, ""),
        )
        yield TRANSFERS, (posting, 0, account_code(person, Account.FUNDING), account_code(person, available), GRANTED)
    step_us = (MONTH.end_us - MONTH.start_us) // (CALLS_EACH + 1)
    for number in range(CALLS_EACH):
        for person in range(1, PEOPLE + 1):
            call, at_us = f"{person:06x}{number:04x}", MONTH.start_us + number * step_us + person
            codes = [account_code(person, account) for account in (available, held, spent)]
            yield POSTINGS, (posting + 1, 1, f"hold:{call}", digest, "hold", person, at_us, BOUND, "")
            yield TRANSFERS, (posting + 1, 0, codes[0], codes[1], BOUND)
            yield POSTINGS, (posting + 2, 1, f"end:{call}", digest, "settle", person, at_us + 9, COST, "")
            yield TRANSFERS, (posting + 2, 0, codes[1], codes[2], COST)
            yield TRANSFERS, (posting + 2, 1, codes[1], codes[0], BOUND - COST)
            model = MODELS[(person + number) % len(MODELS)]
            yield (
                CALLS,
                (
                    *(
                        posting + 2,
                        call,
                        person,
                        1,
                        "openai",
                        "openai",
                        model,
                        "standard",
                        at_us,
                        at_us + 9,
                        4_000,
                        0,
                        0,
                        0,
                    ),
                    *(700, 0, 0, 0, 0, "pb-1", BOUND, COST, "settled", "", ""),
                ),
            )
            posting += 2


def _batches(rows: Iterator[Row]) -> Iterator[dict[str, list[tuple[Any, ...]]]]:
    batch: dict[str, list[tuple[Any, ...]]] = {POSTINGS: [], TRANSFERS: [], CALLS: []}
    for table, row in rows:
        batch[table].append(row)
        if len(batch[TRANSFERS]) >= BATCH:
            yield batch
            batch = {table: [] for table in batch}
    yield batch


def _insert(raw: Any, table: str, rows: Iterator[Sequence[Any]]) -> None:
    places = ", ".join("?" * (table.count(",") + 1))
    raw.executemany(f"INSERT INTO {table} VALUES ({places})", rows)
