"""The data plane as an ASGI callable: which route is asked for, by whom, with what; then the relay takes over."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import MutableMapping
from typing import Any

from bursar.books import Books, Spender
from bursar.books.spending import new_call_id
from bursar.config import Config
from bursar.gateway.body import read_body
from bursar.gateway.client import JSON, Client, ClientGone, Receive, Send
from bursar.gateway.elsewhere import hear_of_revoked
from bursar.gateway.exchange import Exchange, granted
from bursar.gateway.headers import Incoming
from bursar.gateway.patience import Patience
from bursar.gateway.posting import LATE, LoopJournal
from bursar.gateway.providers import Provider, Providers, provider_of
from bursar.gateway.relay import Relay
from bursar.gateway.room import Room, Share
from bursar.gateway.routes import Action, route_of, wire_of
from bursar.gateway.upstream import Upstream
from bursar.gateway.wires import GEMINI, Call, Limits, Wire, model_body, models_body
from bursar.keys import key_digest
from bursar.periods import from_us
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.store.journal import DATABASE_FAILED
from bursar.watch import Watch

log = logging.getLogger("bursar.gateway")
Scope = MutableMapping[str, Any]
_LETTERS = str.maketrans("0123456789", "ghijklmnop")
"""Some clients look for statuses anywhere in an error's text (OpenCode: 429, 500, 502 …) and try it again for them.
So the id of a request, which is in that text, has no digits."""
LOOK_UP_WITHIN_S = 3.0


class Gateway:
    """Serves the providers' wires under /v1. Opened and closed in the loop that serves it."""

    def __init__(self, books: Books, config: Config, watch: Watch) -> None:
        self._books = books
        self._watch = watch
        self._config = config
        self._providers = Providers(tuple(provider_of(provider) for provider in config.providers))
        self._relay: Relay | None = None
        self._upstream: Upstream | None = None
        self._room = Room(config.server.max_bodies_bytes)
        self._hearing: asyncio.Task[None] | None = None
        self._patience = Patience()

    async def open(self) -> None:
        """Be ready for calls."""
        self._upstream = Upstream(self._config.server)
        loop = asyncio.get_running_loop()
        journal = LoopJournal(self._books.journal, loop)
        self._relay = relay = Relay(self._books, journal, self._upstream, self._config.server, self._authenticate)

        def revoked(key_ids: frozenset[int]) -> None:
            loop.call_soon_threadsafe(relay.revoked, key_ids)

        self._books.on_revoked.append(revoked)
        if not self._books.database.is_sqlite:
            self._hearing = asyncio.create_task(hear_of_revoked(self._books, relay.revoked))

    async def close(self) -> None:
        """Take no new calls; wait for the running ones to be settled (bounded); close connections."""
        if self._relay is not None and self._upstream is not None:
            if self._hearing is not None:
                self._hearing.cancel()
            await self._relay.drain(self._config.server.stop_timeout_s)
            await self._upstream.close()

    @property
    def running(self) -> int:
        """How many calls were sent and have not ended."""
        return 0 if self._relay is None else self._relay.running

    @property
    def waiting(self) -> int:
        """How many calls wait for budget that others hold."""
        return 0 if self._relay is None else self._relay.waiting

    def reconfigure(self, config: Config) -> None:
        """Serve new calls by another configuration; those that run go on with the provider that they have."""
        assert self._relay is not None, "the gateway is not open"
        assert self._upstream is not None, "the gateway is not open"
        self._room.give(config.server.max_bodies_bytes - self._config.server.max_bodies_bytes)
        self._config = config
        self._providers = Providers(tuple(provider_of(provider) for provider in config.providers))
        self._relay.reconfigure(config.server)
        self._upstream.reconfigure(config.server)

    def cut(self) -> None:
        """Cut off the calls that are running, because whoever stops the server will not wait for them."""
        if self._relay is not None:
            self._relay.cut()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request under /v1."""
        incoming = Incoming(scope["headers"])
        client = Client(receive, send, self._watch.begin(scope["headers"]))
        path = scope["path"]
        wire: Wire | None = None
        share = Share(self._room)
        try:
            route = route_of(scope["method"], path, scope["query_string"].decode("latin-1"), incoming)
            wire = route.wire
            await self._serve(Exchange(route, incoming, client, share), receive)
        except (ClientGone, asyncio.CancelledError):
            return  # nobody waits for an answer any more; a call that was dispatched goes on in its own task
        except Refused as refused:
            await self._refuse(client, wire or wire_of(path, incoming), refused.refusal)
        except Exception:
            log.exception("a request failed in the gateway")
            await self._refuse(client, wire or wire_of(path, incoming), refuse(Why.INTERNAL))
        finally:
            share.done()
            client.over()
            client.sight.answered("unknown" if wire is None else wire.name)

    async def _refuse(self, client: Client, wire: Wire, refusal: Refusal) -> None:
        await client.refuse(wire, refusal, "req_" + new_call_id(self._books.clock()).translate(_LETTERS))

    async def _serve(self, exchange: Exchange, receive: Receive) -> None:
        """Serve a request. Raises Refused with what is its answer then, and ClientGone."""
        route = exchange.route
        spender = await self._authenticate(exchange.secret)
        exchange.client.sight.key = spender.key.shown
        if route.action in {Action.MODELS, Action.MODEL}:
            await self._models(exchange, spender)
            return
        assert self._relay is not None, "the gateway is not open"
        if route.action is Action.COUNT:
            body = await self._body(exchange, receive)
            model = route.wire.read_count(body, route.target)
            await self._relay.forward(self._serving(exchange, model)[0], body, exchange)
            return
        call = await self._call(exchange, receive)
        running = self._relay.call(spender, self._serving(exchange, call.model), call, exchange)
        del call  # an answer may take an hour: the body is not kept for it
        await running

    async def _body(self, exchange: Exchange, receive: Receive) -> bytes:
        return granted(await read_body(receive, exchange.incoming, self._config.server, exchange.share))

    async def _call(self, exchange: Exchange, receive: Receive) -> Call:
        return exchange.wire.read(await self._body(exchange, receive), exchange.route.target)

    def _serving(self, exchange: Exchange, model: str) -> tuple[Provider, ...]:
        providers = self._providers.chain(exchange.wire.family, model)
        if not providers:
            raise Refused(refuse(Why.MODEL_UNKNOWN, field="model", model=model))
        return providers

    async def _authenticate(self, secret: str) -> Spender:
        if not secret:
            raise Refused(refuse(Why.KEY_MISSING))
        now_us = self._books.clock()
        spender = self._books.known_spender(key_digest(secret), now_us)
        if spender is None:
            spender = granted(await self._look_up(secret))
        refusal = spender.refusal(now_us)
        if refusal is not None:
            raise Refused(refusal)
        return spender

    async def _look_up(self, secret: str) -> Spender | Refusal:
        """Ask the database, but not for long."""
        if self._patience.refuses(time.monotonic()):
            return LATE
        looking = asyncio.create_task(asyncio.to_thread(self._books.find_spender, secret))
        looking.add_done_callback(self._looked_up)
        await asyncio.wait({looking}, timeout=LOOK_UP_WITHIN_S)
        if not looking.done():
            self._patience.lost(time.monotonic())
            return LATE
        try:
            return looking.result()
        except DATABASE_FAILED:
            log.exception("the database failed; a key cannot be looked up")
            return LATE

    def _looked_up(self, looking: asyncio.Task[Spender | Refusal]) -> None:
        self._patience.answered()
        if not looking.cancelled():
            looking.exception()  # when it came too late, nobody else asks for it

    async def _models(self, exchange: Exchange, spender: Spender) -> None:
        wire = exchange.wire
        models = self._served(wire, spender)
        model = exchange.route.target.model
        if model is None:
            body = models_body(wire.family, models, limits=self._limits(wire, models))
        else:
            if model not in models:
                raise Refused(refuse(Why.MODEL_UNKNOWN, field="model", model=model))
            body = model_body(wire.family, model, limits=self._limits(wire, [model]))
        await exchange.client.answer(200, [JSON], body)

    def _limits(self, wire: Wire, models: list[str]) -> dict[str, Limits]:
        """The most tokens into and out of each model, where that is known and the wire tells it."""
        if wire is not GEMINI:
            return {}
        now = from_us(self._books.clock())
        limits = {}
        for model in models:
            provider = self._providers.serving(wire.family, model)
            card = self._books.prices.card(provider.catalog, model, now) if provider is not None else None
            if card is not None and not isinstance(card, Refusal):
                limits[model] = Limits(card.context_tokens, card.max_output_tokens)
        return limits

    def _served(self, wire: Wire, spender: Spender) -> list[str]:
        """The models that this key can spend on: served on the wire, priced, and allowed by a plan."""
        served = {
            model
            for provider in self._providers.all
            if provider.wire == wire.family
            for model in self._books.prices.models(provider.catalog)
            if self._providers.serving(wire.family, model) is provider and spender.for_model(model).lots
        }
        return sorted(served)
