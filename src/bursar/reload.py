"""Reads the data folder's files anew while calls run, and puts them in force, or leaves everything as it is."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from functools import partial
from threading import Lock

import msgspec

from bursar.api.service import ReloadAnswer
from bursar.app import Bursar, load_prices
from bursar.config import Config, ProviderConfig, load_config
from bursar.pricing.book import PriceBook
from bursar.store import directory

SECRETS = frozenset({"secret", "database_url"})
NEED_RESTART = ("database_url", "simulator_port", "otel", "signing")
"""Fields of the configuration that hold as long as the process lives."""
NAMES = {"database_url": "database.url", "simulator_port": "simulator.port"}
Apply = Callable[[Config], None]


class Reload:
    """Reloads. May be called in any thread but the event loop's; one reload at a time."""

    def __init__(self, bursar: Bursar, loop: asyncio.AbstractEventLoop, apply: Apply) -> None:
        """`apply` puts a configuration in force; it is called on the loop, and must not fail."""
        self._bursar = bursar
        self._loop = loop
        self._apply = apply
        self._turn = Lock()

    def __call__(self) -> ReloadAnswer:
        """Read bursar.toml, the keys that it names, and prices.toml. Raises Refused, and then nothing has changed."""
        with self._turn:
            old = self._bursar.config
            new = load_config(self._bursar.folder, os.environ)
            prices = load_prices(self._bursar.folder)
            changed = list(changes(old, new))
            restart = [NAMES.get(name, name) for name in NEED_RESTART if getattr(old, name) != getattr(new, name)]
            changed += self._take_prices(prices)
            kept = msgspec.structs.replace(new, **{name: getattr(old, name) for name in NEED_RESTART})
            self._put_in_force(kept)
            return ReloadAnswer(changed, restart)

    def _take_prices(self, prices: PriceBook) -> list[str]:
        books = self._bursar.books
        before = books.prices.version
        if prices.version == before:
            return []
        keep = partial(directory.keep_price_book, version=prices.version, content=prices.to_json())
        books.journal.write(partial(keep, now_us=books.clock()))
        books.prices = prices
        return [f"prices: {before} -> {prices.version}"]

    def _put_in_force(self, config: Config) -> None:
        done: Future[None] = Future()

        def apply() -> None:
            try:
                self._apply(config)
                self._bursar.config = config
                done.set_result(None)
            except BaseException as problem:
                done.set_exception(problem)

        self._loop.call_soon_threadsafe(apply)
        done.result()


def changes(old: Config, new: Config) -> Iterator[str]:
    """What a new configuration changes without a restart, a line each; never a secret."""
    yield from _of_providers(old.providers, new.providers)
    for table in ("server", "metrics", "log", "checkpoints"):
        yield from _of_fields(table, getattr(old, table), getattr(new, table))


def _of_providers(old: tuple[ProviderConfig, ...], new: tuple[ProviderConfig, ...]) -> Iterator[str]:
    before = {provider.name: provider for provider in old}
    after = {provider.name: provider for provider in new}
    yield from (f"providers.{name}: removed" for name in before if name not in after)
    for name, provider in after.items():
        if name not in before:
            yield f"providers.{name}: added"
        else:
            yield from _of_fields(f"providers.{name}", before[name], provider)
    kept = [name for name in before if name in after]
    if kept != [name for name in after if name in before]:
        yield "providers: their order"


def _of_fields(where: str, old: msgspec.Struct, new: msgspec.Struct) -> Iterator[str]:
    for name in old.__struct_fields__:
        before, after = getattr(old, name), getattr(new, name)
        if before == after:
            continue
        yield f"{where}: another secret" if name in SECRETS else f"{where}.{name}: {_told(before)} -> {_told(after)}"


def _told(value: object) -> str:
    """A value as the file would have it."""
    return msgspec.json.encode(value).decode()
