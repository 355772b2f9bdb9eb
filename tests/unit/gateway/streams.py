"""Streams as servers send them, and ways to feed them."""

from __future__ import annotations

from itertools import pairwise

from hypothesis import strategies as st

from bursar.gateway.wires import Meter


def feed(meter: Meter, stream: bytes, cuts: list[int] | None = None) -> bytes:
    """Feed a stream cut at these places, to its end; return what was forwarded."""
    places = [0, *sorted({cut % (len(stream) + 1) for cut in cuts or []}), len(stream)]
    chunks = [stream[start:end] for start, end in pairwise(places) if start < end]
    return b"".join([*(meter.feed(chunk) for chunk in chunks), meter.finish()])


cuts = st.lists(st.integers(0, 10_000), max_size=40)
line_ends = st.sampled_from([b"\n", b"\r\n", b"\r"])


def events(*data: str, end: bytes = b"\n") -> bytes:
    """A stream of these events, each by its data; "name: data" gives the event a name."""
    written = []
    for each in data:
        name, colon, rest = each.partition(": ")
        named = colon and name.isidentifier()
        head = b"event: " + name.encode() + end if named else b""
        written.append(head + b"data: " + (rest if named else each).encode() + end + end)
    return b"".join(written)
