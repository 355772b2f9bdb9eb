"""Sends an answer, at its pace and with its fault, and charges the call exactly once."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

from aiohttp import web

from bursar.sim.bill import Bill, Line
from bursar.sim.call import Call, Event, Wire, WireError
from bursar.sim.faults import Fault
from bursar.sim.prices import cost_nanos
from bursar.sim.settings import Directive, SimSettings

JSON = "application/json"
EVENTS = "text/event-stream; charset=utf-8"
GARBAGE = b'data: {"id": "not json, \x00 and it ends in the mid'
PADDING = "x" * 131_072
DRIP_PARTS = 3
STREAM_BREAKS = frozenset({Fault.CUT_MIDSTREAM, Fault.ERROR_EVENT_AFTER, Fault.SILENCE})
"""Faults that strike a stream after some events, at the latest before its usage."""


class Delivery:
    """One answer on its way to one client. Delays are in seconds."""

    def __init__(
        self,
        request: web.BaseRequest,
        wire: Wire,
        call: Call,
        *,
        bill: Bill,
        settings: SimSettings,
        directive: Directive,
    ) -> None:
        self._request = request
        self._wire = wire
        self._call = call
        self._bill = bill
        self._charged = False
        self._generated = 0
        self._events_per_write = settings.events_per_write
        self._after_events = _either(directive.after_events, settings.fault_after_events)
        self._first_delay_s = _either(directive.delay_ms, settings.first_byte_delay_ms) / 1000
        self._event_delay_s = _either(directive.event_delay_ms, settings.event_delay_ms) / 1000
        self._silence_s = _either(directive.silence_ms, settings.silence_ms) / 1000
        self._drip_s = settings.drip_ms / 1000
        self._headers = wire.headers(call.request_id, int(self._first_delay_s * 1000))
        if call.fault is Fault.HUGE_HEADER:
            self._headers["x-sim-padding"] = PADDING

    async def send(self) -> web.StreamResponse:
        """Send the answer. The line is on the bill before the bytes that end the answer leave."""
        stream = self._call.asked.stream
        self._generated = 0 if stream else self._call.all_output_tokens
        try:
            if self._first_delay_s:
                await asyncio.sleep(self._first_delay_s)
            if self._call.fault is Fault.CUT_BEFORE_HEADERS:
                self._charge_all()
                return self._drop(web.Response())
            if self._call.fault is Fault.GARBAGE:
                self._charge_all()
                self._headers["content-type"] = EVENTS if stream else JSON
                return web.Response(body=GARBAGE, headers=self._headers)
            return await (self._stream() if stream else self._whole())
        except (asyncio.CancelledError, ConnectionError) as gone:
            self._charge("client_left", self._generated)
            if isinstance(gone, asyncio.CancelledError):
                raise
            return self._drop(web.Response())

    async def _whole(self) -> web.StreamResponse:
        body = self._wire.answer(self._call)
        self._headers["content-type"] = JSON
        fault = self._call.fault
        self._charge_all()
        if fault is Fault.SILENCE:
            await asyncio.sleep(self._silence_s)
            return self._drop(web.Response())
        if fault not in {Fault.CUT_MIDSTREAM, Fault.CUT_BEFORE_USAGE, Fault.DRIP}:
            return web.Response(body=body, headers=self._headers)
        response = web.StreamResponse(headers=self._headers)
        response.content_length = len(body)
        await response.prepare(self._request)
        if fault is Fault.DRIP:
            await self._drip(response, body)
            return response
        end = len(body) // 2 if fault is Fault.CUT_MIDSTREAM else body.rindex(b'"usage')
        await response.write(body[:end])
        return self._drop(response)

    async def _stream(self) -> web.StreamResponse:
        self._headers["content-type"] = EVENTS
        self._headers["cache-control"] = "no-cache"
        response = web.StreamResponse(headers=self._headers)
        response.enable_chunked_encoding()
        await response.prepare(self._request)
        waiting: list[bytes] = []
        for event in self._until_fault(self._wire.events(self._call)):
            if event.closing:
                self._charge_all()
            self._generated = event.output_tokens
            if self._call.fault is Fault.DRIP:
                await self._drip(response, event.data)
                continue
            waiting.append(event.data)
            if len(waiting) >= self._events_per_write and not self._charged:
                await response.write(b"".join(waiting))
                waiting.clear()
                await asyncio.sleep(self._event_delay_s)
        rest = b"".join(waiting)
        if self._charged:
            await response.write_eof(rest)
            return response
        return await self._break(response, rest)

    def _until_fault(self, events: Iterator[Event]) -> Iterator[Event]:
        """The events of a stream up to where its fault strikes."""
        fault = self._call.fault
        for index, event in enumerate(events):
            if fault in STREAM_BREAKS and (event.closing or index >= self._after_events):
                return
            if fault is Fault.CUT_BEFORE_USAGE and event.closing:
                return
            yield event

    async def _break(self, response: web.StreamResponse, rest: bytes) -> web.StreamResponse:
        """End a stream as its fault does; what was generated is charged."""
        fault = self._call.fault
        self._charge(fault.value, self._generated)
        if fault is Fault.ERROR_EVENT_AFTER:
            error = WireError(self._wire.overloaded_status, "The simulated provider failed inside the stream.")
            await response.write_eof(rest + self._wire.error_event(error, self._call.request_id))
            return response
        await response.write(rest)
        if fault is Fault.SILENCE:
            await asyncio.sleep(self._silence_s)
        return self._drop(response)

    async def _drip(self, response: web.StreamResponse, data: bytes) -> None:
        """Write in parts that respect no boundary of the format."""
        size = len(data) // DRIP_PARTS + 1
        for begin in range(0, len(data), size):
            await response.write(data[begin : begin + size])
            await asyncio.sleep(self._drip_s)

    def _drop(self, response: web.StreamResponse) -> web.StreamResponse:
        """Close the connection without an end of the answer."""
        if self._request.transport is not None:
            self._request.transport.close()
        return response

    def _charge_all(self) -> None:
        fault = self._call.fault
        self._charge("complete" if fault is Fault.NONE else fault.value, None)

    def _charge(self, finished: str, output_tokens: int | None) -> None:
        """Put the call on the bill, the first time only. `output_tokens` counts all choices; None means all."""
        if self._charged:
            return
        self._charged = True
        call = self._call
        usage = call.usage(output_tokens)
        cost = cost_nanos(call.asked.model, usage, variant=call.asked.variant, us_geo=call.asked.us_geo)
        self._bill.add(
            Line(
                call=call.id,
                key=call.key,
                wire=call.wire,
                model=call.asked.model.name,
                variant=call.asked.variant,
                usage=usage,
                cost_nanos=cost,
                finished=finished,
                at=time.time(),
                client_request=self._request.headers.get("x-client-request-id", ""),
            )
        )


def _either(asked: int | None, otherwise: int) -> int:
    return otherwise if asked is None else asked
