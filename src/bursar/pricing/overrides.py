"""The operator's own prices: reads and checks `prices.toml`.

Each `[[rate]]` has a catalog, a model, and either explicit prices in dollars or a `discount`, an `uplift` or both:

    [[rate]]
    catalog = "anthropic"
    model = "claude-sonnet-4-5*"      # a glob, or one exact id
    from = 2026-01-01                 # midnight UTC; always when left out
    discount = "15%"                  # off every bucket

    [[rate]]
    catalog = "openai-eu"             # a catalog of one's own, with the models of another
    like = "openai"
    model = "gpt-6*"
    uplift = "10%"                    # on every token

    [[rate]]
    catalog = "vllm"
    model = "our-coder"               # no public price: a model of one's own
    input = "0.40"                    # USD per million tokens; web_searches per thousand requests
    output = "1.60"

Refusals name the file, the entry (`rate[1]` is the first) and the field.
"""

from __future__ import annotations

import tomllib
from contextlib import suppress
from datetime import date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Never

import msgspec

from bursar.money import MoneyError, parse_usd
from bursar.pricing.snapshot import STANDARD
from bursar.refusals import Refusal, Refused, Why, refuse
from bursar.usage import BUCKETS

_GLOB = frozenset("*?[")
_TEXTS = ("catalog", "like", "model", "variant")
_CHANGES = ("discount", "uplift")
_LIMITS = ("context_tokens", "max_output_tokens")
_FIELDS = (*_TEXTS, "from", *_CHANGES, *BUCKETS, *_LIMITS)
_MOST_PERCENT_DECIMALS = 6
_A = {"discount": "a discount", "uplift": "an uplift"}


class Override(msgspec.Struct, frozen=True, kw_only=True):
    """One `[[rate]]`. `rates` are nano-USD per million tokens (or thousand searches) by bucket.

    `discount` and `uplift` are shares of the list price: 3/20 is 15 %.
    """

    file: str
    field: str
    catalog: str
    model: str
    like: str | None = None
    variant: str | None = None
    since: date | None = None
    discount: Fraction | None = None
    uplift: Fraction | None = None
    rates: dict[str, int] = {}
    context_tokens: int | None = None
    max_output_tokens: int | None = None

    @property
    def is_glob(self) -> bool:
        """Whether `model` stands for any number of ids."""
        return not _GLOB.isdisjoint(self.model)

    @property
    def follows_list(self) -> bool:
        """Whether it changes the list price, whatever that is, and has no prices of its own."""
        return self.discount is not None or self.uplift is not None

    def refuse(self, field: str, problem: str) -> Never:
        """Refuse the configuration because of a field of this entry."""
        raise Refused(refuse(Why.CONFIG_INVALID, file=self.file, field=f"{self.field}.{field}", problem=problem))


class Overrides(msgspec.Struct, frozen=True):
    """The entries of a `prices.toml`, in the file's order."""

    rates: tuple[Override, ...]


def load_overrides(path: Path) -> Overrides:
    """Read a `prices.toml`. Raises Refused(CONFIG_INVALID) that names the file, the entry and the field."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise Refused(_invalid(path.name, "the file", f"it cannot be read ({error.strerror})")) from None
    except UnicodeDecodeError as error:
        raise Refused(_invalid(path.name, "the file", f"it is no TOML ({error})")) from None
    return read_overrides(text, path.name)


def read_overrides(text: str, file: str) -> Overrides:
    """Read the text of such a file, which refusals call so."""
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused(_invalid(file, "the file", f"it is no TOML ({error})")) from None
    for name in tables:
        if name != "rate":
            raise Refused(_invalid(file, name, "there is no such table; a price is a [[rate]]"))
    entries = tables.get("rate", [])
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        raise Refused(_invalid(file, "rate", "write each price as [[rate]], with two brackets"))
    return Overrides(tuple(_Reader(file, number, entry).read() for number, entry in enumerate(entries, 1)))


def _invalid(file: str, field: str, problem: str) -> Refusal:
    return refuse(Why.CONFIG_INVALID, file=file, field=field, problem=problem)


class _Reader:
    """Reads one `[[rate]]`, field by field."""

    def __init__(self, file: str, number: int, entry: dict[str, object]) -> None:
        self.entry = entry
        self.blank = Override(file=file, field=f"rate[{number}]", catalog="", model="")

    def read(self) -> Override:
        for name in self.entry:
            if name not in _FIELDS:
                self.blank.refuse(name, f"there is no such field; there are {', '.join(_FIELDS)}")
        prices = {bucket: self._price(bucket) for bucket in BUCKETS if bucket in self.entry}
        limits = {name: self._limit(name) for name in _LIMITS if name in self.entry}
        changes = [name for name in _CHANGES if name in self.entry]
        if changes and prices:
            [name, *_] = changes
            self.blank.refuse(name, f"give {_A[name]} or prices, not both (it also has {', '.join(prices)})")
        if not changes and not prices and not limits:
            self.blank.refuse("discount", 'it is missing; give a discount like "15%", or prices like input = "2.50"')
        return msgspec.structs.replace(
            self.blank,
            catalog=self._text("catalog"),
            model=self._text("model"),
            like=self._text("like") if "like" in self.entry else None,
            variant=self._text("variant") if "variant" in self.entry else None,
            since=self._since(),
            discount=self._share("discount"),
            uplift=self._share("uplift"),
            rates=prices,
            **limits,
        )

    def _text(self, name: str) -> str:
        value = self.entry.get(name)
        if not isinstance(value, str) or not value:
            self.blank.refuse(name, f"it must be a text, not {value!r}" if name in self.entry else "it is missing")
        return value.lower()

    def _since(self) -> date | None:
        value = self.entry.get("from")
        if isinstance(value, str):
            with suppress(ValueError):
                value = date.fromisoformat(value)
        if value is None or (isinstance(value, date) and not isinstance(value, datetime)):
            return value
        return self.blank.refuse("from", f"it must be a date like 2026-01-01, not {value!r}")

    def _price(self, bucket: str) -> int:
        value = self.entry[bucket]
        if not isinstance(value, str):
            self.blank.refuse(bucket, f'it must be dollars in quotes, like "2.50", not {value!r}')
        try:
            return parse_usd(value)
        except MoneyError as error:
            return self.blank.refuse(bucket, str(error))

    def _limit(self, name: str) -> int:
        value = self.entry[name]
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            self.blank.refuse(name, f"it must be a whole number of tokens, 1 or more, not {value!r}")
        return value

    def _share(self, name: str) -> Fraction | None:
        if name not in self.entry:
            return None
        value = self.entry[name]
        right = f'it must be a percentage in quotes, like "15%", 0 or more and below 100, not {value!r}'
        if not isinstance(value, str) or not value.endswith("%"):
            self.blank.refuse(name, right)
        whole, _, decimals = value[:-1].strip().partition(".")
        digits = whole + decimals
        if not (whole and digits.isascii() and digits.isdigit()) or len(decimals) > _MOST_PERCENT_DECIMALS:
            self.blank.refuse(name, right)
        share = Fraction(f"{whole}.{decimals or '0'}") / 100
        if share >= 1:
            self.blank.refuse(name, right)
        return share


def standard_variant(override: Override) -> str:
    """The variant that an override with explicit prices is about."""
    return STANDARD if override.variant is None or override.variant == "default" else override.variant
