"""People in teams whose calls cost what a test says."""

from __future__ import annotations

from itertools import count

import msgspec

from bursar.books import Books, Spender
from bursar.books.limits import Wanted, set_limit
from bursar.ledger.accounts import Balance
from bursar.ledger.postings import Hold, Posting
from bursar.refusals import Refusal
from bursar.store.batch import Outcome
from bursar.store.limits import Limit
from bursar.terms.plan import read_plan
from tests.store.seen import balances
from tests.support.books import assert_proved
from tests.support.calls import NOTE, USD, Caller
from tests.support.clock import VirtualClock

SONNET, GPT = "claude-sonnet-4-5", "gpt-4o-mini"


class Company:
    """People, the keys that they call with, and their calls."""

    def __init__(self, books: Books, clock: VirtualClock) -> None:
        self.books, self.clock = books, clock
        self.caller = Caller(books.journal)
        self.secrets: dict[str, str] = {}
        self._numbers = count(1)

    def person(self, name: str, team: str = "platform", usd: int | None = 100) -> str:
        """Add somebody with a key, and a monthly budget in dollars unless it is None. Returns the e-mail."""
        email = f"{name}@example.com"
        self.books.add_person(email, name.title(), team)
        if usd is not None:
            self.plan(f"plan-of-{name}", usd)
            self.books.grant(email, f"plan-of-{name}")
        self.secrets[email] = self.books.create_key(email, "laptop").secret
        return email

    def plan(self, name: str, usd: int, more: str = "") -> str:
        """Add a plan."""
        self.books.add_plan(read_plan(f'name = "{name}"\namount = "{usd}.00"\n{more}'))
        return name

    def limit(self, usd: int, per: str = "day", **more: object) -> Limit:
        """Set a limit in dollars."""
        return set_limit(self.books, msgspec.convert({"amount_nanos": usd * USD, "per": per, **more}, Wanted))

    def spender(self, email: str) -> Spender:
        """Who the person's key lets spend now."""
        found = self.books.find_spender(self.secrets[email])
        assert isinstance(found, Spender), found
        return found

    def hold(self, email: str, usd: int, model: str = SONNET, *, minimum: int | None = None) -> Outcome:
        """Ask for a call's hold, in dollars."""
        spender = self.spender(email)
        means = spender.for_model(model)
        hold = Hold(
            *(f"call-{next(self._numbers)}", spender.person_id, means.lots, means.limits, usd * USD),
            (usd if minimum is None else minimum) * USD,
            self.clock(),
            note=msgspec.msgpack.encode(msgspec.structs.replace(NOTE, key_id=spender.key_id)),
            soft=means.soft,
        )
        self.caller.holds[hold.id] = hold
        return self.books.journal.post(hold)

    def call(self, email: str, usd: int, model: str = SONNET) -> Refusal | None:
        """A call that costs what it holds, in dollars; or why it is refused."""
        held = self.hold(email, usd, model)
        if isinstance(held, Refusal):
            return held
        assert isinstance(held, Posting)
        self.settle(held, usd)
        return None

    def settle(self, held: Posting, usd: int) -> None:
        """End a call at its cost in dollars."""
        self.caller.settle(held.op.removeprefix("hold:"), usd * USD, self.clock())

    def balance(self, source: str, label: str = "") -> Balance:
        """The one balance of a source, of a period."""
        [found] = [
            one for one in balances(self.books.database).values() if one.source == source and label in one.label
        ]
        return found

    def prove(self) -> None:
        """The whole proof of the books."""
        assert_proved(self.books.database)
