"""The hash chain over the journal: each batch that is committed is one link.

A link's hash is SHA-256 over the link before it and the canonical bytes of everything the batch wrote to the journal
(for a change to the directory that made papers: of their seals), so nothing in it can be edited, removed or reordered
without breaking every later link. On PostgreSQL each writing process extends a chain of its own; together they cover
every posting.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec

GENESIS = b"\0" * 32
Row = Sequence[Any]


def link_hash(
    previous: bytes,
    *,
    link_id: int,
    chain: int,
    n: int,
    recorded_us: int,
    postings: Sequence[Row],
    transfers: Sequence[Row],
    calls: Sequence[Row],
    seals: Sequence[Row] = (),
) -> bytes:
    """The hash of one link. Rows are complete table rows, in primary-key order; no seals are no part of it.

    Nor is the last column of a call when it is empty: there were calls before there was that column.
    """
    told = [row if row[-1] else row[:-1] for row in calls]
    content = ((link_id, chain, n, recorded_us), postings, transfers, told, *([seals] if seals else []))
    return hashlib.sha256(previous + msgspec.msgpack.encode(content)).digest()
