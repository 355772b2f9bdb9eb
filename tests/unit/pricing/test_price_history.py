"""History never changes: what a model cost on a day is what it will always have cost on that day.

`history.txt` has a line for each model, variant and day, with a digest of all rates and tiers; `history.json` has
some of them to be read. Lines are added, for what became history since, and never changed.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bursar.pricing.book import PriceBook
from bursar.pricing.rates import RateCard

LINES = (Path(__file__).parent / "history.txt").read_text("utf-8").splitlines()


def digest(card: RateCard) -> str:
    """16 hex digits for the rates and tiers of a card."""
    content = msgspec.json.encode((card.rates, card.tiers), order="deterministic")
    return hashlib.sha256(content).hexdigest()[:16]


def cost_of(book: PriceBook, line: str) -> str:
    catalog, model, variant, day, _ = line.split()
    card = book.card(catalog, model, datetime.fromisoformat(day).replace(tzinfo=UTC), variant)
    found = digest(card) if isinstance(card, RateCard) else card.why.value
    return f"{catalog} {model} {variant} {day} {found}"


def test_what_a_model_cost_on_a_day_stays(book: PriceBook) -> None:
    assert [cost_of(book, line) for line in LINES] == LINES


def test_the_history_is_of_many_models_variants_and_days() -> None:
    facts = [line.split() for line in LINES]
    assert len({tuple(fact[:4]) for fact in facts}) == len(LINES) >= 200
    assert {"anthropic", "openai", "google"} < {fact[0] for fact in facts}
    assert {"standard", "batch", "flex", "priority", "fast", "us", "us+fast"} <= {fact[2] for fact in facts}
    assert len({fact[4] for fact in facts}) > 120
    assert sorted(LINES) == LINES


def test_a_day_before_a_change_and_the_day_itself_differ() -> None:
    digests = {tuple(line.split()[:4]): line.split()[4] for line in LINES}
    before = digests["openai", "gpt-5.6-sol", "standard", "2026-08-20"]
    assert before != digests["openai", "gpt-5.6-sol", "standard", "2026-08-21"]
