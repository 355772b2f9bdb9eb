"""The real price book, built once: these tests run on the data that is installed."""

from __future__ import annotations

import pytest

from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book


@pytest.fixture(scope="session")
def book() -> PriceBook:
    return build_book()
