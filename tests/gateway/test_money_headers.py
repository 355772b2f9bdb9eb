"""What an answer's headers say of its cost and of what is left, against the books."""

from __future__ import annotations

from pathlib import Path

import pytest

from bursar.money import NANOS_PER_USD, parse_usd
from tests.support.books import sums

from .place import opened
from .raw import WIRES, call


@pytest.mark.parametrize("wire", list(WIRES))
def test_cost_and_left(tmp_path: Path, wire: str) -> None:
    with opened(tmp_path, amount="3.00") as place:
        for turn in range(2):
            got = call(place.url, place.key, wire)
            ended = place.last(before=turn)
            assert got.headers["x-bursar-call"] == ended.id
            assert parse_usd(got.headers["x-bursar-cost"]) == ended.cost > 0
            assert parse_usd(got.headers["x-bursar-left"]) == 3 * NANOS_PER_USD - sums(place.database).spent
        before = sums(place.database).spent
        streamed = call(place.url, place.key, wire, stream=True)
        ended = place.last(before=2)
        assert "x-bursar-cost" not in streamed.headers
        assert parse_usd(streamed.headers["x-bursar-left"]) == 3 * NANOS_PER_USD - before - ended.bound
        place.assert_books_are_the_bill()


def test_a_cost_that_nobody_knows_is_not_told(tmp_path: Path) -> None:
    with opened(tmp_path, amount="3.00") as place:
        got = call(place.url, place.key, "openai", directive="fault=no_usage")
        ended = place.last(before=0)
        assert (got.status, ended.outcome) == (200, "provisional")
        assert "x-bursar-cost" not in got.headers
        assert parse_usd(got.headers["x-bursar-left"]) == 3 * NANOS_PER_USD - ended.cost
