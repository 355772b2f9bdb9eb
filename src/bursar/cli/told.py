"""A refusal as the API told it."""

from __future__ import annotations


class Told(Exception):  # noqa: N818 - what the API told is a refusal, not a mistake of this program
    """A refusal as the API told it: its stable name, its text, and the field that is wrong, if one is."""

    def __init__(self, name: str, message: str, field: str | None) -> None:
        super().__init__(message)
        self.name, self.message, self.field = name, message, field
