"""Hold, call, settle: one call from its admission to the end of its hold.

From the moment its hold is durable a call belongs to a task of its own, which ends the hold exactly once whatever
happens: the client may leave, the provider may fail, the server may stop. Only a crash leaves a hold open, and the
next start ends it (`bursar.books.recovery`).
"""

from __future__ import annotations

import asyncio
import time
from functools import partial

from bursar.books import Admission, Ask, Books, Spender, spending
from bursar.books.spending import new_call_id
from bursar.config import ServerConfig
from bursar.gateway.client import JSON
from bursar.gateway.exchange import Exchange, granted
from bursar.gateway.headers import downward, upward
from bursar.gateway.posting import LoopJournal
from bursar.gateway.providers import Provider
from bursar.gateway.run import KEY_REFUSED, Admitted, Run
from bursar.gateway.upstream import LOST, Upstream
from bursar.gateway.wires import Call
from bursar.ledger.postings import Posting
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.batch import Outcome

CHECK_EVERY_S = 0.25
FREE_MOST_BYTES = 16 * 1024 * 1024
"""More than any answer to a request that costs nothing."""


class Relay:
    """Runs calls, and looks after those whose hold has not ended."""

    def __init__(self, books: Books, journal: LoopJournal, upstream: Upstream, config: ServerConfig) -> None:
        self._books = books
        self._journal = journal
        self._upstream = upstream
        self._config = config
        self._tasks: dict[asyncio.Task[None], Run] = {}
        self._admitting = 0
        self._stopping = False
        self._loop = asyncio.get_running_loop()
        self._checking = self._loop.call_later(CHECK_EVERY_S, self._check)

    async def drain(self, timeout_s: float) -> None:
        """Take no new calls and wait for the running ones; cut those that take longer, and settle them."""
        self._stopping = True
        while self._admitting:  # noqa: ASYNC110 - for the milliseconds that a hold takes, once
            await asyncio.sleep(0.01)
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
        self.cut()
        if self._tasks:
            await asyncio.wait(list(self._tasks), timeout=timeout_s)
        self._checking.cancel()

    def cut(self) -> None:
        """Cut off what is running; each of these calls is charged at its bound, provisionally."""
        for task in self._tasks:
            task.cancel()

    def _check(self) -> None:
        now_s = time.monotonic()
        for run in list(self._tasks.values()):
            run.check(now_s, self._config)
        self._checking = self._loop.call_later(CHECK_EVERY_S, self._check)

    async def call(self, spender: Spender, provider: Provider, call: Call, exchange: Exchange) -> None:
        """Admit a call, hold its bound, and run it. Raises Refused when it is refused before it is sent."""
        if self._stops():
            raise Refused(refuse(Why.STOPPING))
        admission = spending.admit(spender, _ask(provider, call), self._books.prices, self._books.clock())
        if isinstance(admission, Refusal):
            raise Refused(_named(admission, call))
        self._admitting += 1
        try:
            held = granted(await self._hold(admission))
            if self._stops():
                reason = "Bursar stopped before the call was sent"
                await self._journal.post(spending.release(admission, held, reason, "", self._books.clock()))
                raise Refused(refuse(Why.STOPPING))
        finally:
            self._admitting -= 1
        run = Run(self._books, self._journal, call, Admitted(admission, held, provider), exchange)
        request = self._upstream.post(
            provider.address(exchange.route.path, exchange.route.query),
            upward(exchange.incoming.forwarded, provider.headers, admission.hold.id),
            call.body(admission.output_for(held.amount), provider.max_tokens_field),
        )
        finished: asyncio.Future[None] = self._loop.create_future()
        task = run.start(request)
        self._tasks[task] = run
        task.add_done_callback(partial(self._finish, finished))
        await finished  # when the client leaves, this wait is cancelled, and the task goes on

    def _finish(self, finished: asyncio.Future[None], task: asyncio.Task[None]) -> None:
        self._tasks.pop(task).sight.finished()
        if not finished.done():
            finished.set_result(None)

    def _stops(self) -> bool:
        """Whether new calls are refused; it may come true while a hold is waited for."""
        return self._stopping

    async def _hold(self, admission: Admission) -> Posting | Refusal:
        # If the client leaves meanwhile the hold may become durable all the same: it is given back.
        outcome = await self._journal.post(admission.hold, partial(self._give_back, admission))
        assert outcome is not None, "a hold is posted or refused"
        return outcome

    def _give_back(self, admission: Admission, held: Outcome) -> None:
        if isinstance(held, Posting):
            reason = "the client left before the call was sent"
            self._journal.post(spending.release(admission, held, reason, "", self._books.clock()))

    async def forward(self, provider: Provider, body: bytes, exchange: Exchange) -> None:
        """Pass on a request that costs nothing, and its answer. Raises Refused."""
        url = provider.address(exchange.route.path, exchange.route.query)
        headers = upward(exchange.incoming.forwarded, provider.headers, new_call_id(self._books.clock()))
        try:
            async with asyncio.timeout(self._config.idle_timeout_s):
                async with await self._upstream.post(url, headers, body) as response:
                    answer = await response.read(FREE_MOST_BYTES)
        except LOST:
            raise Refused(refuse(Why.UPSTREAM_UNREACHABLE, provider=provider.name)) from None
        if response.status in KEY_REFUSED:
            raise Refused(refuse(Why.UPSTREAM_KEY, provider=provider.name))
        await exchange.client.answer(response.status, [JSON, *downward(response.headers)], answer)


def _named(refusal: Refusal, call: Call) -> Refusal:
    """A refusal of a variant, by the name of the request's field that asked for it."""
    if refusal.why is not Why.VARIANT_NOT_PRICED or refusal.field != "service_tier":
        return refusal
    return refuse(refusal.why, **{**refusal.facts, "field": call.variant_field})


def _ask(provider: Provider, call: Call) -> Ask:
    return Ask(
        call.wire,
        provider.name,
        provider.catalog,
        call.model,
        call.variant,
        call.input_tokens + call.added_bytes + provider.hidden_prompt_tokens,
        call.unbounded,
        call.output_tokens,
        call.output_copies,
        call.output_allowance,
        call.least_output,
        call.input_reads,
        call.cache_writes,
        call.web_searches,
        call.audio,
    )
