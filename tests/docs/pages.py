"""The pages of the documentation, and the fenced blocks in them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    {ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", ROOT / "bench/README.md"}
    | set((ROOT / "docs").rglob("*.md"))
    | set((ROOT / "src").rglob("*.md"))
)
_FENCE = re.compile(r"^```(\S+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_PLACE = re.compile(r"<!-- examples: (\w+) -->")


class Block(NamedTuple):
    """A fenced block: its language, the words behind it, its text, and the line on which that begins."""

    language: str
    words: tuple[str, ...]
    text: str
    line: int


def name_of(page: Path) -> str:
    """How a page is called in a test's name."""
    return str(page.relative_to(ROOT))


def place_of(page: Path) -> str | None:
    """Where a page says that its examples run, in a comment that readers do not see."""
    found = _PLACE.search(page.read_text("utf-8"))
    return found[1] if found else None


def blocks_of(page: Path) -> list[Block]:
    """The fenced blocks of a page, in their order."""
    text = page.read_text("utf-8")
    return [
        Block(found[1], tuple(found[2].split()), found[3], text.count("\n", 0, found.start()) + 2)
        for found in _FENCE.finditer(text)
    ]


def prose_of(page: Path) -> str:
    """A page without its fenced blocks."""
    return _FENCE.sub("", page.read_text("utf-8"))
