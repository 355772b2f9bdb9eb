"""The price book: an immutable snapshot with a version, and the look-up of a rate card."""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import TypeVar

import msgspec

from bursar.periods import from_us, to_us
from bursar.pricing.rates import RateCard, Rates
from bursar.pricing.snapshot import STANDARD, Content, Model, find_model, spell_at
from bursar.refusals import Refusal, Why, refuse

_CACHE_SIZE = 4_096
"""Cards kept ready. A full cache is emptied: clients choose the keys, so it must not grow with them."""

_LONGEST_CACHED_NAME = 200

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


class PriceBook:
    """Prices that never change: other content is another book with another version.

    `version` is "pb-" and 12 hex digits of the SHA-256 over the canonical JSON, so the same content has the same
    version on every machine. Only its caches change, and they hold nothing that the content does not say.
    """

    def __init__(self, content: Content) -> None:
        self.content = content
        self._json = msgspec.json.encode(content, order="deterministic")
        self.version = f"pb-{hashlib.sha256(self._json).hexdigest()[:12]}"
        self._cards: dict[tuple[str, str, str], tuple[datetime, datetime, RateCard]] = {}
        self._cards_at: dict[tuple[str, str, str], tuple[int, int, RateCard]] = {}
        self._models: dict[tuple[str, str], Model] = {}

    def card(self, catalog: str, model: str, at: datetime, variant: str = STANDARD) -> RateCard | Refusal:
        """What a model costs at an aware instant, or MODEL_NOT_PRICED, or VARIANT_NOT_PRICED.

        `model` may be any id that the provider takes for it. "default" is another word for the standard variant.
        """
        known = self._cards.get((catalog, model, variant))
        if known is not None and known[0] <= at < known[1]:
            return known[2]
        return self._look_up(catalog, model, at, variant)

    def card_at(self, catalog: str, model: str, at_us: int, variant: str = STANDARD) -> RateCard | Refusal:
        """The same at an instant in microseconds, for whoever asks often: no date has to be made of it."""
        asked = (catalog, model, variant)
        known = self._cards_at.get(asked)
        if known is not None and known[0] <= at_us < known[1]:
            return known[2]
        card = self.card(catalog, model, from_us(at_us), variant)
        kept = self._cards.get(asked)
        if kept is not None and isinstance(card, RateCard):
            _keep(self._cards_at, asked, (to_us(kept[0]), to_us(kept[1]), card))
        return card

    def variants(self, catalog: str, model: str, at: datetime) -> list[str]:
        """The names of all variants of a model that have a price at an instant, sorted; none for an unknown model."""
        found = self._find(catalog, model)
        return sorted(name for name, history in found.variants.items() if spell_at(history, at)) if found else []

    def models(self, catalog: str) -> list[str]:
        """The ids of a catalog's own models that have a price, sorted; none for a catalog that is not known."""
        home = self.content.catalogs.get(catalog)
        return sorted(model.id for model in home.models if model.variants) if home else []

    def catalogs(self) -> list[str]:
        """The names of all catalogs, sorted."""
        return sorted(self.content.catalogs)

    def to_json(self) -> bytes:
        """The canonical JSON: what `version` is the hash of, and all that is needed to read the book again."""
        return self._json

    @classmethod
    def from_json(cls, data: bytes) -> PriceBook:
        """Read a book from its JSON. Raises msgspec.ValidationError when it is no price book."""
        return cls(msgspec.json.decode(data, type=Content))

    def _look_up(self, catalog: str, name: str, at: datetime, variant: str) -> RateCard | Refusal:
        model = self._find(catalog, name)
        standard = spell_at(model.variants.get(STANDARD, ()), at) if model else None
        if model is None or standard is None:
            return refuse(Why.MODEL_NOT_PRICED, field="model", model=name, version=self.version)
        wanted = STANDARD if variant == "default" else variant
        spell = standard if wanted == STANDARD else spell_at(model.variants.get(wanted, ()), at)
        if spell is None:
            return refuse(Why.VARIANT_NOT_PRICED, field="service_tier", variant=variant, version=self.version)
        card = RateCard(
            model=model.id,
            version=self.version,
            rates=spell.price.rates,
            tiers=spell.price.tiers,
            context_tokens=model.context_tokens,
            max_output_tokens=_most_output(model, spell.price.rates),
            catalog=catalog,
            variant=wanted,
        )
        if len(name) <= _LONGEST_CACHED_NAME:
            _keep(self._cards, (catalog, name, variant), (spell.start, spell.end, card))
        return card

    def _find(self, catalog: str, name: str) -> Model | None:
        model = self._models.get((catalog, name))
        if model is None:
            model = find_model(self.content, catalog, name)
            if model is not None and len(name) <= _LONGEST_CACHED_NAME:
                _keep(self._models, (catalog, name), model)
        return model


def _most_output(model: Model, rates: Rates) -> int | None:
    if rates.output is None and rates.audio_output is None:
        return 0
    return model.max_output_tokens or model.context_tokens


def _keep(cache: dict[_Key, _Value], key: _Key, value: _Value) -> None:
    if len(cache) >= _CACHE_SIZE:
        cache.clear()
    cache[key] = value
