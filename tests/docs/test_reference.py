"""The generated reference says what the program says now; `make docs` writes it anew."""

from __future__ import annotations

from pathlib import Path

import pytest

from bursar.cli.reference import PAGES, cli_page, commands, refusals_page, write
from bursar.refusals import Why

FOLDER = Path(__file__).parents[2] / "docs" / "reference"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_current(name: str) -> None:
    assert (FOLDER / name).read_text("utf-8") == PAGES[name](), f"{name} is old: run `make docs`"


def test_the_pages_are_complete() -> None:
    page = cli_page()
    for context in commands():
        assert f"\n## {context.command_path}\n" in page
    assert all(f"| `{why.value}` |" in refusals_page() for why in Why)


def test_pages_are_written_the_same_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "33")
    monkeypatch.setenv("BURSAR_DATA", "/elsewhere")
    write(tmp_path / "reference")
    for name in PAGES:
        assert (tmp_path / "reference" / name).read_bytes() == (FOLDER / name).read_bytes(), name
