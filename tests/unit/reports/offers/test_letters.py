"""What letters about offers say: the figures of the valuation, in words, on pages and in a terminal alike."""

from __future__ import annotations

import re
import time
from functools import cache

import pytest
from msgspec.structs import replace

from bursar.offers.ask import ask
from bursar.offers.file import OfferFile
from bursar.offers.fineprint import check
from bursar.offers.history import Year, history
from bursar.offers.offer import Offer
from bursar.offers.person import Person
from bursar.offers.prose import about_usd
from bursar.offers.results import Valuation
from bursar.offers.value import compare, value
from bursar.reports.offers.ask import ask_letter
from bursar.reports.offers.bars import bars_of
from bursar.reports.offers.check import check_letter
from bursar.reports.offers.compare import comparison_letter
from bursar.reports.offers.figures import whole
from bursar.reports.offers.history import history_letter
from bursar.reports.offers.letter import Letter, Section
from bursar.reports.offers.pages import render_html, render_pdf
from bursar.reports.offers.pictures import AgainstHeadline, Dots, Options, OverTime, OverYears, SideBySide, Tornado
from bursar.reports.offers.text import render_text
from bursar.reports.offers.value import value_letter
from bursar.reports.offers.words import as_base, per_base_usd
from tests.unit.reports.offers.examples import BASE, FULL, HOSTILE, OFFERS, TAXED, TOKENS

YEARS = [
    Year(year=2023, base_usd=350_000, bonus_usd=40_000),
    Year(year=2024, base_usd=364_000, bonus_usd=40_000, tokens_usd=20_000, market_growth=0.038),
    Year(year=2025, base_usd=367_000, bonus_usd=40_000, tokens_usd=60_000),
    Year(year=2026, base_usd=370_000, bonus_usd=38_000, tokens_usd=100_000),
]


@cache
def valued(offer: Offer) -> Valuation:
    return value(offer, Person(), points=128)


@cache
def letters() -> dict[str, Letter]:
    made = {f"value of {offer.name}": value_letter(valued(offer)) for offer in OFFERS}
    made["compared"] = comparison_letter(compare(OFFERS, points=128))
    made["two alike"] = comparison_letter(compare([BASE, BASE], points=128))
    made["fine print"] = check_letter(OfferFile(offer=TOKENS), check(OfferFile(offer=TOKENS), points=128), "Market.")
    made["nothing found"] = check_letter(OfferFile(offer=BASE), check(OfferFile(offer=BASE), points=128))
    made["asked"] = ask_letter(OfferFile(offer=TOKENS), ask(OfferFile(offer=TOKENS), 420_000, points=128))
    made["reached"] = ask_letter(OfferFile(offer=BASE), ask(OfferFile(offer=BASE), 390_000, points=128))
    made["history"] = history_letter(history(YEARS))
    return made


NAMES = list(letters())


def section(letter: Letter, title: str) -> Section:
    return next(section for section in letter.sections if section.title.startswith(title))


def dollars(text: str) -> int:
    return int(text.replace("−", "-").replace("$", "").replace(",", ""))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("width", [40, 80, 100, 200])
def test_text_keeps_to_its_width_and_loses_nothing(name: str, width: int) -> None:
    letter = letters()[name]
    text = render_text(letter, width)
    assert "\x1b" not in text
    if width >= 80:
        assert max(map(len, text.splitlines())) <= 100
        assert all(section.title in text for section in letter.sections if section.title.isprintable())
    running = re.sub(r"\s+", " ", text)
    assert all(re.sub(r"\s+", " ", words) in running for words in letter.summary if words.isprintable())


@pytest.mark.parametrize("width", [72, 80, 100])
def test_no_number_of_a_table_is_broken(width: int) -> None:
    for letter in letters().values():
        text = render_text(letter, width)
        for part in letter.sections:
            if part.table is not None:
                numeric = [at for at, heading in enumerate(part.table.headings) if heading.startswith(">")]
                assert all(row[at] in text for row in part.table.rows for at in numeric)


@pytest.mark.parametrize("name", NAMES)
def test_a_page_stands_alone_and_says_it_all(name: str) -> None:
    letter = letters()[name]
    page = render_html(letter).decode()
    assert page.startswith("<!doctype html>")
    assert "<script" not in page
    assert not re.findall(r'(?:src|href)="(?!#)[^"]*"|url\((?!#)[^)]*\)|@import', page.replace("xlink:href", ""))
    assert page.count("<figure") == sum(section.picture is not None for section in letter.sections)
    assert all(figure.amount in page for figure in letter.figures)
    assert len(page) < 500_000


@pytest.mark.parametrize("name", ["value of All of it", "compared", "fine print", "asked", "history"])
def test_a_pdf_is_the_same_bytes_again(name: str) -> None:
    letter = letters()[name]
    made = render_pdf(letter)
    assert made.startswith(b"%PDF-")
    assert render_pdf(letter) == made


def test_what_an_offer_is_called_is_no_markup() -> None:
    letter = letters()[f"value of {HOSTILE.name}"]
    assert b"<script>" not in render_html(letter)
    assert "\x1b" not in render_text(letter, 80)
    assert render_pdf(letter).startswith(b"%PDF-")


@pytest.mark.parametrize("offer", OFFERS, ids=lambda offer: offer.name[:20])
def test_the_parts_add_up(offer: Offer) -> None:
    valuation = valued(offer)
    each = per_base_usd(valuation)
    assert sum(as_base(valuation).values()) * each == pytest.approx(valuation.worth.total_usd)
    table = section(value_letter(valuation), "On paper").table
    assert table is not None
    *parts, total = table.rows
    assert total[1] == whole(valuation.headline.total_usd_year)
    assert total[3] == whole(valuation.worth.total_usd)
    for column in (1, 2, 3):
        apart = sum(dollars(row[column]) for row in parts)
        assert abs(apart - dollars(total[column])) <= len(parts)


def test_every_assumption_is_there_with_its_source() -> None:
    valuation = valued(FULL)
    table = section(value_letter(valuation), "What went in").table
    assert table is not None
    told = {row[0]: row for row in table.rows}
    for parameter in valuation.assumptions:
        row = told[f"{parameter.label} ({parameter.name})"]
        assert row[3] == parameter.basis
        assert (row[2] == "–") == parameter.certain


def test_prose_has_intervals_and_two_figures() -> None:
    valuation = valued(TOKENS)
    words = " ".join(letters()["value of Base and tokens"].summary)
    assert about_usd(valuation.worth.break_even_base_usd_year) in words
    assert about_usd(valuation.break_even_interval.low) in words
    assert about_usd(valuation.break_even_interval.high) in words
    assert "21% of that is a token budget" in words
    assert "2 times the output" in words


def test_a_budget_that_costs_more_than_it_gives_is_told_as_that() -> None:
    words = " ".join(letters()["value of Taxed"].summary)
    assert "worth less than nothing" in words
    assert about_usd(-valued(TAXED).worth.break_even_base_usd_year) in words


def test_a_budget_without_an_amount_is_told_as_that() -> None:
    letter = letters()["value of No amount"]
    assert "names no amount" in letter.summary[0]
    assert [part.title for part in letter.sections] == ["On paper, and what it is worth", "What went in"]


def test_the_comparison_says_who_is_behind_and_by_how_much() -> None:
    comparison = compare([TOKENS, BASE], points=128)
    letter = comparison_letter(comparison)
    assert letter.summary[0].startswith("Base alone is worth most to you")
    gap = (comparison.valuations[0].worth.total_usd - comparison.valuations[1].worth.total_usd) / per_base_usd(
        comparison.valuations[0]
    )
    assert f"is behind by {about_usd(gap)} of base salary a year" in letter.summary[1]
    assert "on paper it is $75,000 ahead" in letter.summary[1]
    assert "the order is sure" in letter.summary[1]


def test_terms_stand_beside_each_other_for_offers_that_have_some() -> None:
    table = section(letters()["compared"], "What the terms").table
    assert table is not None
    assert set(table.headings) == {"Term", "All of it", "Base and tokens", "Taxed", "No amount"}
    told = {row[0]: dict(zip(table.headings, row, strict=True)) for row in table.rows}
    assert told["Unused credit"]["All of it"] == "carried over for 3 periods, at most 25%"
    assert told["Cash-out"]["All of it"] == "50% of unspent credit, at most $2,000 in a period"
    assert told["Vests"]["All of it"] == "over 12 months, none before 3 months"
    assert told["Revocation"]["All of it"] == "with 1 day of notice"
    assert told["Amount"]["No amount"] == "not said"
    assert told["Models"]["Base and tokens"] == "not said"
    assert told["Personal use"]["Base and tokens"] == "none"


def test_the_finding_that_costs_most_comes_first() -> None:
    found = check(OfferFile(offer=TOKENS), points=128)
    titles = [section.title for section in letters()["fine print"].sections[1:]]
    assert titles == [f"{at}. {finding.title}" for at, finding in enumerate(found.findings, 1)]
    assert letters()["fine print"].summary[-1] == "Market."


def test_counter_offers_come_with_what_they_cost() -> None:
    asked = ask(OfferFile(offer=TOKENS), 420_000, points=128)
    first, *others = letters()["asked"].sections
    assert isinstance(first.picture, Options)
    costs = [option.cost_usd for option in first.picture.options]
    assert costs == sorted(costs)
    assert len(others) == len(costs) == len(asked.counters)
    for part, counter in zip(others, asked.counters, strict=True):
        assert about_usd(abs(counter.employer_usd_year)) in part.aside
        assert len(part.prose) == len(counter.asks)
    assert letters()["reached"].sections == ()
    assert "already" in letters()["reached"].summary[0]


def test_a_letter_with_the_fine_print_says_what_to_ask_for_first() -> None:
    found = check(OfferFile(offer=TOKENS), points=128)
    table = section(value_letter(valued(TOKENS), None, found), "What would make").table
    assert table is not None
    by_ask = {one.ask: one for one in found.findings}
    assert [by_ask[row[0]].basis for row in table.rows] == ["terms"] * len(table.rows)
    costs = [by_ask[row[0]].cost_usd_year for row in table.rows]
    assert costs == sorted(costs, reverse=True)
    assert [row[1] for row in table.rows] == [about_usd(cost) for cost in costs]
    without = value_letter(valued(BASE), None, check(OfferFile(offer=BASE), points=128))
    assert all(not part.title.startswith("What would") for part in without.sections)


def test_pictures_show_what_was_valued() -> None:
    valuation = valued(TOKENS)
    pictures = {type(part.picture): part.picture for part in value_letter(valuation).sections if part.picture}
    assert set(pictures) == {AgainstHeadline, Dots, OverTime, Tornado}
    over_time, dots = pictures[OverTime], pictures[Dots]
    assert isinstance(over_time, OverTime)
    assert isinstance(dots, Dots)
    for drawn, month in zip(over_time.months, valuation.months, strict=True):
        assert drawn.kept_usd == month.granted_usd * month.survival
        assert drawn.value_usd <= drawn.used_usd <= drawn.kept_usd <= drawn.face_usd
        assert drawn.used_usd == month.used_usd * month.survival
    assert list(dots.outcomes_usd) == sorted(dots.outcomes_usd)
    assert len(dots.outcomes_usd) == 20


def test_what_comes_once_a_period_is_drawn_as_its_mean() -> None:
    assert FULL.tokens is not None
    quarterly = replace(FULL, tokens=replace(FULL.tokens, period_months=3))
    valuation = value(quarterly, Person(), points=2)
    drawn = section(value_letter(valuation), "What becomes").picture
    assert isinstance(drawn, OverTime)
    for begins in range(0, 48, 3):
        together = drawn.months[begins : begins + 3]
        assert len({month.value_usd for month in together}) == 1
        expected = sum(month.worth_usd * month.survival for month in valuation.months[begins : begins + 3])
        assert sum(month.value_usd for month in together) == pytest.approx(expected)


def test_a_comparison_as_a_page_takes_less_than_three_seconds() -> None:
    begun_s = time.process_time()
    render_html(comparison_letter(compare([TOKENS, BASE, FULL])))
    assert time.process_time() - begun_s < 3


def test_bars_are_in_proportion() -> None:
    for letter in letters().values():
        for part in letter.sections:
            if part.picture is None:
                continue
            assert part.picture.words
            for bar in bars_of(part.picture):
                assert 0 <= bar.begins <= 1
                assert bar.filled >= 0
                assert bar.begins + bar.filled <= 1 + 1e-9
    shown = section(letters()["compared"], "On paper").picture
    assert isinstance(shown, SideBySide)
    base = next(bar for bar in bars_of(shown) if bar.name == "Base alone")
    assert base.filled == base.pale


def test_the_history_shows_base_against_the_market() -> None:
    shown = section(letters()["history"], "Year by year").picture
    assert isinstance(shown, OverYears)
    assert [round(year.market_base_usd) for year in shown.years] == [350_000, 363_300, 376_016, 389_176]
    assert [figure.amount for figure in letters()["history"].figures] == ["1.9%", "$19,000", "$5.20"]
