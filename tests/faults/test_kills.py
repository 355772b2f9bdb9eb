"""Killed at random moments under load, Bursar keeps the books right (invariant 8)."""

from __future__ import annotations

import os
import random
import threading
import time
from pathlib import Path

import pytest

from bursar.sim.server import SimServer
from bursar.store.database import Database
from tests.support.books import assert_proved, sums
from tests.support.company import found
from tests.support.kills import compare_with_bill
from tests.support.load import Load
from tests.support.running import Running, free_port

KILLS = int(os.environ.get("BURSAR_TEST_KILLS", "12"))


def kill_again_and_again(folder: Path, kills: int) -> None:
    seed = int.from_bytes(os.urandom(4))
    print(f"kill seed {seed}")
    chance = random.Random(seed)
    with SimServer() as sim:
        sim.configure(first_byte_delay_ms=5)
        key = found(folder, sim.url, amount="20.00")
        server = Running(folder, port=free_port())
        for number in range(kills):
            server.start()
            load = Load(server.url, key, clients=64, seed=seed + number)
            clients = threading.Thread(target=load.run, args=(1.0,))
            clients.start()
            time.sleep(chance.uniform(0.05, 0.9))
            server.kill()
            clients.join()
        server.start()
        assert server.stop() == 0
        database = Database.in_folder(folder)
        assert_proved(database)
        compare_with_bill(database, sim.bill.lines())
        books = sums(database)
        print(books, "billed", sim.bill.total_nanos())
        assert sim.bill.total_nanos() <= books.spent <= books.granted
        assert books.held == 0
        assert books.overrun == 0
        database.close()


def test_killed_under_load(tmp_path: Path) -> None:
    kill_again_and_again(tmp_path, KILLS)


@pytest.mark.soak
def test_killed_a_thousand_times(tmp_path: Path) -> None:
    for group in range(20):
        kill_again_and_again(tmp_path / str(group), 50)
