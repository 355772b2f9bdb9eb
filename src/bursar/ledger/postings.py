"""What commands ask for, and the postings that answer them.

Every command names its operation (`op`) and its `content`: the same operation with the same content has the same
answer however often it is asked; with other content it is refused. The instant at which it is asked is no content.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any, NamedTuple

import msgspec

from bursar.ledger.accounts import Account, Balance, Kind, account_code
from bursar.refusals import Refusal


class Verb(StrEnum):
    """What a posting did."""

    OPEN = "open"
    HOLD = "hold"
    SETTLE = "settle"
    PROVISIONAL = "provisional"
    RELEASE = "release"
    EXPIRE = "expire"
    ACCRUE = "accrue"
    ADD = "add"
    CARRY = "carry"
    REVOKE = "revoke"
    CASH_OUT = "cash_out"
    CHARGE = "charge"
    EXTEND = "extend"
    CORRECT = "correct"


class Transfer(NamedTuple):
    """One movement of a positive amount of nano-USD from a debit to a credit account (by their codes)."""

    debit: int
    credit: int
    amount: int


class Leg(NamedTuple):
    """The part of a hold that one balance carries."""

    balance_id: int
    amount: int


class OpenHold(msgspec.Struct, frozen=True, gc=False):
    """Money set aside and not yet settled or released.

    `legs` list the lots in burn-down order, then the limits; `amount` is the lots' sum. `dispatched` says that the
    call may have left for the provider. `note` is opaque here: what the journal keeps about the call.
    """

    id: str
    person_id: int
    amount: int
    legs: tuple[Leg, ...]
    dispatched: bool
    held_us: int
    note: bytes = b""


class Open(msgspec.Struct, frozen=True, gc=False):
    """Open a lot or a limit and put its amount in, all of it available but for what is `unearned` as yet.

    `reason` says how the amount came about, where the plan alone does not.
    """

    person_id: int
    kind: Kind
    source: str
    label: str
    amount: int
    at_us: int
    priority: int = 0
    opens_us: int = 0
    expires_us: int = 0
    unearned: int = 0
    reason: str = ""

    @property
    def op(self) -> str:
        return f"open:{self.source}:{self.label}"

    @property
    def content(self) -> tuple[object, ...]:
        plain = (self.person_id, self.kind, self.amount, self.priority, self.opens_us, self.expires_us)
        return (*plain, self.unearned) if self.unearned else plain


class Hold(msgspec.Struct, frozen=True, gc=False):
    """Set aside `amount` over the lots, and in every limit; or less, but at least `minimum`, when less is left.

    `lots` are the balances that may pay, in any order; `limits` all apply. `note` is kept with the hold. A `fresh`
    one has an id that was made for it just now, so nobody can have asked for it before. `soft` is empty, or has for
    each limit the amount above which it warns, 0 for one that does not.

    One that another gateway asks for says in `asked` what was asked, which is its content then: prices may have moved
    when it asks again. `refusal` is why it cannot be had whatever the balances are; so that it stays refused.
    """

    id: str
    person_id: int
    lots: tuple[int, ...]
    limits: tuple[int, ...]
    amount: int
    minimum: int
    at_us: int
    dispatched: bool = True
    note: bytes = b""
    fresh: bool = False
    soft: tuple[int, ...] = ()
    asked: str = ""
    refusal: Refusal | None = None

    @property
    def op(self) -> str:
        return "hold:" + self.id

    @property
    def content(self) -> tuple[object, ...]:
        return (self.person_id, self.asked) if self.asked else (self.person_id, self.amount, self.minimum)


class Settle(msgspec.Struct, frozen=True, gc=False):
    """Replace a hold by what the call cost. `cost` None charges the whole hold.

    A provisional charge stands until something better is known; `reason` says why it is one. `record` is opaque
    here: the call's record, which the journal writes with the posting.
    """

    hold_id: str
    cost: int | None
    at_us: int
    provisional: bool = False
    reason: str = ""
    record: Any = None

    @property
    def op(self) -> str:
        return "end:" + self.hold_id

    @property
    def content(self) -> tuple[object, ...]:
        return ("settle", self.cost, self.provisional)


class Release(msgspec.Struct, frozen=True, gc=False):
    """Give a hold back: nothing was, or can have been, billed for it."""

    hold_id: str
    at_us: int
    reason: str
    record: Any = None

    @property
    def op(self) -> str:
        return "end:" + self.hold_id

    @property
    def content(self) -> tuple[object, ...]:
        return ("release",)


class Expire(msgspec.Struct, frozen=True, gc=False):
    """Post what is unspent in a lot whose time has ended as breakage.

    `expired_before` is what had expired in it before: it makes the operation's name, so that asking twice posts once.
    `due_us` is when that was due, if not at the lot's end.
    """

    balance_id: int
    expired_before: int
    at_us: int
    due_us: int = 0

    @property
    def op(self) -> str:
        return f"expire:{self.balance_id}:{self.expired_before}"

    @property
    def content(self) -> tuple[object, ...]:
        return ()


class Accrue(msgspec.Struct, frozen=True, gc=False):
    """Make available what has been earned: only `unearned` is left unearned afterwards.

    `added` is what was put into the lot after its opening: it makes the operation's name, for what is added is earned
    by the day, too, and so the same amount may be left unearned twice.
    """

    balance_id: int
    unearned: int
    at_us: int
    added: int = 0

    @property
    def op(self) -> str:
        added = f":{self.added}" if self.added else ""
        return f"accrue:{self.balance_id}{added}:{self.unearned}"

    @property
    def content(self) -> tuple[object, ...]:
        return ()


class Add(msgspec.Struct, frozen=True, gc=False):
    """Put more into a lot, because of a `change` to the person's terms (its name is a part of the operation's).

    All of it is available but for what is `unearned` as yet. `before` is what had been granted and revoked when this
    was found due, if that matters: when it is something else by now, nothing is done.
    """

    balance_id: int
    amount: int
    change: str
    at_us: int
    reason: str = ""
    unearned: int = 0
    before: tuple[int, int] | None = None

    @property
    def op(self) -> str:
        return f"add:{self.change}:{self.balance_id}"

    @property
    def content(self) -> tuple[object, ...]:
        return (self.amount, self.unearned) if self.unearned else (self.amount,)


class Carry(msgspec.Struct, frozen=True, gc=False):
    """Carry credit of a lot whose time has ended over to a later lot of the same owner.

    `carried_before` is what had been carried out of it before: it makes the operation's name, as in `Expire`, of
    which `due_us` is, too.
    """

    balance_id: int
    to_id: int
    amount: int
    carried_before: int
    at_us: int
    due_us: int = 0

    @property
    def op(self) -> str:
        return f"carry:{self.balance_id}:{self.carried_before}"

    @property
    def content(self) -> tuple[object, ...]:
        return (self.to_id, self.amount)


class Revoke(msgspec.Struct, frozen=True, gc=False):
    """Take credit back before it is spent, at most `amount`: the unearned first. What is held or spent stays.

    `before` is as in `Add`.
    """

    balance_id: int
    amount: int
    change: str
    at_us: int
    reason: str
    before: tuple[int, int] | None = None

    @property
    def op(self) -> str:
        return f"revoke:{self.change}:{self.balance_id}"

    @property
    def content(self) -> tuple[object, ...]:
        return (self.amount,)


class CashOut(msgspec.Struct, frozen=True, gc=False):
    """Turn unspent credit into pay. `cashed_before` makes the operation's name, as in `Expire`."""

    balance_id: int
    amount: int
    cashed_before: int
    at_us: int
    reason: str = ""

    @property
    def op(self) -> str:
        return f"cash_out:{self.balance_id}:{self.cashed_before}"

    @property
    def content(self) -> tuple[object, ...]:
        return (self.amount,)


class Charge(msgspec.Struct, frozen=True, gc=False):
    """Charge what was used without a hold, because it did not pass the gateway or arrives late.

    `lots` pay in the given order what is available in them; ended ones also what had expired. What they cannot pay
    is overrun, of the last that is not shared. An `adjustment` takes nobody's credit: all of it is put down in the
    first lot as adjusted. Each of `limits` counts it, and stops nothing that has happened already: what it does not
    let through passes it, as overrun. `id` names the usage, so that it is charged once.
    """

    id: str
    person_id: int
    lots: tuple[int, ...]
    cost: int
    at_us: int
    effective_us: int
    reason: str = ""
    record: Any = None
    adjustment: bool = False
    limits: tuple[int, ...] = ()

    @property
    def op(self) -> str:
        return "charge:" + self.id

    @property
    def content(self) -> tuple[object, ...]:
        return (self.person_id, self.cost)


class Returned(NamedTuple):
    """A part of a charge that was not due: so much of it goes back to the account that it was taken from."""

    balance_id: int
    account: Account
    amount: int


class Correct(msgspec.Struct, frozen=True, gc=False):
    """Take back what was charged and was not due, such as usage that the gateway billed already.

    `parts` say where it was taken from; what a lot had goes to expired when the lot's time has ended since. Of a
    limit only the amount matters: what passes it is made good first. `id` names the correction, which is made once.
    `record` tells what the call used, when that is known only now.
    """

    id: str
    person_id: int
    parts: tuple[Returned, ...]
    at_us: int
    reason: str
    record: Any = None

    @property
    def op(self) -> str:
        return "correct:" + self.id

    @property
    def content(self) -> tuple[object, ...]:
        return (self.person_id, sum(part.amount for part in self.parts))


class Extend(msgspec.Struct, frozen=True, gc=False):
    """Keep a lot open longer, because of a `change` to the person's terms: until `until_us` instead of `from_us`.

    Moves nothing. Both instants make the operation's name, from which the journal can be played again.
    """

    balance_id: int
    from_us: int
    until_us: int
    change: str
    at_us: int
    reason: str = ""

    @property
    def op(self) -> str:
        return f"extend:{self.balance_id}:{self.from_us}:{self.until_us}"

    @property
    def content(self) -> tuple[object, ...]:
        return (self.change,)


Command = (
    Open | Hold | Settle | Release | Expire | Accrue | Add | Carry | Revoke | CashOut | Charge | Correct | Extend
)


class Posting(msgspec.Struct, frozen=True, gc=False):
    """What one command writes: transfers, and what they open or end.

    `amount` is the headline in nano-USD: what was granted, held, charged, given back or expired.
    `effective_us` is when it counts, which may be earlier than when it was recorded (a lot opens at its period's
    start, whenever the journal comes to it). `extends` is a lot and the instant until which it is open. `left` is
    what a hold leaves free in its lots, `warns` are the limits whose soft amount it passes; both are told, never
    stored, so the answer to an operation that was done before has none.
    """

    op: str
    verb: Verb
    person_id: int
    effective_us: int
    amount: int
    transfers: tuple[Transfer, ...]
    reason: str = ""
    opens: Balance | None = None
    extends: tuple[int, int] | None = None
    begins: OpenHold | None = None
    ends: str | None = None
    record: Any = None
    left: int | None = None
    warns: tuple[str, ...] = ()


Decision = Posting | Refusal


def move(balance_id: int, source: Account, target: Account, amount: int) -> Transfer:
    """A transfer within one balance. Its amount is positive, or there is no transfer."""
    assert amount > 0, f"a transfer of {amount}"
    return Transfer(account_code(balance_id, source), account_code(balance_id, target), amount)


def give_back(balance: Balance, source: Account, target: Account, amount: int) -> tuple[Transfer, ...]:
    """Give back what was held or spent, to available or expired.

    A limit that was passed lets nothing through before that is made good, so what comes back to it does that first.
    """
    good = min(amount, balance.overrun) if target is Account.AVAILABLE and balance.kind is Kind.LIMIT else 0
    if not good:
        return (move(balance.id, source, target, amount),)
    made_good = move(balance.id, source, Account.OVERRUN, good)
    return (made_good, move(balance.id, source, target, amount - good)) if amount > good else (made_good,)
