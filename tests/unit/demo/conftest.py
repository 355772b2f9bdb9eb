"""One demo company for all tests that only look at it."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import pytest

from bursar.demo import Demo, install
from bursar.periods import to_us
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.store.database import Database

NOW_US = to_us(datetime(2026, 11, 23, 14, 0, tzinfo=UTC))
"""A Monday afternoon: September and October are over, November is not."""


class Installed(NamedTuple):
    folder: Path
    database: Database
    demo: Demo
    progress: list[tuple[int, int]]


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    return build_book()


@pytest.fixture(scope="session")
def company(prices: PriceBook, migrated_file: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installed]:
    """The demo company at NOW_US. Look, and change nothing."""
    folder = tmp_path_factory.mktemp("demo")
    shutil.copy(migrated_file, folder / "bursar.sqlite")
    database = Database.in_folder(folder)
    progress: list[tuple[int, int]] = []
    demo = install(folder, database, prices, NOW_US, lambda done, total: progress.append((done, total)))
    yield Installed(folder, database, demo, progress)
    database.close()
