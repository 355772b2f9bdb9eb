"""Two nodes on one PostgreSQL spend one person's budget, exactly, also when one of them is killed."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path

from bursar.sim.server import SimServer
from bursar.store.database import Database
from tests.support.books import assert_proved, sums
from tests.support.company import found
from tests.support.kills import compare_with_bill
from tests.support.load import Load
from tests.support.postgres import PostgresServer
from tests.support.running import Running


def test_two_nodes_spend_one_budget(tmp_path: Path, postgres: PostgresServer) -> None:
    name = postgres.fresh()
    first, second = tmp_path / "first", tmp_path / "second"
    seed = int.from_bytes(os.urandom(4))
    with SimServer() as sim:
        key = found(first, sim.url, amount="0.20", url=postgres.url(name))
        second.mkdir()
        for file in ("bursar.toml", "provider.key"):
            shutil.copy(first / file, second / file)
        nodes = [Running(first).start(), Running(second).start()]
        loads = [Load(node.url, key, clients=24, seed=seed + number) for number, node in enumerate(nodes)]
        threads = [threading.Thread(target=load.run, args=(3.0,)) for load in loads]
        for thread in threads:
            thread.start()
        threads[0].join(1.5)
        nodes[0].kill()
        for thread in threads:
            thread.join()
        assert loads[0].seen[200] > 0
        assert loads[1].seen[200] > 0
        nodes[0].start()  # ends what it left open; the other node's calls are the other's
        assert [node.stop() for node in nodes] == [0, 0]
        database = Database(postgres.url(name))
        assert_proved(database)
        compare_with_bill(database, sim.bill.lines())
        books = sums(database)
        assert sim.bill.total_nanos() <= books.spent <= books.granted
        assert (books.held, books.overrun) == (0, 0)
        database.close()
    postgres.drop(name)
