"""A statement is the same to the byte whenever and wherever it is made again (reliability.md, invariant 10).

Ledgers are random histories of grants, calls, changes, leaves and closes under random terms.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bursar.books import Books
from bursar.pricing.book import PriceBook
from bursar.store.database import Database
from tests.support.clock import VirtualClock
from tests.support.postgres import PostgresServer
from tests.support.rebuilt import statements
from tests.support.teams import Company
from tests.unit.books.test_histories_of_terms import play

ROOT = Path(__file__).parents[3]
PLACES = (("America/St_Johns", "C.UTF-8", "0"), ("Pacific/Apia", "C", "random"))


def play_on(database: Database, prices: PriceBook, seed: int) -> None:
    clock = VirtualClock()
    books = Books(database, prices, clock)
    play(Company(books, clock), seed, steps=14, days=30)
    books.close()


def made_again(folders: list[Path], place: tuple[str, str, str]) -> list[str]:
    """What another process, in another time zone and locale, makes of copies of these folders."""
    zone, locale, hash_seed = place
    environment = {**os.environ, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": hash_seed}
    command = [sys.executable, "-m", "tests.support.rebuilt", *map(str, folders)]
    done = subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def rebuild(seeds: range, tmp_path: Path, migrated_file: Path, prices: PriceBook) -> None:
    here: list[Path] = []
    for seed in seeds:
        here.append(tmp_path / f"ledger-{seed}")
        here[-1].mkdir()
        shutil.copy(migrated_file, here[-1])
        play_on(Database.in_folder(here[-1]), prices, seed)
    elsewhere = [shutil.copytree(folder, tmp_path / "elsewhere" / folder.name) for folder in here]
    first, second = (made_again(folders, place) for folders, place in zip((here, elsewhere), PLACES, strict=True))
    assert len(first) == len(seeds)
    assert len(set(first)) == len(seeds), "each ledger is another one"
    assert all(int(line.split()[1]) > 20_000 for line in first)
    assert first == second


def test_statements_are_the_same_elsewhere(tmp_path: Path, migrated_file: Path, prices: PriceBook) -> None:
    rebuild(range(3), tmp_path, migrated_file, prices)


@pytest.mark.soak
def test_statements_of_500_ledgers_are_the_same_elsewhere(
    tmp_path: Path, migrated_file: Path, prices: PriceBook
) -> None:
    rebuild(range(500), tmp_path, migrated_file, prices)


@pytest.mark.parametrize("seed", [1])
def test_statements_are_the_same_on_the_other_engine(
    seed: int, sqlite_database: Database, postgres: PostgresServer, prices: PriceBook
) -> None:
    """The same history, played on each."""
    name = postgres.fresh()
    other = Database(postgres.url(name))
    for database in (sqlite_database, other):
        play_on(database, prices, seed)
    assert statements(sqlite_database) == statements(other)
    other.close()
    postgres.drop(name)
