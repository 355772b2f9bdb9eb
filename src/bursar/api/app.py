"""Puts the API together: its routes, the guard at its door, how refusals are told, and its OpenAPI description."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol

from litestar import Litestar, Request, Router
from litestar.di import Provide
from litestar.exceptions import HTTPException
from litestar.handlers import HTTPRouteHandler
from litestar.openapi.config import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

import bursar
from bursar.api import (
    accounts,
    adjustments,
    authorize,
    changes,
    closing,
    export,
    exports,
    grants,
    holds,
    imports,
    journal,
    keys,
    limits,
    otlp,
    people,
    plans,
    pools,
    prices,
    reconciliation,
    roster,
    runs,
    service,
    signing,
    statements,
    totals,
    uploads,
    usage,
)
from bursar.api.access import PERSON, Caller, Door
from bursar.api.errors import MAX_BODY_BYTES, check_body, tell_http, tell_internal, tell_refused
from bursar.api.holds import Bounder
from bursar.books import Books
from bursar.config import Config
from bursar.refusals import Refused
from bursar.signing import SigningKeys

PATH = "/api"
DESCRIPTION = "openapi.json"
"""The route that describes all of them, for which all have to be there."""
PARTS = (
    people,
    plans,
    changes,
    adjustments,
    closing,
    grants,
    pools,
    keys,
    limits,
    runs,
    holds,
    authorize,
    accounts,
    statements,
    export,
    exports,
    usage,
    imports,
    uploads,
    otlp,
    totals,
    reconciliation,
    journal,
    prices,
    roster,
    signing,
    service,
)
ROUTES: Sequence[HTTPRouteHandler] = [route for part in PARTS for route in part.ROUTES]
ABOUT = (
    "Amounts are decimal strings in dollars, times ISO 8601 in UTC. Whatever is refused answers "
    '`{"error": {"name", "message", "field"}}`; the names are listed in docs/reference/refusals.md.'
)


def build_api(
    books: Books,
    local_token: str,
    get_config: Callable[[], Config],
    reload: service.Reloader,
    signing_keys: SigningKeys,
    *,
    bound_request: Bounder,
    routes: Sequence[HTTPRouteHandler] = ROUTES,
) -> Litestar:
    """The API on these books, as an ASGI application that serves paths under /api.

    `local_token` is the secret that makes its bearer the operator of the data folder, an administrator. Of the
    configuration only what a person needs to know is told: which providers there are and which models they serve.
    `reload` reads it anew. With `signing_keys` is signed what has to be believed elsewhere. `bound_request` tells
    what a request of another gateway may cost. `routes` are all, or those that are needed.
    """

    def get_reloader() -> service.Reloader:
        return reload

    def get_signing_keys() -> SigningKeys:
        return signing_keys

    def get_bounder() -> Bounder:
        return bound_request

    def get_books() -> Books:
        return books

    def get_caller(request: Request[Caller, Any, Any]) -> Caller:
        return request.user

    return Litestar(
        path=PATH,
        route_handlers=routes,
        guards=[Door(books, local_token)],
        before_request=check_body,
        dependencies={
            "config": Provide(get_config, sync_to_thread=False),
            "reloader": Provide(get_reloader, sync_to_thread=False),
            "signing_keys": Provide(get_signing_keys, sync_to_thread=False),
            "bounder": Provide(get_bounder, sync_to_thread=False),
            "books": Provide(get_books, sync_to_thread=False),
            "caller": Provide(get_caller, sync_to_thread=False),
        },
        exception_handlers={Refused: tell_refused, HTTPException: tell_http, Exception: tell_internal},
        openapi_config=_openapi(),
        request_max_body_size=MAX_BODY_BYTES,
        logging_config=None,
        debug=False,
    )


class Builder(Protocol):
    """Makes an application of routes."""

    def __call__(self, *, routes: Sequence[HTTPRouteHandler]) -> Litestar:
        """An application of these routes."""


class Api:
    """The API as an ASGI application that is made when it is asked for: all of it, or what one request needs.

    Making all of it takes longer than most commands do. Of what is asked for first all routes are made that begin
    alike, so whatever is asked is answered as it would be by the whole.
    """

    def __init__(self, build: Builder) -> None:
        self._build = build
        self._whole: Litestar | None = None
        self._parts: dict[str, Litestar] = {}

    def whole(self) -> Litestar:
        """All of it, which is used from then on."""
        if self._whole is None:
            self._whole = self._build(routes=ROUTES)
        return self._whole

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Answer a request."""
        await (self._whole or self._part(scope["path"].removeprefix(PATH)))(scope, receive, send)

    def _part(self, path: str) -> Litestar:
        name = _beginning(path)
        if name not in self._parts:
            routes = [route for route in ROUTES if name in map(_beginning, route.paths) and name != DESCRIPTION]
            self._parts[name] = self._build(routes=routes) if routes else self.whole()
        return self._parts[name]


def _beginning(path: str) -> str:
    return path.strip("/").partition("/")[0]


def _openapi() -> OpenAPIConfig:
    key = SecurityScheme(type="http", scheme="bearer", description="A key of this Bursar (bsr_…).")
    return OpenAPIConfig(
        title="Bursar",
        version=bursar.__version__,
        description=ABOUT,
        components=Components(security_schemes={"key": key}),
        security=[{"key": []}],
        # The framework insists on routes of its own. These have a role, and serve the description as JSON: no page
        # that would load its script from somebody else's server.
        openapi_router=Router("/docs", route_handlers=[], opt={"role": PERSON}, include_in_schema=False),
        render_plugins=[JsonRenderPlugin()],
    )
