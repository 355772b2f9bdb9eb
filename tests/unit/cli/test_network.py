"""The program as the client of a server: the folder's own, one elsewhere, and one that is gone."""

from __future__ import annotations

import json
import os
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest

from tests.support.running import Running, free_port
from tests.unit.cli.conftest import Program


@pytest.fixture
def server(program: Program, ada: str) -> Iterator[Running]:
    """A server on the program's folder."""
    with Running(program.folder) as running:
        yield running


def test_commands_go_to_the_server_that_has_the_folder(program: Program, ada: str, server: Running) -> None:
    assert program.done("person", "list", "--json").json[0]["email"] == ada
    assert "$2,000.00 left" in program.done("balance", ada).out
    assert program.done("key", "create", ada, "--json").json["secret"].startswith("bsr_")
    assert program.done("journal", "verify").out.startswith("The books are right: ")
    assert program.run("person", "show", "eve@example.com").err.endswith("[unknown]\n")


def test_a_person_uses_a_server_elsewhere_with_a_key(program: Program, ada: str, server: Running) -> None:
    secret = program.done("key", "create", ada, "--json").json["secret"]
    for url in (server.url, server.url + "/", server.url + "/api"):
        assert program.bare("--url", url, "--key", secret, "balance", ada, "--json").json["person"] == ada
    others = program.bare("--url", server.url, "--key", secret, "person", "list")
    assert others.code == 1
    assert others.err.endswith("[role_missing]\n")
    without = program.bare("--url", server.url, "person", "list")
    assert without.err.endswith("[key_missing]\n")
    wrong = program.bare("--url", server.url, "--key", "bsr_wrong", "person", "list")
    assert wrong.err.endswith("[key_unknown]\n")


def test_a_server_that_was_killed_leaves_a_file_that_is_passed_over(
    program: Program, ada: str, server: Running
) -> None:
    server.kill()
    assert (program.folder / "server.json").exists()
    assert program.done("person", "list", "--json").json[0]["email"] == ada


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"url": 1, "pid": "x", "token": null}'])
def test_a_server_file_that_makes_no_sense_is_passed_over(program: Program, text: str) -> None:
    (program.folder / "server.json").write_text(text)
    assert program.done("person", "list", "--json").json == []


def test_a_server_that_answers_no_more(program: Program) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        token = json.dumps({"url": url, "pid": os.getpid(), "token": "t"})
        (program.folder / "server.json").write_text(token)
        hang_up = threading.Thread(target=_hang_up, args=(listener, 2))
        hang_up.start()
        done = program.run("person", "list")
        hang_up.join()
    assert done.code == 1
    assert f"is served at {url}, but nothing answers there. [data_folder]" in done.err


def _hang_up(listener: socket.socket, times: int) -> None:
    """Take connections and close them without an answer."""
    for _ in range(times):
        listener.accept()[0].close()


@pytest.mark.parametrize("url", ["http://127.0.0.1:{port}", "ftp://127.0.0.1", "nothing", "http://"])
def test_an_address_where_nothing_is(program: Program, url: str) -> None:
    done = program.bare("--url", url.format(port=free_port()), "--key", "x", "person", "list")
    assert done.code == 1
    assert done.err.startswith("refused: The Bursar at ")
    assert "[server_unreachable]" in done.err


class _Other(BaseHTTPRequestHandler):
    """A web server that is not Bursar."""

    def do_GET(self) -> None:
        self.send_response(404 if "nothing" in self.path else 301)
        self.send_header("location", "http://elsewhere.example/")
        self.end_headers()
        self.wfile.write(b"<html>")

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


def test_an_address_where_something_else_is(program: Program) -> None:
    other = HTTPServer(("127.0.0.1", 0), _Other)
    thread = threading.Thread(target=other.serve_forever)
    thread.start()
    try:
        url = f"http://127.0.0.1:{other.server_port}"
        for words in (("person", "list"), ("person", "show", "nothing")):
            done = program.bare("--url", url, "--key", "x", *words)
            assert done.code == 1
            assert "what answers there is not Bursar's API" in done.err
    finally:
        other.shutdown()
        thread.join()
        other.server_close()


def test_the_server_file_is_the_operators_alone(program: Program, server: Running) -> None:
    file: Path = program.folder / "server.json"
    assert file.stat().st_mode & 0o077 == 0


def test_a_file_is_brought_in_by_a_server_elsewhere(
    program: Program, ada: str, server: Running, tmp_path: Path
) -> None:
    secret = program.done("key", "create", ada, "--finance", "--json").json["secret"]
    there = ("--url", server.url, "--key", secret)
    file = tmp_path / "pay.csv"
    file.write_text(f"email,effective,base\n{ada},2026-01-01,250000\n{ada},2026-02-01,none\n")
    refused = program.bare(*there, "pay", "import", str(file))
    assert refused.err.endswith(
        f"refused: {file}, line 3: base is 'none'; it must be an amount a year, such as "
        "250000.00. Nothing was changed. [row_invalid]\n"
    )
    file.write_text(file.read_text().replace("none", "260000"))
    assert program.bare(*there, "pay", "import", str(file)).out == "2 rows added, 0 changed, 0 unchanged.\n"
    assert program.bare(*there, "compensation", ada, "--json").json["base"] == "260000.00"
    assert program.bare(*there, "roster", "import", str(file)).err.endswith("[role_missing]\n")
