"""The simulated providers behind one address: routes, keys, refusals, and the simulation's own controls."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote

import msgspec
from aiohttp import web

from bursar.sim import admin
from bursar.sim.anthropic import MessagesWire
from bursar.sim.anthropic_request import prompt
from bursar.sim.bill import Bill
from bursar.sim.cache import Block
from bursar.sim.call import Asked, Wire, WireError, from_validation
from bursar.sim.catalogue import (
    anthropic_model,
    anthropic_models,
    google_model,
    google_models,
    openai_model,
    openai_models,
)
from bursar.sim.completions import CompletionsWire
from bursar.sim.deliver import JSON, Delivery
from bursar.sim.embeddings import EmbeddingsWire
from bursar.sim.faults import REFUSALS, Fault, draw
from bursar.sim.gemini import GenerateWire
from bursar.sim.gemini_request import prompt as gemini_prompt
from bursar.sim.gemini_routes import wire_at
from bursar.sim.openai import ChatWire
from bursar.sim.openai_base import OpenAIBase
from bursar.sim.plan import Planner, count_input
from bursar.sim.responses import ResponsesWire
from bursar.sim.settings import Directive, SimSettings, read_directive

CHAT = ChatWire()
RESPONSES = ResponsesWire()
MESSAGES = MessagesWire()
GENERATE = GenerateWire()
CALLS: dict[str, Wire] = {
    "/v1/chat/completions": CHAT,
    "/v1/responses": RESPONSES,
    "/v1/embeddings": EmbeddingsWire(),
    "/v1/completions": CompletionsWire(),
    "/v1/messages": MESSAGES,
}
"""The routes that generate, and are charged: one wire each."""
COUNT_TOKENS = "/v1/messages/count_tokens"
INPUT_TOKENS = "/v1/responses/input_tokens"
MODELS = "/v1/models"
GOOGLE_MODELS = re.compile(r"/v1(?:beta|alpha)?/models(?:/(.+))?")
HTML = b"<html><body><h1>Bad gateway</h1><p>The origin did not answer.</p></body></html>"


class Service:
    """Answers requests. `settings` may be replaced at any time, from any thread; the bill is read from any thread."""

    def __init__(self, settings: SimSettings, bill: Bill) -> None:
        self.settings = settings
        self.bill = bill
        self._planner = Planner()
        self._chance = random.Random(settings.seed)  # noqa: S311 - a simulation repeats itself by its seed

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        path = request.path
        if path.startswith("/sim/"):
            return await self._control(request)
        calls = CALLS.get(path) or wire_at(path, request.query)
        wire = calls or _wire_of(request)
        request_id = self._planner.new_id(wire.request_id_prefix)
        try:
            if calls is not None:
                return await self._call(request, wire, request_id)
            return await self._free(request, wire, request_id)
        except WireError as error:
            return _failed(wire, error, request_id)

    async def _call(self, request: web.BaseRequest, wire: Wire, request_id: str) -> web.StreamResponse:
        settings = self.settings
        _only("POST", request)
        key = self._authenticate(wire, request, settings)
        body = await request.read()
        asked = wire.read(body)
        directive = _directive(request, asked.texts)
        fault = directive.fault
        if fault is None:
            fault = draw(settings.faults, self._chance)
        if fault in REFUSALS or (fault is Fault.ERROR_EVENT_AFTER and not asked.stream):
            return _refusal(wire, fault, directive, request_id)
        if settings.delivered_tier is not None and isinstance(wire, OpenAIBase):
            _deliver_as(asked, settings.delivered_tier)
        call = self._planner.plan(
            wire,
            asked,
            body,
            key=key,
            request_id=request_id,
            directive=directive,
            fault=fault,
            settings=settings,
            now_s=time.time(),
        )
        return await Delivery(request, wire, call, bill=self.bill, settings=settings, directive=directive).send()

    async def _free(self, request: web.BaseRequest, wire: Wire, request_id: str) -> web.StreamResponse:
        """What costs nothing: the probe of `/`, the catalogue of models, counting tokens."""
        path = request.path
        if path == "/":
            return web.Response(text="simulated providers\n")
        google = GOOGLE_MODELS.fullmatch(path) if wire is GENERATE else None
        if google is not None:
            return await self._free_of_google(request, google[1] or "")
        if admin.is_admin(path):
            return self._report(request, wire, request_id)
        if path == MODELS or path.startswith(f"{MODELS}/"):
            _only("GET", request)
            self._authenticate(wire, request, self.settings)
            return _json(_catalogue(wire, unquote(path[len(MODELS) + 1 :])), wire, request_id)
        if path == COUNT_TOKENS:
            _only("POST", request)
            self._authenticate(MESSAGES, request, self.settings)
            counted = self._count_tokens(await request.read())
            return _json({"input_tokens": counted}, MESSAGES, request_id)
        if path == INPUT_TOKENS:
            _only("POST", request)
            self._authenticate(RESPONSES, request, self.settings)
            body = await request.read()
            tokens = self._counted(*RESPONSES.count(body), body)
            return _json({"object": "response.input_tokens", "input_tokens": tokens}, RESPONSES, request_id)
        raise WireError(404, f"Invalid URL ({request.method} {path})")

    def _report(self, request: web.BaseRequest, wire: Wire, request_id: str) -> web.StreamResponse:
        """What an organisation used and owes; may be turned away as a call may."""
        _only("GET", request)
        key = self._authenticate(wire, request, self.settings)
        directive = _directive(request, ())
        fault = directive.fault or draw(self.settings.faults, self._chance)
        if fault in REFUSALS:
            return _refusal(wire, fault, directive, request_id)
        return _json(admin.report(request.path, list(request.query.items()), key, self.bill), wire, request_id)

    async def _free_of_google(self, request: web.BaseRequest, name: str) -> web.StreamResponse:
        """The catalogue of models and counting tokens, on Google's routes."""
        self._authenticate(GENERATE, request, self.settings)
        model, _, verb = name.partition(":")
        if verb == "countTokens":
            _only("POST", request)
            GENERATE.model(model)
            body = await request.read()
            return _plain({"totalTokens": self._counted(*gemini_prompt(GENERATE.count(body)), body)})
        _only("GET", request)
        return _plain(google_model(GENERATE.model(model)) if model else google_models())

    def _count_tokens(self, body: bytes) -> int:
        asked, _ = MESSAGES.parse(body)
        if not asked.messages:
            raise WireError(400, "messages: at least one message is required", param="messages")
        return self._counted(*prompt(asked), body)

    def _counted(self, blocks: list[Block], extra_tokens: int, body: bytes) -> int:
        blocks, extra = count_input(blocks, extra_tokens, body, self.settings)
        return sum(block.tokens for block in blocks) + extra

    def _authenticate(self, wire: Wire, request: web.BaseRequest, settings: SimSettings) -> str:
        key = wire.key(request.headers)
        if key is None:
            raise WireError(401, "No API key was provided.")
        if settings.keys and key not in settings.keys:
            raise WireError(401, "The API key provided is not one of this provider's.")
        return key

    async def _control(self, request: web.BaseRequest) -> web.StreamResponse:
        """The simulation's own routes."""
        try:
            match request.method, request.path:
                case "GET", "/sim/bill":
                    key, since = request.query.get("key"), int(request.query.get("since", "0"))
                    return _plain(self.bill.report(key, since))
                case "POST", "/sim/reset":
                    self.reset()
                    return _plain({"ok": True})
                case "GET", "/sim/settings":
                    return _plain(self.settings)
                case "POST", "/sim/settings":
                    changes = msgspec.json.decode(await request.read(), type=dict[str, Any])
                    self.settings = self.settings.changed(changes)
                    return _plain(self.settings)
        except (msgspec.DecodeError, ValueError) as problem:
            return _plain({"error": str(problem)}, 400)
        return _plain({"error": f"there is no {request.method} {request.path}"}, 404)

    def reset(self) -> None:
        """Forget the bill and the prompt caches, and draw faults from the seed again. Settings stay."""
        self.bill.reset()
        self._planner.cache.clear()
        self._chance.seed(self.settings.seed)


def _wire_of(request: web.BaseRequest) -> Wire:
    """The wire of a route that does not generate."""
    if "x-goog-api-key" in request.headers or request.path.startswith("/v1beta/"):
        return GENERATE
    return MESSAGES if "anthropic-version" in request.headers else CHAT


def _only(method: str, request: web.BaseRequest) -> None:
    if request.method != method:
        raise WireError(405, f"Not allowed to {request.method} on {request.path}; use {method}.")


def _directive(request: web.BaseRequest, texts: Iterable[str]) -> Directive:
    try:
        return read_directive(request.headers.items(), texts)
    except msgspec.ValidationError as problem:
        error = from_validation(problem)
        raise WireError(400, f"The directive to the simulation is wrong. {error.text}", param="sim") from None


def _deliver_as(asked: Asked, tier: str) -> None:
    """Serve a request at a tier other than the one it asked for; models without it stay at the standard one."""
    asked.variant = tier if tier in asked.model.variants else None
    asked.tier = asked.variant or "default"


def _refusal(wire: Wire, fault: Fault, directive: Directive, request_id: str) -> web.Response:
    headers: dict[str, str] = {}
    match fault:
        case Fault.HTML_ERROR:
            return web.Response(status=directive.status, body=HTML, content_type="text/html")
        case Fault.REDIRECT:
            return web.Response(status=307, headers={"location": "/sim/elsewhere"})
        case Fault.RATE_LIMITED:
            error = WireError(429, "Rate limit reached; the simulation was told to say so.")
            headers["retry-after"] = str(directive.retry_after_s)
        case Fault.OVERLOADED:
            error = WireError(wire.overloaded_status, "Overloaded")
        case _:
            error = WireError(directive.status, "The simulation was told to refuse this call.")
    return _failed(wire, error, request_id, headers)


def _failed(wire: Wire, error: WireError, request_id: str, headers: dict[str, str] | None = None) -> web.Response:
    told = {**wire.headers(request_id, 0), **(headers or {}), "content-type": JSON}
    return web.Response(status=error.status, body=wire.error(error, request_id), headers=told)


def _catalogue(wire: Wire, name: str) -> dict[str, Any]:
    if wire is MESSAGES:
        return anthropic_model(MESSAGES.model(name)) if name else anthropic_models()
    return openai_model(CHAT.model(name)) if name else openai_models()


def _json(body: object, wire: Wire, request_id: str) -> web.Response:
    headers = {**wire.headers(request_id, 0), "content-type": JSON}
    return web.Response(body=msgspec.json.encode(body), headers=headers)


def _plain(body: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(body), content_type=JSON)
