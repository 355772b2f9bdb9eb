"""Server-sent events as they pass: whole events to look at, the same bytes to forward.

Chunks may be split anywhere, within a line end and within a character too. Nothing is parsed here; what an event is
about is for the wire to say, and most events are only searched for a word or two.
"""

from __future__ import annotations

import re

LONGEST_EVENT = 256 * 1024
"""Bytes of one event that are held to be looked at, unless a meter says otherwise. A longer one passes unread."""

_LONGEST_BOUNDARY = 4
# A line end and one more. A carriage return at the very end of what has arrived may be half of a CRLF: it waits.
_BOUNDARY = re.compile(rb"(?>\r\n|\n|\r)(?>\r\n|\n|\r(?=[^\n]))")
_ENDINGS = (b"\n\n", b"\r\n\r\n")


class EventStream:
    """Cuts a stream into events and hands those that matter to `_event`.

    A meter derives from it. An event's bytes are held until the event is whole: no client can use them earlier, and
    a stream that is cut off can still be ended by an error that the client understands. Only when it `strips` may an
    event be kept back for good.
    """

    longest_event = LONGEST_EVENT

    def __init__(self, *, strips: bool) -> None:
        self._strips = strips
        self._held = bytearray()
        self._long = False

    def feed(self, chunk: bytes) -> bytes:
        """Take bytes of the stream, return those to forward."""
        if self._held or not chunk.endswith(_ENDINGS):
            return self._assemble(chunk)
        if not self._matters(chunk):
            return chunk
        return self._sift(chunk)

    def finish(self) -> bytes:
        """Take what is left at the end of the stream for an event, and return it when it is still to be forwarded."""
        rest = bytes(self._held)
        self._held.clear()
        if rest and not self._long and self._matters(rest):
            rest = self._sift(rest)
        return rest

    def _matters(self, run: bytes) -> bool:
        """Whether these events, searched as bytes, may hold one that `_event` must see."""
        raise NotImplementedError

    def _event(self, data: bytes) -> bool:
        """Look at the data of one event; False when it must not be forwarded."""
        raise NotImplementedError

    def _assemble(self, chunk: bytes) -> bytes:
        held = self._held
        start = max(0, len(held) - _LONGEST_BOUNDARY)
        held += chunk
        passed = b""
        if self._long:
            boundary = _BOUNDARY.search(held, start)
            cut = boundary.end() if boundary else max(0, len(held) - _LONGEST_BOUNDARY)
            passed = bytes(held[:cut])
            del held[:cut]
            if boundary is None:
                return passed
            self._long = False
            start = 0
        end = 0
        for boundary in _BOUNDARY.finditer(held, start):
            end = boundary.end()
        run = bytes(held[:end])
        del held[:end]
        self._long = len(held) > self.longest_event
        if run and self._matters(run):
            run = self._sift(run)
        return passed + run if passed else run

    def _sift(self, run: bytes) -> bytes:
        """Show every event of a run to `_event`; return the run without those that must not be forwarded."""
        kept = []
        start = 0
        for end in [boundary.end() for boundary in _BOUNDARY.finditer(run)] + [len(run)]:
            event = run[start:end]
            start = end
            if not self._matters(event) or self._event(_data(event)) or not self._strips:
                kept.append(event)
        return b"".join(kept)


def _data(event: bytes) -> bytes:
    """The data of an event: its `data` lines, each without the field's name and one space."""
    return b"\n".join(line[5:].removeprefix(b" ") for line in event.splitlines() if line.startswith(b"data:"))
