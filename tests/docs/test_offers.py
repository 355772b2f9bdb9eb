"""The page about the model has every assumption as the model has it."""

from __future__ import annotations

from bursar.offers.parameters import TABLE, parameters_for
from bursar.offers.person import Person
from bursar.reports.offers.words import of_parameter
from tests.docs.pages import ROOT

PAGE = ROOT / "docs/offers/model.md"
ELSE = "as the terms say"


def test_every_assumption_is_documented_as_it_is() -> None:
    page = PAGE.read_text("utf-8")
    rows = []
    for name, parameter in parameters_for(None, Person()).items():
        _, value, ends, basis = of_parameter(parameter)
        told = ELSE if parameter.certain else ends
        rows.append(f"| `{name}` | {TABLE[name].label} | {value} | {told} | {basis or 'the terms'} |")
    head = page.index("| Name | What it is | Default |")
    assert page[head:].splitlines()[2 : 2 + len(rows) + 1] == [*rows, ""]
