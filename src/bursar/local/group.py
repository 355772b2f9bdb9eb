"""Calls put together: those of a quarter of an hour that share model, session and project.

A quarter of an hour is the finest that days of any time zone are cut into, so groups can be kept and shown in any.
"""

from __future__ import annotations

import msgspec

SLOT_US = 15 * 60 * 1_000_000


class Group(msgspec.Struct, array_like=True, gc=False):
    """Calls of one quarter of an hour that share model, session and project. `slot` counts quarters since 1970 UTC.

    `first_us` and `last_us` are the instants of the first and the last of them, in microseconds since 1970 UTC.
    `cost_nanos` is by the price book, or what the source itself says where the book has no price; None if neither
    knows: that is not nothing.
    """

    slot: int
    source: str
    catalog: str
    model: str
    variant: str
    session: str
    project: str
    calls: int
    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int
    web_searches: int
    cost_nanos: int | None
    first_us: int
    last_us: int
