"""Reloading: files are read anew while calls run; what is wrong is refused by name and changes nothing."""

from __future__ import annotations

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bursar.sim.server import SimServer, SimSettings
from tests.unit.cli.conftest import Program
from tests.unit.sim.raw import CHAT, ask, until

from .place import Place, opened
from .raw import body_of, call, read_to_the_end, read_until, request, send
from .upstream import Upstream

SLOW = SimSettings(event_delay_ms=25)
OTHER = """
[providers.other]
wire = "openai"
base_url = "{url}/v1"
key_file = "other.key"
models = ["gpt-4o-mini"]
"""
PRICES = """
[[rate]]
catalog = "openai"
model = "gpt-4o-mini"
from = 2026-01-01
input = "1000"
output = "1000"
"""


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with opened(tmp_path, settings=SLOW, amount="20.00") as made:
        yield made


def add_to_config(place: Place, text: str) -> None:
    file = place.folder / "bursar.toml"
    file.write_text(file.read_text() + text)


def reload(place: Place) -> dict[str, list[str]]:
    got = place.operator("POST", "/reload")
    assert got.status == 200, got
    answer: dict[str, list[str]] = got.json()
    return answer


def test_a_new_provider_serves_new_calls_and_running_ones_go_on(place: Place) -> None:
    with SimServer() as other:
        body = body_of("openai", stream=True, directive="output_tokens=100")
        with send(place.url, request(CHAT, place.key, body, "connection: close")) as link:
            read_until(link, b"data: ")
            (place.folder / "other.key").write_text("sk-other")
            add_to_config(place, OTHER.format(url=other.url))
            assert reload(place) == {"changed": ["providers.other: added"], "restart": []}
            assert call(place.url, place.key, "openai").status == 200
            assert read_to_the_end(link).endswith(b"0\r\n\r\n")
        place.until_quiet(2)
        assert (len(other.bill.lines()), place.billed()) == (1, 1)
        assert {ended.outcome for ended in place.ended()} == {"settled"}
        assert reload(place) == {"changed": [], "restart": []}
        file = place.folder / "bursar.toml"
        file.write_text(file.read_text().replace(OTHER.format(url=other.url), ""))
        assert reload(place)["changed"] == ["providers.other: removed"]
        assert call(place.url, place.key, "openai").status == 200
        assert place.billed() == 2


def test_another_key_is_used_and_not_told(place: Place) -> None:
    with Upstream() as upstream:
        (place.folder / "other.key").write_text("sk-before")
        add_to_config(place, OTHER.format(url=upstream.url))
        reload(place)
        call(place.url, place.key, "openai")
        (place.folder / "other.key").write_text("sk-after")
        assert reload(place)["changed"] == ["providers.other: another secret"]
        call(place.url, place.key, "openai")
        assert [got.headers["authorization"] for got in upstream.requests] == ["Bearer sk-before", "Bearer sk-after"]


def test_limits_and_prices(place: Place) -> None:
    before = place.operator("GET", "/version").json()["price_book"]
    call(place.url, place.key, "openai")
    add_to_config(place, "[server]\nmax_body_bytes = 100\n")
    (place.folder / "prices.toml").write_text(PRICES)
    size, prices = reload(place)["changed"]
    after = place.operator("GET", "/version").json()["price_book"]
    assert size == "server.max_body_bytes: 33554432 -> 100"
    assert prices == f"prices: {before} -> {after}"
    assert before != after
    assert call(place.url, place.key, "openai").json()["error"]["code"] == "body_too_large"
    file = place.folder / "bursar.toml"
    file.write_text(file.read_text().replace("[server]\nmax_body_bytes = 100\n", ""))
    assert reload(place)["changed"] == ["server.max_body_bytes: 100 -> 33554432"]
    got = call(place.url, place.key, "openai")
    used = got.json()["usage"]
    assert place.last(before=1).cost == (used["prompt_tokens"] + used["completion_tokens"]) * 1_000_000
    assert place.server.stop() == 0
    place.server.start()
    assert call(place.url, place.key, "openai").status == 200


@pytest.mark.parametrize(
    ("file", "text", "name"),
    [
        ("bursar.toml", "[server]\nidle_timeout_s = 0\n", "server.idle_timeout_s"),
        ("bursar.toml", OTHER.format(url="http://127.0.0.1:9"), "providers.other.key_file"),
        ("prices.toml", PRICES.replace('"1000"', '"-1"'), "price"),
    ],
)
def test_a_wrong_file_changes_nothing(place: Place, file: str, text: str, name: str) -> None:
    version = place.operator("GET", "/version").json()
    path = place.folder / file
    before = path.read_text() if path.exists() else ""
    path.write_text(before + text)
    got = place.operator("POST", "/reload")
    assert got.status == 400
    assert got.json()["error"]["name"] == "config_invalid"
    assert name in got.json()["error"]["message"]
    assert place.operator("GET", "/version").json() == version
    assert call(place.url, place.key, "openai").status == 200


def test_what_needs_a_restart_says_so(place: Place) -> None:
    add_to_config(place, '[database]\nurl = "postgresql://bursar:secret@localhost/b"\n[otel]\nservice = "x"\n')
    for _ in range(2):
        assert reload(place) == {"changed": [], "restart": ["database.url", "otel"]}
    assert call(place.url, place.key, "openai").status == 200


def test_by_a_signal(place: Place) -> None:
    add_to_config(place, "[server]\nidle_timeout_s = 200\n")
    os.kill(place.server.pid, signal.SIGHUP)
    until(lambda: "reloaded: server.idle_timeout_s: 300 -> 200" in place.server.log.read_text(), timeout_s=10)
    add_to_config(place, "nonsense = 1\n")
    os.kill(place.server.pid, signal.SIGHUP)
    until(lambda: "nothing is reloaded: bursar.toml: server.nonsense" in place.server.log.read_text(), timeout_s=10)
    assert call(place.url, place.key, "openai").status == 200
    assert "Traceback" not in place.server.log.read_text()


def test_a_terminal_that_is_closed_stops_the_server(place: Place) -> None:
    """The same signal, but it is not for the files."""
    assert place.server.stop() == 0
    (place.folder / "server.json").unlink(missing_ok=True)
    terminal, inside = pty.openpty()
    data, port = str(place.folder), str(place.server.port)
    command = ["setsid", "--ctty", sys.executable, "-m", "bursar", "--data", data, "up", "--port", port]
    server = subprocess.Popen(command, stdin=inside, stdout=inside, stderr=inside)
    os.close(inside)
    until((place.folder / "server.json").exists, timeout_s=20)
    server.send_signal(signal.SIGHUP)
    assert b"reloaded: nothing has changed" in read_terminal(terminal, b"changed")
    assert call(place.url, place.key, "openai").status == 200
    os.close(terminal)
    assert server.wait(30) == 0
    assert not (place.folder / "server.json").exists()


def read_terminal(terminal: int, stop: bytes) -> bytes:
    """What was written to a terminal, up to a word."""
    seen = b""
    while stop not in seen:
        seen += os.read(terminal, 4096)
    return seen


def test_only_administrators_reload(place: Place) -> None:
    got = place.operator("POST", "/reload")
    assert got.status == 200
    assert ask(place.url, "POST", "/api/reload", key=place.key).json()["error"]["name"] == "role_missing"
    assert ask(place.url, "POST", "/api/reload", key=None).status == 401


def test_the_command(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    program = Program(place.folder, capsys)
    file = place.folder / "bursar.toml"
    before = file.read_text()
    add_to_config(place, "[server]\nidle_timeout_s = 200\n[database]\nurl = 'postgresql://x'\n")
    assert program.done("reload").out == "server.idle_timeout_s: 300 -> 200\nAfter a restart only: database.url.\n"
    assert program.done("reload").out == "Nothing has changed.\nAfter a restart only: database.url.\n"
    assert place.server.stop() == 0
    file.write_text(before)
    refused = program.run("reload")
    assert (refused.code, refused.err.rpartition(" ")[2]) == (1, "[data_folder]\n")
