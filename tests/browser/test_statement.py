"""A statement as a page, opened in a browser: alone it is whole, fits the screen, and can be read and printed."""

from __future__ import annotations

import json
from base64 import b64decode
from pathlib import Path

import msgspec
import pytest

from bursar.document import Facts
from bursar.reports.statement_html import render_html
from bursar.reports.statement_shape import YearlyPay
from tests.browser.conftest import DESKTOP_PX, PHONE_PX, Open
from tests.unit.reports.test_statement_text import FULL, PLAN, spend

FACTS = Facts(id="st-0123456789abcdef0123", number=2, replaces="st-older", issued="2026-12-01T00:00:00Z")
SIGNED = b'{"a": "signed file"}'
PAY = YearlyPay(
    day="2026-11-30",
    base_nanos=275_000 * 10**9,
    bonus_nanos=50_000 * 10**9,
    equity_nanos=50_000 * 10**9,
    tokens_nanos=100_000 * 10**9,
    total_nanos=475_000 * 10**9,
    tokens_share_bps=2105,
)
LONG = spend("2026-11-13", "a-model-with-a-very-long-name-indeed-2026-11-13-preview", 1, 0)


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("statements") / "statement.html"
    statement = msgspec.structs.replace(
        FULL,
        compensation=PAY,
        spending=(*FULL.spending, LONG),
        plans=(msgspec.structs.replace(PLAN, note="50,000,000 tokens of x at $3.00 a million, by price book pb-1"),),
    )
    file.write_bytes(render_html(statement, FACTS, SIGNED))
    return file


@pytest.mark.parametrize("width", [DESKTOP_PX, PHONE_PX, 320])
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_it_stands_alone_and_fits_the_screen(page_file: Path, opened: Open, width: int, *, dark: bool) -> None:
    seen = opened(page_file, width=width, dark=dark)
    assert seen.console == []
    assert seen.requests == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
    assert seen.page.title() == "Statement of token budget, November 2026, Ada Example"
    cut_off = "[...document.querySelectorAll('td, dd, th')].filter(e => e.scrollWidth > e.clientWidth + 1).length"
    assert seen.page.evaluate(cut_off) == 0


def test_everything_is_on_it(page_file: Path, opened: Open) -> None:
    page = opened(page_file).page
    text = page.inner_text("body")
    for told in (
        *("$2,000.00", "−$88.45", "$1,911.55", "4.4 % of the $2,000.00 that could be spent was used."),
        *("nightly", "run_7k2", "$475,000.00", "Token budget, 21.05 % of the whole", "st-older"),
        *(
            "Reduce to $1,500.00",
            "50,000,000 tokens of x",
            "30 days before a reduction",
            "by the laptop's log",
            "$8.00 was taken back",
        ),
    ):
        assert told in text, told
    assert page.locator("svg rect").count() == 30, "a bar for each day"
    assert page.locator("svg rect title").nth(2).text_content() == "Tue  3 Nov: $61.01"
    assert page.get_by_role("img", name="4.4 % used").count() == 1


def test_it_carries_its_signed_file(page_file: Path, opened: Open) -> None:
    link = opened(page_file).page.get_by_role("link", name="signed JSON")
    assert link.get_attribute("download") == "statement.json"
    href = link.get_attribute("href") or ""
    assert json.loads(b64decode(href.partition(",")[2])) == json.loads(SIGNED)


def contrast(colours: list[str]) -> float:
    """How much ink stands out from paper (WCAG 2.2); 4.5 is enough for small print."""

    def light(colour: str) -> float:
        parts = [int(part) / 255 for part in colour.removeprefix("rgb(").removesuffix(")").split(", ")]
        linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    brighter, darker = sorted(map(light, colours), reverse=True)
    return (brighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("selector", ["body", ".quiet", "h2", ".figures dt", "dl.terms dt", "footer a"])
def test_it_can_be_read_on_either_screen(page_file: Path, opened: Open, selector: str, *, dark: bool) -> None:
    page = opened(page_file, dark=dark).page
    colour = f"getComputedStyle(document.querySelector({selector!r})).color"
    assert contrast([page.evaluate(colour), page.evaluate("getComputedStyle(document.body).backgroundColor")]) >= 4.5


def test_in_print_it_is_dark_on_white_wherever_it_is_printed_from(page_file: Path, opened: Open) -> None:
    page = opened(page_file, dark=True).page
    page.emulate_media(media="print", color_scheme="dark")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(28, 36, 48)"
    assert page.pdf(format="A4").startswith(b"%PDF-")
