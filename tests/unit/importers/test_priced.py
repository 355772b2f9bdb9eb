"""What is imported is priced by whole requests: one that crosses a long-context threshold costs more for all of it.

What the source says that it cost is kept beside that.
"""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from bursar.books import Books
from bursar.books.imports import Report, Taken, take
from bursar.importers.calls import sources
from bursar.money import NANOS_PER_USD
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.store.database import Database
from bursar.terms.plan import read_plan
from tests.support.clock import NOVEMBER_US, VirtualClock

EMAIL = "ada@example.com"
Counts = tuple[int, int, int, int]


class Rates(NamedTuple):
    """Dollars for a million tokens, as the providers' pages have them in November 2026."""

    input: str
    cache_read: str
    cache_write_5m: str
    output: str


MODELS = {
    ("anthropic", "claude-sonnet-4-5"): (200_000, Rates("3", "0.3", "3.75", "15"), Rates("6", "0.6", "7.5", "22.5")),
    ("openai", "gpt-5.4"): (272_000, Rates("2.5", "0.25", "0", "15"), Rates("5", "0.5", "0", "22.5")),
    ("google", "gemini-2.5-pro"): (200_000, Rates("1.25", "0.125", "0", "10"), Rates("2.5", "0.25", "0", "15")),
}


def nanos(model: tuple[str, str], counts: Counts) -> int:
    """What a call costs, rounded up once: the threshold is one of all that goes in."""
    threshold, usual, long = MODELS[model]
    rates = long if sum(counts[:3]) > threshold else usual
    dollars = sum((Fraction(rate) * count for rate, count in zip(rates, counts, strict=True)), Fraction(0)) / 10**6
    return -(-(dollars * NANOS_PER_USD) // 1)


@pytest.fixture(scope="module")
def prices() -> PriceBook:
    return build_book()


@pytest.fixture
def books(sqlite_database: Database, prices: PriceBook, clock: VirtualClock) -> Books:
    clock.advance(86_400)
    books = Books(sqlite_database, prices, clock)
    books.add_person(EMAIL, "Ada")
    books.add_plan(read_plan('name = "p"\namount = "1000.00"\noutside_usage = "charge"'))
    books.grant(EMAIL, "p", NOVEMBER_US)
    return books


def calls(chance: random.Random) -> list[tuple[tuple[str, str], Counts]]:
    """Calls at a threshold, one token above it, and anywhere; some of it from the cache, or into it."""
    found: list[tuple[tuple[str, str], Counts]] = []
    for model, (threshold, usual, _) in MODELS.items():
        for total in (threshold - 1, threshold, threshold + 1, *(chance.randrange(400_000) for _ in range(20))):
            cached = chance.randrange(total)
            written = 0 if usual.cache_write_5m == "0" else chance.randrange(total - cached)
            found.append((model, (total - cached - written, cached, written, chance.randrange(5_000))))
    return found


def taken(books: Books, tmp_path: Path, source: str, items: list[dict[str, Any]]) -> Taken:
    file = tmp_path / f"{source}.json"
    file.write_text(json.dumps(items))
    read = sources()[source].read(file)
    assert read.broken == []
    return take(books, Report(source=source, records=read.records, actor="test"))


def test_our_price_and_the_sources_own(books: Books, tmp_path: Path) -> None:
    some = calls(random.Random(1))
    own_records(books, tmp_path, some)
    spend_logs(books, tmp_path, some)


def own_records(books: Books, tmp_path: Path, some: Sequence[tuple[tuple[str, str], Counts]]) -> None:
    own = [
        {
            "key": f"call-{number}",
            "at": "2026-11-01T09:00:00+01:00",
            "catalog": catalog,
            "model": model,
            "input_tokens": counts[0],
            "cache_read_tokens": counts[1],
            "cache_write_5m_tokens": counts[2],
            "output_tokens": counts[3],
            "person": EMAIL,
            **({"cost": "0.0000000015"} if number % 2 else {}),
        }
        for number, ((catalog, model), counts) in enumerate(some)
    ]
    costs = [nanos(model, counts) for model, counts in some]
    found = taken(books, tmp_path, "records", own)
    assert found.states == {"charged": len(some)}
    assert found.cost_nanos == sum(costs)
    assert (found.compared_nanos, found.source_cost_nanos) == (sum(costs[1::2]), 2 * len(costs[1::2]))


def spend_logs(books: Books, tmp_path: Path, some: Sequence[tuple[tuple[str, str], Counts]]) -> None:
    logs = [
        {
            "request_id": f"r{number}",
            "model": model,
            "custom_llm_provider": "gemini" if catalog == "google" else catalog,
            "startTime": "2026-11-01T09:00:00Z",
            "prompt_tokens": sum(counts[:3]),
            "completion_tokens": counts[3],
            "spend": 0.25,
            "user": EMAIL,
            "metadata": {
                "usage_object": {
                    "prompt_tokens_details": {"cached_tokens": counts[1]},
                    "cache_creation_input_tokens": counts[2],
                }
            },
        }
        for number, ((catalog, model), counts) in enumerate(some)
    ]
    found = taken(books, tmp_path, "litellm", logs)
    assert found.cost_nanos == found.compared_nanos == sum(nanos(model, counts) for model, counts in some)
    assert found.source_cost_nanos == len(some) * NANOS_PER_USD // 4
