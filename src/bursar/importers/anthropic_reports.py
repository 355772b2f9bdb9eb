"""Anthropic's reports of an organisation: usage of messages, costs, Claude Code per person and day.

Files are pages as the Admin API answers with them (`GET /v1/organizations/usage_report/messages`, `…/cost_report`,
`…/usage_report/claude_code`). Amounts are texts in cents. The cost report leaves the priority tier out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Annotated

import msgspec

from bursar.importers.instants import read_us
from bursar.importers.pages import Bucket, Entry, Pages
from bursar.importers.record import STANDARD
from bursar.importers.totals import Found, UsageTotal, grouped, nanos_of
from bursar.periods import US_PER_SECOND
from bursar.usage import Usage

CATALOG = "anthropic"
DAY_US = 86_400 * US_PER_SECOND
_USUAL = frozenset({None, "", "standard", "global", "not_available"})
_SHORT = "0-200k"
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Written(msgspec.Struct):
    ephemeral_5m_input_tokens: _Count = 0
    ephemeral_1h_input_tokens: _Count = 0


class _Tools(msgspec.Struct):
    web_search_requests: _Count | None = 0


class _Used(msgspec.Struct):
    """A result of the usage report. What was written to the cache comes inside, or in fields of its own."""

    uncached_input_tokens: _Count
    output_tokens: _Count
    cache_read_input_tokens: _Count = 0
    cache_creation: _Written | None = None
    server_tool_use: _Tools | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    speed: str | None = None
    api_key_id: str | None = None
    workspace_id: str | None = None
    account_id: str | None = None
    service_account_id: str | None = None

    @property
    def usage(self) -> Usage:
        written = self.cache_creation or _Written()
        searches = (self.server_tool_use.web_search_requests or 0) if self.server_tool_use else 0
        return Usage(
            input=self.uncached_input_tokens,
            cache_read=self.cache_read_input_tokens,
            cache_write_5m=written.ephemeral_5m_input_tokens,
            cache_write_1h=written.ephemeral_1h_input_tokens,
            output=self.output_tokens,
            web_searches=searches,
        )


class _Cost(msgspec.Struct):
    amount: Decimal
    currency: str = "USD"
    description: str | None = None
    model: str | None = None
    service_tier: str | None = None
    context_window: str | None = None
    inference_geo: str | None = None
    cost_type: str | None = None
    token_type: str | None = None
    workspace_id: str | None = None


class _Actor(msgspec.Struct):
    type: str = ""
    email_address: str | None = None
    api_key_name: str | None = None


class _Tokens(msgspec.Struct):
    input: _Count = 0
    output: _Count = 0
    cache_read: _Count = 0
    cache_creation: _Count = 0


class _Estimate(msgspec.Struct):
    amount: Decimal = Decimal(0)
    currency: str = "USD"


class _Model(msgspec.Struct):
    model: str
    tokens: _Tokens = msgspec.field(default_factory=_Tokens)
    estimated_cost: _Estimate | None = None


class _Person(msgspec.Struct):
    """What one person, or key, did with Claude Code on a day, on one kind of terminal."""

    date: str
    actor: _Actor
    model_breakdown: list[_Model]
    customer_type: str | None = None
    terminal_type: str | None = None


class AnthropicUsage:
    """Usage of messages, by hour or day."""

    name = "anthropic-usage"
    title = "Anthropic's usage report"

    def read(self, data: bytes, name: str) -> Found:
        """Read pages of `usage_report/messages`."""
        pages = Pages(data, name)
        return Found(totals=grouped(_each(pages, self._totals)), broken=pages.broken)

    def _totals(self, pages: Pages, entry: Entry) -> Iterator[UsageTotal]:
        for starts_us, ends_us, part in _results(pages, entry):
            used = pages.read(part, _Used)
            if used is not None:
                yield UsageTotal(
                    source=self.name,
                    catalog=CATALOG,
                    starts_us=starts_us,
                    ends_us=ends_us,
                    model=used.model or "",
                    variant=_variant(used.inference_geo, used.service_tier, used.speed),
                    item="" if used.context_window in {None, _SHORT} else str(used.context_window),
                    person=used.account_id or used.service_account_id or "",
                    api_key=used.api_key_id or "",
                    project=used.workspace_id or "",
                    usage=used.usage,
                )


class AnthropicCost:
    """What Anthropic bills, by day; not what the priority tier costs."""

    name = "anthropic-cost"
    title = "Anthropic's cost report"

    def read(self, data: bytes, name: str) -> Found:
        """Read pages of `cost_report`."""
        pages = Pages(data, name)
        return Found(totals=grouped(_each(pages, self._totals)), broken=pages.broken)

    def _totals(self, pages: Pages, entry: Entry) -> Iterator[UsageTotal]:
        for starts_us, ends_us, part in _results(pages, entry):
            cost = pages.read(part, _Cost)
            if cost is None:
                continue
            if cost.currency.upper() != "USD":
                pages.tell(part, f"its currency is {cost.currency}")
                continue
            yield UsageTotal(
                source=self.name,
                catalog=CATALOG,
                starts_us=starts_us,
                ends_us=ends_us,
                model=cost.model or "",
                variant=_variant(cost.inference_geo, cost.service_tier, None),
                item=" ".join(
                    part for part in (cost.description, cost.cost_type, cost.token_type, cost.context_window) if part
                ),
                project=cost.workspace_id or "",
                cost_nanos=nanos_of(cost.amount / 100),
            )


class AnthropicClaudeCode:
    """What people used Claude Code for, by person and day, with an estimate of its cost."""

    name = "anthropic-claude-code"
    title = "Anthropic's report of Claude Code"

    def read(self, data: bytes, name: str) -> Found:
        """Read pages of `usage_report/claude_code`."""
        pages = Pages(data, name)
        return Found(totals=grouped(_each(pages, self._totals)), broken=pages.broken)

    def _totals(self, pages: Pages, entry: Entry) -> Iterator[UsageTotal]:
        person = pages.read(entry, _Person)
        if person is None:
            return
        starts_us = read_us(person.date)
        starts_us -= starts_us % DAY_US
        for used in person.model_breakdown:
            estimate = used.estimated_cost
            yield UsageTotal(
                source=self.name,
                catalog=CATALOG,
                starts_us=starts_us,
                ends_us=starts_us + DAY_US,
                model=used.model,
                item=" ".join(part for part in (person.customer_type, person.terminal_type) if part),
                person=person.actor.email_address or "",
                api_key=person.actor.api_key_name or "",
                usage=Usage(
                    input=used.tokens.input,
                    cache_read=used.tokens.cache_read,
                    cache_write_5m=used.tokens.cache_creation,
                    output=used.tokens.output,
                ),
                cost_nanos=None if estimate is None else nanos_of(estimate.amount / 100),
            )


def _each(pages: Pages, totals: Callable[[Pages, Entry], Iterator[UsageTotal]]) -> Iterator[UsageTotal]:
    """The totals of all entries; an entry whose numbers or times make no sense is told as broken."""
    for entry in pages.entries():
        try:
            yield from list(totals(pages, entry))
        except ValueError as problem:
            pages.tell(entry, str(problem))


def _results(pages: Pages, entry: Entry) -> Iterator[tuple[int, int, Entry]]:
    """The results of a bucket with its bounds, microseconds UTC."""
    bucket = pages.read(entry, Bucket)
    if bucket is not None:
        starts_us, ends_us = read_us(bucket.starting_at or ""), read_us(bucket.ending_at or "")
        if ends_us <= starts_us:
            raise ValueError("it ends before it begins")
        for part in pages.parts(entry, bucket.results):
            yield starts_us, ends_us, part


def _variant(geo: str | None, tier: str | None, speed: str | None) -> str:
    """The price book's name: what differs from the standard, by the fields' names in alphabetical order."""
    if geo is None and tier is None and speed is None:
        return ""
    return "+".join(part for part in (geo, tier, speed) if part and part not in _USUAL) or STANDARD
