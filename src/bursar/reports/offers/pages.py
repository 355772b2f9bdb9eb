"""A letter as one page of HTML (no script, nothing loaded from elsewhere), and as PDF, set by Typst.

Charts are drawings within the page. In HTML each is there twice, for a page and for a phone; in print once, in the
font of the letter. The same letter gives the same bytes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any

from markupsafe import Markup, escape

from bursar.reports.look import html_template, typeset
from bursar.reports.offers import drawing
from bursar.reports.offers.charts import chart_of
from bursar.reports.offers.letter import Letter
from bursar.reports.offers.pictures import Picture

PROSE = {"summary", "prose", "closing"}
_NEGATIVE = re.compile(r"−\$[0-9,.]*[0-9]")
HTML, PRINT = "offer.html.j2", "offer.typ"


def render_html(letter: Letter) -> bytes:
    """The page of a letter."""
    page = _page_of(letter, _for_screens)
    for part in (page, *page["sections"]):
        for name in PROSE & set(part):
            part[name] = [_unbroken(text) for text in part[name]]
    return html_template(HTML).render(page).encode()


def render_pdf(letter: Letter) -> bytes:
    """The pages of a letter."""
    return typeset(PRINT, {"data": json.dumps(_page_of(letter, _for_print))})


def _unbroken(text: str) -> Markup:
    """Prose whose negative amounts are not broken behind their sign."""
    return Markup(_NEGATIVE.sub(r'<span class="unbroken">\g<0></span>', str(escape(text))))  # noqa: S704 - escaped


def _for_screens(picture: Picture) -> dict[str, str]:
    wide, narrow = (drawing.svg(chart_of(picture, width)) for width in (drawing.WIDE, drawing.NARROW))
    return {"wide": Markup(wide), "narrow": Markup(narrow), "words": picture.words}  # noqa: S704 - our own drawings


def _for_print(picture: Picture) -> dict[str, str]:
    return {"svg": drawing.svg(chart_of(picture), drawing.PRINT_FONT), "words": picture.words}


def _page_of(letter: Letter, drawn: Callable[[Picture], dict[str, str]]) -> dict[str, Any]:
    return letter._asdict() | {
        "figures": [figure._asdict() for figure in letter.figures],
        "sections": [
            section._asdict()
            | {
                "picture": section.picture and drawn(section.picture),
                "table": section.table and section.table._asdict(),
            }
            for section in letter.sections
        ],
    }
