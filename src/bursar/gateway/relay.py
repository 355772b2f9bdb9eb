"""Hold, call, settle: one call from its admission to the end of its hold.

From the moment its hold is durable a call belongs to a task of its own, which ends the hold exactly once whatever
happens: the client may leave, the provider may fail, the server may stop. Only a crash leaves a hold open, and the
next start ends it (`bursar.books.recovery`).
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable
from typing import NamedTuple

import aiohttp

from bursar.books import Admission, Ask, Books, Spender, spending
from bursar.books.spending import Ending
from bursar.gateway.client import JSON, Headers
from bursar.gateway.exchange import Exchange, granted
from bursar.gateway.headers import downward, upward
from bursar.gateway.posting import LoopJournal
from bursar.gateway.providers import Provider
from bursar.gateway.upstream import Upstream
from bursar.gateway.wires import Call, Meter
from bursar.ledger.postings import Posting, Release, Settle
from bursar.refusals import Refusal, Refused, Why, refuse

log = logging.getLogger("bursar.relay")
UNKNOWN_OUTCOME = frozenset({408, 504, 524})
"""Statuses by which something between us and the provider says that it gave up waiting: it may have been billed."""
KEY_REFUSED = frozenset({401, 403})
EVENT_STREAM = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"))
RETRY_FIRST_S, RETRY_MOST_S = 0.05, 5.0
ANSWER_MOST_BYTES = 256 * 1024 * 1024
"""More than any provider answers; what is beyond is cut off and the call charged at its bound."""


class Relay:
    """Runs calls. `running` counts those whose hold has not ended."""

    def __init__(self, books: Books, journal: LoopJournal, upstream: Upstream) -> None:
        self._books = books
        self._journal = journal
        self._upstream = upstream
        self._tasks: set[asyncio.Task[None]] = set()
        self._stopping = False

    @property
    def running(self) -> int:
        """How many calls have a hold that has not ended."""
        return len(self._tasks)

    async def drain(self, timeout_s: float) -> None:
        """Take no new calls and wait for the running ones; cut those that take longer, and settle them."""
        self._stopping = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    async def call(self, spender: Spender, provider: Provider, call: Call, exchange: Exchange) -> None:
        """Admit a call, hold its bound, and run it. Raises Refused when it is refused before it is sent."""
        if self._stopping:
            raise Refused(refuse(Why.STOPPING))
        admission = granted(spending.admit(spender, _ask(provider, call), self._books.prices, self._books.clock()))
        held = granted(await self._hold(admission))
        run = _Run(self._books, self._journal, call, Admitted(admission, held, provider), exchange)
        request = self._upstream.post(
            provider.url(exchange.path, exchange.query),
            upward(exchange.incoming.forwarded, provider.headers, admission.hold.id),
            call.body(admission.output_for(held.amount), provider.max_tokens_field),
        )
        task = asyncio.create_task(run.run(request))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        await asyncio.shield(task)

    async def _hold(self, admission: Admission) -> Posting | Refusal:
        answer = self._journal.post(admission.hold)
        try:
            outcome = await asyncio.shield(answer)
        except asyncio.CancelledError:
            # The request is being torn down, but the hold may become durable all the same: give it back.
            answer.add_done_callback(lambda done: self._abandon(admission, done))
            raise
        assert outcome is not None, "a hold is posted or refused"
        return outcome

    def _abandon(self, admission: Admission, answer: asyncio.Future[Posting | Refusal | None]) -> None:
        held = answer.result()
        if isinstance(held, Posting):
            reason = "the request was cancelled before it was sent"
            self._journal.post(spending.release(admission, held, reason, "", self._books.clock()))

    async def forward(self, provider: Provider, body: bytes, exchange: Exchange) -> None:
        """Pass on a request that costs nothing, and its answer. Raises Refused."""
        url = provider.url(exchange.path, exchange.query)
        headers = upward(exchange.incoming.forwarded, provider.headers, exchange.id)
        try:
            async with await self._upstream.post(url, headers, body) as response:
                if response.status in KEY_REFUSED:
                    raise Refused(refuse(Why.UPSTREAM_KEY, provider=provider.name))
                answer = await response.content.read(ANSWER_MOST_BYTES)
                await exchange.client.answer(response.status, [JSON, *downward(response.headers)], answer)
        except (aiohttp.ClientError, OSError, TimeoutError):
            raise Refused(refuse(Why.UPSTREAM_UNREACHABLE, provider=provider.name)) from None


def _ask(provider: Provider, call: Call) -> Ask:
    return Ask(
        call.wire,
        provider.name,
        provider.catalog,
        call.model,
        call.variant,
        call.input_tokens,
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


class Admitted(NamedTuple):
    """A call that may be sent: how it was admitted, the posting that holds its bound, and who serves it."""

    admission: Admission
    held: Posting
    provider: Provider


class _Run:
    """One dispatched call, from its request to the one posting that ends its hold."""

    def __init__(
        self, books: Books, journal: LoopJournal, call: Call, admitted: Admitted, exchange: Exchange
    ) -> None:
        self._books = books
        self._journal = journal
        self._call = call
        self._admission, self._held, self._provider = admitted
        self._wire = exchange.wire
        self._client = exchange.client
        self._headers: Headers = [(b"x-bursar-call", spending.held_id(self._held).encode())]
        self._request = ""
        self._ended = False
        self._unposted: Settle | Release | None = None

    async def run(self, request: Awaitable[aiohttp.ClientResponse]) -> None:
        """Send the request and see it to its end. Raises only when cancelled, and then after settling."""
        try:
            await self._send(request)
            await self._persist()
        except asyncio.CancelledError:
            await self._charge_bound("Bursar stopped while the call was running")
            await self._tell(refuse(Why.STOPPING))
            raise
        except Exception:
            log.exception("a call failed in the relay")
            await self._charge_bound("Bursar failed while the call was running")
            await self._tell(refuse(Why.INTERNAL))

    async def _send(self, request: Awaitable[aiohttp.ClientResponse]) -> None:
        try:
            response = await request
        except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
            await self._release(f"{self._provider.name} could not be reached")
            await self._tell(refuse(Why.UPSTREAM_UNREACHABLE, provider=self._provider.name))
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            await self._lost(problem)
        else:
            async with response:
                self._request = _request_id(response)
                await self._answered(response)

    async def _answered(self, response: aiohttp.ClientResponse) -> None:
        self._headers += downward(response.headers)
        if response.status != 200:
            await self._failed(response)
        elif self._call.stream and response.content_type == "text/event-stream":
            await self._stream(response)
        else:
            await self._whole(response)

    async def _failed(self, response: aiohttp.ClientResponse) -> None:
        """The provider answered with an error: nothing was billed, unless it timed out on the way."""
        status = response.status
        if status in UNKNOWN_OUTCOME:
            await self._charge_bound(
                f"{self._provider.name} timed out with {status}, so whether it billed is not known"
            )
        else:
            await self._release(f"{self._provider.name} answered {status}")
        if status in KEY_REFUSED:
            await self._tell(refuse(Why.UPSTREAM_KEY, provider=self._provider.name))
            return
        if 300 <= status < 400:
            await self._tell(refuse(Why.UPSTREAM_UNREACHABLE, provider=self._provider.name))
            return
        try:
            body = await response.content.read(2**20)
        except (aiohttp.ClientError, OSError, TimeoutError):
            body = b""
        kind = response.headers.get("content-type", "application/json").encode("latin-1")
        await self._client.answer(status, [(b"content-type", kind), *self._headers], body)

    async def _whole(self, response: aiohttp.ClientResponse) -> None:
        meter: Meter = self._wire.meter(self._call)
        try:
            body = await response.read()
        except (aiohttp.ClientError, OSError, TimeoutError) as problem:
            await self._lost(problem)
            return
        meter.whole(body)
        await self._settle(meter, f"{self._provider.name} answered without saying what was used")
        kind = response.headers.get("content-type", "application/json").encode("latin-1")
        await self._client.answer(200, [(b"content-type", kind), *self._headers], body)

    async def _stream(self, response: aiohttp.ClientResponse) -> None:
        """Pass a stream on as it comes. When the client leaves, it is read to its end all the same."""
        client, meter = self._client, self._wire.meter(self._call)
        await client.start(
            200, [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"), *self._headers]
        )
        problem: Exception | None = None
        try:
            async for chunk in response.content.iter_any():
                passed = meter.feed(chunk)
                if passed:
                    await client.chunk(passed)
        except (aiohttp.ClientError, OSError, TimeoutError) as cut:
            problem = cut
        rest = meter.finish()
        if meter.failed:
            reason = f"{self._provider.name} broke the stream off with an error"
        else:
            reason = f"{self._provider.name} cut the stream off before it said what was used"
        await self._settle(meter, reason)
        if problem is None and (meter.complete or meter.failed):
            await client.chunk(rest, more=False)
        else:
            # What is left is a part of an event, which would spoil the one that tells of the end.
            why = Why.UPSTREAM_TIMEOUT if isinstance(problem, TimeoutError) else Why.UPSTREAM_CUT
            await self._tell(refuse(why, provider=self._provider.name, bound_nanos=self._held.amount))

    # --- endings: exactly one of these per call ---------------------------------------------------------------

    async def _settle(self, meter: Meter, reason: str) -> None:
        """Settle at what was used when that is known for certain, else at the bound."""
        usage = meter.usage if meter.complete else None
        ending = Ending(usage, meter.delivered_variant, "" if usage is not None else reason, self._request)
        await self._post_settlement(ending)

    async def _lost(self, problem: Exception) -> None:
        """The provider was asked and then lost: whether it billed is not known."""
        timed_out = isinstance(problem, TimeoutError)
        what = "did not answer in time" if timed_out else "closed the connection"
        await self._charge_bound(f"{self._provider.name} {what}: whether it billed is not known")
        why = Why.UPSTREAM_TIMEOUT if timed_out else Why.UPSTREAM_CUT
        await self._tell(refuse(why, provider=self._provider.name, bound_nanos=self._held.amount))

    async def _charge_bound(self, reason: str) -> None:
        await self._post_settlement(Ending(None, self._admission.ask.variant, reason, self._request))

    async def _post_settlement(self, ending: Ending) -> None:
        if not self._ended:
            now_us = self._books.clock()
            await self._end(spending.settle(self._admission, self._held, ending, self._books.prices, now_us))

    async def _release(self, reason: str) -> None:
        await self._end(spending.release(self._admission, self._held, reason, self._request, self._books.clock()))

    async def _end(self, command: Settle | Release) -> None:
        """Post the ending. If the journal cannot be written now, the client need not wait for it: see `_persist`."""
        self._ended = True
        outcome = await self._journal.post(command)
        if isinstance(outcome, Refusal):
            if outcome.retryable:
                self._unposted = command
            else:
                log.error("the hold of call %s could not be ended: %s", command.hold_id, outcome.why)

    async def _persist(self) -> None:
        """Keep posting an ending that the journal could not take: the hold stays open until it is done."""
        delay_s = RETRY_FIRST_S
        while self._unposted is not None:
            command, self._unposted = self._unposted, None
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MOST_S)
            await self._end(command)

    async def _tell(self, refusal: Refusal) -> None:
        await self._client.refuse(self._wire, refusal, spending.held_id(self._held))


def _request_id(response: aiohttp.ClientResponse) -> str:
    return (response.headers.get("request-id") or response.headers.get("x-request-id") or "")[:200]
