"""Which provider serves a model on a wire: the most particular pattern of the operator's configuration wins."""

from __future__ import annotations

from collections.abc import Iterator
from fnmatch import fnmatchcase

import msgspec

from bursar.config import ProviderConfig
from bursar.gateway.upstream import Address, Origin, origin_of

WILDCARDS = "*?["
MEMO_SIZE = 10_000


class Provider(msgspec.Struct, frozen=True):
    """A provider as the gateway uses it. `headers` carry its key; nothing else of Bursar ever sees it."""

    name: str
    wire: str
    catalog: str
    origin: Origin
    base_path: str
    models: tuple[str, ...]
    headers: tuple[str, ...]
    max_tokens_field: str
    hidden_prompt_tokens: int
    retries: int
    fallback: tuple[str, ...]
    rename: dict[str, str]

    def address(self, path: str, query: str) -> Address:
        """Where it has one of the routes /v1/…; the client's query goes along as it is.

        OpenAI's base URLs end with the version (servers that are compatible with it put theirs elsewhere, too), and
        Anthropic's and Google's do not, as in the vendors' own SDKs.
        """
        if self.wire == "openai":
            path = path.removeprefix("/v1")
        target = self.base_path + path
        return Address(self.origin, f"{target}?{query}" if query else target)


def provider_of(config: ProviderConfig) -> Provider:
    """A provider from its configuration."""
    value = f"Bearer {config.secret}" if config.key_header == "authorization" else config.secret
    origin, base_path = origin_of(_base(config))
    return Provider(
        name=config.name,
        wire=config.wire,
        catalog=config.catalog,
        origin=origin,
        base_path=base_path,
        models=config.models,
        headers=(f"{config.key_header}: {value}",),
        max_tokens_field=config.max_tokens_field,
        hidden_prompt_tokens=config.hidden_prompt_tokens,
        retries=config.retries,
        fallback=config.fallback,
        rename=config.rename,
    )


def _base(config: ProviderConfig) -> str:
    if config.wire == "openai":
        return config.base_url
    return config.base_url.removesuffix("/v1beta").removesuffix("/v1")


class Providers:
    """All providers, and the memo of which serves what."""

    def __init__(self, providers: tuple[Provider, ...]) -> None:
        self.all = providers
        self._memo: dict[tuple[str, str], tuple[Provider, ...]] = {}

    def serving(self, wire: str, model: str) -> Provider | None:
        """The provider of a model on a wire; None when there is none."""
        found = self.chain(wire, model)
        return found[0] if found else None

    def chain(self, wire: str, model: str) -> tuple[Provider, ...]:
        """The provider of a model on a wire, then those of its fallbacks that have the model; maybe none.

        A fallback has a model when one of its patterns fits it, or when it renames it.
        """
        found = self._memo.get((wire, model))
        if found is None:
            first = self._search(wire, model)
            found = () if first is None else (first, *self._fallbacks(first, model))
            if len(self._memo) < MEMO_SIZE:
                self._memo[wire, model] = found
        return found

    def _fallbacks(self, first: Provider, model: str) -> Iterator[Provider]:
        named = {provider.name: provider for provider in self.all}
        for name in first.fallback:
            provider = named[name]
            if model in provider.rename or any(fnmatchcase(model, pattern) for pattern in provider.models):
                yield provider

    def _search(self, wire: str, model: str) -> Provider | None:
        best: tuple[int, Provider] | None = None
        for provider in self.all:
            if provider.wire != wire:
                continue
            for pattern in provider.models:
                weight = _particularity(pattern)
                if fnmatchcase(model, pattern) and (best is None or weight > best[0]):
                    best = (weight, provider)
        return None if best is None else best[1]


def _particularity(pattern: str) -> int:
    """An exact name beats any pattern; of patterns the one with more plain letters before its first wildcard."""
    for index, letter in enumerate(pattern):
        if letter in WILDCARDS:
            return index
    return 1_000_000
