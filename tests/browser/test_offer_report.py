"""A report about an offer, opened in a browser: nothing is asked for, nothing is wrong, everything is there."""

from __future__ import annotations

from pathlib import Path

import pytest

from bursar.offers.person import Person
from bursar.offers.prose import about_usd
from bursar.offers.value import compare, value
from bursar.reports.offers.compare import comparison_letter
from bursar.reports.offers.pages import render_html
from bursar.reports.offers.value import value_letter
from tests.browser.conftest import DESKTOP_PX, PHONE_PX, Open
from tests.unit.reports.offers.examples import BASE, FULL, TOKENS


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("reports") / "offer.html"
    file.write_bytes(render_html(value_letter(value(TOKENS, Person(), points=256))))
    return file


@pytest.mark.parametrize("width", [DESKTOP_PX, PHONE_PX])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_a_report_stands_alone_and_fits_the_screen(report: Path, opened: Open, width: int, *, dark: bool) -> None:
    seen = opened(report, width=width, dark=dark)
    assert seen.console == []
    assert seen.requests == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    shown = seen.page.locator("figure > div:visible")
    assert shown.count() == seen.page.locator("figure").count() == 4
    for at in range(shown.count()):
        assert shown.nth(at).locator("svg").bounding_box() is not None


def test_the_numbers_are_there(report: Path, opened: Open) -> None:
    valuation = value(TOKENS, Person(), points=256)
    text = opened(report).page.inner_text("body")
    for number in (
        "$475,000",
        about_usd(valuation.worth.break_even_base_usd_year),
        about_usd(valuation.break_even_interval.low),
        about_usd(valuation.break_even_interval.high),
        "no advice on tax or law",
    ):
        assert number in text
    assert all(parameter.basis in text for parameter in valuation.assumptions)


def test_ink_stands_out_from_the_paper_on_dark_screens_too(report: Path, opened: Open) -> None:
    """The colours of the drawings follow the page's."""
    colour = "getComputedStyle(document.querySelector('.wide svg [fill=\"#1c2430\"]')).fill"
    light, dark = (opened(report, dark=dark).page.evaluate(colour) for dark in (False, True))
    assert light == "rgb(28, 36, 48)"
    assert dark == "rgb(231, 235, 242)"


def test_a_comparison_shows_every_offer(tmp_path: Path, opened: Open) -> None:
    file = tmp_path / "compared.html"
    file.write_bytes(render_html(comparison_letter(compare([TOKENS, BASE, FULL], points=256))))
    seen = opened(file, width=PHONE_PX)
    assert seen.console == seen.requests == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= PHONE_PX
    text = seen.page.inner_text("body")
    assert all(offer.name in text for offer in (TOKENS, BASE, FULL))
