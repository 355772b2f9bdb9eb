"""The API on the books of an empty SQLite database, without a network."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from bursar.api import app
from bursar.api.service import ReloadAnswer
from bursar.app import bound_request
from bursar.books import Books, Spender
from bursar.cli.inprocess import InProcess
from bursar.config import Config, ProviderConfig
from bursar.pricing.book import PriceBook
from bursar.pricing.catalog import build_book
from bursar.refusals import Refused, Why, refuse
from bursar.signing import FOLDER, SigningKeys
from bursar.store.database import Database
from tests.support.calls import Caller
from tests.support.clock import VirtualClock

TOKEN = "the-operators-token"
PLAN = 'name = "engineers"\namount = "2000.00"\ntime_zone = "Europe/Stockholm"\nmodels = ["claude-*"]\n'
CONFIG = Config(
    providers=(
        ProviderConfig(
            name="anthropic",
            wire="anthropic",
            base_url="https://provider.example",
            models=("claude-*",),
            catalog="anthropic",
            secret="sk-provider-secret",
        ),
    )
)


def _reload() -> ReloadAnswer:
    """Nobody serves this API, so no files are read for it."""
    raise Refused(refuse(Why.SERVER_UNREACHABLE, url="http://test", problem="it is not served"))


class Api:
    """The API, and whoever asks it."""

    def __init__(self, books: Books, folder: Path) -> None:
        self.books = books
        self.signing_keys = SigningKeys(folder / FOLDER, books.clock)
        told = (books, TOKEN, lambda: CONFIG, _reload, self.signing_keys)
        self.application = app.Api(partial(app.build_api, *told, bound_request=bound_request))
        self.operator = self.client(TOKEN)

    def client(self, secret: str | None) -> httpx.Client:
        """Somebody with a key, or without one."""
        headers = {} if secret is None else {"authorization": f"Bearer {secret}"}
        return httpx.Client(transport=InProcess(self.application), base_url="http://bursar/api", headers=headers)

    def made(self, path: str, **body: Any) -> Any:
        """What the operator makes by a POST."""
        answer = self.operator.post(path, json=body)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def person(self, name: str) -> str:
        """Add a person; returns the e-mail."""
        email = f"{name.lower()}@example.com"
        self.made("/people", email=email, name=name)
        return email

    def key(self, email: str, **wanted: str) -> str:
        """Make a key for a person; returns its secret."""
        return str(self.made("/keys", person=email, **wanted)["secret"])

    def call(self, email: str, hold_id: str, cost: int, *, reason: str = "") -> None:
        """A call that this person makes now, from the lot that is open."""
        spender = self.books.find_spender(self.key(email))
        caller = Caller(self.books.journal)
        now_us = self.books.clock()
        assert isinstance(spender, Spender), spender
        caller.hold(hold_id, spender.person_id, (spender.lots[0].balance_id,), 2 * cost, now_us)
        caller.settle(hold_id, cost, now_us + 1_500_000, reason=reason)


@pytest.fixture(scope="session")
def prices() -> PriceBook:
    """The public prices."""
    return build_book()


@pytest.fixture
def api(sqlite_database: Database, prices: PriceBook, clock: VirtualClock, tmp_path: Path) -> Iterator[Api]:
    """The API with nobody in it; it is 1 November 2026."""
    books = Books(sqlite_database, prices, clock)
    yield Api(books, tmp_path)
    books.close()


@pytest.fixture
def ada(api: Api) -> str:
    """A person on the plan "engineers"; her e-mail."""
    email = api.person("Ada")
    api.made("/plans", toml=PLAN)
    api.made("/grants", person=email, plan="engineers")
    return email


def refused(answer: httpx.Response) -> tuple[int, str, str | None]:
    """Status, name and field of a refusal, which has the one shape that all have."""
    body = answer.json()
    assert set(body) == {"error"}, body
    assert set(body["error"]) == {"name", "message", "field"}
    assert body["error"]["message"]
    return answer.status_code, body["error"]["name"], body["error"]["field"]
