"""A slow and simple reader of each kind of report, by rules of its own: what the importers must agree with exactly.

What is told twice counts once: of a day that two reports tell of the larger one. Each amount is rounded up.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from tests.unit.importers.nasty import Planted
from tests.unit.importers.simple_calls import moment, nanos, objects, rows, whole

Place = tuple[str, str, str]
Sums = dict[Place, Counter[str]]
"""Tokens by kind, requests and costs, by day, model and person."""


def add(sums: defaultdict[Any, Counter[str]], place: Any, **counts: int) -> None:
    """Add what a row tells."""
    sums[place].update({name: count for name, count in counts.items() if count})


def merged(files: Iterable[dict[Any, Counter[str]]]) -> Sums:
    """What several tell of the same, whose names begin with day, model and person: the one that tells most."""
    best: dict[Any, Counter[str]] = {}
    for file in files:
        for place, counts in file.items():
            if place not in best or _size(counts) > _size(best[place]):
                best[place] = counts
    sums: Sums = {}
    for place, counts in best.items():
        sums.setdefault(place[:3], Counter()).update(counts)
    return {place: Counter({name: n for name, n in counts.items() if n}) for place, counts in sums.items()}


def _size(counts: Counter[str]) -> tuple[int, int, int, int]:
    tokens = sum(count for name, count in counts.items() if name not in {"cost", "requests", "web_searches"})
    return tokens, counts["requests"], counts["web_searches"], counts["cost"]


def day_of(text: str) -> str:
    """A day as GitHub and spreadsheets write it."""
    month, _, day_year = text.partition("/")
    if not day_year:
        return text[:10]
    day, _, year = day_year.partition("/")
    return f"20{year[-2:]}-{int(month):02d}-{int(day):02d}"


def copilot(files: Iterable[Planted]) -> Sums:
    """By day, model, person, kind of charge and place in the company; premium requests are counted."""
    read = []
    for file in files:
        sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
        for row in rows(file):
            place = (
                day_of(row["date"]),
                row["model"],
                row["username"],
                row["sku"],
                row["organization"],
                row["cost_center_name"],
            )
            add(
                sums,
                place,
                requests=whole(row["quantity"]) if row["unit_type"] == "requests" else 0,
                input=whole(row["input"]),
                output=whole(row["output"]),
                cache_read=whole(row["cache_read"]),
                cache_write_5m=whole(row["cache_write"]),
                cost=nanos(row["net_amount"]),
            )
        read.append(sums)
    return merged(read)


UNITS = {"tokens": 1, "1k tokens": 1_000, "1,000 tokens": 1_000, "1m tokens": 10**6, "million tokens": 10**6}
METERS = {"cache read": "cache_read", "cache write": "cache_write_5m", "output": "output", "input": "input"}


def focus(files: Iterable[Planted]) -> Sums:
    """In dollars only. A correction takes back money, and no tokens."""
    read = []
    for file in files:
        sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
        for row in rows(file):
            tags = json.loads(row["tags"] or "{}")
            details = json.loads(row["skupricedetails"] or "{}")
            counts = {"cost": nanos(row["billedcost"])}
            scale = UNITS.get(row["consumedunit"].lower())
            if scale is not None and row["skumeter"]:
                kind = next(kind for words, kind in METERS.items() if words in row["skumeter"].lower())
                quantity = row["consumedquantity"]
                counts[kind] = 0 if quantity.startswith("-") else whole_of(quantity, scale)
            start, end = moment(row["chargeperiodstart"]), moment(row["chargeperiodend"])
            place = start.date().isoformat(), details.get("model") or tags.get("model") or "", tags.get("user") or ""
            what = (start, end, row["chargecategory"], row["chargeclass"], row["skumeter"], row["subaccountname"])
            add(sums, (*place, *what), **counts)
        read.append(sums)
    return merged(read)


def whole_of(quantity: str, scale: int) -> int:
    """So many units of so many."""
    return nanos(quantity) * scale // 10**9


def anthropic_usage(files: Iterable[Planted]) -> Sums:
    """Each bucket's results added up by everything that they are told apart by."""
    read = []
    for bucket in (bucket for file in files for bucket in objects(file)):
        sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
        for told in bucket["results"]:
            names = ("api_key_id", "workspace_id", "service_tier", "context_window", "inference_geo")
            place = bucket["starting_at"][:10], told["model"] or "", told["account_id"] or ""
            add(
                sums,
                (*place, bucket["starting_at"], *(told[name] for name in names)),
                input=told["uncached_input_tokens"],
                output=told["output_tokens"],
                cache_read=told["cache_read_input_tokens"],
                cache_write_5m=(told["cache_creation"] or {}).get("ephemeral_5m_input_tokens", 0),
                cache_write_1h=(told["cache_creation"] or {}).get("ephemeral_1h_input_tokens", 0),
                web_searches=(told["server_tool_use"] or {}).get("web_search_requests") or 0,
            )
        read.append(sums)
    return merged(read)


def anthropic_cost(files: Iterable[Planted]) -> Sums:
    """Cents."""
    read = []
    for bucket in (bucket for file in files for bucket in objects(file)):
        sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
        for told in bucket["results"]:
            place = bucket["starting_at"][:10], told["model"] or "", ""
            cents = nanos(f"{told['amount']}e-2") if isinstance(told["amount"], str) else nanos(told["amount"] / 100)
            add(sums, (*place, told["description"], told["token_type"], told["workspace_id"]), cost=cents)
        read.append(sums)
    return merged(read)


def anthropic_claude_code(files: Iterable[Planted]) -> Sums:
    """By person and terminal; the same again counts once."""
    best: dict[Any, tuple[int, Any]] = {}
    for entry in (entry for file in files for entry in objects(file)):
        who = tuple(entry["actor"].values())
        tokens = sum(sum(used["tokens"].values()) for used in entry["model_breakdown"])
        name = (entry["date"], who, entry["customer_type"], entry["subscription_type"], entry["terminal_type"])
        if name not in best or tokens > best[name][0]:
            best[name] = tokens, entry
    sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
    for _, entry in best.values():
        for used in entry["model_breakdown"]:
            tokens = used["tokens"]
            add(
                sums,
                (entry["date"][:10], used["model"], entry["actor"].get("email_address", "")),
                input=tokens["input"],
                output=tokens["output"],
                cache_read=tokens["cache_read"],
                cache_write_5m=tokens["cache_creation"],
                cost=nanos(used["estimated_cost"]["amount"] / 100) if used["estimated_cost"] else 0,
            )
    return merged([sums])


def openai_usage(files: Iterable[Planted]) -> Sums:
    """What is neither cached, written nor audio is input."""
    read = []
    for bucket in (bucket for file in files for bucket in objects(file)):
        sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
        for told in bucket["results"]:
            names = ("api_key_id", "project_id", "service_tier", "batch")
            place = _day(bucket), told["model"] or "", told["user_id"] or ""
            add(
                sums,
                (*place, *(told[name] for name in names)),
                input=told["input_uncached_tokens"],
                cache_read=told["input_cached_tokens"],
                cache_write_5m=told["input_cache_write_tokens"],
                audio_input=told["input_audio_tokens"],
                output=told["output_tokens"] - told["output_audio_tokens"],
                audio_output=told["output_audio_tokens"],
                requests=told["num_model_requests"],
            )
        read.append(sums)
    return merged(read)


def openai_costs(files: Iterable[Planted]) -> Sums:
    """Dollars; the model of a line of the bill stands before its comma."""
    read = []
    for bucket in (bucket for file in files for bucket in objects(file)):
        sums: defaultdict[Any, Counter[str]] = defaultdict(Counter)
        for told in bucket["results"]:
            item = told["line_item"] or ""
            place = _day(bucket), item.split(",")[0] if "," in item else "", ""
            add(sums, (*place, item, told["project_id"]), cost=nanos(told["amount"]["value"] or 0))
        read.append(sums)
    return merged(read)


def _day(bucket: Any) -> str:
    return datetime.fromtimestamp(bucket["start_time"], UTC).date().isoformat()
