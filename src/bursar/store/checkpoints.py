"""Checkpoints: what the journal was at an instant, noted so that it can be kept outside the database.

The chains alone prove that nothing inside the journal was changed by somebody who did not compute them anew. A
checkpoint that was kept elsewhere proves it of somebody who did, and shows when the journal's end was cut off.
"""

from __future__ import annotations

import msgspec
import sqlalchemy as sa

from bursar.store.chains import Head
from bursar.store.schema import links


class Checkpoint(msgspec.Struct, frozen=True):
    """Every chain's last link at an instant, by chain, and how many links and postings there were in all of them."""

    at_us: int
    heads: dict[int, Head]
    links: int
    postings: int


def take_checkpoint(connection: sa.Connection, now_us: int) -> Checkpoint:
    """Note what the journal is now. Reads the links only, and proves nothing: `verify` does."""
    last = sa.select(links.c.chain, sa.func.max(links.c.n).label("n")).group_by(links.c.chain).subquery()
    is_last = sa.and_(links.c.chain == last.c.chain, links.c.n == last.c.n)
    heads = connection.execute(
        sa.select(links.c.chain, links.c.n, links.c.hash).join(last, is_last).order_by(links.c.chain)
    )
    sums = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(links.c.postings), 0)).select_from(links)
    found = {chain: Head(n, bytes(link_hash)) for chain, n, link_hash in heads}
    count, covered = connection.execute(sums).one()
    return Checkpoint(now_us, found, count, int(covered))


def fits(connection: sa.Connection, checkpoint: Checkpoint) -> bool:
    """Whether the links that were noted are still there: quick, and less than `verify` with the checkpoint."""
    for chain, head in checkpoint.heads.items():
        query = sa.select(links.c.hash).where(links.c.chain == chain, links.c.n == head.n)
        found = connection.execute(query).scalar_one_or_none()
        if found is None or bytes(found) != head.hash:
            return False
    return True
