"""The alerts, the dashboard and the page about metrics speak of metrics, labels and refusals that exist."""

from __future__ import annotations

import json
import re
from pathlib import Path

from bursar.refusals import Why
from bursar.watch.counts import Counts
from bursar.watch.exposition import Exposition
from bursar.watch.now import Now

DOCS = Path(__file__).parents[2] / "docs"
ALERTS, DASHBOARD, PAGE = DOCS / "monitor/alerts.yml", DOCS / "monitor/dashboard.json", DOCS / "how-to/monitor.md"
NOW = Now(
    version="1",
    engine="sqlite",
    price_book="pb",
    ready=True,
    running=0,
    waiting=0,
    queue=0,
    groups=0,
    dropped=0,
    holds=0,
    held_nanos=0,
)


def names() -> set[str]:
    """Every metric's name, with those that a histogram's samples have."""
    page, _ = Exposition(Counts()).page("", NOW)
    told = re.findall(r"^# TYPE (bursar_\w+) (\w+)$", page.decode(), re.MULTILINE)
    return {name + end for name, kind in told for end in (("", "_bucket") if kind == "histogram" else ("",))}


def test_every_name_exists() -> None:
    known = names()
    assert len(known) > 15
    for file in (ALERTS, DASHBOARD, PAGE):
        spoken = set(re.findall(r"\bbursar_\w+", file.read_text("utf-8")))
        assert spoken, file
        assert spoken <= known, f"{file.name}: {spoken - known}"
    page = PAGE.read_text("utf-8")
    assert {name for name in known if not name.endswith("_bucket")} <= set(re.findall(r"\bbursar_\w+", page))


def test_the_refusals_that_alarm_exist() -> None:
    spoken = re.findall(r'bursar_refusals_total\{name="(\w+)"\}', ALERTS.read_text("utf-8"))
    assert spoken
    assert {Why(name) for name in spoken}


def test_the_dashboard_is_one() -> None:
    dashboard = json.loads(DASHBOARD.read_text("utf-8"))
    panels = dashboard["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels) == 12
    assert all(target["expr"] for panel in panels for target in panel["targets"])
