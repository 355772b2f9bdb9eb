"""A process that brings in a long report, until it is killed: says on stdout how far it is.

Usage: python -m tests.faults.uploading URL FOLDER CALLS
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bursar.app import load_prices
from bursar.books import Books
from bursar.books.imports import AT_ONCE, Report
from bursar.books.uploads import advance, make_whole, open_upload, put_part
from bursar.importers.record import UsageRecord
from bursar.store import directory
from bursar.store.database import Database
from bursar.usage import Usage
from tests.support.clock import NOVEMBER_US, VirtualClock
from tests.support.company import EMAIL


def calls(count: int) -> list[UsageRecord]:
    """So many calls, each with a count of its own."""
    return [
        UsageRecord(
            "claude-code",
            f"k{number}",
            NOVEMBER_US + number,
            "anthropic",
            "claude-sonnet-4-5",
            Usage(input=10, output=number % 500),
            request_id=f"r{number}",
            message_id=f"m{number}",
        )
        for number in range(count)
    ]


def opened(url: str, folder: Path) -> Books:
    """The books; it is a moment after the last of the calls."""
    clock = VirtualClock()
    clock.advance(3_600)
    return Books(Database(url), load_prices(folder), clock)


def upload(books: Books, count: int) -> None:
    """Bring them in, in parts, as the API does."""
    with books.database.reading() as connection:
        person_id = directory.person(connection, EMAIL).id
    records = calls(count)
    about = Report(source="claude-code", records=(), actor="test", name="long.jsonl", person_id=person_id)
    upload_id = open_upload(books, about)
    parts = [records[start : start + AT_ONCE] for start in range(0, count, AT_ONCE)]
    _say("opened")
    for n, part in enumerate(parts):
        put_part(books, upload_id, "test", n, part)
        _say(f"part {n}")
    make_whole(books, upload_id, "test", len(parts))
    _say("whole")
    while (progress := advance(books, upload_id, 0.05)).done < len(parts):
        _say(f"done {progress.done}")
    _say("taken")


def _say(text: str) -> None:
    os.write(1, f"{text}\n".encode())


def main(url: str, folder: str, count: str) -> None:
    """Bring calls in."""
    upload(opened(url, Path(folder)), int(count))


if __name__ == "__main__":
    main(*sys.argv[1:])
