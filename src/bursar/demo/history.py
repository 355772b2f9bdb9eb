"""Lives a history through on a clock of its own: every call is admitted, held and settled in the order of time.

A call's settlement needs the posting of its hold, and to wait for the journal after each would take a commit a call.
`decide()` is pure, so each command is decided here first, on a copy of the balances, and an hour's commands are
posted together; the journal must come to the same decisions, or the history is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from heapq import heappop, heappush
from itertools import count
from typing import NamedTuple, TypeVar

import msgspec
import sqlalchemy as sa

from bursar.books import Admission, Books, Spender
from bursar.books.spending import Ending, admit, release, settle
from bursar.demo.habits import Call, Fate
from bursar.ledger.accounts import Balance
from bursar.ledger.decide import apply, decide
from bursar.ledger.postings import Command, Decision, Hold, OpenHold, Posting
from bursar.periods import US_PER_SECOND
from bursar.pricing.book import PriceBook
from bursar.refusals import Refusal, Refused
from bursar.store.batch import read_balance
from bursar.store.database import Database
from bursar.store.schema import balances
from bursar.usage import Usage

POST_EVERY_US = 3_600 * US_PER_SECOND
MOST_WAITING = 400
LOST = "{provider} closed the connection, so whether it billed is not known"
TURNED_AWAY = "{provider} answered {status}"
OVERLOADED = {"anthropic": 529, "openai": 503}
MESSAGES = {"anthropic": "msg_", "openai": "resp_"}
T = TypeVar("T")


class Billed(NamedTuple):
    """A call that its provider bills, with the provider's names for it; empty where its answer was lost."""

    call: Call
    usage: Usage
    request: str
    message: str


class Clock:
    """The instant of the history that is being lived, in microseconds UTC."""

    def __init__(self, now_us: int) -> None:
        self.now_us = now_us

    def __call__(self) -> int:
        """Tell the instant."""
        return self.now_us


class History:
    """Books with a clock of their own, and what is still to happen to them. `close` it."""

    def __init__(self, database: Database, prices: PriceBook, start_us: int, on_call: Callable[[int], None]) -> None:
        """Open the books at the history's start; `on_call` is told now and then how many calls have begun."""
        self.clock = Clock(start_us)
        self.books = Books(database, prices, self.clock)
        self.secrets: dict[tuple[str, str], str] = {}
        """Of keys, by their person and name."""
        self.billed: list[Billed] = []
        """What providers bill, in the order of the calls' ends."""
        self._on_call = on_call
        self._timeline: list[tuple[int, int, Callable[[], object]]] = []
        self._numbers = count()
        self._spenders: dict[tuple[str, str], Spender] = {}
        self._balances: dict[int, Balance] = {}
        self._holds: dict[str, OpenHold] = {}
        self._waiting: list[tuple[Command, Decision]] = []
        self._given_up: set[str] = set()
        self._begun = 0

    def close(self) -> None:
        """Close the books."""
        self.books.close()

    def at(self, instant_us: int, step: Callable[[], object]) -> None:
        """Have something happen at an instant; what is due at the same instant happens in the order of asking."""
        heappush(self._timeline, (instant_us, next(self._numbers), step))

    def call(self, call: Call) -> None:
        """Have a call made."""
        self.at(call.at_us, partial(self._begin, call))

    def run(self, until_us: int) -> None:
        """Let everything happen that is due by an instant, and leave the clock there. Raises Refused."""
        while self._timeline and self._timeline[0][0] <= until_us:
            instant_us, _, step = heappop(self._timeline)
            if self._waiting and instant_us - self._waiting[0][0].at_us >= POST_EVERY_US:
                self.post()
            self.clock.now_us = instant_us
            step()
        self.post()
        self.clock.now_us = until_us

    def post(self) -> None:
        """Post the commands that wait, in their order."""
        if self._waiting:
            outcomes = self.books.journal.post_all([command for command, _ in self._waiting])
            for (_, decided), outcome in zip(self._waiting, outcomes, strict=True):
                if outcome != decided:
                    _fail(decided, outcome)
            self._waiting.clear()
            self._on_call(self._begun)

    def do(self, step: Callable[[Books], T]) -> T:
        """Have something done to the books that is no call, such as opening and closing the lots that are due."""
        self.post()
        done = step(self.books)
        self._spenders.clear()
        self._look_again()
        return done

    # --- calls ------------------------------------------------------------------------------------------------

    def _begin(self, call: Call) -> None:
        self._begun += 1
        if call.session in self._given_up:
            return
        admission = admit(self._spender(call), call.ask, self.books.prices, self.clock())
        if isinstance(admission, Refusal):
            raise Refused(admission)
        held = self._decide(admission.hold)
        if isinstance(held, Refusal):
            self._given_up.add(call.session)
        else:
            self.at(call.ends_us, partial(self._end, call, admission, held))

    def _spender(self, call: Call) -> Spender:
        """Who a call's key lets spend; only time and what is done changes that: nobody else writes to these books."""
        known = self._spenders.get((call.email, call.key))
        now_us = self.clock()
        if known is None or min([known.counted_until_us, *(lot.expires_us for lot in known.lots)]) <= now_us:
            self.post()  # finding a spender opens and closes lots, for which the journal must be up to date
            known = self._found(self.secrets[call.email, call.key])
            self._look_again()
            self._spenders[call.email, call.key] = known
        return known

    def _found(self, secret: str) -> Spender:
        found = self.books.find_spender(secret)
        if isinstance(found, Refusal):
            raise Refused(found)
        return found

    def _end(self, call: Call, admission: Admission, held: Posting) -> None:
        now_us, ask = self.clock(), admission.ask
        request, message = f"req_{held.op[-24:]}", MESSAGES[ask.wire] + held.op[-24:]
        is_cut = held.amount < admission.hold.amount
        if call.fate is Fate.REFUSED:
            reason = TURNED_AWAY.format(provider=ask.provider, status=OVERLOADED[ask.wire])
            self._decide(release(admission, held, reason, request, now_us))
            return
        usage = _within(call.usage, admission.output_for(held.amount))
        ending = Ending(usage, ask.variant, provider_request=request, provider_message=message)
        self.billed.append(Billed(call, usage, request, message))
        if call.fate is Fate.UNKNOWN or (is_cut and call.last_is_lost):
            self.billed[-1] = self.billed[-1]._replace(request="", message="")
            ending = Ending(None, ask.variant, LOST.format(provider=ask.provider))
        self._decide(settle(admission, held, ending, self.books.prices, now_us))

    # --- deciding ahead of the journal ------------------------------------------------------------------------

    def _decide(self, command: Command) -> Decision:
        if isinstance(command, Hold):
            self._learn({*command.lots, *command.limits} - self._balances.keys())
        decided = decide(self._balances, self._holds, command, fresh_id=0)
        assert decided is not None, f"nothing came of {command.op}"
        if isinstance(decided, Posting):
            apply(self._balances, decided.transfers)
            if decided.begins is not None:
                self._holds[decided.begins.id] = decided.begins
            if decided.ends is not None:
                del self._holds[decided.ends]
        self._waiting.append((command, decided))
        if len(self._waiting) >= MOST_WAITING:
            self.post()
        return decided

    def _look_again(self) -> None:
        """Something else may have moved balances: copy those that are known anew."""
        known = set(self._balances)
        self._balances.clear()
        self._learn(known)

    def _learn(self, balance_ids: set[int]) -> None:
        """Copy balances that a hold names for the first time: they are as they were opened."""
        if balance_ids:
            with self.books.database.reading() as connection:
                for row in connection.execute(sa.select(balances).where(balances.c.id.in_(balance_ids))):
                    self._balances[row.id] = read_balance(row)


def _within(usage: Usage, most_output: int | None) -> Usage:
    """A usage whose output is no longer than what the provider was told."""
    if most_output is None or usage.output <= most_output:
        return usage
    return msgspec.structs.replace(usage, output=most_output, reasoning=min(usage.reasoning, most_output))


def _fail(decided: Decision, outcome: object) -> None:
    if isinstance(outcome, Refusal) and outcome.retryable:
        raise Refused(outcome)
    raise AssertionError(f"the journal decided {outcome!r} where {decided!r} was expected")
