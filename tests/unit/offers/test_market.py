"""Market context: the package's data is what the Bureau of Labor Statistics published, and a base is placed in it."""

from __future__ import annotations

import csv
import hashlib
from importlib.resources import files
from pathlib import Path

import pytest

from bursar.offers.market import EDITION, PERCENTILES, edition, standing, wages
from bursar.refusals import Refused

DIGESTS = {"wages-2025-05.csv": "f1b0e343efdd2eb429c1cc06103467376ac508afd046660c6ee14b7c2a1585e9"}
"""Dated data never changes: a correction is a new edition."""

PUBLISHED = """
11-3021 107550 138060 175140 220730 297510
15-1252  82460 105210 135980 171980 214670
15-1253  61440  80310 104300 133180 167010
15-2051  67240  85660 120230 158880 199130
15-1221  82200 103570 140300 188700 230630
15-1241  79900 104620 134050 168200 202680
15-1242  60230  79610 104620 135460 163320
17-2061  92940 126090 161740 202990 225330
"""
"""National figures of May 2025 from a second copy of the tables, made from the bureau's spreadsheets."""


def rows() -> list[dict[str, str]]:
    text = (files("bursar.offers") / f"data/{EDITION}.csv").read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


@pytest.mark.parametrize("name", DIGESTS)
def test_dated_data_stays(name: str) -> None:
    content = (files("bursar.offers") / "data" / name).read_bytes()
    assert hashlib.sha256(content).hexdigest() == DIGESTS[name]


@pytest.mark.parametrize("line", PUBLISHED.strip().splitlines())
def test_the_country_is_as_published(line: str) -> None:
    code, *figures = line.split()
    assert wages(code).percentiles_usd == tuple(int(figure) for figure in figures)


def test_every_row_is_known_and_rises() -> None:
    told = edition()
    for row in rows():
        found = wages(row["occupation"], row["area"]).percentiles_usd
        assert list(found) == sorted(found), row
        assert 20_000 < found[0] < found[-1] < 700_000, row
        assert found == tuple(int(row[f"p{percentile}_usd"]) for percentile in PERCENTILES)
    assert {row["occupation"] for row in rows()} == set(told.occupations)
    assert {row["area"] for row in rows()} == set(told.areas)
    names = [name for entries in (told.occupations, told.areas) for name, _ in entries.values()]
    assert len(set(names)) == len(names)
    assert told.as_of < told.published < told.retrieved


@pytest.mark.parametrize(
    ("base_usd", "above", "below"),
    [
        (1, None, 10),
        (82_459.99, None, 10),
        (82_460, 10, 25),
        (105_210, 25, 50),
        (135_979, 25, 50),
        (135_980, 50, 75),
        (200_000, 75, 90),
        (214_670, 90, None),
        (375_000, 90, None),
    ],
)
def test_a_base_stands_between_two_percentiles(base_usd: float, above: int | None, below: int | None) -> None:
    found = standing(base_usd, wages())
    assert (found.above, found.below) == (above, below)
    assert "Bureau of Labor Statistics" in found.text
    assert "May 2025" in found.text
    assert f"${base_usd:,.0f}" in found.text


def test_the_sentence_names_what_stands_next_to_it() -> None:
    assert standing(150_000, wages("data-scientists", "san-jose")).text == (
        "A base of $150,000 is between the 25th percentile, $149,570, and the median, $185,080, of Data Scientists "
        "in San Jose-Sunnyvale-Santa Clara, CA (US Bureau of Labor Statistics, Occupational Employment and Wage "
        "Statistics (OEWS), May 2025)."
    )
    assert "below the 10th percentile, $82,460," in standing(50_000, wages()).text
    assert "at or above the 90th percentile, $214,670," in standing(375_000, wages()).text


@pytest.mark.parametrize(
    ("occupation", "area", "field", "remedy"),
    [
        ("wizards", "us", "occupation", "software-developers"),
        ("Software Developers", "us", "occupation", "software-developers"),
        ("", "us", "occupation", "data-scientists"),
        ("software-developers", "atlantis", "area", "san-francisco"),
        ("statisticians", "san-francisco", "area", "figures for Statisticians"),
    ],
)
def test_what_is_not_known_is_refused(occupation: str, area: str, field: str, remedy: str) -> None:
    with pytest.raises(Refused, match=remedy) as raised:
        wages(occupation, area)
    assert raised.value.refusal.field == field


def test_every_occupation_and_area_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/offers/market.md").read_text("utf-8")
    told = edition()
    for entries in (told.occupations, told.areas):
        for code, (name, title) in entries.items():
            assert f"\n| `{name}` | {code} | {title} |\n" in page
    for fact in (told.source, told.url, told.file, told.file_sha256, told.licence, str(told.published)):
        assert fact in page
