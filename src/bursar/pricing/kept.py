"""A price book that is kept in a folder, because building it takes a good part of a second."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from importlib.util import find_spec
from pathlib import Path

import msgspec

from bursar import __version__
from bursar.pricing.book import PriceBook
from bursar.pricing.overrides import load_overrides


def kept_book(folder: Path, own: Path | None = None) -> PriceBook:
    """The public prices that came with this installation, under those of a file of one's own if it is there.

    What was built is kept in the folder, named after all it was built from. Raises OSError, Refused.
    """
    kept = folder / f"prices-{_sources(own)}.json"
    if kept.exists():
        try:
            return PriceBook.from_json(kept.read_bytes())
        except (OSError, msgspec.MsgspecError):
            kept.unlink(missing_ok=True)  # cut off while it was written: build it again
    from bursar.pricing.catalog import build_book  # noqa: PLC0415 - slow to import, and seldom needed

    book = build_book(load_overrides(own) if own is not None and own.exists() else None)
    for old in folder.glob("prices-*.json"):
        old.unlink(missing_ok=True)
    draft = kept.with_suffix(".new")
    draft.write_bytes(book.to_json())
    draft.replace(kept)
    return book


def _sources(own: Path | None) -> str:
    """A name for all that a price book is built from: the installed tables, the reviewed ones, the operator's."""
    tables = sorted((files("bursar.pricing") / "data").iterdir(), key=lambda table: table.name)
    sources = [_installed(), __version__, *(table.read_text("utf-8") for table in tables)]
    sources.append(own.read_text("utf-8") if own is not None and own.exists() else "")
    return hashlib.sha256("\0".join(sources).encode()).hexdigest()[:16]


def _installed() -> str:
    """Which version of the public prices is installed, by the name of its metadata: reading it takes longer."""
    found = find_spec("genai_prices")
    if found is not None and found.origin:
        for about in Path(found.origin).parents[1].glob("genai_prices-*.dist-info"):
            return about.name
    from importlib.metadata import version  # noqa: PLC0415 - slow to import, and seldom needed

    return version("genai-prices")
