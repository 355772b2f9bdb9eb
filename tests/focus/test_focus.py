"""FOCUS rows hold before focus-validator, the specification's own. `make focus` installs it; else this is skipped."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bursar.exports.focus import APPLICABLE, Focus
from tests.unit.exports.conftest import Spent, prices, spent

__all__ = ["prices", "spent"]

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
MODEL = "lib/*/site-packages/focus_validator/rules/model-1.2.0.1.json"
IS_NULL, IS_NOT_NULL, EITHER = "InvoiceId-C-004-C", "InvoiceId-C-005-C", "InvoiceId-C-003-C"
"""An invoice's id MUST be null when a charge is on no invoice, MUST NOT be null when it is on one, and either is so.
The model of the rules leaves both conditions out, as no column tells them: of each row of each file in the world one
of the two is told as broken. What counts is the third one (FinOps-Open-Cost-and-Usage-Spec/FOCUS_Spec issue 2394)."""

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="focus-validator is not installed; `make focus` does it")


def validated(text: str, file: Path) -> dict[str, list[str]]:
    file.write_text(text)
    words = [str(PYTHON), str(HERE / "validate.py"), str(file), ",".join(APPLICABLE)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2_000:]
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def exported(spent: Spent, *, with_people: bool = True) -> str:
    with spent.database.reading() as connection:
        return "".join(Focus("2026", version="1.2", with_people=with_people).lines(connection))


def test_every_rule_that_applies_holds(spent: Spent, tmp_path: Path) -> None:
    found = validated(exported(spent), tmp_path / "focus.csv")
    print({what: len(rules) for what, rules in found.items()}, "broken:", *found["broken"])
    assert found["broken"] == [IS_NOT_NULL]
    assert len(found["held"]) > 150
    sure = {"BilledCost-C-000-M", "ConsumedQuantity-C-000-C", "Tags-C-000-C", "InvoiceId-C-000-O"}
    assert {*sure, EITHER, IS_NULL} <= set(found["held"])


@pytest.mark.parametrize(
    ("invoice", "broken"),
    [
        (lambda row: "INV-1", {IS_NULL}),
        (lambda row: "INV-1" if row % 2 else "", {IS_NULL, IS_NOT_NULL, EITHER, "InvoiceId-C-000-O"}),
        (None, {IS_NULL, IS_NOT_NULL, EITHER}),
    ],
    ids=["of an invoice", "of an invoice or not", "without the column"],
)
def test_no_file_holds_to_both_alternatives(
    spent: Spent, tmp_path: Path, invoice: Callable[[int], str] | None, broken: set[str]
) -> None:
    found = validated(_invoiced(exported(spent), invoice), tmp_path / "focus.csv")
    assert broken <= set(found["broken"])
    if invoice is not None:
        assert broken == set(found["broken"])


def test_the_rules_say_it_themselves() -> None:
    """When this fails, the validator's model is another one: see whether all its rules can hold now."""
    [model] = (HERE / ".venv").glob(MODEL)
    rules = {name: rule["ValidationCriteria"] for name, rule in json.loads(model.read_text())["ModelRules"].items()}
    null = {"ColumnName": "InvoiceId", "Value": None}
    assert rules[IS_NULL]["Requirement"] == {"CheckFunction": "CheckValue", **null}
    assert rules[IS_NOT_NULL]["Requirement"] == {"CheckFunction": "CheckNotValue", **null}
    assert rules[IS_NULL]["Condition"] == rules[IS_NOT_NULL]["Condition"] == {}
    assert rules[EITHER]["Requirement"]["CheckFunction"] == "OR"
    assert {item["ModelRuleId"] for item in rules[EITHER]["Requirement"]["Items"]} == {IS_NULL, IS_NOT_NULL}


def test_it_finds_what_is_wrong(spent: Spent, tmp_path: Path) -> None:
    text = exported(spent, with_people=False)
    assert "BillingCurrency-C-000-M" in validated(text.replace(",USD,", ",BUCKS,"), tmp_path / "focus.csv")["broken"]


def _invoiced(text: str, invoice: Callable[[int], str] | None) -> str:
    """The same rows with other ids of invoices; without such a column when there is nothing to fill it."""
    rows = list(csv.DictReader(io.StringIO(text, newline="")))
    names = [name for name in rows[0] if invoice is not None or name != "InvoiceId"]
    written = io.StringIO(newline="")
    writer = csv.DictWriter(written, names, extrasaction="ignore")
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow(row | {"InvoiceId": "" if invoice is None else invoice(number)})
    return written.getvalue()
