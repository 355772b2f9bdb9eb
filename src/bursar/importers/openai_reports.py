"""OpenAI's reports of an organisation: usage of completions, costs.

Files are pages as the Admin API answers with them (`GET /v1/organization/usage/completions`, `…/costs`). Input has
what was read from and written to the cache in it, and audio; the three are told apart where the report does.
"""

from __future__ import annotations

from decimal import Decimal

import msgspec

from bursar.importers.buckets import BucketReport, Count, in_dollars
from bursar.importers.record import STANDARD
from bursar.importers.totals import UsageTotal, nanos_of
from bursar.usage import Usage

CATALOG = "openai"
_USUAL_TIERS = frozenset({"default", "standard", "auto"})


class _Used(msgspec.Struct):
    """A result of `usage/completions`."""

    input_tokens: Count
    output_tokens: Count
    num_model_requests: Count | None = None
    input_cached_tokens: Count | None = 0
    input_uncached_tokens: Count | None = None
    input_cache_write_tokens: Count | None = None
    input_cache_write_30m_tokens: Count | None = None
    input_cache_write_12h_tokens: Count | None = None
    input_audio_tokens: Count | None = 0
    input_cached_audio_tokens: Count | None = 0
    output_audio_tokens: Count | None = 0
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


class OpenAIUsage(BucketReport[_Used]):
    """Usage of completions and responses, by minute, hour or day."""

    name = "openai-usage"
    title = "OpenAI's usage report"
    kind = _Used

    def total(self, told: _Used, starts_us: int, ends_us: int) -> UsageTotal:
        """A result of `usage/completions`."""
        return UsageTotal(
            source=self.name,
            catalog=CATALOG,
            starts_us=starts_us,
            ends_us=ends_us,
            model=told.model or "",
            variant=told.variant,
            person=told.user_email or told.user_id or "",
            api_key=told.api_key_id or "",
            project=told.project_id or "",
            requests=told.num_model_requests,
            usage=told.usage,
        )


class OpenAICosts(BucketReport[_Cost]):
    """What OpenAI bills, by day and line of the bill ("gpt-5, input")."""

    name = "openai-costs"
    title = "OpenAI's costs"
    kind = _Cost

    def total(self, told: _Cost, starts_us: int, ends_us: int) -> UsageTotal:
        """A result of `costs`."""
        in_dollars(told.amount.currency)
        item = told.line_item or ""
        return UsageTotal(
            source=self.name,
            catalog=CATALOG,
            starts_us=starts_us,
            ends_us=ends_us,
            model=_model_of(item),
            item=item,
            person=told.user_email or "",
            api_key=told.api_key_id or "",
            project=told.project_id or "",
            cost_nanos=nanos_of(told.amount.value or Decimal(0)),
        )


def _model_of(line_item: str) -> str:
    """The model of a line of the bill: what is before the comma. Other lines ("web search") have none."""
    model, comma, _ = line_item.partition(",")
    return model.strip() if comma else ""
