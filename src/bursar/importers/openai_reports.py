"""OpenAI's reports of an organisation: usage of completions, costs.

Files are pages as the Admin API answers with them (`GET /v1/organization/usage/completions`, `…/costs`). Input has
what was read from and written to the cache in it, and audio; the three are told apart where the report does.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated

import msgspec

from bursar.importers.pages import Bucket, Entry, Pages
from bursar.importers.record import STANDARD
from bursar.importers.totals import Found, UsageTotal, grouped, nanos_of
from bursar.periods import US_PER_SECOND
from bursar.usage import Usage

CATALOG = "openai"
_Count = Annotated[int, msgspec.Meta(ge=0)]
_USUAL_TIERS = frozenset({"default", "standard", "auto"})


class _Used(msgspec.Struct):
    """A result of `usage/completions`."""

    input_tokens: _Count
    output_tokens: _Count
    num_model_requests: _Count | None = None
    input_cached_tokens: _Count | None = 0
    input_uncached_tokens: _Count | None = None
    input_cache_write_tokens: _Count | None = None
    input_cache_write_30m_tokens: _Count | None = None
    input_cache_write_12h_tokens: _Count | None = None
    input_audio_tokens: _Count | None = 0
    input_cached_audio_tokens: _Count | None = 0
    output_audio_tokens: _Count | None = 0
    model: str | None = None
    service_tier: str | None = None
    batch: bool | None = None
    api_key_id: str | None = None
    project_id: str | None = None
    user_id: str | None = None
    user_email: str | None = None

    @property
    def usage(self) -> Usage:
        """In disjoint buckets: what is uncached, neither written nor audio, is input."""
        cached = self.input_cached_tokens or 0
        written = self.input_cache_write_tokens
        long = self.input_cache_write_12h_tokens or 0
        if written is None:
            written = (self.input_cache_write_30m_tokens or 0) + long
        audio = (self.input_audio_tokens or 0) - (self.input_cached_audio_tokens or 0)
        left = self.input_tokens - cached - written - audio
        if left < 0 or written < long:
            raise ValueError(f"{self.input_tokens} input tokens are fewer than their parts")
        out_audio = self.output_audio_tokens or 0
        return Usage(
            input=left,
            cache_read=cached,
            cache_write_5m=written - long,
            cache_write_1h=long,
            output=self.output_tokens - out_audio,
            audio_input=audio,
            audio_output=out_audio,
        )

    @property
    def variant(self) -> str:
        """The price book's name of the tier; empty when the report was grouped by none."""
        if self.batch:
            return "batch"
        if self.service_tier is None:
            return "" if self.batch is None else STANDARD
        return STANDARD if self.service_tier in _USUAL_TIERS else self.service_tier


class _Amount(msgspec.Struct):
    value: Decimal | None = None
    currency: str | None = "usd"


class _Cost(msgspec.Struct):
    amount: _Amount
    line_item: str | None = None
    project_id: str | None = None
    api_key_id: str | None = None
    user_email: str | None = None


class OpenAIUsage:
    """Usage of completions and responses, by minute, hour or day."""

    name = "openai-usage"
    title = "OpenAI's usage report"

    def read(self, data: bytes, name: str) -> Found:
        """Read pages of `usage/completions`."""
        pages = Pages(data, name)
        return Found(totals=grouped(self._totals(pages)), broken=pages.broken)

    def _totals(self, pages: Pages) -> Iterator[UsageTotal]:
        for starts_us, ends_us, part in _results(pages):
            used = pages.read(part, _Used)
            if used is None:
                continue
            try:
                usage = used.usage
            except ValueError as problem:
                pages.tell(part, str(problem))
                continue
            yield UsageTotal(
                source=self.name,
                catalog=CATALOG,
                starts_us=starts_us,
                ends_us=ends_us,
                model=used.model or "",
                variant=used.variant,
                person=used.user_email or used.user_id or "",
                api_key=used.api_key_id or "",
                project=used.project_id or "",
                requests=used.num_model_requests,
                usage=usage,
            )


class OpenAICosts:
    """What OpenAI bills, by day and line of the bill ("gpt-5, input")."""

    name = "openai-costs"
    title = "OpenAI's costs"

    def read(self, data: bytes, name: str) -> Found:
        """Read pages of `costs`."""
        pages = Pages(data, name)
        return Found(totals=grouped(self._totals(pages)), broken=pages.broken)

    def _totals(self, pages: Pages) -> Iterator[UsageTotal]:
        for starts_us, ends_us, part in _results(pages):
            cost = pages.read(part, _Cost)
            if cost is None:
                continue
            if (cost.amount.currency or "usd").lower() != "usd":
                pages.tell(part, f"its currency is {cost.amount.currency}")
                continue
            try:
                nanos = nanos_of(cost.amount.value or Decimal(0))
            except ValueError as problem:
                pages.tell(part, str(problem))
                continue
            yield UsageTotal(
                source=self.name,
                catalog=CATALOG,
                starts_us=starts_us,
                ends_us=ends_us,
                model=_model_of(cost.line_item or ""),
                item=cost.line_item or "",
                person=cost.user_email or "",
                api_key=cost.api_key_id or "",
                project=cost.project_id or "",
                cost_nanos=nanos,
            )


def _results(pages: Pages) -> Iterator[tuple[int, int, Entry]]:
    """The results of all buckets with their bounds, microseconds UTC."""
    for entry in pages.entries():
        bucket = pages.read(entry, Bucket)
        if bucket is None:
            continue
        if bucket.start_time is None or bucket.end_time is None or bucket.end_time <= bucket.start_time:
            pages.tell(entry, "it has no time")
            continue
        starts_us, ends_us = bucket.start_time * US_PER_SECOND, bucket.end_time * US_PER_SECOND
        for part in pages.parts(entry, bucket.results):
            yield starts_us, ends_us, part


def _model_of(line_item: str) -> str:
    """The model of a line of the bill: what is before the comma. Other lines ("web search") have none."""
    model, comma, _ = line_item.partition(",")
    return model.strip() if comma else ""
