"""Usage: disjoint buckets, none of them negative."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.usage import BUCKETS, Usage

FIELDS = (*BUCKETS, "reasoning")


def test_the_buckets_are_the_fields() -> None:
    assert tuple(field.name for field in msgspec.structs.fields(Usage)) == FIELDS


@pytest.mark.parametrize("field", FIELDS)
def test_a_negative_count_is_refused(field: str) -> None:
    with pytest.raises(ValueError, match="negative"):
        Usage(**{field: -1})
    assert getattr(Usage(**{field: 0}), field) == 0


@given(st.fixed_dictionaries({field: st.integers(0, 10**9) for field in FIELDS}))
def test_every_token_is_counted_once(counts: dict[str, int]) -> None:
    usage = Usage(**counts)
    tokens = [counts[bucket] for bucket in BUCKETS if bucket != "web_searches"]
    assert usage.total_tokens == sum(tokens)
    assert usage.total_input == sum(tokens) - counts["output"] - counts["audio_output"]


def test_reasoning_is_no_bucket() -> None:
    assert Usage(output=7, reasoning=5).total_tokens == 7


def test_usage_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        Usage().input = 5  # type: ignore[misc]
