"""The price book against a second public table: LiteLLM's of 2 April 2026, as the package llmprice-kit carries it.

Every rate on which the two differ has to be explained here, by catalog, by the table's name for the model, by variant
and by bucket, as globs. A line that explains nothing any more has to go.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from importlib.metadata import distribution
from pathlib import Path
from typing import NamedTuple

import pytest

from bursar.pricing.book import PriceBook
from bursar.pricing.check import Comparison, Disagreement, compare, read_table

NOW = datetime(2026, 11, 23, tzinfo=UTC)
DIRECT = ("anthropic", "openai", "google")

KNOWN = """
anthropic   claude-3-*               standard  cache_write_1h  the table has $6 for both; the vendor twice the input
openai      ft:*                     standard  cache_*         no price of its own in our data, so that of input
openai      gpt-5.4                  priority  output          the table has 1.5 times; the vendor twice the standard
openai      gpt-5.4-mini             batch     cache_read      rounded in the table: $0.0375 is half of $0.075
openai      gpt-5.4-mini             flex      cache_read      the table has $0.01; the vendor half of the standard
openai      gpt-5.4-pro              standard  cache_read      the vendor lists no cached price; the table has a tenth
openai      o4-mini                  flex      cache_read      rounded by the vendor, $0.138; not in the table
google      *-latest                 standard  *               stands for a newer model since
google      gemini/gemini-1.5-flash  standard  output          the table has the free tier
google      */gemini-2.0-flash-lite  standard  cache_read      no price of its own in our data, so that of input
google      */gemini-2.5-*-preview-* standard  *               previews, with the prices of their time
azure       azure/gpt-4o-2024-11-20  standard  *               the table has that of one region, a tenth more
azure       azure/gpt-4o-mini        standard  *               the table has that of one region, a tenth more
azure       azure/o1-mini            standard  *               the table has that of one region, a tenth more
azure       azure/us/*               standard  *               the table has that of one region, a tenth more
azure       azure/*audio*            standard  *               older audio models, at the prices of their time
azure       azure/*realtime*         standard  audio_*         older audio models, at the prices of their time
azure       azure/gpt-5.4-pro        standard  cache_read      the vendor lists no cached price; the table has a tenth
cohere      command-r7b-*            standard  *               input and output are exchanged in the table
deepseek    *                        standard  *               names that stood for other models at other times
groq        groq/*                   standard  *               withdrawn, or rounded in the table
mistral     mistral/*                standard  *               names that stood for other models at other times
x-ai        xai/grok-4.20-*          standard  *               cheaper since 30 April 2026
fireworks   *                        standard  *               a reseller's prices move from month to month
together    *                        standard  *               a reseller's prices move from month to month
openrouter  *                        standard  *               a reseller's prices move from month to month
"""


class Reason(NamedTuple):
    catalog: str
    named: str
    variant: str
    bucket: str
    why: str

    def explains(self, found: Disagreement) -> bool:
        facts = (found.catalog, found.named, found.variant, found.bucket)
        return all(fnmatchcase(fact, glob) for fact, glob in zip(facts, self[:4], strict=True))


REASONS = [Reason(*line.split(maxsplit=4)) for line in KNOWN.strip().splitlines()]


@pytest.fixture(scope="module")
def second(book: PriceBook) -> Comparison:
    path = distribution("llmprice-kit").locate_file("llmprice/data/model_prices.json")
    return compare(book, read_table(Path(str(path)).read_bytes()), NOW)


def told(found: Disagreement) -> str:
    named, above = found.named, found.above_tokens
    return f"{found.catalog} {named} {found.variant} {found.bucket} {above}: {found.ours} is not {found.theirs}"


def unexplained(found: Comparison) -> Iterator[str]:
    for each in found.disagreements:
        if not any(reason.explains(each) for reason in REASONS):
            yield told(each)


def test_every_disagreement_with_a_second_public_table_is_explained(second: Comparison) -> None:
    assert list(unexplained(second)) == []


def test_every_explanation_still_explains_something(second: Comparison) -> None:
    idle = [reason for reason in REASONS if not any(map(reason.explains, second.disagreements))]
    assert idle == []


def test_the_two_have_enough_in_common_to_mean_something(second: Comparison, book: PriceBook) -> None:
    """What was compared is neither nothing nor what differs; on the vendors' own models they nearly agree."""
    assert second.models >= 250
    assert second.rates >= 900
    direct = [each for each in second.disagreements if each.catalog in DIRECT]
    assert len(direct) <= 40
    assert set(DIRECT) <= {reason.catalog for reason in REASONS} <= set(book.catalogs())


def test_a_disagreement_that_nobody_explained_is_told(second: Comparison) -> None:
    new = Disagreement("openai", "gpt-5", "standard", "input", 0, 1, second.disagreements[0].theirs, "gpt-5")
    assert list(unexplained(Comparison(1, 1, (new,)))) == [told(new)]
