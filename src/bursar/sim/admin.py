"""What the simulated providers report of an organisation: usage and costs by hour or day, from their own bill.

Paged as the real Admin APIs are: so many spans of time to a page, and the name of the next one. An admin key is asked
for, which is one with "admin" in it. Requests meet those faults of the settings that turn a call away: 429, 500.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any, NamedTuple

import msgspec

from bursar.money import usd
from bursar.sim.bill import Bill, Line
from bursar.sim.call import WireError
from bursar.sim.prices import MODELS
from bursar.usage import Usage

WIDTHS_S = {"1h": 3_600, "1d": 86_400}
DAYS, MOST_DAYS = 7, 31
HOURS, MOST_HOURS = 24, 168
NEXT = "page_"


class Asked(NamedTuple):
    """What a request asks for: spans of time of a width in seconds, from the first on, some to a page."""

    since_s: int
    until_s: int
    width_s: int
    limit: int
    page: int
    groups: frozenset[str]


class Span(NamedTuple):
    """A span of time, and the bill's lines in it."""

    starts_s: int
    ends_s: int
    lines: list[Line]


Query = Sequence[tuple[str, str]]


def is_admin(path: str) -> bool:
    """Whether a path is one of these reports."""
    return path in REPORTS


def report(path: str, query: Query, key: str, bill: Bill) -> dict[str, Any]:
    """A page of a report. Raises WireError for a request that is not right."""
    if "admin" not in key:
        raise WireError(401, "This report needs an admin API key.")
    return REPORTS[path](query, bill)


# --- Anthropic ------------------------------------------------------------------------------------------------


def _messages(query: Query, bill: Bill) -> dict[str, Any]:
    asked = _asked_anthropic(query)
    return _page(asked, [_bucket(span, _usage_rows(span.lines, asked)) for span in _spans(asked, bill, "anthropic")])


def _cost(query: Query, bill: Bill) -> dict[str, Any]:
    asked = _asked_anthropic(query)
    return _page(asked, [_bucket(span, _cost_rows(span.lines, asked)) for span in _spans(asked, bill, "anthropic")])


def _claude_code(query: Query, bill: Bill) -> dict[str, Any]:
    """Nobody has signed in to Claude Code with an account of this organisation."""
    _instant(dict(query).get("starting_at", ""), "starting_at")
    return {"data": [], "has_more": False, "next_page": None}


def _usage_rows(lines: Iterable[Line], asked: Asked) -> list[dict[str, Any]]:
    rows = []
    for (key, model, tier), group in _grouped(lines, asked, ("api_key_id", "model", "service_tier")).items():
        used = _sum(line.usage for line in group)
        rows.append(
            {
                "uncached_input_tokens": used.input,
                "cache_creation": {
                    "ephemeral_1h_input_tokens": used.cache_write_1h,
                    "ephemeral_5m_input_tokens": used.cache_write_5m,
                },
                "cache_read_input_tokens": used.cache_read,
                "output_tokens": used.output,
                "server_tool_use": {"web_search_requests": used.web_searches},
                "api_key_id": key,
                "workspace_id": None,
                "model": model,
                "service_tier": tier,
                "context_window": None,
            }
        )
    return rows


def _cost_rows(lines: Iterable[Line], asked: Asked) -> list[dict[str, Any]]:
    """Amounts in cents, as texts."""
    by = asked.groups | ({"model"} if "description" in asked.groups else set())
    rows = []
    for (model,), group in _grouped(lines, asked._replace(groups=frozenset(by)), ("model",)).items():
        nanos = sum(line.cost_nanos for line in group)
        rows.append(
            {
                "currency": "USD",
                "amount": usd(nanos * 100),
                "workspace_id": None,
                "description": None if model is None else f"{MODELS[group[0].model].title} Usage",
                "cost_type": None if model is None else "tokens",
                "context_window": None,
                "model": model,
                "service_tier": None if model is None else "standard",
                "token_type": None,
            }
        )
    return rows


def _asked_anthropic(query: Query) -> Asked:
    told = dict(query)
    width = told.get("bucket_width", "1d")
    if width not in WIDTHS_S:
        raise WireError(400, f"bucket_width: {width} is not known")
    since_s = _instant(told.get("starting_at", ""), "starting_at")
    until = told.get("ending_at")
    until_s = int(time.time()) if until is None else _instant(until, "ending_at")
    groups = [value for name, value in query if name == "group_by[]"]
    return _asked(told, since_s, until_s, width, groups)


def _instant(text: str, field: str) -> int:
    try:
        read = datetime.fromisoformat(text)
    except ValueError:
        raise WireError(400, f"{field}: invalid datetime format", param=field) from None
    return int(read.replace(tzinfo=read.tzinfo or UTC).timestamp())


def _bucket(span: Span, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"starting_at": _written(span.starts_s), "ending_at": _written(span.ends_s), "results": rows}


def _written(instant_s: int) -> str:
    return f"{datetime.fromtimestamp(instant_s, UTC):%Y-%m-%dT%H:%M:%SZ}"


# --- OpenAI ---------------------------------------------------------------------------------------------------


def _completions(query: Query, bill: Bill) -> dict[str, Any]:
    asked = _asked_openai(query)
    spans = _spans(asked, bill, "openai")
    return {
        "object": "page",
        **_page(asked, [_of_openai(span, _completion_rows(span.lines, asked)) for span in spans]),
    }


def _costs(query: Query, bill: Bill) -> dict[str, Any]:
    asked = _asked_openai(query)
    spans = _spans(asked, bill, "openai")
    return {"object": "page", **_page(asked, [_of_openai(span, _line_items(span.lines, asked)) for span in spans])}


def _completion_rows(lines: Iterable[Line], asked: Asked) -> list[dict[str, Any]]:
    rows = []
    for (key, model, tier), group in _grouped(lines, asked, ("api_key_id", "model", "service_tier")).items():
        used = _sum(line.usage for line in group)
        written = used.cache_write_5m + used.cache_write_1h
        rows.append(
            {
                "object": "organization.usage.completions.result",
                "input_tokens": used.total_input,
                "output_tokens": used.output + used.audio_output,
                "input_cached_tokens": used.cache_read,
                "input_uncached_tokens": used.input,
                "input_cache_write_tokens": written,
                "input_audio_tokens": used.audio_input,
                "output_audio_tokens": used.audio_output,
                "num_model_requests": len(group),
                "project_id": None,
                "user_id": None,
                "api_key_id": key,
                "model": model,
                "batch": None,
                "service_tier": "default" if tier == "standard" else tier,
            }
        )
    return rows


def _line_items(lines: Iterable[Line], asked: Asked) -> list[dict[str, Any]]:
    """Amounts in dollars, as numbers."""
    by = asked.groups | ({"model"} if "line_item" in asked.groups else set())
    return [
        {
            "object": "organization.costs.result",
            "amount": {
                "value": msgspec.Raw(usd(sum(line.cost_nanos for line in group)).encode()),
                "currency": "usd",
            },
            "line_item": None if model is None else f"{model}, tokens",
            "project_id": None,
            "api_key_id": key,
        }
        for (key, model), group in _grouped(
            lines, asked._replace(groups=frozenset(by)), ("api_key_id", "model")
        ).items()
    ]


def _asked_openai(query: Query) -> Asked:
    told = dict(query)
    width = told.get("bucket_width", "1d")
    if width not in WIDTHS_S:
        raise WireError(400, f"bucket_width {width} is not known", param="bucket_width")
    try:
        since_s = int(told["start_time"])
        until_s = int(told.get("end_time", time.time()))
    except (KeyError, ValueError):
        raise WireError(400, "start_time must be Unix seconds", param="start_time") from None
    groups = [value for name, value in query if name in {"group_by", "group_by[]"}]
    return _asked(told, since_s, until_s, width, groups)


def _of_openai(span: Span, rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"object": "bucket", "start_time": span.starts_s, "end_time": span.ends_s, "results": rows}


# --- both -----------------------------------------------------------------------------------------------------


def _asked(told: dict[str, str], since_s: int, until_s: int, width: str, groups: Iterable[str]) -> Asked:
    usual, most = (HOURS, MOST_HOURS) if width == "1h" else (DAYS, MOST_DAYS)
    try:
        limit = int(told.get("limit", usual))
        page = int(told.get("page", NEXT + "0").removeprefix(NEXT))
    except ValueError:
        raise WireError(400, "limit and page must be what they were", param="page") from None
    if not 1 <= limit <= most or page < 0:
        raise WireError(400, f"limit must be from 1 to {most}", param="limit")
    width_s = WIDTHS_S[width]
    return Asked(since_s - since_s % width_s, until_s, width_s, limit, page, frozenset(groups))


def _spans(asked: Asked, bill: Bill, wire: str) -> list[Span]:
    """The spans of a page: those that have begun, each with the lines of one provider."""
    first_s = asked.since_s + asked.page * asked.limit * asked.width_s
    starts = list(range(first_s, asked.until_s, asked.width_s))[: asked.limit]
    spans = {start: Span(start, start + asked.width_s, []) for start in starts}
    for line in bill.lines():
        at = int(line.at)
        span = spans.get(at - at % asked.width_s)
        if span is not None and MODELS[line.model].wire == wire:
            span.lines.append(line)
    return list(spans.values())


def _page(asked: Asked, buckets: list[dict[str, Any]]) -> dict[str, Any]:
    shown_to_s = asked.since_s + (asked.page + 1) * asked.limit * asked.width_s
    more = shown_to_s < asked.until_s
    return {"data": buckets, "has_more": more, "next_page": f"{NEXT}{asked.page + 1}" if more else None}


def _grouped(lines: Iterable[Line], asked: Asked, names: Sequence[str]) -> dict[tuple[str | None, ...], list[Line]]:
    """Lines by what is asked for; what is not asked for is None."""
    found: dict[tuple[str | None, ...], list[Line]] = {}
    for line in lines:
        values = {
            "api_key_id": f"apikey_{sha256(line.key.encode()).hexdigest()[:16]}",
            "model": MODELS[line.model].snapshot,
            "service_tier": line.variant if line.variant in {"flex", "priority", "batch"} else "standard",
        }
        place = tuple(values[name] if name in asked.groups else None for name in names)
        found.setdefault(place, []).append(line)
    return found


def _sum(used: Iterable[Usage]) -> Usage:
    counts = [msgspec.structs.astuple(one) for one in used]
    return Usage(*(sum(column) for column in zip(*counts, strict=True)))


REPORTS: dict[str, Callable[[Query, Bill], dict[str, Any]]] = {
    "/v1/organizations/usage_report/messages": _messages,
    "/v1/organizations/usage_report/claude_code": _claude_code,
    "/v1/organizations/cost_report": _cost,
    "/v1/organization/usage/completions": _completions,
    "/v1/organization/costs": _costs,
}
