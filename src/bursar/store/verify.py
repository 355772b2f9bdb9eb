"""Proves the books: reads the whole journal once and checks everything that must be true of it.

The journal is played again from its first posting; every account is watched at every step; what comes out is compared
with the balances and open holds that the gateway decides by; the hash chains are recomputed, and the papers that they
seal compared (plans, price books, changes, documents, exchange rates, imports); what reported calls have come to is
held against both. What chains alone cannot show is that their end was cut off, or that somebody computed them anew: a
checkpoint that was kept elsewhere does.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import sqlalchemy as sa

from bursar.store.chains import Chains, Head
from bursar.store.checkpoints import Checkpoint
from bursar.store.faults import Fault, FaultName, Findings
from bursar.store.reading import entries, stream
from bursar.store.replay import Replay
from bursar.store.schema import postings, refusals
from bursar.store.seals import Papers
from bursar.store.told import prove_heads

PROGRESS_EVERY = 1_000


class Verification(msgspec.Struct, frozen=True):
    """What was read, and what is wrong with it: nothing, when the books are right.

    `heads` are the last links of the chains, by chain.
    `faults` lists the first 1,000 of `fault_count`.
    """

    postings: int
    transfers: int
    calls: int
    links: int
    papers: int
    balances: int
    open_holds: int
    refusals: int
    heads: dict[int, Head]
    faults: list[Fault]
    fault_count: int

    @property
    def is_right(self) -> bool:
        """Whether nothing is wrong."""
        return self.fault_count == 0


def verify(
    connection: sa.Connection,
    on_progress: Callable[[int, int], None] | None = None,
    checkpoint: Checkpoint | None = None,
) -> Verification:
    """Prove the books as they are now, while others may go on writing. Writes nothing.

    `on_progress` is called with how many of how many postings have been read. Memory grows with the number of
    balances, open holds and papers, not with the journal. With a `checkpoint` the journal must have been then what it
    says.
    """
    findings = Findings()
    total = _count(connection, postings)
    replay, papers = Replay(connection, findings), Papers(findings)
    chains = Chains(connection, {} if checkpoint is None else checkpoint.heads, papers, findings)
    done = 0
    for done, entry in enumerate(entries(connection, findings), start=1):
        replay.add(entry)
        chains.add(entry)
        if on_progress is not None and done % PROGRESS_EVERY == 0:
            on_progress(done, total)
    chains.finish()
    papers.finish(connection)
    if checkpoint is not None:
        _as_noted(checkpoint, chains, findings)
    open_holds = replay.finish(connection)
    _refused_and_posted(connection, findings)
    prove_heads(connection, findings)
    if on_progress is not None:
        on_progress(done, total)
    return Verification(
        postings=done,
        transfers=replay.transfers,
        calls=replay.calls,
        links=chains.count,
        papers=papers.count,
        balances=replay.balances,
        open_holds=open_holds,
        refusals=_count(connection, refusals),
        heads=chains.heads,
        faults=findings.faults,
        fault_count=findings.count,
    )


def _count(connection: sa.Connection, table: sa.Table) -> int:
    return connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one()


def _as_noted(checkpoint: Checkpoint, chains: Chains, findings: Findings) -> None:
    """The counts of a checkpoint whose links are all there."""
    noted, there = (checkpoint.links, checkpoint.postings), (chains.noted_links, chains.noted_postings)
    if not chains.is_missing_noted and noted != there:
        problem = "it notes {} links with {} postings; up to its heads there are {} with {}".format(*noted, *there)
        findings.add(FaultName.CHECKPOINT_DIFFERS, "the checkpoint", problem)


def _refused_and_posted(connection: sa.Connection, findings: Findings) -> None:
    """An operation has one answer: what was refused stays refused."""
    both = sa.select(postings.c.id, postings.c.op).join(refusals, refusals.c.op == postings.c.op)
    for posting_id, op in stream(connection, both):
        findings.add(FaultName.REFUSED_AND_POSTED, f"posting {posting_id}", f"the operation {op} was refused")
