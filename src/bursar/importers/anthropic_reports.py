"""Anthropic's reports of an organisation: usage of messages, costs, Claude Code per person and day.

Files are pages as the Admin API answers with them (`GET /v1/organizations/usage_report/messages`, `…/cost_report`,
`…/usage_report/claude_code`). Amounts are texts in cents. The cost report leaves the priority tier out.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

import msgspec

from bursar.importers.buckets import BucketReport, Count, in_dollars
from bursar.importers.instants import read_us
from bursar.importers.pages import Pages
from bursar.importers.record import STANDARD
from bursar.importers.totals import Found, UsageTotal, grouped, nanos_of, sound
from bursar.money import NANOS_PER_USD
from bursar.periods import US_PER_SECOND
from bursar.usage import Usage

CATALOG = "anthropic"
CENT_NANOS = NANOS_PER_USD // 100
DAY_US = 86_400 * US_PER_SECOND
_USUAL = frozenset({None, "", "standard", "global", "not_available"})
_SHORT = "0-200k"


class _Written(msgspec.Struct):
    ephemeral_5m_input_tokens: Count = 0
    ephemeral_1h_input_tokens: Count = 0


class _Tools(msgspec.Struct):
    web_search_requests: Count | None = 0


class _Used(msgspec.Struct):
    """A result of the usage report."""

    uncached_input_tokens: Count
    output_tokens: Count
    cache_read_input_tokens: Count = 0
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
    input: Count = 0
    output: Count = 0
    cache_read: Count = 0
    cache_creation: Count = 0


class _Estimate(msgspec.Struct):
    amount: Decimal = Decimal(0)
    currency: str = "USD"


class _Model(msgspec.Struct):
    model: str
    tokens: _Tokens = msgspec.field(default_factory=_Tokens)
    estimated_cost: _Estimate | None = None

    @property
    def usage(self) -> Usage:
        """In buckets; for how long something was written to the cache is not told."""
        used = self.tokens
        return Usage(
            input=used.input, cache_read=used.cache_read, cache_write_5m=used.cache_creation, output=used.output
        )


class _Person(msgspec.Struct):
    """What one person, or key, did with Claude Code on a day, on one kind of terminal."""

    date: str
    actor: _Actor
    model_breakdown: list[_Model]
    organization_id: str | None = None
    customer_type: str | None = None
    subscription_type: str | None = None
    terminal_type: str | None = None

    @property
    def place(self) -> tuple[str | None, ...]:
        """What it is of, in everything that the report tells apart: the same again is the same, told again."""
        who = self.actor.email_address, self.actor.api_key_name
        return self.date, *who, self.organization_id, self.customer_type, self.subscription_type, self.terminal_type

    @property
    def tokens(self) -> int:
        """All that it tells of."""
        return sum(used.usage.total_tokens for used in self.model_breakdown)


class AnthropicUsage(BucketReport[_Used]):
    """Usage of messages, by hour or day."""

    name = "anthropic-usage"
    title = "Anthropic's usage report"
    kind = _Used

    def total(self, told: _Used, starts_us: int, ends_us: int) -> UsageTotal:
        """A result of `usage_report/messages`."""
        return UsageTotal(
            source=self.name,
            catalog=CATALOG,
            starts_us=starts_us,
            ends_us=ends_us,
            model=told.model or "",
            variant=_variant(told.inference_geo, told.service_tier, told.speed),
            item="" if told.context_window in {None, _SHORT} else str(told.context_window),
            person=told.account_id or told.service_account_id or "",
            api_key=told.api_key_id or "",
            project=told.workspace_id or "",
            usage=told.usage,
        )


class AnthropicCost(BucketReport[_Cost]):
    """What Anthropic bills, by day; not what the priority tier costs."""

    name = "anthropic-cost"
    title = "Anthropic's cost report"
    kind = _Cost

    def total(self, told: _Cost, starts_us: int, ends_us: int) -> UsageTotal:
        """A result of `cost_report`."""
        in_dollars(told.currency)
        parts = (told.description, told.cost_type, told.token_type, told.context_window)
        return UsageTotal(
            source=self.name,
            catalog=CATALOG,
            starts_us=starts_us,
            ends_us=ends_us,
            model=told.model or "",
            variant=_variant(told.inference_geo, told.service_tier, None),
            item=" ".join(part for part in parts if part),
            project=told.workspace_id or "",
            cost_nanos=nanos_of(told.amount, CENT_NANOS),
        )


class AnthropicClaudeCode:
    """What people used Claude Code for, by person and day, with an estimate of its cost."""

    name = "anthropic-claude-code"
    title = "Anthropic's report of Claude Code"

    def read(self, data: bytes, name: str) -> Found:
        """Read pages of `usage_report/claude_code`."""
        pages = Pages(data, name)
        people: dict[tuple[str | None, ...], tuple[int, list[UsageTotal]]] = {}
        for entry in pages.entries():
            person = pages.read(entry, _Person)
            if person is None:
                continue
            try:
                told = person.tokens, list(self._totals(person))
            except ValueError as problem:
                pages.tell(entry, str(problem))
                continue
            people[person.place] = max(people.get(person.place, told), told, key=lambda one: one[0])
        return Found(totals=grouped(total for _, told in people.values() for total in told), broken=pages.broken)

    def _totals(self, person: _Person) -> Iterator[UsageTotal]:
        starts_us = read_us(person.date)
        starts_us -= starts_us % DAY_US
        for used in person.model_breakdown:
            estimate = used.estimated_cost
            if estimate is not None:
                in_dollars(estimate.currency)
            yield sound(
                UsageTotal(
                    source=self.name,
                    catalog=CATALOG,
                    starts_us=starts_us,
                    ends_us=starts_us + DAY_US,
                    model=used.model,
                    item=" ".join(part for part in (person.customer_type, person.terminal_type) if part),
                    person=person.actor.email_address or "",
                    api_key=person.actor.api_key_name or "",
                    usage=used.usage,
                    cost_nanos=None if estimate is None else nanos_of(estimate.amount, CENT_NANOS),
                )
            )


def _variant(geo: str | None, tier: str | None, speed: str | None) -> str:
    """The price book's name: what differs from the standard, by the fields' names in alphabetical order."""
    if geo is None and tier is None and speed is None:
        return ""
    return "+".join(part for part in (geo, tier, speed) if part and part not in _USUAL) or STANDARD
