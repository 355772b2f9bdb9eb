"""What the journal says happened to a few lots: the queries that a statement is made of.

A person's postings are found by their time, which the index gives. A lot's own time bounds them: before it opens
nothing is posted to it, its expiry is posted at its end, and of what comes later only the ends of calls that it held
money for concern it. Those are looked up by their operations' names, one by one. Seldom something else comes later:
credit is cashed out after the period, or usage is charged late. The lot's balance tells that something is missing
then, and only then is it looked for in all of the person's time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

import sqlalchemy as sa

from bursar.ledger.accounts import Account, Balance, account_code, account_of
from bursar.ledger.postings import Verb
from bursar.store.schema import calls, postings, transfers

NEVER_US = 2**62
ENDS = [verb.value for verb in (Verb.SETTLE, Verb.PROVISIONAL, Verb.RELEASE, Verb.CHARGE, Verb.CORRECT)]
PAYING = (Account.AVAILABLE, Account.EXPIRED, Account.OVERRUN, Account.ADJUSTED)
"""Where what is charged comes from."""
INPUT = ("input_tokens", "cache_read_tokens", "cache_write_5m_tokens", "cache_write_1h_tokens", "audio_input_tokens")
OUTPUT = ("output_tokens", "audio_output_tokens")


class HeldThen(NamedTuple):
    """A hold that its lots' time does not see end: it has not ended, or later, by the posting `ended_by`."""

    hold_id: str
    since_us: int
    amount: int
    ended_by: int | None


class Sums(NamedTuple):
    """What movements come to. `net` has credits less debits by account: those of `accounts.DEBITED` are below zero.

    `added` is what of the funding came after the opening.
    """

    net: dict[Account, int]
    added: int


class Ended(NamedTuple):
    """The end of a hold, or a late charge, and what of its cost these lots carried; of it, what was adjusted.

    Of the cost `taken_back` is gone already: it was charged, and was not due, because of `why_back`. What is adjusted
    began when it was put down: the lots are of another time. Without a call's record the model is empty and the key
    is 0.
    """

    posting_id: int
    op: str
    verb: Verb
    effective_us: int
    reason: str
    cost: int
    adjusted: int
    model: str
    started_us: int
    key_id: int
    input_tokens: int
    output_tokens: int
    taken_back: int = 0
    why_back: str = ""


def moved(connection: sa.Connection, person_id: int, lots: list[Balance]) -> set[int]:
    """Which of some lots a person's calls held money in, or usage from elsewhere was charged to, by their ids.

    That may be reported late, and count when it was put down: after the lots' time.
    """
    if not lots:
        return set()
    held = sa.and_(postings.c.verb == Verb.HOLD.value, postings.c.effective_us <= max(lot.expires_us for lot in lots))
    query = (
        sa.select(transfers.c.debit)
        .join(postings, postings.c.id == transfers.c.posting_id)
        .where(
            postings.c.person_id == person_id,
            postings.c.effective_us >= min(lot.opens_us for lot in lots),
            sa.or_(held, postings.c.verb == Verb.CHARGE.value),
            transfers.c.debit.in_([account_code(lot.id, account) for lot in lots for account in PAYING]),
        )
        .distinct()
    )
    return {account_of(code)[0] for (code,) in connection.execute(query)}


class Movements:
    """The postings of one person that move some lots, the person's own or a pool's."""

    def __init__(self, connection: sa.Connection, person_id: int, lots: Iterable[Balance]) -> None:
        self._connection = connection
        self._person_id, self._lots = person_id, list(lots)
        self._ids = [lot.id for lot in self._lots]
        self._look(
            min((lot.opens_us for lot in self._lots), default=0),
            max((lot.expires_us or NEVER_US for lot in self._lots), default=0),
        )
        if self._something_is_missing():
            self._look(0, NEVER_US)

    def _look(self, from_us: int, to_us: int) -> None:
        """Find the postings between two instants, and the late ends of calls that were held for in between."""
        self._from_us, self._to_us = from_us, to_us
        self._timely = sa.and_(
            postings.c.person_id == self._person_id, postings.c.effective_us.between(from_us, to_us)
        )
        self.held = self._held_at_the_end()
        late = [hold.ended_by for hold in self.held if hold.ended_by is not None]
        self._theirs = sa.or_(self._timely, postings.c.id.in_(late)) if late else self._timely
        self._sums = self._summed()

    def _something_is_missing(self) -> bool:
        """Whether more was posted to the lots than was found. One that is shared is moved by others, too: then it is
        looked for what may come later.
        """
        if any(lot.person_id != self._person_id for lot in self._lots):
            return self._something_came_later()
        kept = {account: sum(lot.amounts[account] for lot in self._lots) for account in Account}
        return kept != self.sums().net

    def _something_came_later(self) -> bool:
        """Whether the person was charged, or given back, something after the lots' time."""
        query = (
            sa.select(postings.c.id)
            .join(transfers, transfers.c.posting_id == postings.c.id)
            .where(
                postings.c.person_id == self._person_id,
                postings.c.effective_us > self._to_us,
                postings.c.verb.in_([Verb.CHARGE.value, Verb.CORRECT.value]),
                transfers.c.debit.in_(self._codes(*PAYING, Account.SPENT)),
            )
            .limit(1)
        )
        return self._connection.execute(query).first() is not None

    def cashed_out(self) -> list[int]:
        """What was cashed out at each time, in the journal's order."""
        query = (
            sa.select(sa.func.sum(transfers.c.amount_nanos))
            .join(postings, postings.c.id == transfers.c.posting_id)
            .where(self._theirs, transfers.c.credit.in_(self._codes(Account.CASHED_OUT)))
            .group_by(postings.c.id)
            .order_by(postings.c.id)
        )
        return [int(amount) for (amount,) in self._connection.execute(query)]

    def _codes(self, *accounts: Account) -> list[int]:
        return [account_code(lot_id, account) for lot_id in self._ids for account in accounts]

    def _held_at_the_end(self) -> list[HeldThen]:
        end = postings.alias("ends")
        ending = sa.literal("end:") + sa.func.substr(postings.c.op, len("hold:") + 1)
        ended_late = sa.not_(end.c.effective_us.between(self._from_us, self._to_us))
        query = (
            sa.select(postings.c.op, postings.c.effective_us, sa.func.sum(transfers.c.amount_nanos), end.c.id)
            .join(transfers, transfers.c.posting_id == postings.c.id)
            .outerjoin(end, end.c.op == ending)
            .where(
                self._timely,
                postings.c.verb == Verb.HOLD.value,
                transfers.c.credit.in_(self._codes(Account.HELD)),
                sa.or_(end.c.id.is_(None), ended_late),
            )
            .group_by(postings.c.id, postings.c.op, postings.c.effective_us, end.c.id)
            .order_by(postings.c.id)
        )
        return [
            HeldThen(op.removeprefix("hold:"), since_us, int(amount), ended_by)
            for op, since_us, amount, ended_by in self._connection.execute(query)
        ]

    def sums(self, lots: Iterable[Balance] | None = None) -> Sums:
        """What the movements of some of the lots come to; of all, when none are named."""
        net, added = dict.fromkeys(Account, 0), 0
        for lot in self._lots if lots is None else lots:
            for account, amount in self._sums[lot.id].net.items():
                net[account] += amount
            added += self._sums[lot.id].added
        return Sums(net, added)

    def _summed(self) -> dict[int, Sums]:
        query = (
            sa.select(postings.c.verb, transfers.c.debit, transfers.c.credit, sa.func.sum(transfers.c.amount_nanos))
            .join(postings, postings.c.id == transfers.c.posting_id)
            .where(self._theirs, transfers.c.debit.in_(self._codes(*Account)))
            .group_by(postings.c.verb, transfers.c.debit, transfers.c.credit)
        )
        nets = {lot_id: dict.fromkeys(Account, 0) for lot_id in self._ids}
        added = dict.fromkeys(self._ids, 0)
        for verb, debit, credit, amount in self._connection.execute(query):
            (lot_id, came_from), (_, went_to) = account_of(debit), account_of(credit)
            nets[lot_id][came_from] -= int(amount)
            nets[lot_id][went_to] += int(amount)
            added[lot_id] += int(amount) if verb == Verb.ADD.value else 0
        return {lot_id: Sums(nets[lot_id], added[lot_id]) for lot_id in self._ids}

    def ended(self) -> list[Ended]:
        """The calls that ended, in the journal's order, each with what it cost in the end."""
        return corrected(self._ended())

    def _ended(self) -> Iterator[Ended]:
        """The ends of calls, and corrections of them, whose cost is less than nothing."""
        late, spent = self._codes(Account.ADJUSTED), self._codes(Account.SPENT)
        query = (
            sa.select(
                postings.c.id,
                postings.c.op,
                postings.c.verb,
                postings.c.effective_us,
                postings.c.reason,
                sa.func.sum(_sign(transfers.c.credit, transfers.c.debit, spent)),
                sa.func.sum(_sign(transfers.c.debit, transfers.c.credit, late)),
                sa.func.coalesce(calls.c.model, ""),
                sa.func.coalesce(calls.c.started_us, postings.c.effective_us),
                sa.func.coalesce(calls.c.key_id, 0),
                sa.func.coalesce(_sum_of(INPUT), 0),
                sa.func.coalesce(_sum_of(OUTPUT), 0),
            )
            .join(transfers, transfers.c.posting_id == postings.c.id)
            .outerjoin(calls, calls.c.posting_id == postings.c.id)
            .where(self._theirs, postings.c.verb.in_(ENDS), transfers.c.debit.in_(self._codes(*Account)))
            .group_by(postings.c.id, calls.c.posting_id)
            .order_by(postings.c.id)
        )
        for row in self._connection.execute(query):
            posting_id, op, verb, effective_us, reason, cost, adjusted, model, started_us, *call = row
            began_us = effective_us if adjusted else started_us
            sums = int(cost), int(adjusted)
            yield Ended(posting_id, op, Verb(verb), effective_us, reason, *sums, model, began_us, *call)


def corrected(found: Iterable[Ended]) -> list[Ended]:
    """Ends of calls after their corrections: what was taken back is off the call that it had been charged for.

    A correction names the posting of a call, or how often the usage that is charged by this name has been charged.
    """
    ends: dict[str, Ended] = {}
    ops: dict[int, str] = {}
    for one in found:
        if one.verb is not Verb.CORRECT:
            ends[one.op], ops[one.posting_id] = one, one.op
            continue
        name, _, number = one.op.removeprefix("correct:").rpartition(":")
        ids = [ops[int(number)]] if name == "call" else [f"charge:{name}:{n}" for n in reversed(range(int(number)))]
        back, adjusted = -one.cost, -one.adjusted
        for op in (op for op in ids if op in ends):
            call = ends[op]
            part, late = min(back, call.cost), min(adjusted, call.adjusted)
            ends[op] = call._replace(
                cost=call.cost - part,
                adjusted=call.adjusted - late,
                taken_back=call.taken_back + part,
                why_back=one.reason,
            )
            back, adjusted = back - part, adjusted - late
        assert not back, f"{one.op} takes back more than was charged"
    return list(ends.values())


def _sign(plus: sa.Column[int], minus: sa.Column[int], codes: list[int]) -> sa.Case[int]:
    """A transfer's amount if it goes one way, less than nothing if the other."""
    amount = transfers.c.amount_nanos
    return sa.case((plus.in_(codes), amount), (minus.in_(codes), -amount), else_=0)


def _sum_of(names: tuple[str, ...]) -> sa.ColumnElement[int]:
    total: sa.ColumnElement[int] = calls.c[names[0]]
    for name in names[1:]:
        total = total + calls.c[name]
    return total
