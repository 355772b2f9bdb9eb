"""The books played again from the journal alone, posting by posting, and compared with what the database says."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.ledger.accounts import ACCOUNTS_PER_BALANCE, DEBITED, SHARED, Account, Balance, Kind
from bursar.ledger.postings import Leg, Open, OpenHold, Verb
from bursar.store.batch import open_hold, read_balance
from bursar.store.faults import FaultName, Findings
from bursar.store.reading import Entry, stream
from bursar.store.records import CallRecord
from bursar.store.schema import balances, holds, postings

_FUNDING, _AVAILABLE, _HELD, _SPENT, _EXPIRED, _OVERRUN = list(Account)[:6]
_UNEARNED, _REVOKED, _CARRIED_OUT, _CASHED_OUT, _CARRIED_IN, _ADJUSTED = list(Account)[6:]
_GIVEN_BACK = frozenset({(_HELD, _AVAILABLE), (_HELD, _EXPIRED), (_HELD, _OVERRUN)})
LAWFUL: dict[Verb, frozenset[tuple[Account, Account]]] = {
    Verb.OPEN: frozenset({(_FUNDING, _AVAILABLE), (_FUNDING, _UNEARNED)}),
    Verb.HOLD: frozenset({(_AVAILABLE, _HELD)}),
    Verb.SETTLE: frozenset({*_GIVEN_BACK, (_HELD, _SPENT), (_AVAILABLE, _SPENT), (_OVERRUN, _SPENT)}),
    Verb.PROVISIONAL: frozenset({*_GIVEN_BACK, (_HELD, _SPENT), (_AVAILABLE, _SPENT), (_OVERRUN, _SPENT)}),
    Verb.RELEASE: _GIVEN_BACK,
    Verb.EXPIRE: frozenset({(_AVAILABLE, _EXPIRED)}),
    Verb.ACCRUE: frozenset({(_UNEARNED, _AVAILABLE)}),
    Verb.ADD: frozenset({(_FUNDING, _AVAILABLE), (_FUNDING, _UNEARNED)}),
    Verb.CARRY: frozenset({(_AVAILABLE, _CARRIED_OUT), (_EXPIRED, _CARRIED_OUT), (_CARRIED_IN, _AVAILABLE)}),
    Verb.REVOKE: frozenset({(_UNEARNED, _REVOKED), (_AVAILABLE, _REVOKED)}),
    Verb.CASH_OUT: frozenset({(_AVAILABLE, _CASHED_OUT), (_EXPIRED, _CASHED_OUT)}),
    Verb.CHARGE: frozenset({(_AVAILABLE, _SPENT), (_EXPIRED, _SPENT), (_OVERRUN, _SPENT), (_ADJUSTED, _SPENT)}),
    Verb.EXTEND: frozenset(),
    Verb.CORRECT: frozenset({(_SPENT, _AVAILABLE), (_SPENT, _EXPIRED), (_SPENT, _OVERRUN), (_SPENT, _ADJUSTED)}),
}
"""Which movements each verb may make. What is not in the table is a fault."""

_EXTEND = re.compile(r"extend:([0-9]{1,18}):([0-9]{1,18}):([0-9]{1,18})")

RECORDED = frozenset({Verb.SETTLE, Verb.PROVISIONAL, Verb.RELEASE, Verb.CHARGE, Verb.CORRECT})
"""Verbs with which a call's record may come."""

OUTCOMES = {Verb.SETTLE: "settled", Verb.PROVISIONAL: "provisional", Verb.RELEASE: "released"}


class _Move(NamedTuple):
    balance_id: int
    source: Account
    target: Account
    amount: int


class _Extension(NamedTuple):
    balance_id: int
    from_us: int
    until_us: int


def _extension(op: str) -> _Extension | None:
    """Which balance an operation extends, and from when until when; None when it does not say so."""
    found = _EXTEND.fullmatch(op)
    return None if found is None else _Extension(*map(int, found.groups()))


def _ends_at_opening(connection: sa.Connection, stored: Mapping[int, Balance]) -> dict[int, int]:
    """When each balance was to end when it was opened: before it was first extended."""
    ends_us = {balance_id: kept.expires_us for balance_id, kept in stored.items()}
    extended = sa.select(postings.c.op).where(postings.c.verb == Verb.EXTEND.value).order_by(postings.c.id.desc())
    for (op,) in connection.execute(extended):
        asked = _extension(op)
        if asked is not None:
            ends_us[asked.balance_id] = asked.from_us
    return ends_us


class Replay:
    """The balances and open holds that the postings so far add up to."""

    def __init__(self, connection: sa.Connection, findings: Findings) -> None:
        self._findings = findings
        self._stored = {row[0]: read_balance(row) for row in stream(connection, sa.select(balances))}
        self._amounts = {balance_id: [0] * len(Account) for balance_id in self._stored}
        self._ends_us = _ends_at_opening(connection, self._stored)
        self._not_opened = set(self._stored)
        self._holds: dict[str, OpenHold] = {}
        self.transfers = 0
        self.calls = 0

    @property
    def balances(self) -> int:
        """How many balances there are."""
        return len(self._stored)

    # --- one posting ------------------------------------------------------------------------------------------

    def add(self, entry: Entry) -> None:
        """Play the next posting."""
        self.transfers += len(entry.transfers)
        self.calls += entry.call is not None
        where = f"posting {entry.posting[0]}"
        try:
            verb = Verb(entry.posting[4])
        except ValueError:
            return self._findings.add(FaultName.VERB_UNKNOWN, where, f"{entry.posting[4]!r} is no verb")
        if not entry.transfers and verb is not Verb.EXTEND:
            self._findings.add(FaultName.NO_TRANSFER, where, "it moves nothing")
        moves = [move for row in entry.transfers if (move := self._move(where, verb, entry.posting[5], row))]
        match verb:
            case Verb.OPEN:
                self._opens(where, entry, moves)
            case Verb.HOLD:
                self._begins(where, entry, moves)
            case Verb.SETTLE | Verb.PROVISIONAL | Verb.RELEASE:
                self._ends(where, verb, entry, moves)
            case Verb.EXTEND:
                self._extends(where, entry.posting[2], entry.posting[5])
            case Verb.CHARGE | Verb.CORRECT:
                self._amount(where, entry.posting[7], (move for move in moves if self._is_lot(move.balance_id)))
            case Verb.CARRY:
                self._carries(where, entry.posting[7], moves)
            case _:
                self._amount(where, entry.posting[7], moves)
        if entry.call is not None and verb not in RECORDED:
            self._findings.add(FaultName.CALL_DIFFERS, where, f"a call is recorded with it, but it is a {verb}")
        return None

    def _move(self, where: str, verb: Verb, person_id: int, row: tuple[int, ...]) -> _Move | None:
        """Carry one transfer out. None when it names no balance or account that there is."""
        _, _, debit, credit, amount = row
        debit_id, source = divmod(debit, ACCOUNTS_PER_BALANCE)
        credit_id, target = divmod(credit, ACCOUNTS_PER_BALANCE)
        debited, credited = self._amounts.get(debit_id), self._amounts.get(credit_id)
        if debited is None or credited is None:
            missing = debit_id if debited is None else credit_id
            self._findings.add(FaultName.BALANCE_MISSING, where, f"it moves balance {missing}, which is not there")
            return None
        if debit_id != credit_id or self._stored[debit_id].person_id not in (person_id, SHARED):
            problem = (
                f"it moves from balance {debit_id} to balance {credit_id}; it may move within one of its person's, "
                "or a shared one"
            )
            self._findings.add(FaultName.FOREIGN_BALANCE, where, problem)
        for_limits = (source, target) == (_HELD, _OVERRUN)
        if (source, target) not in LAWFUL[verb] or (for_limits and self._is_lot(debit_id)):
            problem = f"a {verb} may not move account {source} to account {target} of balance {debit_id}"
            self._findings.add(FaultName.MOVE_UNLAWFUL, where, problem)
            if max(source, target) >= len(Account):
                return None
        if amount <= 0:
            self._findings.add(FaultName.TRANSFER_NOT_POSITIVE, where, f"it moves {amount} nano-dollars")
        debited[source] -= amount
        credited[target] += amount
        if debited[source] < 0 and source not in DEBITED:
            name = Account(source).name.lower()
            problem = f"{name} of balance {debit_id} is {debited[source]} nano-dollars after it"
            self._findings.add(FaultName.BELOW_ZERO, where, problem)
        return _Move(debit_id, Account(source), Account(target), amount)

    def _amount(self, where: str, amount: int, moves: Iterable[_Move], target: Account | None = None) -> None:
        """The posting's headline is what its lots (a limit's opening: the limit) moved."""
        moved = sum(move.amount for move in moves if target is None or move.target is target)
        if moved != amount:
            problem = f"it says {amount} nano-dollars, its transfers move {moved}"
            self._findings.add(FaultName.AMOUNT_DIFFERS, where, problem)

    def _carries(self, where: str, amount: int, moves: list[_Move]) -> None:
        """What leaves one lot arrives in another of the same owner."""
        self._amount(where, amount, moves, _CARRIED_OUT)
        self._amount(where, amount, (move for move in moves if move.source is _CARRIED_IN))
        lots = {move.balance_id for move in moves}
        out = {move.balance_id for move in moves if move.target is _CARRIED_OUT}
        if len(lots) != 2 or len(out) != 1 or len({self._stored[lot].person_id for lot in lots}) != 1:
            problem = "it does not carry from one lot to another of the same owner"
            self._findings.add(FaultName.FOREIGN_BALANCE, where, problem)

    def _extends(self, where: str, op: str, person_id: int) -> None:
        """A lot goes on from the end that it had until a later one."""
        asked = _extension(op)
        kept = None if asked is None else self._stored.get(asked.balance_id)
        if asked is None or kept is None:
            problem = f"{op!r} extends no balance that is there"
            return self._findings.add(FaultName.BALANCE_MISSING, where, problem)
        balance_id, from_us, until_us = asked
        if kept.person_id not in (person_id, SHARED):
            self._findings.add(FaultName.FOREIGN_BALANCE, where, f"it extends balance {balance_id} of somebody else")
        if self._ends_us[balance_id] != from_us or until_us <= from_us:
            problem = f"balance {balance_id} ended at {self._ends_us[balance_id]} before it, not at {from_us}"
            self._findings.add(FaultName.BALANCE_DIFFERS, where, problem)
        self._ends_us[balance_id] = until_us
        return None

    def _opens(self, where: str, entry: Entry, moves: list[_Move]) -> None:
        _, _, op, digest, _, _, _, amount, _ = entry.posting
        self._amount(where, amount, moves)
        for balance_id in {move.balance_id for move in moves}:
            kept = self._stored[balance_id]
            asked = Open(
                kept.person_id,
                kept.kind,
                kept.source,
                kept.label,
                amount,
                0,
                priority=kept.priority,
                opens_us=kept.opens_us,
                expires_us=self._ends_us[balance_id],
                unearned=sum(move.amount for move in moves if move.target is _UNEARNED),
            )
            if asked.op != op or hashlib.sha256(msgspec.msgpack.encode(asked.content)).digest()[:16] != digest:
                problem = (
                    f"balance {balance_id} is not as it was opened: owner, kind, priority, times, source or label"
                )
                self._findings.add(FaultName.OPENING_DIFFERS, where, problem)
            self._not_opened.discard(balance_id)

    def _begins(self, where: str, entry: Entry, moves: list[_Move]) -> None:
        _, _, op, _, _, person_id, effective_us, amount, _ = entry.posting
        self._amount(where, amount, (move for move in moves if self._is_lot(move.balance_id)))
        for move in moves:
            if not self._is_lot(move.balance_id) and move.amount != amount:
                problem = f"limit {move.balance_id} holds {move.amount} nano-dollars, the lots {amount}"
                self._findings.add(FaultName.LIMIT_DIFFERS, where, problem)
        hold_id = op.removeprefix("hold:")
        legs = tuple(Leg(move.balance_id, move.amount) for move in moves)
        self._holds[hold_id] = OpenHold(hold_id, person_id, amount, legs, True, effective_us)

    def _ends(self, where: str, verb: Verb, entry: Entry, moves: list[_Move]) -> None:
        hold_id = entry.posting[2].removeprefix("end:")
        amount = entry.posting[7]
        cost = 0 if verb is Verb.RELEASE else amount
        self._called(where, verb, hold_id, entry)
        hold = self._holds.pop(hold_id, None)
        if hold is None:
            problem = f"it ends the hold {hold_id}, which was never begun or has ended before"
            return self._findings.add(FaultName.HOLD_NOT_OPEN, where, problem)
        if verb is Verb.RELEASE and amount != hold.amount:
            problem = f"it says {amount} nano-dollars, the hold was {hold.amount}"
            self._findings.add(FaultName.AMOUNT_DIFFERS, where, problem)
        self._amount(where, cost, (move for move in moves if self._is_lot(move.balance_id)), _SPENT)
        for balance_id, held in hold.legs:
            own = [move for move in moves if move.balance_id == balance_id]
            given = sum(move.amount for move in own if move.source is _HELD)
            if given != held:
                problem = f"balance {balance_id} held {held} nano-dollars for {hold_id}; {given} left it"
                self._findings.add(FaultName.HOLD_NOT_EMPTIED, where, problem)
            spent = sum(move.amount for move in own if move.target is _SPENT)
            if spent != cost and not self._is_lot(balance_id):
                problem = f"limit {balance_id} is charged {spent} nano-dollars, the lots {cost}"
                self._findings.add(FaultName.LIMIT_DIFFERS, where, problem)
        for stranger in {move.balance_id for move in moves}.difference(leg.balance_id for leg in hold.legs):
            problem = f"it moves balance {stranger}, in which {hold_id} held nothing"
            self._findings.add(FaultName.HOLD_NOT_EMPTIED, where, problem)
        return None

    def _called(self, where: str, verb: Verb, hold_id: str, entry: Entry) -> None:
        if entry.call is None:
            return self._findings.add(FaultName.CALL_MISSING, where, f"the call of hold {hold_id} is not recorded")
        call = CallRecord(*entry.call[1:])
        person_id, amount, reason = entry.posting[5], entry.posting[7], entry.posting[8]
        cost = 0 if verb is Verb.RELEASE else amount
        recorded = (call.hold_id, call.person_id, call.cost_nanos, call.outcome, call.reason)
        if recorded != (hold_id, person_id, cost, OUTCOMES[verb], reason):
            problem = f"the call's record says (hold, person, cost, outcome, reason) = {recorded}"
            self._findings.add(FaultName.CALL_DIFFERS, where, problem)
        return None

    def _is_lot(self, balance_id: int) -> bool:
        return self._stored[balance_id].kind is Kind.LOT

    # --- at the end -------------------------------------------------------------------------------------------

    def finish(self, connection: sa.Connection) -> int:
        """Compare with the balances and the open holds of the database. Returns how many holds are open there."""
        for balance_id, kept in self._stored.items():
            self._same_amounts(kept, self._amounts[balance_id])
            if kept.expires_us != self._ends_us[balance_id]:
                problem = f"it ends at {kept.expires_us}, the journal says {self._ends_us[balance_id]}"
                self._findings.add(FaultName.BALANCE_DIFFERS, f"balance {balance_id}", problem)
        for balance_id in sorted(self._not_opened):
            self._findings.add(FaultName.BALANCE_NOT_OPENED, f"balance {balance_id}", "no posting opened it")
        held = dict.fromkeys(self._stored, 0)
        count = 0
        for row in stream(connection, sa.select(holds)):
            count += 1
            self._same_hold(open_hold(row), held)
        for hold_id in self._holds:
            problem = "the journal began it and did not end it, but it is not among the open holds"
            self._findings.add(FaultName.OPEN_HOLD_MISSING, f"hold {hold_id}", problem)
        for balance_id, kept in self._stored.items():
            if kept.held != held[balance_id]:
                problem = f"it holds {kept.held} nano-dollars, its open holds sum to {held[balance_id]}"
                self._findings.add(FaultName.HELD_DIFFERS, f"balance {balance_id}", problem)
        return count

    def _same_amounts(self, kept: Balance, replayed: list[int]) -> None:
        for account in Account:
            is_now, should_be = kept.amounts[account], replayed[account]
            if is_now != should_be:
                problem = f"its {account.name.lower()} is {is_now} nano-dollars, the journal says {should_be}"
                self._findings.add(FaultName.BALANCE_DIFFERS, f"balance {kept.id}", problem)

    def _same_hold(self, kept: OpenHold, held: dict[int, int]) -> None:
        for balance_id, amount in kept.legs:
            if balance_id in held:
                held[balance_id] += amount
        begun = self._holds.pop(kept.id, None)
        where = f"hold {kept.id}"
        if begun is None:
            problem = "it is among the open holds, but the journal did not begin it or has ended it"
            self._findings.add(FaultName.OPEN_HOLD_UNKNOWN, where, problem)
        elif (kept.person_id, kept.amount, kept.legs, kept.held_us) != (
            begun.person_id,
            begun.amount,
            begun.legs,
            begun.held_us,
        ):
            problem = "its person, amount, parts or time are not those with which the journal began it"
            self._findings.add(FaultName.OPEN_HOLD_DIFFERS, where, problem)
