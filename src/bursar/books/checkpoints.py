"""Signed checkpoints of the journal: made on demand, put into a folder each day, and read again.

A checkpoint is a compact JWS (see `bursar.signing`) over JSON: `at`, `links`, `postings`, and `heads`, each with the
`chain`, the number `n` of its last link, and that link's `hash` in hex.
"""

from __future__ import annotations

import logging
from datetime import datetime
from pathlib import Path

import msgspec

from bursar.books.books import Books
from bursar.periods import from_us, to_us
from bursar.refusals import Refused, Why, refuse
from bursar.signing import Jwks, SigningKeys, verify, write_durably
from bursar.store.chains import Head
from bursar.store.checkpoints import Checkpoint, fits, take_checkpoint

log = logging.getLogger("bursar.checkpoints")
TYP = "bursar-checkpoint+json"
SUFFIX = ".jws"


class WrittenHead(msgspec.Struct, frozen=True):
    """The last link of a chain, as it is written."""

    chain: int
    n: int
    hash: str


class WrittenCheckpoint(msgspec.Struct, frozen=True):
    """A checkpoint as it is written and signed."""

    at: datetime
    links: int
    postings: int
    heads: list[WrittenHead]


def sign_checkpoint(books: Books, keys: SigningKeys) -> str:
    """A signed checkpoint of the journal as it is now: one line of text."""
    with books.database.reading() as connection:
        taken = take_checkpoint(connection, books.clock())
    heads = [WrittenHead(chain, head.n, head.hash.hex()) for chain, head in sorted(taken.heads.items())]
    written = WrittenCheckpoint(from_us(taken.at_us), taken.links, taken.postings, heads)
    return keys.sign(msgspec.json.encode(written), TYP)


def read_checkpoint(text: str, jwks: Jwks) -> Checkpoint:
    """What a signed checkpoint notes. Raises Refused when none of these public keys signed it, or not as that."""
    payload = verify(text, jwks, TYP)
    try:
        written = msgspec.json.decode(payload, type=WrittenCheckpoint)
        heads = {head.chain: Head(head.n, bytes.fromhex(head.hash)) for head in written.heads}
        return Checkpoint(to_us(written.at), heads, written.links, written.postings)
    except (msgspec.MsgspecError, ValueError):
        raise Refused(refuse(Why.SIGNATURE_INVALID, problem="what it is under is no checkpoint")) from None


def keep_daily(books: Books, keys: SigningKeys, folder: Path) -> Path | None:
    """Put a checkpoint into the folder if there is none of today (in UTC) yet; returns its file.

    The last one of an earlier day is compared first; that it does not fit is logged as an error. Nothing there is
    overwritten. Raises OSError when the folder cannot be written.
    """
    today = folder / f"{from_us(books.clock()):%Y-%m-%d}{SUFFIX}"
    if today.exists():
        return None
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _compare_last(books, keys, folder)
    write_durably(today, sign_checkpoint(books, keys).encode() + b"\n")
    return today


def _compare_last(books: Books, keys: SigningKeys, folder: Path) -> None:
    last = max(folder.glob(f"*{SUFFIX}"), default=None)
    if last is None:
        return
    try:
        noted = read_checkpoint(last.read_text("ascii"), keys.jwks())
    except (Refused, UnicodeDecodeError) as problem:
        log.error("the checkpoint %s is not to be believed: %s", last, problem)  # noqa: TRY400 - it says all
        return
    with books.database.reading() as connection:
        if not fits(connection, noted):
            log.error("the journal does not fit the checkpoint %s: run `bursar journal verify --checkpoint`", last)
