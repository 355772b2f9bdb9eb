"""One batch of commands in one database transaction: look up, decide, write, link, commit.

What is read inside the transaction is all that a decision sees. A command's answer leaves this module only after the
commit (and its fsync) succeeded.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from bursar.ledger.accounts import ACCOUNTS_PER_BALANCE, Account, Balance, Kind
from bursar.ledger.decide import apply, decide
from bursar.ledger.postings import (
    Accrue,
    Add,
    Carry,
    CashOut,
    Charge,
    Command,
    Correct,
    Expire,
    Extend,
    Hold,
    Leg,
    Open,
    OpenHold,
    Posting,
    Release,
    Revoke,
    Settle,
    Transfer,
    Verb,
)
from bursar.refusals import Refusal, Why, refuse
from bursar.store.writer import Writer

Outcome = Posting | Refusal | None
"""What a command comes to: its posting, the reason it was refused, or None when there was nothing to do."""

_encode = msgspec.msgpack.encode
_decode_legs = msgspec.msgpack.Decoder(tuple[Leg, ...]).decode
_row: Callable[[Any], tuple[Any, ...]] = msgspec.structs.astuple


class Batch:
    """The state of one transaction in progress. Used once."""

    def __init__(self, writer: Writer, commands: Sequence[Command], now_us: int) -> None:
        self._writer = writer
        self._commands = commands
        self._now_us = now_us
        self._answers: dict[str, tuple[bytes, Outcome]] = {}
        self._balances: dict[int, Balance] = {}
        self._holds: dict[str, OpenHold] = {}
        self._touched: set[int] = set()
        self._opened: list[Balance] = []
        self._extended: dict[int, int] = {}
        self._begun: dict[str, OpenHold] = {}
        self._ended: list[str] = []
        self._postings: list[Posting] = []
        self._digests: list[bytes] = []
        self._refused: list[tuple[Command, bytes, Refusal]] = []

    def run(self) -> list[Outcome]:
        """Carry the batch out. Raises the driver's error, with nothing written, when the database fails."""
        writer = self._writer
        writer.begin()
        try:
            self._look_up()
            outcomes = [self._one(command) for command in self._commands]
            head = self._write()
            writer.commit()
        except BaseException:
            writer.rollback()
            raise
        if head is not None:
            writer.advance(head)
        return outcomes

    # --- reading ----------------------------------------------------------------------------------------------

    def _look_up(self) -> None:
        """Lock what the commands touch, then see what was answered before.

        In this order: another node may be answering the same operation, and only once it has let go of the rows
        can its answer be seen. Looking first would miss it, and decide again on what it left.
        """
        self._lock_rows()
        writer = self._writer
        ops = [command.op for command in self._commands if not self._is_new(command)]
        for op, digest, posting_id in writer.known_ops(ops) if ops else ():
            self._answers[op] = (bytes(digest), self._recall(posting_id))
        ops = [command.op for command in self._commands if not (isinstance(command, Hold) and command.fresh)]
        for op, digest, why, facts in writer.refused_ops(ops) if ops else ():
            refusal = Refusal(Why(why), msgspec.json.decode(facts, type=dict[str, str]))
            self._answers[op] = (bytes(digest), refusal)

    def _is_new(self, command: Command) -> bool:
        """Whether the journal cannot have the command's operation: a hold that is open was not ended before."""
        if isinstance(command, Settle | Release):
            return command.hold_id in self._holds
        return isinstance(command, Hold) and command.fresh

    def _lock_rows(self) -> None:
        writer = self._writer
        ending = [command.hold_id for command in self._commands if isinstance(command, Settle | Release)]
        for row in writer.holds(ending) if ending else ():
            hold = open_hold(row)
            self._holds[hold.id] = hold
        wanted: set[int] = set()
        for command in self._commands:
            if isinstance(command, Hold | Charge):
                wanted.update(command.lots, command.limits)
            elif isinstance(command, Correct):
                wanted.update(part.balance_id for part in command.parts)
            elif isinstance(command, Carry):
                wanted.update((command.balance_id, command.to_id))
            elif isinstance(command, Expire | Accrue | Add | Revoke | CashOut | Extend):
                wanted.add(command.balance_id)
        for hold in self._holds.values():
            wanted.update(balance_id for balance_id, _ in hold.legs)
        if wanted:
            for row in writer.balances(sorted(wanted)):
                self._balances[row[0]] = read_balance(row)

    def _recall(self, posting_id: int) -> Posting:
        """The answer that was given to an operation that the journal already has."""
        row, transfers = self._writer.posting(posting_id)
        _, _, op, _, verb, person_id, effective_us, amount, reason = row
        return Posting(
            op=op,
            verb=Verb(verb),
            person_id=person_id,
            effective_us=effective_us,
            amount=amount,
            transfers=tuple(Transfer(*transfer) for transfer in transfers),
            reason=reason,
        )

    # --- deciding ---------------------------------------------------------------------------------------------

    def _one(self, command: Command) -> Outcome:
        op = command.op
        digest = hashlib.sha256(_encode(command.content)).digest()[:16]
        known = self._answers.get(op)
        if known is not None:
            return known[1] if known[0] == digest else refuse(Why.OPERATION_CONFLICT, operation=op)
        fresh_id = self._writer.next_balance_id() if isinstance(command, Open) else 0
        outcome = decide(self._balances, self._holds, command, fresh_id)
        if outcome is None or (isinstance(outcome, Refusal) and outcome.why is Why.HOLD_UNKNOWN):
            return outcome  # not remembered: the hold may yet come, and must not have been ended before it
        self._answers[op] = (digest, outcome)
        if isinstance(outcome, Refusal):
            self._refused.append((command, digest, outcome))
        else:
            self._accept(outcome, digest)
        return outcome

    def _accept(self, posting: Posting, digest: bytes) -> None:
        if posting.opens is not None:
            self._balances[posting.opens.id] = posting.opens
            self._opened.append(posting.opens)
        apply(self._balances, posting.transfers)
        if posting.extends is not None:
            balance_id, until_us = posting.extends
            self._balances[balance_id].expires_us = self._extended[balance_id] = until_us
        if posting.begins is not None:
            self._holds[posting.begins.id] = self._begun[posting.begins.id] = posting.begins
        if posting.ends is not None:
            del self._holds[posting.ends]
            if self._begun.pop(posting.ends, None) is None:
                self._ended.append(posting.ends)
        for debit, credit, _ in posting.transfers:
            self._touched.add(debit // ACCOUNTS_PER_BALANCE)
            self._touched.add(credit // ACCOUNTS_PER_BALANCE)
        self._postings.append(posting)
        self._digests.append(digest)

    # --- writing ----------------------------------------------------------------------------------------------

    def _write(self) -> tuple[int, bytes] | None:
        """Write everything that was decided. Returns the chain's new head, or None when nothing was posted."""
        writer = self._writer
        if self._refused:
            writer.add_refusals([self._refusal_row(*refused) for refused in self._refused])
        if not self._postings:
            return None
        link_id, ids = writer.new_ids(len(self._postings))
        postings, transfers, calls = self._rows(link_id, ids)
        opened = {balance.id for balance in self._opened}
        writer.add_balances([balance_row(balance) for balance in self._opened])
        writer.set_balances(
            [
                (*balance_row(self._balances[balance_id])[8:], balance_id)
                for balance_id in sorted(self._touched - opened)
            ]
        )
        writer.set_ends(list(self._extended.items()))
        writer.add_holds([hold_row(hold, writer.chain) for hold in self._begun.values()])
        writer.end_holds(self._ended)
        writer.add_journal(postings, transfers, calls)
        return writer.add_link(link_id, self._now_us, postings, transfers, calls)

    def _rows(self, link_id: int, ids: Sequence[int]) -> tuple[list[Any], list[Any], list[Any]]:
        postings: list[tuple[Any, ...]] = []
        transfers: list[tuple[int, int, int, int, int]] = []
        calls: list[tuple[Any, ...]] = []
        for posting_id, posting, digest in zip(ids, self._postings, self._digests, strict=True):
            postings.append(
                (
                    posting_id,
                    link_id,
                    posting.op,
                    digest,
                    posting.verb.value,
                    posting.person_id,
                    posting.effective_us,
                    posting.amount,
                    posting.reason,
                )
            )
            for n, (debit, credit, amount) in enumerate(posting.transfers):
                transfers.append((posting_id, n, debit, credit, amount))
            if posting.record is not None:
                calls.append((posting_id, *_row(posting.record)))
        return postings, transfers, calls

    def _refusal_row(self, command: Command, digest: bytes, refusal: Refusal) -> tuple[Any, ...]:
        facts = msgspec.json.encode(refusal.facts).decode()
        person_id = command.person_id if isinstance(command, Hold | Open | Charge) else 0
        return (command.op, digest, person_id, command.at_us, refusal.why.value, facts)


def read_balance(row: Sequence[Any]) -> Balance:
    """A Balance from a row of the table."""
    granted, available, held, spent, expired, overrun = row[8:14]
    unearned, revoked, carried_out, cashed_out, carried_in, adjusted = row[14:20]
    return Balance(
        row[0],
        row[1],
        Kind(row[2]),
        row[3],
        row[4],
        row[5],
        row[6],
        row[7],
        [
            -granted,
            available,
            held,
            spent,
            expired,
            -overrun,
            unearned,
            revoked,
            carried_out,
            cashed_out,
            -carried_in,
            -adjusted,
        ],
    )


def balance_row(balance: Balance) -> tuple[Any, ...]:
    """A row of the table from a Balance."""
    amounts = balance.amounts
    return (
        balance.id,
        balance.person_id,
        balance.kind.value,
        balance.source,
        balance.label,
        balance.priority,
        balance.opens_us,
        balance.expires_us,
        -amounts[Account.FUNDING],
        amounts[Account.AVAILABLE],
        amounts[Account.HELD],
        amounts[Account.SPENT],
        amounts[Account.EXPIRED],
        -amounts[Account.OVERRUN],
        amounts[Account.UNEARNED],
        amounts[Account.REVOKED],
        amounts[Account.CARRIED_OUT],
        amounts[Account.CASHED_OUT],
        -amounts[Account.CARRIED_IN],
        -amounts[Account.ADJUSTED],
    )


def open_hold(row: Sequence[Any]) -> OpenHold:
    """An OpenHold from a row of the table."""
    hold_id, person_id, amount, legs, dispatched, held_us, _, note = row
    return OpenHold(hold_id, person_id, amount, _decode_legs(legs), bool(dispatched), held_us, bytes(note))


def hold_row(hold: OpenHold, chain: int) -> tuple[Any, ...]:
    """A row of the table from an OpenHold."""
    legs = _encode(hold.legs)
    return (hold.id, hold.person_id, hold.amount, legs, int(hold.dispatched), hold.held_us, chain, hold.note)
