"""Calls that wait because running calls hold what is left of their budget: first come, first served.

There is a queue for each set of balances that calls wait for. Only the first of a queue tries for its hold, whenever
something it waits for may have become free; a new call on the same balances goes behind those that wait.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Iterable
from typing import TypeVar

import msgspec

from bursar.ledger.postings import Hold
from bursar.refusals import Refusal, Why

T = TypeVar("T")
HELD = frozenset({Why.BUDGET_HELD, Why.LIMIT_HELD})
"""Refusals that the end of a running call may undo."""
Balances = tuple[int, ...]


class _Place:
    """One call's place in a queue."""

    __slots__ = ("_bell", "has_left", "is_called", "key_id")

    def __init__(self, key_id: int) -> None:
        self.key_id = key_id
        self.is_called = False
        self.has_left = False
        """It need not wait for its turn: its try will say why it is refused."""
        self._bell: asyncio.Future[None] | None = None

    def call(self) -> None:
        self.is_called = True
        if self._bell is not None and not self._bell.done():
            self._bell.set_result(None)

    async def listen(self, until_s: float) -> bool:
        """Return when called (True), or when it is too late."""
        if not self.is_called:
            self._bell = asyncio.get_running_loop().create_future()
            try:
                async with asyncio.timeout(until_s - time.monotonic()):
                    await self._bell
            except TimeoutError:
                pass
            finally:
                self._bell = None
        was_called, self.is_called = self.is_called, False
        return was_called


class _Queue:
    __slots__ = ("balances", "places", "refusal")

    def __init__(self, balances: Iterable[int], refusal: Refusal) -> None:
        self.balances = frozenset(balances)
        self.places: deque[_Place] = deque()
        self.refusal = refusal
        """Why its first was refused the last time."""


class Waiting:
    """All queues. Everything here happens on the event loop."""

    def __init__(self) -> None:
        self.endings = 0
        """Counts the calls that ended, so that no ending is missed between being refused and being queued."""
        self.count = 0
        self._queues: dict[tuple[Balances, Balances], _Queue] = {}

    def queue_of(self, hold: Hold) -> _Queue | None:
        """The queue behind which a new call has to go; None, nearly always, when nobody waits for its balances."""
        if not self._queues:
            return None
        return self._queues.get((hold.lots, ())) or self._queues.get((hold.lots, hold.limits))

    def ended(self, hold: Hold) -> None:
        """A call's hold has ended: what it gave back may be enough for those who wait for its balances."""
        self.endings += 1
        if self._queues:
            freed = (*hold.lots, *hold.limits)
            for queue in self._queues.values():
                if not queue.balances.isdisjoint(freed):
                    queue.places[0].call()

    def look_again(self) -> None:
        """Somebody else (another node, an administrator) may have freed something: let the first of each try."""
        for queue in self._queues.values():
            queue.places[0].call()

    def send_away(self, key_ids: Collection[int] | None = None) -> None:
        """End the waiting of some keys' calls, or of all: their next try says why."""
        for queue in self._queues.values():
            for place in queue.places:
                if key_ids is None or place.key_id in key_ids:
                    place.has_left = True
                    place.call()

    async def turn(
        self,
        hold: Hold,
        key_id: int,
        refusal: Refusal | None,
        attempt: Callable[[], Awaitable[T | Refusal]],
        *,
        most: int,
        wait_s: float,
        endings: int,
    ) -> T | Refusal:
        """Wait in line and try again each time that it may help; the last refusal after `wait_s`.

        `refusal` None: the call goes behind others without a try of its own. `endings` is what the count was before
        the call was refused. At most `most` calls wait.
        """
        queue = self.queue_of(hold)
        if queue is None and refusal is None:
            # The last of those who waited has left since the call was sent behind them.
            endings = self.endings
            outcome = await attempt()
            if not isinstance(outcome, Refusal) or outcome.why not in HELD:
                return outcome
            refusal, queue = outcome, self.queue_of(hold)
        if self.count >= most:
            return refusal or _its_own(_refusal_of(queue), hold)
        if queue is None:
            queue = self._new_queue(hold, _refusal_of(refusal))
        until_s = time.monotonic() + wait_s
        place = _Place(key_id)
        place.is_called = refusal is not None and endings != self.endings
        queue.places.append(place)
        self.count += 1
        try:
            while True:
                is_called = await place.listen(until_s)
                if place.has_left or (is_called and queue.places[0] is place):
                    outcome = await attempt()
                    if not isinstance(outcome, Refusal) or outcome.why not in HELD:
                        return outcome
                    queue.refusal = refusal = outcome
                if time.monotonic() >= until_s:
                    return refusal or _its_own(queue.refusal, hold)
        finally:
            self.count -= 1
            self._leave(queue, place)

    def _new_queue(self, hold: Hold, refusal: Refusal) -> _Queue:
        limits = hold.limits if refusal.why is Why.LIMIT_HELD else ()
        queue = self._queues[hold.lots, limits] = _Queue((*hold.lots, *limits), refusal)
        return queue

    def _leave(self, queue: _Queue, place: _Place) -> None:
        was_first = queue.places[0] is place
        queue.places.remove(place)
        if not queue.places:
            self._queues = {key: other for key, other in self._queues.items() if other is not queue}
        elif was_first:
            queue.places[0].call()  # there may be enough for it as well


def _refusal_of(source: _Queue | Refusal | None) -> Refusal:
    assert source is not None, "without a queue a call tries for itself first"
    return source.refusal if isinstance(source, _Queue) else source


def _its_own(refusal: Refusal, hold: Hold) -> Refusal:
    """The refusal of whoever stood in front, as it is for this call."""
    return msgspec.structs.replace(refusal, facts={**refusal.facts, "bound_nanos": str(hold.amount)})
