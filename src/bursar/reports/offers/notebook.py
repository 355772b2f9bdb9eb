"""The charts of a letter, for notebooks: Altair's own, which one can point at, change and save.

from bursar.offers.value import value
from bursar.reports.offers.notebook import charts

charts(value(offer, person))["What moves it most"]
"""

from __future__ import annotations

from bursar.offers.results import Comparison, Valuation
from bursar.reports.offers.charts import chart_of
from bursar.reports.offers.compare import comparison_letter
from bursar.reports.offers.drawing import WIDE, Chart
from bursar.reports.offers.value import value_letter


def charts(found: Valuation | Comparison, width: int = WIDE) -> dict[str, Chart]:
    """The charts about a valuation or a comparison by the titles of their sections, each so many pixels wide."""
    letter = value_letter(found) if isinstance(found, Valuation) else comparison_letter(found)
    return {
        section.title: chart_of(section.picture, width) for section in letter.sections if section.picture is not None
    }
