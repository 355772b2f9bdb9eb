"""What the programs of `tests/node` said, beside what the simulated providers billed."""

from __future__ import annotations

from typing import Any

from bursar.sim.bill import Line
from tests.support.node import Case, play

from .place import Place


class Played:
    """The cases of one program, played against a place."""

    def __init__(self, place: Place, program: str) -> None:
        self.place = place
        self.cases = play(program, place.url, {"main": place.key, **place.keys})
        place.until_quiet()
        self._billed = {line.call: line for line in place.sim.bill.lines()}

    def value(self, name: str) -> Any:
        """What a case returned; it must not have failed."""
        case = self.cases[name]
        assert case.error is None, case.error
        return case.value

    def failed(self, name: str) -> tuple[dict[str, Any], Case]:
        """The error that a case ended with, and the case."""
        case = self.cases[name]
        assert case.error is not None, case.value
        return case.error, case

    def billed(self, answer_id: str) -> Line:
        """What the provider charged for an answer."""
        return self._billed[answer_id]
