"""The journal: its postings, newest first, and the proof that they add up."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from queue import SimpleQueue
from typing import Any

import msgspec
from litestar import Response
from litestar.di import NamedDependency
from litestar.params import FromQuery, JSONBody
from litestar.response import Stream

from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.errors import ErrorAnswer, answer_to
from bursar.api.moments import time_before
from bursar.api.paging import PAGE, After, PageSize
from bursar.api.routes import body, route
from bursar.api.told import told_list
from bursar.books import Books
from bursar.books.checkpoints import read_checkpoint, sign_checkpoint
from bursar.refusals import Refused, Why, refuse
from bursar.reports.plain import plain
from bursar.reports.usage import PostingView, postings
from bursar.signing import SigningKeys, read_keys
from bursar.store.checkpoints import Checkpoint
from bursar.store.verify import Verification, verify

log = logging.getLogger("bursar.api")


class FaultAnswer(msgspec.Struct, frozen=True):
    """One thing that is wrong with the books."""

    name: str
    where: str
    problem: str


class HeadAnswer(msgspec.Struct, frozen=True):
    """The last link of a hash chain. Noted elsewhere it shows later whether the journal's end was cut off."""

    chain: int
    n: int
    hash: str


class VerificationAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What was read and what is wrong with it; `faults` are the first 1,000 of `fault_count`."""

    is_right: bool
    postings: int
    transfers: int
    calls: int
    links: int
    papers: int
    balances: int
    open_holds: int
    refusals: int
    heads: list[HeadAnswer]
    faults: list[FaultAnswer]
    fault_count: int

    @classmethod
    def of(cls, found: Verification) -> VerificationAnswer:
        """What is told of a verification."""
        counts = {name: getattr(found, name) for name in cls.__struct_fields__ if name not in {"heads", "faults"}}
        return cls(
            heads=[HeadAnswer(chain, head.n, head.hash.hex()) for chain, head in sorted(found.heads.items())],
            faults=[FaultAnswer(fault.name.value, fault.where, fault.problem) for fault in found.faults],
            **counts,
        )


class VerificationWanted(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What to compare the journal with: a signed checkpoint that was kept elsewhere.

    `keys` is the public key that must have signed it, a JWK or a JWK set; left out, it is any of this Bursar's own.
    """

    checkpoint: str | None = None
    keys: dict[str, Any] | None = None


class CheckpointAnswer(msgspec.Struct, frozen=True):
    """A signed checkpoint: a compact JWS."""

    checkpoint: str


_VERIFICATION = body(VerificationAnswer, "What was read, and what is wrong with it")


class Progress(msgspec.Struct, frozen=True):
    """A line of a verification that tells how far it is, in postings."""

    done: int
    total: int


@route("GET /journal", PERSON, answer=body(told_list(PostingView), "Postings, newest first"))
def list_postings(
    books: NamedDependency[Books],
    caller: NamedDependency[Caller],
    *,
    person: FromQuery[str | None] = None,
    since: FromQuery[str | None] = None,
    limit: PageSize = PAGE,
    after: After = None,
) -> list[dict[str, Any]]:
    """Postings with what they moved: everybody's, the named person's, or one's own.

    For the next page give the last posting's `id` as `after`.
    """
    since_us = None if since is None else time_before(since, "since", books.clock())
    with books.database.reading() as connection:
        person_id = caller.scope(connection, person)
        found = postings(connection, person_id, since_us=since_us, limit=limit, after=after)
    return [plain(posting) for posting in found]


@route("POST /journal/verify", ADMINISTRATOR, status=200, answer=_VERIFICATION)
def verify_journal(
    books: NamedDependency[Books],
    signing_keys: NamedDependency[SigningKeys],
    progress: FromQuery[bool] = False,
    data: JSONBody[VerificationWanted | None] = None,
) -> Response[VerificationAnswer] | Stream:
    """Prove the books, perhaps against a checkpoint, whose signature is verified first.

    With `progress=true` the answer is lines of JSON: `{"done", "total"}` until the last line.
    """
    checkpoint = _noted(data or VerificationWanted(), signing_keys)
    if progress:
        return Stream(_Verifying(books, checkpoint).lines(), media_type="application/x-ndjson")
    with books.database.reading() as connection:
        return Response(VerificationAnswer.of(verify(connection, checkpoint=checkpoint)))


def _noted(wanted: VerificationWanted, signing_keys: SigningKeys) -> Checkpoint | None:
    if wanted.checkpoint is None:
        if wanted.keys is not None:
            raise Refused(refuse(Why.FIELD_MISSING, field="checkpoint", right="given with keys"))
        return None
    jwks = signing_keys.jwks() if wanted.keys is None else read_keys(msgspec.json.encode(wanted.keys))
    return read_checkpoint(wanted.checkpoint, jwks)


@route("POST /journal/checkpoint", ADMINISTRATOR, status=200)
def checkpoint_journal(books: NamedDependency[Books], signing_keys: NamedDependency[SigningKeys]) -> CheckpointAnswer:
    """Sign what the journal is now: every chain's last link. To be kept where nobody can change it with the books."""
    return CheckpointAnswer(sign_checkpoint(books, signing_keys))


class _Left(Exception):  # noqa: N818 - it is no error that somebody stops listening
    """Whoever asked for the verification is gone."""


class _Verifying:
    """A verification in a thread of its own, and the lines that it has to tell."""

    def __init__(self, books: Books, checkpoint: Checkpoint | None) -> None:
        self._books = books
        self._checkpoint = checkpoint
        self._lines: SimpleQueue[Progress | VerificationAnswer | ErrorAnswer] = SimpleQueue()
        self._left = False

    def lines(self) -> Iterator[bytes]:
        """The lines as they come; the last one is the verification, or an error."""
        threading.Thread(target=self._run, name="verify", daemon=True).start()
        try:
            while True:
                line = self._lines.get()
                yield msgspec.json.encode(line) + b"\n"
                if not isinstance(line, Progress):
                    return
        finally:
            self._left = True

    def _run(self) -> None:
        try:
            with self._books.database.reading() as connection:
                self._lines.put(VerificationAnswer.of(verify(connection, self._tell, self._checkpoint)))
        except _Left:
            log.info("nobody waits for the verification any more")
        except Exception:
            log.exception("the verification failed")
            self._lines.put(answer_to(refuse(Why.INTERNAL)))

    def _tell(self, done: int, total: int) -> None:
        if self._left:
            raise _Left
        self._lines.put(Progress(done, total))


ROUTES = (list_postings, verify_journal, checkpoint_journal)
