"""LiteLLM's proxy with the callback of examples/: it cannot overspend a budget, and tells what its calls cost."""

from __future__ import annotations

import asyncio
import json
import os
import random
import secrets
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import aiohttp
import pytest

from bursar.keys import looks_right
from bursar.money import NANOS_PER_USD
from bursar.sim.server import SimServer, SimSettings
from bursar.store.database import Database
from tests.docs.pages import ROOT
from tests.support.books import assert_proved, call_costs, sums, total_calls
from tests.support.company import found, open_books
from tests.support.running import Running, free_port
from tests.unit.sim.raw import ask, until

from .agent import program

CLIENTS, SECONDS = 32, 120.0
BUDGET = "0.05"
START_S = 90.0
OPENAI, ANTHROPIC = "gpt-5-mini", "claude-haiku-4-5"
CONFIG = """
model_list:
  - model_name: {openai}
    litellm_params: {{model: openai/{openai}, api_base: "{url}/v1", api_key: sk-provider}}
  - model_name: {anthropic}
    litellm_params: {{model: anthropic/{anthropic}, api_base: "{url}", api_key: sk-provider}}
litellm_settings:
  callbacks: litellm_callback.bursar
  telemetry: false
general_settings:
  custom_auth: litellm_callback.who
"""


class Proxies(NamedTuple):
    """A Bursar that nobody calls through, LiteLLM's proxy that asks it, and the provider behind that."""

    folder: Path
    url: str
    key: str
    sim: SimServer


@pytest.fixture(scope="module")
def proxies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    folder = tmp_path_factory.mktemp("litellm")
    name = program("litellm")
    with SimServer(SimSettings(tokenizer="bytes")) as sim:
        key = found(folder / "bursar", sim.url, amount=BUDGET)
        books = open_books(folder / "bursar")
        administrator = books.create_key(None, "litellm", role="administrator").secret
        books.close()
        (folder / "config.yaml").write_text(CONFIG.format(openai=OPENAI, anthropic=ANTHROPIC, url=sim.url))
        shutil.copy(ROOT / "examples" / "litellm_callback.py", folder)
        with Running(folder / "bursar") as server, _running(name, folder, server.url, administrator) as url:
            yield Proxies(folder / "bursar", url, key, sim)


@contextmanager
def _running(name: str, folder: Path, bursar: str, key: str) -> Iterator[str]:
    port = free_port()
    environ = {
        "BURSAR_URL": bursar,
        "BURSAR_KEY": key,
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "LITELLM_LOG": "ERROR",
    }
    environ["LITELLM_MASTER_KEY"] = "sk-" + secrets.token_hex(32)
    command = [name, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--num_workers", "1"]
    with (folder / "litellm.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=os.environ | environ, stdout=log, stderr=log)
        try:
            url = f"http://127.0.0.1:{port}"
            deadline = time.monotonic() + START_S
            while not _answers(url):
                assert process.poll() is None, (folder / "litellm.log").read_text()
                assert time.monotonic() < deadline, (folder / "litellm.log").read_text()
                time.sleep(0.2)
            yield url
        finally:
            process.terminate()
            process.wait(30)


def _answers(url: str) -> bool:
    try:
        return ask(url, "GET", "/health/liveliness").status == 200
    except OSError:
        return False


def test_32_clients_cannot_overspend_a_budget(proxies: Proxies) -> None:
    seen = asyncio.run(_load(proxies))
    print(dict(seen))
    assert seen[200] > CLIENTS
    assert seen[402] == CLIENTS
    assert set(seen) <= {200, 402, 429}, seen
    database = Database.in_folder(proxies.folder)
    try:
        until(lambda: sums(database).held == 0, timeout_s=30)
        books = sums(database)
        granted = round(float(BUDGET) * NANOS_PER_USD)
        assert proxies.sim.bill.total_nanos() == books.spent <= granted
        assert books.overrun == 0
        assert total_calls(database, "provisional") == (0, 0)
        assert len([cost for outcome, cost in call_costs(database).values() if outcome == "settled"]) == seen[200]
        assert_proved(database)
    finally:
        database.close()


def test_a_key_that_bursar_does_not_know_is_turned_away(proxies: Proxies) -> None:
    before = len(proxies.sim.bill.lines())
    stranger = "bsr_" + "a" * 40
    assert not looks_right(stranger)
    for key in (stranger, "sk-1234"):
        answer = ask(proxies.url, "POST", "/v1/chat/completions", _body(random.Random(1)), key=key)
        assert answer.status == 401, answer
    assert len(proxies.sim.bill.lines()) == before


async def _load(proxies: Proxies) -> Counter[int]:
    """Clients that call, whole and streamed, until each of them is told that the budget is gone."""
    seed = int.from_bytes(os.urandom(4))
    print("seed", seed)
    seen: Counter[int] = Counter()
    until_s = time.monotonic() + SECONDS
    headers = {"authorization": f"Bearer {proxies.key}"}

    async def client(number: int) -> None:
        chosen = random.Random(seed + number)
        async with aiohttp.ClientSession(headers=headers) as session:
            status = 0
            while status != 402:
                assert time.monotonic() < until_s, dict(seen)
                async with session.post(proxies.url + "/v1/chat/completions", json=_body(chosen)) as answer:
                    told = await answer.text()
                    status = answer.status
                    seen[status] += 1
                    if status not in {200, 402, 429}:
                        print(status, told[:500])

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return seen


def _body(chosen: random.Random) -> dict[str, Any]:
    prompt = "Say something about budgets. " * chosen.randint(1, 20)
    body: dict[str, Any] = {
        "model": chosen.choice((OPENAI, ANTHROPIC)),
        "max_tokens": chosen.choice((20, 100, 400)),
        "messages": [{"role": "user", "content": prompt}],
    }
    if chosen.random() < 0.5:
        body["stream"] = True
    return json.loads(json.dumps(body))  # type: ignore[no-any-return]
