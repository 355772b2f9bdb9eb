"""A long report is killed at any moment: none of it is in the books, or all of it; done again, they are the same."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from bursar.books import Books
from bursar.books.imports import AT_ONCE, settle_pending
from bursar.books.uploads import KEPT_US, finish_uploads, forget_uploads
from bursar.periods import US_PER_SECOND
from bursar.store.database import Database
from bursar.store.schema import imports, upload_parts, uploads, usage_heads
from bursar.terms.plan import read_plan
from tests.faults.uploading import calls, opened, upload
from tests.support.books import assert_proved, sums
from tests.support.clock import NOVEMBER_US, VirtualClock
from tests.support.company import EMAIL

ROOT = Path(__file__).parents[2]
CALLS = 2_100
INPUT_NANOS, OUTPUT_NANOS = 3_000, 15_000
"""What a token of Claude Sonnet 4.5 costs."""


class Place:
    """A database with a person and a budget. One process at a time has its books open."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder

    @contextmanager
    def books(self) -> Iterator[Books]:
        """The books, in this process."""
        books = opened(self.url, self.folder)
        try:
            yield books
        finally:
            books.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the price book is kept: to build one takes longer than anything here."""
    return tmp_path_factory.mktemp("prices")


@pytest.fixture
def place(database: Database, folder: Path) -> Place:
    made = Place(database.url, folder)
    with made.books() as books:
        books.add_person(EMAIL, "Ada")
        books.add_plan(read_plan('name = "p"\namount = "5000.00"\noutside_usage = "charge"'))
        books.grant(EMAIL, "p", NOVEMBER_US)
    return made


def due_nanos(count: int) -> int:
    """What so many calls cost, by arithmetic of our own."""
    return sum(10 * INPUT_NANOS + one.usage.output * OUTPUT_NANOS for one in calls(count))


def in_the_books(books: Books) -> int:
    """How many calls are charged; all that are there are."""
    with books.database.reading() as connection:
        query = sa.select(usage_heads.c.state, sa.func.count()).group_by(usage_heads.c.state)
        states = {row[0]: row[1] for row in connection.execute(query)}
    assert set(states) <= {"charged"}, states
    return int(states.get("charged", 0))


def killed(place: Place, count: int, lines: int, seconds: float) -> list[str]:
    """Let a process bring calls in, kill it a while after it has said so much, and return all that it said."""
    command = [sys.executable, "-m", "tests.faults.uploading", place.url, str(place.folder), str(count)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True) as process:
        assert process.stdout is not None
        told = [process.stdout.readline() for _ in range(lines)]
        time.sleep(seconds)
        process.kill()
        told += process.stdout.readlines()
    return [line.strip() for line in told if line]


def none_or_all(place: Place, count: int, lines: int, seconds: float) -> str:
    """Kill an import, go on as the next process does, and look; tells what was there."""
    told = killed(place, count, lines, seconds)
    with place.books() as books:
        with books.database.reading() as connection:
            is_whole = connection.execute(sa.select(sa.func.max(uploads.c.parts))).scalar() is not None
        assert is_whole or "whole" not in told
        assert is_whole or in_the_books(books) == 0, "nothing of what is not whole is in the books"
        settle_pending(books)
        finish_uploads(books)
        assert in_the_books(books) == (count if is_whole else 0), told
        assert sums(books.database).spent == (due_nanos(count) if is_whole else 0)
    return "all" if is_whole else "none"


def assert_same_again(books: Books, count: int) -> None:
    """Bringing it in again, whatever was there, ends with the same books."""
    upload(books, count)
    assert in_the_books(books) == count
    assert sums(books.database).spent == due_nanos(count)
    assert_proved(books.database)


def test_killed_before_and_after_it_is_whole(place: Place) -> None:
    assert none_or_all(place, CALLS, lines=4, seconds=0.0) == "none"
    parts = -(-CALLS // AT_ONCE)
    assert none_or_all(place, CALLS, lines=parts + 2, seconds=random.uniform(0.0, 0.3)) == "all"
    with place.books() as books:
        assert_same_again(books, CALLS)
        with books.database.reading() as connection:
            whole = sa.func.coalesce(imports.c.first_id, imports.c.id)
            added = connection.execute(sa.select(sa.func.sum(imports.c.added)).group_by(whole)).scalars()
            assert sorted(added) == [0, CALLS]
        assert_forgotten(books)


def assert_forgotten(books: Books) -> None:
    """After a day nothing is left of what never became whole, nor of the rest but the books."""
    clock = books.clock
    assert isinstance(clock, VirtualClock)
    assert forget_uploads(books) == 0
    clock.advance(KEPT_US // US_PER_SECOND + 1)
    assert forget_uploads(books) > 0
    with books.database.reading() as connection:
        for table in (uploads, upload_parts):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() == 0
    assert in_the_books(books) == CALLS


@pytest.mark.soak
def test_killed_at_random_moments(place: Place) -> None:
    """30,000 calls, killed again and again until it is whole, and then while it is taken."""
    seed = int.from_bytes(os.urandom(4))
    print("kill seed", seed)
    chance = random.Random(seed)
    found = [none_or_all(place, 30_000, chance.randint(0, 70), chance.uniform(0, 4)) for _ in range(12)]
    print(found)
    with place.books() as books:
        assert_same_again(books, 30_000)
