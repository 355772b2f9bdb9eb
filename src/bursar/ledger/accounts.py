"""Accounts, and the balances that group them.

A *balance* is one lot or one limit, with its accounts. Money enters it by a debit of FUNDING (or, carried over from
an earlier lot, of CARRIED_IN) and moves between its other accounts by transfers; every transfer takes from one
account what it gives to another, so they always sum to zero. In people's words, for a lot:

    granted + carried in + overrun + adjusted
        = available + unearned + held + spent + expired + revoked + carried out + cashed out

A limit has the same accounts: `available` is what the limit still lets through. A hold moves the same amount in
the lots that pay for it and in every limit that applies, in one posting.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum

import msgspec


class Account(IntEnum):
    """Where amounts sit within a balance. The values are stored; never renumber them.

    FUNDING, OVERRUN, CARRIED_IN and ADJUSTED are debited (they sit below zero): what was put in, what was charged
    beyond it, what came from an earlier lot, and what was reported too late to be charged to anybody's credit. The
    others are credited and never negative.
    """

    FUNDING = 0
    AVAILABLE = 1
    HELD = 2
    SPENT = 3
    EXPIRED = 4
    OVERRUN = 5
    UNEARNED = 6
    REVOKED = 7
    CARRIED_OUT = 8
    CASHED_OUT = 9
    CARRIED_IN = 10
    ADJUSTED = 11


CREDITED = (
    Account.AVAILABLE,
    Account.HELD,
    Account.SPENT,
    Account.EXPIRED,
    Account.UNEARNED,
    Account.REVOKED,
    Account.CARRIED_OUT,
    Account.CASHED_OUT,
)
DEBITED = (Account.FUNDING, Account.OVERRUN, Account.CARRIED_IN, Account.ADJUSTED)
SHARED = 0
"""The owner of a balance that is nobody's alone: a team's pool, the limit of a team or of everybody."""
ACCOUNTS_PER_BALANCE = 16
"""Room for accounts that later terms need."""
LAST_PRIORITY = 255
"""The last priority of what a plan gives. What lets calls pass a budget comes after it, and after shared lots."""


def account_code(balance_id: int, account: Account) -> int:
    """The number by which transfers name an account."""
    return balance_id * ACCOUNTS_PER_BALANCE + account


def account_of(code: int) -> tuple[int, Account]:
    """Which balance, and which of its accounts, a code names."""
    balance_id, account = divmod(code, ACCOUNTS_PER_BALANCE)
    return balance_id, Account(account)


class Kind(StrEnum):
    """What a balance is."""

    LOT = "lot"
    LIMIT = "limit"


class Balance(msgspec.Struct, gc=False):
    """One lot or limit as it stands. Amounts in nano-USD by `Account`; times in microseconds UTC.

    `source` says what opened it ("grant:3", "key:7") and `label` for when or what ("2026-11"). A lot pays for calls
    in `opens_us <= t < expires_us`; a limit has no end when `expires_us` is 0. A balance that several people share
    has the person SHARED.
    """

    id: int
    person_id: int
    kind: Kind
    source: str
    label: str
    priority: int
    opens_us: int
    expires_us: int
    amounts: list[int]

    @property
    def is_overrun(self) -> bool:
        """Whether it lets calls pass the budget, and is no part of the budget."""
        return self.priority > LAST_PRIORITY

    @property
    def granted(self) -> int:
        """What was put in."""
        return -self.amounts[Account.FUNDING]

    @property
    def available(self) -> int:
        """What can still be held."""
        return self.amounts[Account.AVAILABLE]

    @property
    def held(self) -> int:
        """What running calls have set aside."""
        return self.amounts[Account.HELD]

    @property
    def spent(self) -> int:
        """What settled calls cost."""
        return self.amounts[Account.SPENT]

    @property
    def expired(self) -> int:
        """Breakage."""
        return self.amounts[Account.EXPIRED]

    @property
    def overrun(self) -> int:
        """What a call cost beyond its bound when nothing was left to take it from; the employer bears it."""
        return -self.amounts[Account.OVERRUN]

    @property
    def unearned(self) -> int:
        """What accrual has yet to make available."""
        return self.amounts[Account.UNEARNED]

    @property
    def revoked(self) -> int:
        """What the employer took back before it was spent."""
        return self.amounts[Account.REVOKED]

    @property
    def carried_out(self) -> int:
        """What went on to the next lot."""
        return self.amounts[Account.CARRIED_OUT]

    @property
    def cashed_out(self) -> int:
        """What was turned into pay."""
        return self.amounts[Account.CASHED_OUT]

    @property
    def carried_in(self) -> int:
        """What came from an earlier lot."""
        return -self.amounts[Account.CARRIED_IN]

    @property
    def adjusted(self) -> int:
        """What usage cost that was reported too late to be charged to credit; the employer bears it."""
        return -self.amounts[Account.ADJUSTED]

    def usable(self, at_us: int) -> bool:
        """Whether calls may draw on it at that instant."""
        return self.opens_us <= at_us and not self.over(at_us)

    def over(self, at_us: int) -> bool:
        """Whether its time has ended."""
        return 0 < self.expires_us <= at_us


def new_balance(
    balance_id: int,
    person_id: int,
    kind: Kind,
    source: str,
    label: str,
    *,
    priority: int = 0,
    opens_us: int = 0,
    expires_us: int = 0,
) -> Balance:
    """A balance with nothing in it yet."""
    return Balance(balance_id, person_id, kind, source, label, priority, opens_us, expires_us, [0] * len(Account))


def problems(balance: Balance) -> list[str]:
    """What is wrong with a balance's amounts: nothing, in a healthy ledger. The database checks the same."""
    found = [
        f"{account.name.lower()} is {balance.amounts[account]}"
        for account in CREDITED
        if balance.amounts[account] < 0
    ]
    found += [
        f"{account.name.lower()} is credited by {balance.amounts[account]}"
        for account in DEBITED
        if balance.amounts[account] > 0
    ]
    if sum(balance.amounts) != 0:
        found.append(f"its accounts sum to {sum(balance.amounts)}")
    return found
