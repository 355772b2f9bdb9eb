"""nginx, as docs/how-to/other-gateways.md sets it up, asks Bursar before it lets a request through."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.docs.pages import ROOT, blocks_of
from tests.gateway.place import Place, opened
from tests.support.running import free_port
from tests.unit.sim.raw import CHAT, Got, ask, until

PAGE = ROOT / "docs/how-to/other-gateways.md"
BODY = {"model": "gpt-4.1-mini", "max_tokens": 20, "messages": [{"role": "user", "content": "Hi"}]}
FRAME = """
daemon off;
pid {folder}/pid;
error_log stderr warn;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("behind-nginx") / "data", amount="5.00") as place:
        yield place


@pytest.fixture(scope="module")
def nginx(place: Place, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address. What the page says is changed in its three addresses alone."""
    [server] = [block.text for block in blocks_of(PAGE) if block.language == "nginx"]
    port = free_port()
    for written, real in (
        ("listen 8080", f"listen 127.0.0.1:{port}"),
        ("http://localhost:8790", place.url),
        ("https://api.openai.com", place.sim.url),
    ):
        assert server.count(written) == 1, written
        server = server.replace(written, real)
    with _running(tmp_path_factory.mktemp("nginx"), server):
        until(lambda: _answers(port), timeout_s=20)
        yield f"http://127.0.0.1:{port}"


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def _running(folder: Path, server: str) -> Iterator[None]:
    program = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
    assert program is not None, "tools/need-packages installs it"
    config = folder / "nginx.conf"
    config.write_text(FRAME.format(folder=folder, server=server))
    with (folder / "log").open("wb") as log:
        running = subprocess.Popen([program, "-p", folder, "-c", config, "-e", "stderr"], stderr=log)
    try:
        yield
    finally:
        running.terminate()
        running.wait(timeout=20)


def called(url: str, key: str) -> Got:
    return ask(url, "POST", CHAT, BODY, key=key)


def test_a_call_passes_while_something_is_left(place: Place, nginx: str) -> None:
    before = place.billed()
    assert called(nginx, place.key).status == 200
    assert place.billed() == before + 1
    assert place.ended() == [], "it holds nothing"


def test_what_bursar_refuses_does_not_reach_the_provider(place: Place, nginx: str) -> None:
    before = place.billed()
    assert called(nginx, "bsr_no_such_key").status == 401
    held = place.operator("POST", "/holds", {"person": "ada@example.com", "amount": "5.00"})
    assert held.status == 201, held.body
    assert _refused(called(nginx, place.key)) == "budget_held"
    hold = held.json()["id"]
    place.operator("POST", f"/holds/{hold}/settle", {"cost": "5.00"})
    assert _refused(called(nginx, place.key)) == "budget_exhausted"
    assert place.billed() == before
    plainly = ask(place.url, "GET", "/api/authorize", key=place.key)
    assert (plainly.status, "x-bursar-refusal" in plainly.headers) == (402, False)
    denied = ask(place.url, "GET", "/api/authorize?denied=403", key=place.key)
    assert (denied.status, denied.json()["error"]["name"]) == (403, "budget_exhausted")
    assert (denied.headers["x-bursar-refusal"], denied.headers["x-bursar-status"]) == ("budget_exhausted", "402")


def _refused(got: Got) -> str:
    assert got.status == 402, got.body
    code: str = got.json()["error"]["code"]
    return code
