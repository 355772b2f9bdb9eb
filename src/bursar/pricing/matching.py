"""Which price a model id stands for: the match clauses of genai-prices, as plain data in the snapshot."""

from __future__ import annotations

import re
from datetime import date
from typing import Literal

import msgspec

How = Literal["starts_with", "ends_with", "contains", "regex", "equals", "or", "and"]

_COMPACT_DATE = re.compile(r"-(20\d\d)(\d\d)(\d\d)(?=-|:|$)")


class Clause(msgspec.Struct, frozen=True, array_like=True):
    """One test of a lower-case model id, or a combination of tests ("or", "and")."""

    how: How
    what: str | tuple[Clause, ...]

    def matches(self, model: str) -> bool:
        """Whether a lower-case model id passes."""
        if not isinstance(self.what, str):
            found = (part.matches(model) for part in self.what)
            return any(found) if self.how == "or" else all(found)
        if self.how == "regex":
            return re.search(self.what, model) is not None
        text = self.what.lower()
        match self.how:
            case "starts_with":
                return model.startswith(text)
            case "ends_with":
                return model.endswith(text)
            case "contains":
                return text in model
            case _:
                return model == text


def spellings(model: str) -> tuple[str, ...]:
    """The ways to look a model id up, in order: as it is, and with a compact date ("-20260115") written out.

    Gateways write compact dates where some providers' own ids have dashes.
    """
    lower = model.lower()
    written_out = _COMPACT_DATE.sub(_write_out, lower)
    return (lower,) if written_out == lower else (lower, written_out)


def _write_out(found: re.Match[str]) -> str:
    year, month, day = found.groups()
    try:
        date(int(year), int(month), int(day))
    except ValueError:
        return found.group(0)
    return f"-{year}-{month}-{day}"
