"""LiteLLM's spend logs: rows of its table `LiteLLM_SpendLogs`, as its API answers with them or as a CSV of the table.

`prompt_tokens` includes what came from a cache or went into it; the parts are in the row's metadata. `spend` is what
LiteLLM computed.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from bursar.importers.instants import told_us
from bursar.importers.own import cost, count, text
from bursar.importers.record import STANDARD, UsageRecord
from bursar.importers.sheets import Item, Sheets
from bursar.usage import Usage

NAME = "litellm"
CATALOGS = {"azure": "azure", "bedrock": "aws", "gemini": "google", "vertex_ai": "google", "xai": "x-ai"}
"""The price book's names of providers that LiteLLM calls otherwise."""


def source() -> Sheets:
    """The importer."""
    return Sheets(NAME, "LiteLLM's spend logs", read, "data", ("request_id", "startTime", "model"))


def read(item: Item) -> UsageRecord | None:
    """A record from a row; None for a call that failed, or that LiteLLM answered from its own cache."""
    if item.get("status") == "failure" or str(item.get("cache_hit")).lower() == "true":
        return None
    metadata = _object(item.get("metadata"))
    told = _object(metadata.get("usage_object"))
    into = _object(told.get("prompt_tokens_details"))
    read_tokens = count(into, "cached_tokens") or count(told, "cache_read_input_tokens")
    written = count(told, "cache_creation_input_tokens")
    answer = count(item, "completion_tokens")
    out_of = _object(told.get("completion_tokens_details"))
    provider, _, model = text(item, "model").rpartition("/")
    catalog = item.get("custom_llm_provider") or provider.partition("/")[0] or "openai"
    return UsageRecord(
        NAME,
        text(item, "request_id"),
        told_us(item["startTime"]),
        CATALOGS.get(str(catalog), str(catalog)),
        model,
        Usage(
            input=max(0, count(item, "prompt_tokens") - read_tokens - written),
            cache_read=read_tokens,
            cache_write_5m=written,
            output=answer,
            reasoning=min(count(out_of, "reasoning_tokens"), answer),
        ),
        STANDARD,
        message_id=text(item, "request_id"),
        cost_nanos=cost(item.get("spend")),
        person=str(metadata.get("user_api_key_user_email") or item.get("user") or "") or None,
    )


def _object(value: Any) -> Mapping[str, Any]:
    """An object, which a CSV has as a text of JSON; an empty one for whatever else it is."""
    if isinstance(value, str) and value.startswith("{"):
        value = msgspec.json.decode(value)
    return value if isinstance(value, Mapping) else {}
