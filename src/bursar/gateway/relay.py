"""Hold, call, settle: one call from its admission to the end of its hold.

From the moment its hold is durable a call belongs to a task of its own, which ends the hold exactly once whatever
happens: the client may leave, the provider may fail, the server may stop. Only a crash leaves a hold open, and the
next start ends it (`bursar.books.recovery`).
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from functools import partial

from bursar.books import Admission, Books, Spender, spending
from bursar.books.spending import new_call_id
from bursar.config import ServerConfig
from bursar.gateway.asking import address_of, ask_of, body_of, named
from bursar.gateway.attempts import Failure, Health, pause_before
from bursar.gateway.client import JSON
from bursar.gateway.exchange import Exchange, granted
from bursar.gateway.headers import downward, upward
from bursar.gateway.patience import Patience
from bursar.gateway.posting import LATE, Answer, LoopJournal
from bursar.gateway.providers import Provider
from bursar.gateway.run import KEY_INVALID, KEY_REFUSED, Admitted, Desk, Run
from bursar.gateway.upstream import LOST, Upstream
from bursar.gateway.waiting import HELD, Waiting
from bursar.gateway.wires import Call
from bursar.ledger.postings import Posting
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.batch import Outcome

CHECK_EVERY_S = 0.25
ALONE_EVERY = 4
"""A node that is alone knows of every call that ends: those who wait look only now and then whether money came."""
HOLD_WITHIN_S = 3.0
NEXT_AFTER_S = 0.005
"""Before another provider is asked: time enough to hear that the client has left."""
AGAIN_AFTER_S = 1.0
REMEMBER_S = 60.0
"""How long it is remembered that a key was revoked, beyond the time that a call may take to its hold."""
FREE_MOST_BYTES = 16 * 1024 * 1024
"""More than any answer to a request that costs nothing."""


class Relay:
    """Runs calls, and looks after those whose hold has not ended."""

    def __init__(
        self,
        books: Books,
        journal: LoopJournal,
        upstream: Upstream,
        config: ServerConfig,
        authenticate: Callable[[str], Awaitable[Spender]],
    ) -> None:
        """`authenticate` tells who a key lets spend now, or raises Refused: asked anew after every wait."""
        self._books = books
        self._journal = journal
        self._upstream = upstream
        self._config = config
        self._authenticate = authenticate
        self._tasks: dict[asyncio.Task[None], Run] = {}
        self._admitting = 0
        self._holding: dict[Answer, float] = {}
        self._patience = Patience()
        self._revoked: dict[int, float] = {}
        self._giving_back: set[asyncio.Task[None]] = set()
        self._health = Health()
        self._waiting = Waiting()
        self._desk = Desk(books, journal, self._waiting)
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._checks = 0
        self._checking = self._loop.call_later(CHECK_EVERY_S, self._check)

    @property
    def running(self) -> int:
        """How many calls were sent and have not ended."""
        return len(self._tasks)

    @property
    def waiting(self) -> int:
        """How many calls wait for budget that others hold."""
        return self._waiting.count

    def reconfigure(self, config: ServerConfig) -> None:
        """Go by other limits from now on; calls that run do, too."""
        self._config = config

    async def drain(self, timeout_s: float) -> None:
        """Take no new calls and wait for the running ones; cut those that take longer, and settle them."""
        self._stopping = True
        self._waiting.send_away()
        while self._admitting:  # noqa: ASYNC110 - for the milliseconds that a hold takes, once
            await asyncio.sleep(0.01)
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
        self.cut()
        last = [*self._tasks, *self._giving_back]
        if last:
            await asyncio.wait(last, timeout=timeout_s)
        self._checking.cancel()

    def cut(self) -> None:
        """Cut off what is running; each of these calls is charged at its bound, provisionally."""
        for run in self._tasks.values():
            run.stop()

    def revoked(self, key_ids: Collection[int]) -> None:
        """Keys have ceased to work: cut off their calls, wherever they are. Those that run are settled."""
        self._revoked |= dict.fromkeys(key_ids, time.monotonic())
        for run in self._tasks.values():
            if run.key_id in key_ids:
                run.cut_off(Why.CALL_KILLED)
        self._waiting.send_away(key_ids)

    def _check(self) -> None:
        now_s = time.monotonic()
        for run in list(self._tasks.values()):
            run.check(now_s, self._config)
        for answer, since_s in self._holding.items():
            if now_s - since_s < HOLD_WITHIN_S:
                break
            if not answer.done():
                self._patience.lost(now_s)
                answer.set_result(LATE)  # should the hold come all the same, it is given back
        self._checks += 1
        if not self._books.database.is_sqlite or self._checks % ALONE_EVERY == 0:
            self._waiting.look_again()
        if self._revoked:
            forget_s = now_s - self._config.body_timeout_s - self._config.wait_for_budget_s - REMEMBER_S
            self._revoked = {key_id: at_s for key_id, at_s in self._revoked.items() if at_s > forget_s}
        self._checking = self._loop.call_later(CHECK_EVERY_S, self._check)

    async def call(self, spender: Spender, providers: tuple[Provider, ...], call: Call, exchange: Exchange) -> None:
        """Admit a call, hold its bound, and run it. Raises Refused when it is refused before it is sent.

        The first of `providers` is asked; the others when it fails without having billed anything.
        """
        if len(self._tasks) + self._admitting >= self._config.most_calls:
            raise Refused(refuse(Why.BUSY, what=f"{self._config.most_calls} calls are running"))
        if len(providers) > 1 or providers[0].retries:
            await self._one_after_another(spender, providers, call, exchange)
            return
        beginning = self._begin(spender, providers[0], call, exchange, None)
        del call  # its body is needed only until it is sent
        run = await beginning
        exchange.share.done()
        await run.finished  # when the client leaves, this wait is cancelled, and the task goes on

    async def _one_after_another(
        self, spender: Spender, providers: tuple[Provider, ...], call: Call, exchange: Exchange
    ) -> None:
        """Make one attempt after another until one is answered; the last failure is what the client is told."""
        began_s = time.monotonic()
        until_s = began_s + self._config.deadline_s
        failure: Failure | None = None
        asked: Provider | None = None
        tries = 0
        for provider in self._health.order(providers, began_s):
            tries = tries + 1 if provider is asked else 0
            if failure is not None:
                pause_s = pause_before(tries, failure) if tries else 0.0
                if pause_s is None or time.monotonic() + pause_s > until_s:
                    continue
                await exchange.client.stays_for(asyncio.sleep(max(pause_s, NEXT_AFTER_S)))
                spender = await self._authenticate(exchange.secret)
            asked = provider
            try:
                run = await self._begin(spender, provider, call, exchange, began_s)
            except Refused as refused:
                if failure is None or refused.refusal.status == 401:
                    raise
                continue
            await run.finished
            failure = run.failure
            if failure is None:
                return
        assert failure is not None, "there is at least one attempt, which was refused, answered, or failed"
        await failure.tell(exchange.client, exchange.wire)

    async def _begin(
        self, spender: Spender, provider: Provider, call: Call, exchange: Exchange, began_s: float | None
    ) -> Run:
        """Hold a call's bound and send it; from then on its task looks after it. Raises Refused."""
        self._admitting += 1
        try:
            admission, held = await self._admit(spender, provider, call, exchange)
        finally:
            self._admitting -= 1
        admitted = Admitted(admission, held, provider)
        run = Run(self._desk, call, admitted, exchange, began_s)
        request = self._upstream.post(
            address_of(provider, exchange.route, call.model),
            upward(exchange.incoming.forwarded, provider.headers, admission.hold.id),
            body_of(provider, exchange.route, call, admission.output_for(held.amount)),
        )
        task = run.start(request)
        self._tasks[task] = run
        task.add_done_callback(self._finish)
        return run

    def _finish(self, task: asyncio.Task[None]) -> None:
        run = self._tasks.pop(task)
        run.sight.finished()
        if run.may_follow:
            self._health.note(run.provider, time.monotonic(), failed=run.in_trouble)
        if not run.finished.done():
            run.finished.set_result(None)

    async def _admit(
        self, spender: Spender, provider: Provider, call: Call, exchange: Exchange
    ) -> tuple[Admission, Posting]:
        """Hold a call's bound, after those who wait for the same money. Raises Refused."""
        admission = self._admission(spender, provider, call)
        endings = self._waiting.endings
        queue = self._waiting.queue_of(admission.hold)
        outcome = await self._hold(admission) if queue is None else None
        if isinstance(outcome, Posting):
            held = outcome
        elif outcome is not None and outcome.why not in HELD:
            raise Refused(outcome)
        else:

            async def again() -> tuple[Admission, Posting] | Refusal:
                later = self._admission(await self._authenticate(exchange.secret), provider, call)
                outcome = await self._hold(later)
                return (later, outcome) if isinstance(outcome, Posting) else outcome

            turn = self._waiting.turn(
                admission.hold,
                spender.key.id,
                outcome,
                again,
                most=self._config.most_waiting,
                wait_s=self._config.wait_for_budget_s,
                endings=endings,
            )
            admission, held = granted(await exchange.client.stays_for(turn))
        if self._stopping or (self._revoked and spender.key.id in self._revoked):
            reason = "Bursar stopped, or the key was revoked, before the call was sent"
            await self._release(admission, held, reason)
            await self._authenticate(exchange.secret)
            raise Refused(refuse(Why.STOPPING) if self._stopping else refuse(Why.KEY_REVOKED, key=spender.key.shown))
        return admission, held

    def _admission(self, spender: Spender, provider: Provider, call: Call) -> Admission:
        if self._stopping:
            raise Refused(refuse(Why.STOPPING))
        admission = spending.admit(spender, ask_of(provider, call), self._books.prices, self._books.clock())
        if isinstance(admission, Refusal):
            raise Refused(named(admission, call))
        return admission

    async def _hold(self, admission: Admission) -> Posting | Refusal:
        """The hold's posting; LATE after some seconds, or at once while the journal lets others wait too long."""
        now_s = time.monotonic()
        if self._patience.is_over and self._patience.refuses(now_s):
            return LATE
        # If the client leaves meanwhile the hold may become durable all the same: it is given back.
        answer = self._journal.post(admission.hold, partial(self._give_back, admission))
        self._holding[answer] = now_s
        try:
            outcome = await answer
        except asyncio.CancelledError:
            if answer.done() and not answer.cancelled():  # it came in the very moment in which the client left
                self._give_back(admission, answer.result())
            raise
        finally:
            del self._holding[answer]
        if outcome is not LATE:
            self._patience.answered()
        assert outcome is not None, "a hold is posted or refused"
        return outcome

    def _give_back(self, admission: Admission, held: Outcome) -> None:
        self._patience.answered()
        if isinstance(held, Posting):
            reason = "nobody waited for the call any more before it was sent"
            task = self._loop.create_task(self._release(admission, held, reason))
            self._giving_back.add(task)
            task.add_done_callback(self._giving_back.discard)

    async def _release(self, admission: Admission, held: Posting, reason: str) -> None:
        """Release the hold of a call that was not sent, however often the journal has to be asked."""
        command = spending.release(admission, held, reason, "", self._books.clock())
        while True:
            outcome = await self._journal.post(command)
            if not isinstance(outcome, Refusal) or not outcome.retryable:
                self._waiting.ended(admission.hold)
                return
            await asyncio.sleep(AGAIN_AFTER_S)

    async def forward(self, provider: Provider, body: bytes, exchange: Exchange) -> None:
        """Pass on a request that costs nothing, and its answer. Raises Refused."""
        url = address_of(provider, exchange.route, exchange.route.target.model or "")
        headers = upward(exchange.incoming.forwarded, provider.headers, new_call_id(self._books.clock()))
        try:
            async with asyncio.timeout(self._config.idle_timeout_s):
                async with await self._upstream.post(url, headers, body) as response:
                    answer = await response.read(FREE_MOST_BYTES)
        except LOST:
            raise Refused(refuse(Why.UPSTREAM_UNREACHABLE, provider=provider.name)) from None
        if response.status in KEY_REFUSED or (response.status == 400 and KEY_INVALID in answer):
            raise Refused(refuse(Why.UPSTREAM_KEY, provider=provider.name))
        await exchange.client.answer(response.status, [JSON, *downward(response.headers)], answer)
