"""The simulation's own routes and its bill."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from bursar.sim.bill import Bill, Line
from bursar.sim.server import SimServer
from bursar.usage import Usage

from .raw import ask, chat


def line(call: str, key: str, nanos: int) -> Line:
    return Line(
        call=call,
        key=key,
        wire="openai",
        model="gpt-4o",
        variant=None,
        usage=Usage(input=1),
        cost_nanos=nanos,
        finished="complete",
        at=0.0,
    )


def test_the_bill_can_be_read_over_http_and_on_from_a_line(sim: SimServer) -> None:
    chat(sim.url, key="one", output_tokens="10")
    chat(sim.url, key="two", output_tokens="20")
    whole = ask(sim.url, "GET", "/sim/bill").json()
    assert (whole["calls"], whole["next"], whole["total_nanos"]) == (2, 2, sim.bill.total_nanos())
    assert whole["keys"] == {"one": {"calls": 1, "nanos": 125_000}, "two": {"calls": 1, "nanos": 225_000}}
    assert [each["usage"]["output"] for each in whole["lines"]] == [10, 20]
    one = ask(sim.url, "GET", "/sim/bill?key=one").json()
    assert (one["total_nanos"], [each["key"] for each in one["lines"]]) == (125_000, ["one"])
    assert ask(sim.url, "GET", "/sim/bill?since=1").json()["lines"] == whole["lines"][1:]
    assert ask(sim.url, "GET", "/sim/bill?since=2").json()["lines"] == []
    assert ask(sim.url, "GET", "/sim/bill?since=x").status == 400


def test_reset_forgets_the_bill_and_the_cache_but_not_the_settings(sim: SimServer) -> None:
    sim.configure(min_cache_tokens=1, tokenizer="text")
    assert ask(sim.url, "POST", "/sim/settings", {"seed": 4}).json()["seed"] == 4
    prompt = {"model": "gpt-4o", "messages": [{"role": "user", "content": "x" * 4000}]}
    for _ in range(2):
        ask(sim.url, "POST", "/v1/chat/completions", prompt)
    assert [each.usage.cache_read for each in sim.bill.lines()] == [0, 896]
    assert ask(sim.url, "POST", "/sim/reset").status == 200
    assert (sim.bill.lines(), sim.bill.total_nanos()) == ([], 0)
    ask(sim.url, "POST", "/v1/chat/completions", prompt)
    assert [each.usage.cache_read for each in sim.bill.lines()] == [0]
    assert sim.settings.seed == 4


@pytest.mark.parametrize("body", [b"{", b"[]", b'{"seed": "x"}', b'{"colour": 1}'])
def test_wrong_settings_change_nothing(sim: SimServer, body: bytes) -> None:
    before = sim.settings
    got = ask(sim.url, "POST", "/sim/settings", body)
    assert (got.status, "error" in got.json()) == (400, True)
    assert sim.settings == before
    assert ask(sim.url, "GET", "/sim/settings").json()["output_tokens_max"] == 30
    assert ask(sim.url, "GET", "/sim/nothing").status == 404


def test_the_file_has_what_the_bill_has(tmp_path: Path) -> None:
    path = tmp_path / "bill.jsonl"
    with SimServer(bill_file=path) as server:
        chat(server.url)
        chat(server.url, stream=True)
        written = [json.loads(each) for each in path.read_text().splitlines()]
        assert [(each["call"], each["cost_nanos"]) for each in written] == [
            (each.call, each.cost_nanos) for each in server.bill.lines()
        ]


def test_totals_are_exact_under_many_threads() -> None:
    bill = Bill()

    def charge(key: str) -> None:
        for number in range(500):
            bill.add(line(f"{key}{number}", key, 3))

    threads = [threading.Thread(target=charge, args=(f"k{index % 2}",)) for index in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (bill.total_nanos(), bill.total_nanos("k0"), bill.total_nanos("nobody")) == (6000, 3000, 0)
    assert len(bill.lines("k1")) == 1000


def test_old_lines_go_but_totals_and_numbers_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bursar.sim.bill.KEEP_LINES", 3)
    bill = Bill()
    for number in range(5):
        bill.add(line(str(number), "k", 10))
    assert [each.call for each in bill.report(since=0).lines] == ["2", "3", "4"]
    assert [each.call for each in bill.report(since=4).lines] == ["4"]
    assert (bill.report().next, bill.total_nanos()) == (5, 50)


def test_a_server_that_cannot_listen_says_so(sim: SimServer) -> None:
    port = int(sim.url.rpartition(":")[2])
    with pytest.raises(OSError, match="in use"):
        SimServer(port=port).start()
