"""The bytes of all request bodies that are in memory at one time: counted, bounded, waited for only briefly."""

from __future__ import annotations

import asyncio
from collections import deque

WAIT_S = 5.0
"""How long a body waits for others to be sent on. Its client has it still, and may try again."""


class Room:
    """So many bytes for all bodies together. Whoever waits is served in the order in which they came."""

    def __init__(self, most_bytes: int) -> None:
        self._free_bytes = most_bytes
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    def take(self, size_bytes: int) -> bool:
        """Take some bytes if they are free and nobody waits."""
        if size_bytes > self._free_bytes or self._waiting:
            return False
        self._free_bytes -= size_bytes
        return True

    async def wait(self, size_bytes: int) -> bool:
        """Take some bytes when they become free; False when that takes too long."""
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        place = (size_bytes, turn)
        self._waiting.append(place)
        try:
            async with asyncio.timeout(WAIT_S):
                await turn
        except BaseException as end:
            if turn.done() and not turn.cancelled():  # taken in the very moment in which the wait ended
                self.give(size_bytes)
            else:
                if place in self._waiting:
                    self._waiting.remove(place)
                self._serve()
            if isinstance(end, TimeoutError):
                return False
            raise
        return True

    def give(self, size_bytes: int) -> None:
        """Give bytes back."""
        self._free_bytes += size_bytes
        if self._waiting:
            self._serve()

    def _serve(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._free_bytes:
            size_bytes, turn = self._waiting.popleft()
            if not turn.done():  # else whoever waited has just given up
                self._free_bytes -= size_bytes
                turn.set_result(None)


class Share:
    """What one request's body has of the room, until nothing needs the body any more."""

    __slots__ = ("_is_needed", "_room", "_sending", "_size_bytes")

    def __init__(self, room: Room) -> None:
        self._room = room
        self._size_bytes = 0
        self._is_needed = True
        self._sending = 0

    async def grow(self, to_bytes: int) -> bool:
        """Have room for so many bytes; False when there is none for too long."""
        more = to_bytes - self._size_bytes
        if not self._room.take(more) and not await self._room.wait(more):
            return False
        self._size_bytes = to_bytes
        return True

    def sending(self) -> None:
        """The body is being sent to a provider: it is needed until `sent`."""
        self._sending += 1

    def sent(self) -> None:
        """One sending is over."""
        self._sending -= 1
        self._give()

    def done(self) -> None:
        """It will not be sent again. May be said more than once."""
        self._is_needed = False
        self._give()

    def _give(self) -> None:
        if not self._is_needed and not self._sending and self._size_bytes:
            self._room.give(self._size_bytes)
            self._size_bytes = 0
