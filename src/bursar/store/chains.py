"""The hash chains, walked: every link follows the one before it, and says what its postings say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import sqlalchemy as sa

from bursar.store.chain import GENESIS, link_hash
from bursar.store.faults import FaultName, Findings
from bursar.store.reading import Beside, Entry, Row, stream
from bursar.store.schema import links, seals
from bursar.store.seals import Papers, Seal


class Head(NamedTuple):
    """A chain's last link: its number and its hash. Of all chains, kept elsewhere, they are a checkpoint."""

    n: int
    hash: bytes


class _Link:
    """A link whose postings are being read."""

    def __init__(self, row: Row, sealed: list[Row]) -> None:
        self.id, self.chain, self.n, self.count, self.recorded_us, self.previous, self.hash = row
        self.postings: list[Row] = []
        self.transfers: list[Row] = []
        self.calls: list[Row] = []
        self.seals = sealed

    @property
    def where(self) -> str:
        return f"link {self.id} (number {self.n} of chain {self.chain})"

    def add(self, entry: Entry) -> None:
        self.postings.append(entry.posting)
        self.transfers += entry.transfers
        if entry.call is not None:
            self.calls.append(entry.call)

    def recomputed(self) -> bytes:
        return link_hash(
            self.previous,
            link_id=self.id,
            chain=self.chain,
            n=self.n,
            recorded_us=self.recorded_us,
            postings=self.postings,
            transfers=self.transfers,
            calls=self.calls,
            seals=self.seals,
        )


class Chains:
    """Reads the links beside the postings.

    Several writers of one PostgreSQL database draw ids at the same time, so postings of different links interleave a
    little: a link waits here until all its postings have come by.
    """

    def __init__(
        self, connection: sa.Connection, checkpoints: Mapping[int, Head], papers: Papers, findings: Findings
    ) -> None:
        """`papers` is given every seal."""
        self._rows: Iterator[Row] = stream(connection, sa.select(links).order_by(links.c.id))
        self._seals = Beside(stream(connection, sa.select(seals).order_by(seals.c.link_id, seals.c.n)))
        self._papers = papers
        self._checkpoints = dict(checkpoints)
        self._findings = findings
        self._waiting: dict[int, _Link] = {}
        self._read_to = 0
        self._covered: dict[int, int] = {}
        self.heads: dict[int, Head] = {}
        self.count = 0
        self.noted_links = self.noted_postings = 0
        """How many there are up to the heads of the checkpoint that were found."""

    @property
    def is_missing_noted(self) -> bool:
        """Whether a head that the checkpoint notes has not been found."""
        return bool(self._checkpoints)

    def add(self, entry: Entry) -> None:
        """Take the next posting."""
        link_id = entry.posting[1]
        while self._read_to < link_id and self._read_link():
            pass
        link = self._waiting.get(link_id)
        if link is None:
            self._findings.add(
                FaultName.LINK_MISSING,
                f"posting {entry.posting[0]}",
                f"link {link_id} is not there, or has all the postings that it covers without this one",
            )
            return
        link.add(entry)
        if len(link.postings) == link.count:
            del self._waiting[link_id]
            self._recompute(link)

    def finish(self) -> None:
        """All postings have come by."""
        while self._read_link():
            pass
        self._orphaned(self._seals.rest())
        for link in self._waiting.values():
            self._findings.add(
                FaultName.LINK_COUNT, link.where, f"it covers {link.count} postings; {len(link.postings)} are there"
            )
        for chain, head in self._checkpoints.items():
            self._findings.add(
                FaultName.CHECKPOINT_DIFFERS, f"chain {chain}", f"its link number {head.n} is not the one noted"
            )

    def _read_link(self) -> bool:
        row = next(self._rows, None)
        if row is None:
            return False
        self._orphaned(self._seals.below(row[0]))
        link = _Link(row, list(self._seals.of(row[0])))
        self.count += 1
        self._read_to = link.id
        for sealed in link.seals:
            self._papers.add(Seal(*sealed))
        if link.count:
            self._waiting[link.id] = link
        else:
            self._recompute(link)
        self._follow(link)
        return True

    def _recompute(self, link: _Link) -> None:
        if link.recomputed() != link.hash:
            self._findings.add(FaultName.LINK_HASH, link.where, "what it covers is not what it sealed")

    def _orphaned(self, rows: Iterator[Row]) -> None:
        for row in rows:
            seal = Seal(*row)
            where = f"seal of {seal.paper} {seal.key}"
            self._findings.add(FaultName.SEAL_ORPHANED, where, f"its link {seal.link_id} is not there")

    def _follow(self, link: _Link) -> None:
        before = self.heads.get(link.chain, Head(0, GENESIS))
        if link.n != before.n + 1:
            problem = f"number {before.n} is before it; links between are missing or out of order"
            self._findings.add(FaultName.LINK_GAP, link.where, problem)
        if link.previous != before.hash:
            self._findings.add(FaultName.LINK_BROKEN, link.where, "it does not follow the link before it")
        self.heads[link.chain] = head = Head(link.n, link.hash)
        self._covered[link.chain] = self._covered.get(link.chain, 0) + link.count
        if self._checkpoints.get(link.chain) == head:
            del self._checkpoints[link.chain]
            self.noted_links += head.n
            self.noted_postings += self._covered[link.chain]
