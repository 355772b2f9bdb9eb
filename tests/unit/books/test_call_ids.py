"""Ids of calls: unique in a process, and in those that are forked off it."""

from __future__ import annotations

import os

from bursar.books.spending import new_call_id


def test_ids_of_a_process_and_of_one_that_was_forked_off_it_are_all_others() -> None:
    ids = {new_call_id(1_700_000_000_000_000) for _ in range(100)}
    reading, writing = os.pipe()
    if (pid := os.fork()) == 0:
        os.write(writing, "".join(new_call_id(1_700_000_000_000_000) for _ in range(100)).encode())
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        told = pipe.read()
    assert os.waitpid(pid, 0)[1] == 0
    forked = {told[at : at + 32] for at in range(0, len(told), 32)}
    assert len(ids) == len(forked) == 100
    assert not ids & forked
    assert {len(one) for one in ids | forked} == {32}
    assert len({one[:24] for one in ids}) == 1
