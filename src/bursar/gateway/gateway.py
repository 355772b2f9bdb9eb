"""The data plane as an ASGI callable: which route is asked for, by whom, with what; then the relay takes over."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any

from bursar.books import Books, Spender
from bursar.books.spending import new_call_id
from bursar.config import Config
from bursar.gateway.body import ClientGone, Receive, read_body
from bursar.gateway.client import JSON, Client, Send
from bursar.gateway.exchange import Exchange, granted
from bursar.gateway.headers import Incoming
from bursar.gateway.posting import LoopJournal
from bursar.gateway.providers import Provider, Providers, provider_of
from bursar.gateway.relay import Relay
from bursar.gateway.upstream import Upstream
from bursar.gateway.wires import ANTHROPIC, OPENAI, Wire, model_body, models_body
from bursar.keys import key_digest
from bursar.refusals import Refusal, Refused, Why, refuse

log = logging.getLogger("bursar.gateway")
Scope = MutableMapping[str, Any]

CALLS: dict[str, Wire] = {"/v1/chat/completions": OPENAI, "/v1/messages": ANTHROPIC}
COUNT_TOKENS = "/v1/messages/count_tokens"
MODELS = "/v1/models"
ROUTES = {**dict.fromkeys(CALLS, "POST"), COUNT_TOKENS: "POST", MODELS: "GET", MODELS + "/{model}": "GET"}


class Gateway:
    """Serves the providers' wires under /v1. Opened and closed in the loop that serves it."""

    def __init__(self, books: Books, config: Config) -> None:
        self._books = books
        self._config = config
        self._providers = Providers(tuple(provider_of(provider) for provider in config.providers))
        self._relay: Relay | None = None
        self._upstream: Upstream | None = None

    async def open(self) -> None:
        """Be ready for calls."""
        self._upstream = Upstream(self._config.server)
        journal = LoopJournal(self._books.journal, asyncio.get_running_loop())
        self._relay = Relay(self._books, journal, self._upstream, self._config.server)

    async def close(self) -> None:
        """Take no new calls; wait for the running ones to be settled (bounded); close connections."""
        if self._relay is not None and self._upstream is not None:
            await self._relay.drain(self._config.server.stop_timeout_s)
            await self._upstream.close()

    def cut(self) -> None:
        """Cut off the calls that are running, because whoever stops the server will not wait for them."""
        if self._relay is not None:
            self._relay.cut()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request under /v1."""
        incoming = Incoming(scope["headers"])
        path = scope["path"]
        exchange = Exchange(
            method=scope["method"],
            path=path,
            query=scope["query_string"].decode("latin-1"),
            incoming=incoming,
            client=Client(send),
            wire=CALLS.get(path) or _wire_of(path, incoming),
        )
        try:
            await self._serve(exchange, receive)
        except (ClientGone, asyncio.CancelledError):
            return  # nobody waits for an answer any more; a call that was dispatched goes on in its own task
        except Refused as refused:
            await self._refuse(exchange, refused.refusal)
        except Exception:
            log.exception("a request failed in the gateway")
            await self._refuse(exchange, refuse(Why.INTERNAL))

    async def _refuse(self, exchange: Exchange, refusal: Refusal) -> None:
        await exchange.client.refuse(exchange.wire, refusal, "req_" + new_call_id(self._books.clock()))

    async def _serve(self, exchange: Exchange, receive: Receive) -> None:
        """Serve a request. Raises Refused with what is its answer then, and ClientGone."""
        path = exchange.path
        if exchange.incoming.wrong is not None:
            raise Refused(exchange.incoming.wrong)
        _check_route(exchange.method, path)
        spender = await self._authenticate(exchange.incoming.secret)
        if path.startswith(MODELS):
            await self._models(exchange, spender)
            return
        body = granted(await read_body(receive, exchange.incoming, self._config.server))
        assert self._relay is not None, "the gateway is not open"
        if path == COUNT_TOKENS:
            await self._relay.forward(self._serving(exchange, ANTHROPIC.read_count(body)), body, exchange)
            return
        call = exchange.wire.read(body)
        await self._relay.call(spender, self._serving(exchange, call.model), call, exchange)

    def _serving(self, exchange: Exchange, model: str) -> Provider:
        provider = self._providers.serving(exchange.wire.name, model)
        if provider is None:
            raise Refused(refuse(Why.MODEL_UNKNOWN, field="model", model=model))
        return provider

    async def _authenticate(self, secret: str) -> Spender:
        if not secret:
            raise Refused(refuse(Why.KEY_MISSING))
        now_us = self._books.clock()
        spender = self._books.known_spender(key_digest(secret), now_us)
        if spender is None:
            spender = granted(await asyncio.to_thread(self._books.find_spender, secret))
        refusal = spender.refusal(now_us)
        if refusal is not None:
            raise Refused(refusal)
        return spender

    async def _models(self, exchange: Exchange, spender: Spender) -> None:
        wire = exchange.wire
        models = self._served(wire, spender)
        if exchange.path == MODELS:
            body = models_body(wire.name, models)
        else:
            model = exchange.path.removeprefix(MODELS + "/")
            if model not in models:
                raise Refused(refuse(Why.MODEL_UNKNOWN, field="model", model=model))
            body = model_body(wire.name, model)
        await exchange.client.answer(200, [JSON], body)

    def _served(self, wire: Wire, spender: Spender) -> list[str]:
        """The models that this key can spend on: served on the wire, priced, and allowed by a plan."""
        served = {
            model
            for provider in self._providers.all
            if provider.wire == wire.name
            for model in self._books.prices.models(provider.catalog)
            if self._providers.serving(wire.name, model) is provider and spender.for_model(model)[0]
        }
        return sorted(served)


def _check_route(method: str, path: str) -> None:
    if path in CALLS or path == COUNT_TOKENS:
        allowed = "POST"
    elif path == MODELS or path.startswith(MODELS + "/"):
        allowed = "GET"
    else:
        routes = ", ".join(f"{served} {route}" for route, served in ROUTES.items())
        raise Refused(refuse(Why.ROUTE_UNKNOWN, method=method, path=path, routes=routes))
    if method != allowed:
        raise Refused(refuse(Why.METHOD_UNKNOWN, method=method, path=path, allowed=allowed))


def _wire_of(path: str, incoming: Incoming) -> Wire:
    """The wire in whose shape a request is answered when its path alone does not say."""
    return ANTHROPIC if incoming.anthropic or path.startswith("/v1/messages") else OPENAI
