"""Who am I, and what am I talking to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
from litestar import Request
from litestar.di import NamedDependency

import bursar
from bursar.api.access import ADMINISTRATOR, PERSON, Caller
from bursar.api.answers import KeyAnswer, PersonAnswer
from bursar.api.routes import route
from bursar.books import Books
from bursar.config import Config


class MeAnswer(msgspec.Struct, frozen=True):
    """The caller: the role, the person, and the key that was used. The operator of the data folder has no key."""

    role: str
    person: PersonAnswer | None
    key: KeyAnswer | None


class ProviderAnswer(msgspec.Struct, frozen=True):
    """A provider that calls can go to: which wire it speaks, for which models, priced by which catalog."""

    name: str
    wire: str
    models: list[str]
    catalog: str


class ReloadAnswer(msgspec.Struct, frozen=True):
    """What a reload changed, and what has changed in the files but needs a restart."""

    changed: list[str]
    restart: list[str]


Reloader = Callable[[], ReloadAnswer]


class VersionAnswer(msgspec.Struct, frozen=True):
    """The version of Bursar, the price book in force, and the providers that are configured."""

    bursar: str
    price_book: str
    providers: list[ProviderAnswer]


@route("GET /me", PERSON)
def me(books: NamedDependency[Books], caller: NamedDependency[Caller]) -> MeAnswer:
    """Whom the key belongs to, and what it may do."""
    person = None if caller.person is None else PersonAnswer.of(caller.person)
    email = None if person is None else person.email
    key = None if caller.key is None else KeyAnswer.of(caller.key, email, books.clock())
    return MeAnswer(caller.role, person, key)


@route("GET /version", PERSON)
def version(books: NamedDependency[Books], config: NamedDependency[Config]) -> VersionAnswer:
    """Which Bursar this is, which price book it uses, and which providers it can call."""
    providers = [
        ProviderAnswer(provider.name, provider.wire, list(provider.models), provider.catalog)
        for provider in config.providers
    ]
    return VersionAnswer(bursar.__version__, books.prices.version, providers)


@route("GET /openapi.json", PERSON)
def openapi(request: Request[Any, Any, Any]) -> dict[str, Any]:
    """This API's OpenAPI description."""
    return request.app.openapi_schema.to_schema()


@route("POST /reload", ADMINISTRATOR, status=200)
def reload(reloader: NamedDependency[Reloader]) -> ReloadAnswer:
    """Read bursar.toml, the keys that it names, and prices.toml anew, without dropping a call.

    A file that is wrong is refused by name, and nothing changes.
    """
    return reloader()


ROUTES = (me, version, reload, openapi)
