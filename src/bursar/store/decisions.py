"""What a call that others tell of has come to: the states of its head, and why it is in one.

`journal verify` holds every head to its state and to these words (see `store.told`), so both are stable: a head that
was written years ago is still right. Only the words of a refusal are free.
"""

from __future__ import annotations

PENDING = "pending"
"""It is not decided yet."""
CHARGED = "charged"
ADJUSTED = "adjusted"
"""Charged to nobody's credit, because it came late."""
MEMO = "memo"
REFUSED = "refused"
BILLED = "billed"
"""The gateway billed it."""
TOLD = "told"
"""Somebody more trusted tells of it."""
NOBODY = "nobody"
UNPRICED = "unpriced"

WHY_MEMO = "the plan does not charge for it"
WHY_SUM = "a sum over calls, to be compared with"
WHY_BILLED = "the gateway billed it"


def why_pending(import_id: int) -> str:
    """Which import had it looked at."""
    return f"import {import_id}"


def why_told(source: str) -> str:
    """Who tells of it."""
    return f"{source} tells of the same call"


def why_nobody(person: str) -> str:
    """Whose it would be."""
    return f"there is no person {person!r}" if person else "nobody is named"


def why_unpriced(model: str, catalog: str) -> str:
    """What has no price."""
    return f"{model!r} of {catalog!r} has no price"
