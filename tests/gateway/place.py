"""A Bursar with the simulated providers behind it, as clients meet it: processes and sockets, nothing in between."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import sqlalchemy as sa

from bursar.books import Books
from bursar.sim.server import SimServer, SimSettings
from bursar.store.database import Database
from bursar.store.schema import calls, holds
from tests.support.books import assert_proved, sums
from tests.support.company import found, open_books
from tests.support.kills import compare_with_bill
from tests.support.running import Running
from tests.unit.sim.raw import Got, ask, until

Fill = Callable[[Books], dict[str, str]]
_price_books: dict[str, bytes] = {}
"""The price book as the first folder has it, by its file's name: building one takes longer than most tests."""


class Ended(NamedTuple):
    """A call as the journal has it. Costs in nano-USD."""

    id: str
    outcome: str
    cost: int
    bound: int
    reason: str


class Place:
    """A running server, what is behind it, and what its books say. `keys` are the secrets made by `fill`."""

    def __init__(self, folder: Path, sim: SimServer, server: Running, key: str, keys: dict[str, str]) -> None:
        self.folder = folder
        self.sim = sim
        self.server = server
        self.url = server.url
        self.key = key
        self.keys = keys
        self.database = Database.in_folder(folder)

    def ended(self) -> list[Ended]:
        """Every call that has ended, oldest first."""
        with self.database.reading() as connection:
            columns = (calls.c.hold_id, calls.c.outcome, calls.c.cost_nanos, calls.c.bound_nanos, calls.c.reason)
            rows = connection.execute(sa.select(*columns).order_by(calls.c.posting_id))
            return [Ended(*row) for row in rows]

    def last(self, before: int) -> Ended:
        """The one call that ended since there were `before` of them; waits for it."""
        self.until_quiet(before + 1)
        [call] = self.ended()[before:]
        return call

    def until_quiet(self, ended: int = 0) -> None:
        """Wait until no call is running and at least so many have ended."""
        until(lambda: len(self.ended()) >= ended and self.running() == 0, timeout_s=20)

    def running(self) -> int:
        """Holds that have not ended."""
        with self.database.reading() as connection:
            return int(connection.execute(sa.select(sa.func.count()).select_from(holds)).scalar_one())

    def billed(self) -> int:
        """How many calls the provider has billed."""
        return len(self.sim.bill.lines())

    def operator(self, method: str, path: str, body: object = None) -> Got:
        """A request to the API with the token of whoever can read the data folder."""
        token = json.loads((self.folder / "server.json").read_text())["token"]
        return ask(self.url, method, f"/api{path}", body, key=token, content_type="application/json")

    def assert_books_are_the_bill(self) -> None:
        """When all is quiet: what was spent is what the provider billed, call by call, and nothing is held."""
        self.until_quiet()
        compare_with_bill(self.database, self.sim.bill.lines())
        books = sums(self.database)
        assert (books.spent, books.held, books.overrun) == (self.sim.bill.total_nanos(), 0, 0)
        assert_proved(self.database)


@contextmanager
def opened(
    folder: Path,
    *,
    settings: SimSettings | None = None,
    fill: Fill | None = None,
    **company: Any,
) -> Iterator[Place]:
    """A place with the company of `tests.support.company.found`, and what `fill` adds to its books."""
    folder.mkdir(parents=True, exist_ok=True)
    with SimServer(settings) as sim:
        for name, content in _price_books.items():
            (folder / name).write_bytes(content)
        key = found(folder, sim.url, **company)
        _price_books.update((file.name, file.read_bytes()) for file in folder.glob("prices-*.json"))
        keys: dict[str, str] = {}
        if fill is not None:
            books = open_books(folder)
            keys = fill(books)
            books.close()
        with Running(folder) as server:
            place = Place(folder, sim, server, key, keys)
            try:
                yield place
            finally:
                place.database.close()
