"""Whether the database lets people wait too long: then nobody waits for it, but for one try now and then."""

from __future__ import annotations

TRY_EVERY_S = 5.0


class Patience:
    """Ended by an answer that takes too long, back with any answer that comes, however late."""

    __slots__ = ("_next_try_s", "is_over")

    def __init__(self) -> None:
        self.is_over = False
        self._next_try_s = 0.0

    def lost(self, now_s: float) -> None:
        """Somebody waited too long."""
        self.is_over = True
        self._next_try_s = now_s + TRY_EVERY_S

    def refuses(self, now_s: float) -> bool:
        """Whether to refuse at once now, rather than try."""
        if not self.is_over:
            return False
        if now_s < self._next_try_s:
            return True
        self._next_try_s = now_s + TRY_EVERY_S
        return False

    def answered(self) -> None:
        """It answers."""
        self.is_over = False
