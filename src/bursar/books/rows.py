"""What came of a table that people brought in: what each of its rows changes."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

Advance = Callable[[int, int], None]
"""Told how many rows are done, of how many."""


class Change(msgspec.Struct, frozen=True):
    """What a row changes: whose, what of it, and how it was and will be; null is nothing."""

    line: int
    email: str
    what: str
    before: str | None
    after: str | None


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a file, or would come of it in a dry run."""

    dry_run: bool
    rows: int
    added: int
    changed: int
    unchanged: int
    changes: tuple[Change, ...]
