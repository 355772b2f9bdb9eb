"""Signed checkpoints: what they say, who may have said it, and the one that is kept each day."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from bursar.books import Books
from bursar.books.checkpoints import TYP, keep_daily, read_checkpoint, sign_checkpoint
from bursar.pricing.book import PriceBook
from bursar.refusals import Refused, Why
from bursar.signing import SigningKeys, verify
from bursar.store.checkpoints import Checkpoint, take_checkpoint
from bursar.store.database import Database
from tests.store.making import open_lot
from tests.support.clock import NOVEMBER_US, VirtualClock

DAY_US = 86_400_000_000


@pytest.fixture
def books(database: Database, prices: PriceBook, clock: VirtualClock) -> Iterator[Books]:
    made = Books(database, prices, clock)
    open_lot(made.journal, 5)
    open_lot(made.journal, 7, person_id=2)
    yield made
    made.close()


@pytest.fixture
def keys(tmp_path: Path, clock: VirtualClock) -> SigningKeys:
    return SigningKeys(tmp_path / "signing", clock)


def refused(action: Callable[[], object]) -> Why:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value.refusal.why


def test_it_says_what_the_journal_is(books: Books, keys: SigningKeys) -> None:
    text = sign_checkpoint(books, keys)
    with books.database.reading() as connection:
        taken = take_checkpoint(connection, NOVEMBER_US)
    assert read_checkpoint(text, keys.jwks()) == taken
    assert (taken.links, taken.postings, taken.heads[0].n) == (3, 2, 3), "the first seals the price book"
    assert msgspec.json.decode(verify(text, keys.jwks(), TYP)) == {
        "at": "2026-11-01T00:00:00Z",
        "links": 3,
        "postings": 2,
        "heads": [{"chain": 0, "n": 3, "hash": taken.heads[0].hash.hex()}],
    }


def test_another_signer_and_another_kind_are_refused(books: Books, keys: SigningKeys, tmp_path: Path) -> None:
    stranger = SigningKeys(tmp_path / "stranger", books.clock)
    text = sign_checkpoint(books, stranger)
    assert refused(lambda: read_checkpoint(text, keys.jwks())) is Why.SIGNING_KEY_UNKNOWN
    payload = verify(text, stranger.jwks(), TYP)
    other = keys.sign(payload, "bursar-statement+json")
    assert refused(lambda: read_checkpoint(other, keys.jwks())) is Why.SIGNED_AS_OTHER


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"{}",
        b"\xff",
        b'{"at":"2026-11-01T00:00:00","links":0,"postings":0,"heads":[]}',
        b'{"at":"yesterday","links":0,"postings":0,"heads":[]}',
        b'{"at":"2026-11-01T00:00:00Z","links":0,"postings":0,"heads":[{"chain":0,"n":1,"hash":"xy"}]}',
    ],
)
def test_what_is_signed_must_be_a_checkpoint(keys: SigningKeys, payload: bytes) -> None:
    text = keys.sign(payload, TYP)
    assert refused(lambda: read_checkpoint(text, keys.jwks())) is Why.SIGNATURE_INVALID


def test_one_is_kept_each_day_and_never_overwritten(
    books: Books, keys: SigningKeys, clock: VirtualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    folder = tmp_path / "far" / "checkpoints"
    first = keep_daily(books, keys, folder)
    assert first == folder / "2026-11-01.jws"
    before = first.read_bytes()
    open_lot(books.journal, 9, person_id=3)
    clock.now_us = NOVEMBER_US + DAY_US - 1
    assert keep_daily(books, keys, folder) is None
    assert first.read_bytes() == before
    clock.now_us = NOVEMBER_US + DAY_US
    keys.rotate()
    second = keep_daily(books, keys, folder)
    assert second == folder / "2026-11-02.jws"
    assert sorted(folder.iterdir()) == [first, second], "and nothing else"
    noted = [read_checkpoint(each.read_text(), keys.jwks()) for each in (first, second)]
    assert [(each.links, each.at_us) for each in noted] == [(3, NOVEMBER_US), (4, NOVEMBER_US + DAY_US)]
    assert caplog.records == []


def test_the_last_one_is_compared_before_the_next(
    books: Books, keys: SigningKeys, clock: VirtualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = keep_daily(books, keys, tmp_path)
    assert first is not None
    noted = read_checkpoint(first.read_text(), keys.jwks())
    payload = verify(first.read_text(), keys.jwks(), TYP).replace(noted.heads[0].hash.hex().encode(), b"00" * 32)
    first.write_text(keys.sign(payload, TYP))
    clock.now_us += DAY_US
    with caplog.at_level(logging.ERROR):
        second = keep_daily(books, keys, tmp_path)
    assert [record.getMessage().split(":")[0] for record in caplog.records] == [
        f"the journal does not fit the checkpoint {first}"
    ]
    assert second is not None
    second.write_text(second.read_text()[:-9])
    caplog.clear()
    clock.now_us += DAY_US
    assert keep_daily(books, keys, tmp_path) is not None
    (record,) = caplog.records
    assert record.getMessage().startswith(
        f"the checkpoint {second} is not to be believed: The signature is not right"
    )


def test_a_folder_that_cannot_be_written_is_told(books: Books, keys: SigningKeys, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(OSError, match="file"):
        keep_daily(books, keys, tmp_path / "file" / "checkpoints")


def test_every_chain_is_noted(
    postgres_database: Database, clock: VirtualClock, prices: PriceBook, tmp_path: Path
) -> None:
    nodes = [Books(postgres_database, prices, clock) for _ in range(2)]
    keys = SigningKeys(tmp_path / "signing", clock)
    for person_id, node in enumerate(nodes, start=1):
        open_lot(node.journal, 5, person_id=person_id)
    noted = read_checkpoint(sign_checkpoint(nodes[0], keys), keys.jwks())
    for node in nodes:
        node.close()
    assert sorted(noted.heads) == [0, 1]
    assert (noted.links, noted.postings) == (3, 2), "one of them seals the price book"
    assert isinstance(noted, Checkpoint)
    assert {chain: head.n for chain, head in noted.heads.items()} == {0: 2, 1: 1}
