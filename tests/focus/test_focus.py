"""FOCUS rows hold before focus-validator, the specification's own. `make focus` installs it; else this is skipped."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from bursar.exports.focus import APPLICABLE, Focus
from tests.unit.exports.conftest import Spent, prices, spent

__all__ = ["prices", "spent"]

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
EITHER = {"InvoiceId-C-004-C", "InvoiceId-C-005-C"}
"""No charge holds to both: an invoice's id must be there, or must not, as there is an invoice, which no column tells.
The rule above them, of which they are the alternatives, holds."""

pytestmark = pytest.mark.skipif(not PYTHON.exists(), reason="focus-validator is not installed; `make focus` does it")


def validated(file: Path) -> dict[str, list[str]]:
    words = [str(PYTHON), str(HERE / "validate.py"), str(file), ",".join(APPLICABLE)]
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr[-2_000:]
    told: dict[str, list[str]] = json.loads(done.stdout)
    return told


def test_every_rule_that_applies_holds(spent: Spent, tmp_path: Path) -> None:
    file = tmp_path / "focus.csv"
    with spent.database.reading() as connection:
        file.write_text("".join(Focus("2026", version="1.2", with_people=True).lines(connection)))
    found = validated(file)
    assert set(found["broken"]) < EITHER
    assert len(found["held"]) > 150
    sure = {"BilledCost-C-000-M", "ConsumedQuantity-C-000-C", "Tags-C-000-C", "InvoiceId-C-003-C"}
    assert sure <= set(found["held"])


def test_it_finds_what_is_wrong(spent: Spent, tmp_path: Path) -> None:
    file = tmp_path / "focus.csv"
    with spent.database.reading() as connection:
        text = "".join(Focus("2026-11", version="1.2", with_people=False).lines(connection))
    file.write_text(text.replace(",USD,", ",BUCKS,"))
    assert "BillingCurrency-C-000-M" in validated(file)["broken"]
