"""All statements of all people, made again: of each database of the folders that are named, a digest and a length."""

from __future__ import annotations

import sys
from hashlib import sha256
from pathlib import Path

import sqlalchemy as sa

from bursar.document import Facts
from bursar.reports.statement import statement
from bursar.reports.statement_html import render_html
from bursar.reports.statement_pdf import render_pdf
from bursar.reports.statement_text import render
from bursar.store.database import Database
from bursar.store.schema import balances

FACTS = Facts(id="st-1", number=1, replaces=None, issued="2026-12-01T00:00:00Z")


def statements(database: Database, pdfs: int = 1) -> list[bytes]:
    """Every person's statement of every period, as JSON, text and HTML; the first few as PDF as well."""
    made: list[bytes] = []
    with database.reading() as connection:
        theirs = sa.select(balances.c.person_id, balances.c.label).where(
            balances.c.kind == "lot", balances.c.person_id > 0
        )
        periods = sorted({tuple(row) for row in connection.execute(theirs)})
        for index, (person_id, label) in enumerate(periods):
            told = statement(connection, person_id, label)
            pages = told.to_json() + render(told).encode() + render_html(told, FACTS, b"{}")
            made.append(pages + (render_pdf(told, FACTS, b"{}") if index < pdfs else b""))
    return made


if __name__ == "__main__":
    for folder in sys.argv[1:]:
        database = Database.in_folder(Path(folder))
        found = b"".join(statements(database))
        print(sha256(found).hexdigest(), len(found))
        database.close()
