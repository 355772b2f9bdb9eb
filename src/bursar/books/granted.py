"""What opened lots, as far as what is due to them is concerned."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from bursar.store.changes import Change
from bursar.terms.plan import Terms
from bursar.terms.proration import Employment

Posted = Mapping[str, int]
"""What the journal posted, by operation, in nano-USD."""


class Granted(Protocol):
    """What opened lots: terms from an instant on, when the person is there, and the changes that were announced."""

    @property
    def from_us(self) -> int: ...  # noqa: D102

    @property
    def terms(self) -> Terms: ...  # noqa: D102

    @property
    def employment(self) -> Employment: ...  # noqa: D102

    @property
    def events(self) -> tuple[Change, ...]: ...  # noqa: D102

    def opened_nanos(self, opens_us: int) -> int: ...  # noqa: D102
