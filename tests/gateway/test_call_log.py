"""The log: a line for each call, as JSON or as text, against the books."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from bursar.money import usd
from tests.unit.sim.raw import until

from .place import Place, opened
from .raw import call


def lines(place: Place, count: int) -> list[dict[str, Any]]:
    """The log's lines about calls, once there are so many."""

    def found() -> list[dict[str, Any]]:
        told = [line for line in place.server.log.read_text().splitlines() if line.startswith("{")]
        return [line for line in map(json.loads, told) if line["logger"] == "bursar.calls"]

    until(lambda: len(found()) >= count)
    return found()


def test_json(tmp_path: Path) -> None:
    with opened(tmp_path, amount="3.00", more='[log]\nformat = "json"\ncalls = true\n') as place:
        got = call(place.url, place.key, "openai")
        call(place.url, place.key, "anthropic", stream=True)
        call(place.url, place.key, "openai", directive="fault=cut_before_headers")
        call(place.url, "bsr_none", "openai")
        place.until_quiet(3)
        whole, streamed, cut, refused = lines(place, 4)
        books = place.ended()
    assert whole["call"] == got.headers["x-bursar-call"] == books[0].id
    expected: dict[str, Any] = {
        "level": "info",
        "status": 200,
        "wire": "openai",
        "provider": "sim-openai",
        "model": "gpt-4o-mini",
        "outcome": "settled",
        "cost_usd": usd(books[0].cost),
        "bound_usd": usd(books[0].bound),
        "output_tokens": got.json()["usage"]["completion_tokens"],
        "stream": False,
        "person": 1,
    }
    assert {name: whole[name] for name in expected} == expected
    assert whole["key"].startswith("bsr_")
    assert len(whole["key"]) < 16 < len(place.key)
    assert 0 < whole["first_byte_ms"] < whole["duration_ms"]
    assert (streamed["stream"], streamed["outcome"], streamed["cost_usd"]) == (True, "settled", usd(books[1].cost))
    assert (cut["outcome"], cut["refusal"], cut["status"]) == ("provisional", "upstream_cut", 502)
    assert cut["reason"] == books[2].reason
    assert (refused["refusal"], refused["status"]) == ("key_unknown", 401)
    assert not {"call", "key", "cost_usd"} & set(refused)


def test_text_and_no_lines_for_calls_unless_wanted(tmp_path: Path) -> None:
    with opened(tmp_path / "calls", amount="3.00", more="[log]\ncalls = true\n") as place:
        call(place.url, place.key, "openai")
        until(lambda: "bursar.calls" in place.server.log.read_text())
        [line] = [line for line in place.server.log.read_text().splitlines() if "bursar.calls" in line]
        assert " INFO    bursar.calls: gpt-4o-mini at sim-openai: settled, $0.0" in line
        assert f" call={place.ended()[0].id} " in line
    with opened(tmp_path / "none", amount="3.00") as place:
        call(place.url, place.key, "openai")
        assert place.server.stop() == 0
        assert place.ended()[0].id not in place.server.log.read_text()


def test_a_level_leaves_out_what_is_below_it(tmp_path: Path) -> None:
    with opened(tmp_path, amount="3.00", more='[log]\ncalls = true\nlevel = "warning"\n') as place:
        call(place.url, place.key, "openai")
        assert place.server.stop() == 0
        assert "bursar.calls" not in place.server.log.read_text()
