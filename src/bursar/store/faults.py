"""What `journal verify` can find wrong, by name."""

from __future__ import annotations

from enum import StrEnum

import msgspec

MAX_FAULTS = 1_000
"""How many faults are kept; more are only counted. A journal that somebody rewrote has one for every posting."""


class FaultName(StrEnum):
    """The names of all faults. The values are stable: scripts and alarms may rely on them."""

    # postings and their transfers
    VERB_UNKNOWN = "verb_unknown"
    NO_TRANSFER = "no_transfer"
    TRANSFER_ORPHANED = "transfer_orphaned"
    TRANSFER_NOT_POSITIVE = "transfer_not_positive"
    BALANCE_MISSING = "balance_missing"
    FOREIGN_BALANCE = "foreign_balance"
    MOVE_UNLAWFUL = "move_unlawful"
    BELOW_ZERO = "below_zero"
    AMOUNT_DIFFERS = "amount_differs"
    # holds and calls
    HOLD_NOT_OPEN = "hold_not_open"
    HOLD_NOT_EMPTIED = "hold_not_emptied"
    LIMIT_DIFFERS = "limit_differs"
    CALL_MISSING = "call_missing"
    CALL_ORPHANED = "call_orphaned"
    CALL_DIFFERS = "call_differs"
    # what the journal adds up to
    BALANCE_DIFFERS = "balance_differs"
    BALANCE_NOT_OPENED = "balance_not_opened"
    OPENING_DIFFERS = "opening_differs"
    OPEN_HOLD_MISSING = "open_hold_missing"
    OPEN_HOLD_UNKNOWN = "open_hold_unknown"
    OPEN_HOLD_DIFFERS = "open_hold_differs"
    HELD_DIFFERS = "held_differs"
    REFUSED_AND_POSTED = "refused_and_posted"
    # what others told of
    HEAD_MISSING = "head_missing"
    HEAD_DIFFERS = "head_differs"
    CHARGED_DIFFERS = "charged_differs"
    # the chains
    LINK_MISSING = "link_missing"
    SEAL_ORPHANED = "seal_orphaned"
    LINK_COUNT = "link_count"
    LINK_GAP = "link_gap"
    LINK_BROKEN = "link_broken"
    LINK_HASH = "link_hash"
    CHECKPOINT_DIFFERS = "checkpoint_differs"
    # the papers that the chains seal
    PAPER_UNSEALED = "paper_unsealed"
    PAPER_DIFFERS = "paper_differs"
    PAPER_MISSING = "paper_missing"


class Fault(msgspec.Struct, frozen=True):
    """One thing that is wrong: its name, where it is ("posting 17"), and the problem in words."""

    name: FaultName
    where: str
    problem: str


class Findings:
    """The faults found so far."""

    def __init__(self) -> None:
        self.faults: list[Fault] = []
        self.count = 0

    def add(self, name: FaultName, where: str, problem: str) -> None:
        """Note a fault."""
        self.count += 1
        if len(self.faults) < MAX_FAULTS:
            self.faults.append(Fault(name, where, problem))
