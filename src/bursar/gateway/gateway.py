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
from bursar.gateway.headers import Incoming
from bursar.gateway.posting import LoopJournal
from bursar.gateway.providers import Providers, provider_of
from bursar.gateway.relay import Relay
from bursar.gateway.upstream import Upstream
from bursar.gateway.wires import ANTHROPIC, OPENAI, Wire, model_body, models_body
from bursar.keys import key_digest
from bursar.refusals import Refusal, Why, refuse

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
        self._relay = Relay(self._books, journal, self._upstream)

    async def close(self) -> None:
        """Take no new calls; wait for the running ones to be settled (bounded); close connections."""
        if self._relay is not None and self._upstream is not None:
            await self._relay.drain(self._config.server.stop_timeout_s)
            await self._upstream.close()

    @property
    def running(self) -> int:
        """How many calls are running."""
        return 0 if self._relay is None else self._relay.running

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one HTTP request under /v1."""
        client = Client(send)
        incoming = Incoming(scope["headers"])
        path = scope["path"]
        wire = CALLS.get(path) or _wire_of(path, incoming)
        request_id = "req_" + new_call_id(self._books.clock())
        try:
            refusal = await self._serve(scope, receive, client, incoming, wire)
        except ClientGone:
            return
        except Exception:
            log.exception("a request failed in the gateway")
            refusal = refuse(Why.INTERNAL)
        if refusal is not None:
            await client.refuse(wire, refusal, request_id)

    async def _serve(
        self, scope: Scope, receive: Receive, client: Client, incoming: Incoming, wire: Wire
    ) -> Refusal | None:
        """Serve a request. Returns the refusal that is its answer, if it is one."""
        method, path = scope["method"], scope["path"]
        if path in CALLS or path == COUNT_TOKENS:
            if method != "POST":
                return refuse(Why.METHOD_UNKNOWN, method=method, path=path, allowed="POST")
        elif path == MODELS or path.startswith(MODELS + "/"):
            if method not in {"GET", "HEAD"}:
                return refuse(Why.METHOD_UNKNOWN, method=method, path=path, allowed="GET")
        else:
            routes = ", ".join(f"{allowed} {route}" for route, allowed in ROUTES.items())
            return refuse(Why.ROUTE_UNKNOWN, method=method, path=path, routes=routes)
        spender = await self._authenticate(incoming.secret)
        if isinstance(spender, Refusal):
            return spender
        if path.startswith(MODELS):
            return await self._models(client, wire, spender, path)
        body = await read_body(receive, incoming, self._config.server)
        if isinstance(body, Refusal):
            return body
        assert self._relay is not None, "the gateway is not open"
        query = scope["query_string"].decode("latin-1")
        if path == COUNT_TOKENS:
            model = ANTHROPIC.read_count(body)
            provider = self._providers.serving(wire.name, model)
            if provider is None:
                return refuse(Why.MODEL_UNKNOWN, field="model", model=model)
            return await self._relay.forward(provider, path, query, incoming, body, client)
        call = wire.read(body)
        provider = self._providers.serving(wire.name, call.model)
        if provider is None:
            return refuse(Why.MODEL_UNKNOWN, field="model", model=call.model)
        return await self._relay.call(spender, provider, wire, call, path, query, incoming, client)

    async def _authenticate(self, secret: str) -> Spender | Refusal:
        if not secret:
            return refuse(Why.KEY_MISSING)
        now_us = self._books.clock()
        spender: Spender | Refusal | None = self._books.known_spender(key_digest(secret), now_us)
        if spender is None:
            spender = await asyncio.to_thread(self._books.find_spender, secret)
            if isinstance(spender, Refusal):
                return spender
        return spender.refusal(now_us) or spender

    async def _models(self, client: Client, wire: Wire, spender: Spender, path: str) -> Refusal | None:
        models = self._served(wire, spender)
        if path == MODELS:
            await client.answer(200, [JSON], models_body(wire.name, models))
            return None
        model = path.removeprefix(MODELS + "/")
        if model not in models:
            return refuse(Why.MODEL_UNKNOWN, field="model", model=model)
        await client.answer(200, [JSON], model_body(wire.name, model))
        return None

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


def _wire_of(path: str, incoming: Incoming) -> Wire:
    """The wire in whose shape a request is answered when its path alone does not say."""
    return ANTHROPIC if incoming.anthropic or path.startswith("/v1/messages") else OPENAI
