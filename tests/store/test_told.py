"""What was done to imports is told by table, row and column; and what calls come to is proved while it changes."""

from __future__ import annotations

from bursar.store.database import Database
from bursar.store.journal import Journal
from bursar.store.verify import verify
from tests.store.making import write_papers
from tests.store.mutating import unguarded
from tests.store.reporting import write_charges, write_reports
from tests.store.test_verify import NOVEMBER_LOT, fill
from tests.support.clock import VirtualClock

WHERE_AND_WHAT = {
    "UPDATE imports SET repeated = 7 WHERE id = 1": [
        ("paper_differs", "imports 1", "repeated is 7; link 24 sealed 0"),
    ],
    "UPDATE usage_records SET input_tokens = 9, model = 'gpt-5' WHERE key = 'nobody'": [
        ("paper_differs", "usage_records 2", "model, input_tokens: it is not what link 24 sealed"),
    ],
    "UPDATE usage_records SET input_tokens = input_tokens + id WHERE key IN ('nobody', 'unpriced')": [
        ("paper_differs", "usage_records 2", "input_tokens: it is not what link 24 sealed"),
        ("paper_differs", "usage_records 3", "input_tokens: it is not what link 24 sealed"),
    ],
    "DELETE FROM usage_totals WHERE id = 2; UPDATE usage_totals SET requests = 9 WHERE id = 1": [
        ("paper_missing", "usage_totals 2", "it is not there; link 24 sealed it with imports 1"),
        ("paper_differs", "usage_totals 1", "it is not what link 24 sealed"),
    ],
    "UPDATE usage_totals SET import_id = 2 WHERE id = 2": [
        ("paper_missing", "usage_totals 2", "it is not there; link 24 sealed it with imports 1"),
        ("paper_unsealed", "usage_totals 2", "it is there as one of imports 2, and link 25 did not seal it"),
    ],
    "UPDATE usage_claims SET person_id = 2 WHERE key = 'memo'": [
        ("paper_differs", "usage_claims codex memo", "person_id: it is not what link 25 sealed"),
    ],
    "UPDATE outlines SET outline = x'00' WHERE import_id = 1": [
        ("paper_differs", "outlines 1", "it is not what link 24 sealed"),
    ],
    "UPDATE outlines SET outline = x'00' WHERE import_id = 1; UPDATE usage_totals SET requests = 9 WHERE id = 1": [
        ("paper_differs", "outlines 1", "it is not what link 24 sealed"),
        ("paper_differs", "imports 1", "it and what it brought are not what link 24 sealed"),
    ],
    "UPDATE usage_heads SET charged_nanos = 899 WHERE key = 'dear'": [
        (
            "head_differs",
            "usage_heads codex dear",
            "it is charged because '', but 899 nano-USD are charged; its record costs 900",
        ),
        (
            "charged_differs",
            "usage_heads codex dear",
            "899 nano-USD are charged for it; its postings come to 900",
        ),
    ],
}
"""What was done to imports, and what is told of it."""


def test_what_was_changed_in_an_import_is_told_by_table_row_and_column(
    sqlite_database: Database, clock: VirtualClock
) -> None:
    journal = Journal(sqlite_database, clock)
    fill(journal)
    write_papers(journal)
    write_reports(journal)
    write_charges(journal, NOVEMBER_LOT)
    journal.close()
    with unguarded(sqlite_database) as connection:
        for script, expected in WHERE_AND_WHAT.items():
            connection.exec_driver_sql("BEGIN")
            for statement in script.split("; "):
                connection.exec_driver_sql(statement)
            found = verify(connection)
            connection.exec_driver_sql("ROLLBACK")
            assert [(fault.name, fault.where, fault.problem) for fault in found.faults] == expected, script
        assert verify(connection).is_right
