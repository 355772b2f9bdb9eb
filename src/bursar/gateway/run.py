"""One dispatched call: what becomes of it, and the one posting that ends its hold.

Every path through here ends in exactly one of three endings: settled at what was used; charged at the bound,
provisionally, when what was used is not known; or released, when nothing can have been billed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Coroutine
from typing import Any, NamedTuple

from bursar.books import Admission, Books, spending
from bursar.books.spending import Ending
from bursar.config import ServerConfig
from bursar.gateway.attempts import Failure, pause_of
from bursar.gateway.client import Headers
from bursar.gateway.exchange import Exchange
from bursar.gateway.headers import downward, money
from bursar.gateway.http1 import Answer
from bursar.gateway.posting import LATE, LoopJournal
from bursar.gateway.posting import Answer as Posted
from bursar.gateway.providers import Provider
from bursar.gateway.upstream import LOST, NotConnected
from bursar.gateway.waiting import Waiting
from bursar.gateway.warning import warnings
from bursar.gateway.wires import Call, Meter
from bursar.ledger.postings import Posting, Release, Settle
from bursar.refusals import Refusal, Why, refuse

log = logging.getLogger("bursar.relay")
UNKNOWN_OUTCOME = frozenset({408, 504, 524})
"""Statuses by which something between us and the provider says that it gave up waiting: it may have been billed."""
KEY_REFUSED = frozenset({401, 403})
KEY_INVALID = b"API_KEY_INVALID"
"""Why Google does not take a key, which it says with a 400."""
KILLED = "its key was revoked or its agent run killed while the call was running"
EVENT_STREAM = ((b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"))
RETRY_FIRST_S, RETRY_MOST_S = 0.05, 5.0
POST_WITHIN_S = 5.0
"""How long a client waits for its call's ending to be durable; the ending goes on being posted after that."""
ERROR_MOST_BYTES = 2**20


class Admitted(NamedTuple):
    """A call that may be sent: how it was admitted, the posting that holds its bound, and who serves it."""

    admission: Admission
    held: Posting
    provider: Provider


class Desk(NamedTuple):
    """Where every call is looked after: the books, their journal, and those who wait for what a call gives back."""

    books: Books
    journal: LoopJournal
    waiting: Waiting


class Run:
    """One dispatched call, from its request to the one posting that ends its hold."""

    __slots__ = (
        "_admission",
        "_books",
        "_client",
        "_cost",
        "_cut",
        "_deadline_from_s",
        "_ended",
        "_has_begun",
        "_headers",
        "_held",
        "_is_stream",
        "_journal",
        "_meter",
        "_posting",
        "_posting_s",
        "_progress_s",
        "_provider",
        "_request",
        "_share",
        "_started_s",
        "_task",
        "_unposted",
        "_waiting",
        "_wire",
        "failure",
        "finished",
        "in_trouble",
        "may_follow",
        "sight",
    )

    def __init__(
        self,
        desk: Desk,
        call: Call,
        admitted: Admitted,
        exchange: Exchange,
        began_s: float | None,
    ) -> None:
        """`began_s` is when the first attempt at the call began, if another may follow this one; else None."""
        self._books, self._journal, self._waiting = desk
        self._admission, self._held, self._provider = admitted
        self._is_stream = call.stream
        self._wire = exchange.wire
        self._client = exchange.client
        self.sight = exchange.client.sight
        self.sight.stream = call.stream
        self._headers: Headers = [(b"x-bursar-call", self._admission.hold.id.encode())]
        if self._held.warns:
            self._headers += warnings(self._held)
        self._meter: Meter = exchange.wire.meter(call)  # the call itself, and so its body, is not kept
        self._share = exchange.share
        self._request = ""
        self._cost: int | None = None
        self._ended = False
        self._unposted: Settle | Release | None = None
        self._posting: Posted | None = None
        self._posting_s = 0.0
        self._task: asyncio.Task[None] | None = None
        self._cut: Why | None = None
        self._has_begun = False
        self._started_s = self._progress_s = time.monotonic()
        self._deadline_from_s = self._started_s if began_s is None else began_s
        self.may_follow = began_s is not None
        self.failure: Failure | None = None
        """How it failed without being billed, when another attempt may follow: then the client was told nothing."""
        self.in_trouble = False
        """Whether its provider failed it."""
        self.finished: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def start(self, request: Coroutine[Any, Any, Answer]) -> asyncio.Task[None]:
        """Begin, in a task of its own."""
        self._share.sending()
        self._task = asyncio.create_task(self._run(request))
        return self._task

    def check(self, now_s: float, config: ServerConfig) -> None:
        """Cut the call off when its provider or its client takes too long. Called now and then by the relay.

        One look at all calls costs less than a timer for each thing that each of them waits for.
        """
        if self._task is None:
            return
        if self._client.is_sending:
            self._client.drop_if_slow(now_s - config.client_timeout_s, self._task)
        elif self._posting is not None:
            if now_s - self._posting_s > POST_WITHIN_S and not self._posting.done():
                self._posting.set_result(LATE)
        elif now_s - self._progress_s > config.idle_timeout_s or now_s - self._deadline_from_s > config.deadline_s:
            self.cut_off(Why.UPSTREAM_TIMEOUT)

    @property
    def key_id(self) -> int:
        """The key that pays for it."""
        return self._admission.note.key_id

    @property
    def provider(self) -> str:
        """The name of the provider that was asked."""
        return self._provider.name

    def cut_off(self, why: Why) -> None:
        """End it now: UPSTREAM_TIMEOUT, or CALL_KILLED. Nothing happens to a call whose hold has ended."""
        if self._task is not None and self._cut is None and not self._ended:
            self._cut = why
            if self._has_begun:
                self._task.cancel()

    def stop(self) -> None:
        """The server will not wait for it."""
        if self._task is not None:
            self._cut = self._cut or Why.STOPPING
            if self._has_begun:
                self._task.cancel()

    async def _run(self, request: Coroutine[Any, Any, Answer]) -> None:
        """Send the request and see it to its end. Raises only when it is cancelled, and then after settling."""
        # A task that is cancelled before its first step never takes one, so nobody does that: see `cut_off`.
        self._has_begun = True
        if self._cut is not None:
            request.close()
            self._share.sent()
            await self._release("it was cut off before it was sent")
            await self._tell(refuse(self._cut, bound_nanos=0))
            await self._persist()
            return
        try:
            await self._send(request)
        except asyncio.CancelledError:
            cut = self._was_cut()
            if cut is None or cut is Why.STOPPING:
                await self._charge_bound("Bursar stopped while the call was running")
                await self._tell(refuse(Why.STOPPING))
                raise
            assert self._task is not None
            self._task.uncancel()
            if cut is Why.CALL_KILLED:
                await self._charge_bound(KILLED)
                await self._tell(refuse(Why.CALL_KILLED, bound_nanos=self._held.amount))
            else:
                await self._lost(TimeoutError())
        except Exception:
            log.exception("a call failed in the relay")
            await self._charge_bound("Bursar failed while the call was running")
            await self._tell(refuse(Why.INTERNAL))
        await self._persist()

    def _was_cut(self) -> Why | None:
        """Why it was cut off, which may come true while something is waited for."""
        return self._cut

    async def _send(self, request: Coroutine[Any, Any, Answer]) -> None:
        try:
            try:
                response = await request
            finally:
                self._share.sent()
        except NotConnected:
            await self._release(f"{self._provider.name} could not be reached")
            self.in_trouble = True
            refusal = refuse(Why.UPSTREAM_UNREACHABLE, provider=self._provider.name)
            await self._fail(Failure(self._admission.hold.id, refusal, refusal.status, [], b"", None))
        except LOST as problem:
            await self._lost(problem)
        else:
            async with response:
                self._progress_s = time.monotonic()
                self.sight.first_byte(self._provider.name, self._progress_s - self._started_s)
                self._request = _request_id(response)
                await self._answered(response)

    async def _answered(self, response: Answer) -> None:
        self._headers += downward(response.headers)
        if response.status != 200:
            await self._failed(response)
        elif self._is_stream and response.content_type == "text/event-stream":
            await self._stream(response)
        else:
            await self._whole(response)

    async def _failed(self, response: Answer) -> None:
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
        self.in_trouble = status == 429 or status >= 500
        try:
            body = await response.read(ERROR_MOST_BYTES)
        except LOST:
            body = b""
        if status == 400 and KEY_INVALID in body:
            await self._tell(refuse(Why.UPSTREAM_KEY, provider=self._provider.name))
            return
        kind = response.headers.get("content-type", "application/json")
        if "json" not in kind:
            kind, body = "application/json", self._error_page(status)
        headers = [(b"content-type", kind.encode("latin-1")), *self._headers]
        pause_s = pause_of(response.headers, time.time())
        failure = Failure(self._admission.hold.id, None, status, headers, body, pause_s)
        if self.in_trouble and status not in UNKNOWN_OUTCOME:
            await self._fail(failure)
        else:
            await failure.tell(self._client, self._wire)

    def _error_page(self, status: int) -> bytes:
        """What a client is told in place of a page for people, as something in front of a provider may send it."""
        charged = "It is charged provisionally." if status in UNKNOWN_OUTCOME else "Nothing was charged."
        refusal = refuse(Why.UPSTREAM_ERROR, provider=self._provider.name, status=status, charged=charged)
        self._headers.append((b"x-bursar-refusal", refusal.why.encode()))
        return self._wire.error(refusal, self._admission.hold.id)

    async def _fail(self, failure: Failure) -> None:
        """An attempt failed that was not billed: another may follow, else the client is told."""
        if self.may_follow:
            self.failure = failure
        else:
            await failure.tell(self._client, self._wire)

    async def _whole(self, response: Answer) -> None:
        meter = self._meter
        try:
            body = await response.read()
        except LOST as problem:
            await self._lost(problem)
            return
        meter.whole(body)
        await self._settle(meter, f"{self._provider.name} answered without saying what was used")
        kind = response.headers.get("content-type", "application/json").encode("latin-1")
        money_headers = money(self._held, self._cost)
        await self._client.answer(200, [(b"content-type", kind), *self._headers, *money_headers], body)

    async def _stream(self, response: Answer) -> None:
        """Pass a stream on as it comes. When the client leaves, it is read to its end all the same."""
        client, meter = self._client, self._meter
        await client.start(200, [*EVENT_STREAM, *self._headers, *money(self._held, None)])
        problem: Exception | None = None
        try:
            async for chunk in response:
                passed = meter.feed(chunk)
                if passed:
                    await client.chunk(passed)
                self._progress_s = time.monotonic()
        except LOST as cut:
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
        """Settle at what was used when the provider said it, else at the bound."""
        usage = meter.usage
        self.sight.delivered = meter.model or ""
        reason = "" if usage is not None else reason
        ending = Ending(usage, meter.delivered_variant, reason, self._request, meter.message)
        await self._post_settlement(ending)

    async def _lost(self, problem: Exception) -> None:
        """The provider was asked and then lost: whether it billed is not known."""
        self.in_trouble = True
        timed_out = isinstance(problem, TimeoutError)
        what = "did not answer in time" if timed_out else "closed the connection"
        await self._charge_bound(f"{self._provider.name} {what}: whether it billed is not known")
        why = Why.UPSTREAM_TIMEOUT if timed_out else Why.UPSTREAM_CUT
        await self._tell(refuse(why, provider=self._provider.name, bound_nanos=self._held.amount))

    async def _charge_bound(self, reason: str) -> None:
        """Charge the bound, provisionally; unless the provider had said what was used before it was lost."""
        await self._settle(self._meter, reason)

    async def _post_settlement(self, ending: Ending) -> None:
        if not self._ended:
            now_us = self._books.clock()
            command = spending.settle(self._admission, self._held, ending, self._books.prices, now_us)
            self._cost = None if command.provisional else command.cost
            await self._end(command)

    async def _release(self, reason: str) -> None:
        await self._end(spending.release(self._admission, self._held, reason, self._request, self._books.clock()))

    async def _end(self, command: Settle | Release) -> None:
        """Post the ending. If the journal cannot be written now, the client need not wait for it: see `_persist`."""
        self._ended = True
        self._posting_s = time.monotonic()
        self._posting = self._journal.post(command)
        outcome = await self._posting
        if isinstance(outcome, Refusal):
            if outcome.retryable:
                self._unposted = command
            else:
                log.error("the hold of call %s could not be ended: %s", command.hold_id, outcome.why)
        else:
            self.sight.ended(command.record)
            self._waiting.ended(self._admission.hold)

    async def _persist(self) -> None:
        """Keep posting an ending that the journal could not take: the hold stays open until it is done."""
        delay_s = RETRY_FIRST_S
        while self._unposted is not None:
            command, self._unposted = self._unposted, None
            await asyncio.sleep(delay_s)
            delay_s = min(delay_s * 2, RETRY_MOST_S)
            await self._end(command)

    async def _tell(self, refusal: Refusal) -> None:
        await self._client.refuse(self._wire, refusal, self._admission.hold.id)


def _request_id(response: Answer) -> str:
    return (response.headers.get("request-id") or response.headers.get("x-request-id") or "")[:200]
