"""The composition root: opens a data folder and puts the parts together. Knows everything but the CLI."""

from __future__ import annotations

import fcntl
import json
import os
import secrets
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import IO

from bursar.api.app import Api, build_api
from bursar.api.service import ReloadAnswer, Reloader
from bursar.books import Ask, Books
from bursar.books.checkpoints import keep_daily
from bursar.books.uploads import finish_uploads
from bursar.config import Config, load_config
from bursar.pricing.book import PriceBook
from bursar.pricing.kept import kept_book
from bursar.refusals import Refused, Why, refuse
from bursar.signing import SigningKeys
from bursar.store.database import Database

LOCK_FILE = "lock"
SERVER_FILE = "server.json"
PRICES_FILE = "prices.toml"
LOCK_WAIT_S = 10.0
IN_USE = "is in use by another process"


def now_us() -> int:
    """The instant, in microseconds since 1970 UTC. The one place that asks the clock."""
    return time.time_ns() // 1000


class Bursar:
    """An open data folder. One process has it open at a time; it alone writes the folder's database."""

    def __init__(self, folder: Path, lock: IO[str], config: Config, books: Books) -> None:
        self.folder = folder
        self.config = config
        self.books = books
        self.local_token = secrets.token_urlsafe(32)
        """Whoever can read the data folder is its operator: this token, written there by a server, says so."""
        self.reloader: Reloader | None = None
        """Reads the folder's files anew; whoever serves it puts one here that can."""
        self.signing = SigningKeys(folder / config.signing.folder, now_us)
        """Signs what this Bursar says: statements, checkpoints."""
        told = (books, self.local_token, lambda: self.config, self.reload, self.signing)
        self.api = Api(partial(build_api, *told, bound_request=bound_request))
        self._lock = lock

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        create: bool = False,
        to_serve: bool = False,
        prepare: Callable[[Database, PriceBook], None] | None = None,
    ) -> Bursar:
        """Open a data folder. Raises Refused(DATA_FOLDER, CONFIG_INVALID, …) and leaves nothing behind.

        The providers' keys are read only `to_serve`. `prepare` may fill the database, which is migrated and which
        nobody else writes, before the books are opened.
        """
        lock = _lock(folder, create=create)
        try:
            config = load_config(folder, os.environ if to_serve else None)
            prices = load_prices(folder)
            database = Database(config.database_url) if config.database_url else Database.in_folder(folder)
            database.migrate()
            if prepare is not None:
                prepare(database, prices)
            books = Books(database, prices, now_us)
            if not to_serve:
                finish_uploads(books)  # what a killed import left; a server does it while it serves
            return cls(folder, lock, config, books)
        except BaseException:
            lock.close()
            raise

    def reload(self) -> ReloadAnswer:
        """Read the folder's files anew while they are served. Raises Refused, and then nothing has changed."""
        if self.reloader is None:
            raise _folder(self.folder, "is not served now; its files are read when a server starts")
        return self.reloader()

    def keep_checkpoint(self) -> None:
        """Put a signed checkpoint of the journal where it is kept, if there is none of today. Raises OSError."""
        keep_daily(self.books, self.signing, self.folder / self.config.checkpoints.folder)

    def close(self) -> None:
        """Write what waits, close the database, give the folder free."""
        self.books.close()
        self._lock.close()


def bound_request(path: str, body: bytes) -> Ask:
    """What a request that another gateway sends may cost: read as the gateway reads its own, when it is asked for."""
    from bursar.gateway.bounds import ask_for  # noqa: PLC0415 - the wires are not needed to open a folder

    return ask_for(path, body)


def load_prices(folder: Path) -> PriceBook:
    """The price book of a data folder: the public prices of this installation, under the operator's own."""
    return kept_book(folder, folder / PRICES_FILE)


def _lock(folder: Path, *, create: bool) -> IO[str]:
    if create:
        try:
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError:
            raise _folder(folder, "cannot be made") from None
    if not folder.is_dir():
        raise _folder(folder, "is not there; `bursar init` makes one")
    try:
        lock = (folder / LOCK_FILE).open("a+")
    except OSError:
        raise _folder(folder, "cannot be written") from None
    deadline = time.monotonic() + LOCK_WAIT_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() > deadline or (folder / SERVER_FILE).exists():
                lock.close()
                raise _folder(folder, IN_USE) from None
            time.sleep(0.05)
        else:
            return lock


def _folder(folder: Path, problem: str) -> Refused:
    return Refused(refuse(Why.DATA_FOLDER, folder=folder, problem=problem))


def announce(folder: Path, url: str, token: str) -> None:
    """Say in the data folder where its server is; readable by the operator alone."""
    path = folder / SERVER_FILE
    text = json.dumps({"url": url, "pid": os.getpid(), "token": token})
    handle = os.open(path.with_suffix(".new"), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(text)
    path.with_suffix(".new").replace(path)
