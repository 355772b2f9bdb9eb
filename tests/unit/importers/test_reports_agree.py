"""Reports, as nasty as real ones, beside slow and simple readers: the same to the token and the nano-dollar."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import pytest

from bursar.exports.focus import COLUMNS
from bursar.importers.reports import total_sources
from bursar.importers.totals import largest
from bursar.periods import from_us
from bursar.usage import BUCKETS, TOKEN_BUCKETS
from tests.unit.importers import nasty, simple_reports
from tests.unit.importers.nasty import Cells, Planted
from tests.unit.importers.simple_reports import Sums

SEEDS = range(6)
DAY_S = 86_400
START_S = 1_793_491_200
"""The first of November 2026, in UTC."""
PEOPLE = ("ada@example.com", "bert@example.com", "Zoë", "")


def agree(name: str, files: Sequence[Planted], wanted: Sums) -> None:
    """The importer's totals are the reference's, and what it tells as broken is what was planted."""
    found = [total_sources()[name].read(file.data, f"file {number}") for number, file in enumerate(files)]
    sums: Sums = {}
    for total in largest(total for each in found for total in each.totals):
        counts = {bucket: getattr(total.usage, bucket) for bucket in BUCKETS}
        counts |= {"requests": total.requests or 0, "cost": total.cost_nanos or 0}
        place = from_us(total.starts_us).date().isoformat(), total.model, total.person
        sums.setdefault(place, Counter()).update(counts)
    assert {place: Counter({k: n for k, n in counts.items() if n}) for place, counts in sums.items()} == wanted
    told = [(broken.file, broken.line) for each in found for broken in each.broken]
    assert told == [(f"file {number}", line) for number, file in enumerate(files) for line in file.broken]


def but(**wrong: Any) -> Callable[[Any], Any]:
    """Makes a good one a wrong one."""
    return lambda good: good | wrong


def amount(chance: random.Random) -> str:
    """Dollars as exports have them: nothing, much, with a sign or without, below 0 for a credit."""
    text = f"{chance.choice((0, 7, 1_234, 1_000_000)):,}.{chance.randrange(10**9):09d}"
    if chance.random() < 0.2:
        return "0"
    if chance.random() < 0.2:
        return chance.choice(("-", "-$", "$-")) + text
    return chance.choice(("", "$")) + text


def copilot_row(chance: random.Random, day: int) -> Cells:
    dates = (f"2026-11-{day:02d}", f"11/{day}/26", f"11/{day}/2026", f"2026-11-{day:02d}T00:00:00Z")
    requests = chance.random() < 0.3
    return {
        "date": chance.choice(dates),
        "product": "copilot",
        "sku": "copilot_premium_request" if requests else "copilot_ai_credit",
        "quantity": f"{chance.randrange(5_000):,}",
        "unit_type": "requests" if requests else "ai-credits",
        "gross_amount": "5.00",
        "net_amount": amount(chance),
        "username": f"octo-{chance.randrange(3)}",
        "organization": "acme",
        "repository": "",
        "cost_center_name": chance.choice(("Platform, EMEA", "R&D", "two\nlines")),
        "model": chance.choice(("Claude Sonnet 5", "Auto: GPT-5.5", "Code Review")),
        **{name: f"{chance.randrange(10**6):,}" for name in ("input", "output", "cache_read", "cache_write")},
    }


COPILOT_SPOILS = (
    *(but(date=wrong) for wrong in ("13/40/26", "", "1970-01-01")),
    *(but(net_amount=wrong) for wrong in ("", "1,5", "much", "1e99")),
    but(input="1.5"),
    but(output="-1"),
    but(model="a\x00b"),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_copilot(seed: int) -> None:
    """A month's report, made again a week later: its last days have grown."""
    chance = random.Random(seed)
    kept = [copilot_row(chance, 1 + n // 8) for n in range(72)]
    kept += [row | {"net_amount": "9"} for row in kept]  # so that no day's sum is smaller later
    kept.sort(key=lambda row: simple_reports.day_of(row["date"]))
    files = [nasty.table(chance, shuffled(chance, kept[:share]), COPILOT_SPOILS) for share in (90, 144)]
    agree("copilot", shuffled(chance, files), simple_reports.copilot(files))


def shuffled(chance: random.Random, some: Sequence[Any]) -> list[Any]:
    return chance.sample(some, len(some))


def focus_row(chance: random.Random, day: int) -> Cells:
    tokens = chance.random() < 0.8
    meter, unit = chance.choice(
        (
            ("Input Tokens", "Tokens"),
            ("Output tokens", "1K Tokens"),
            ("Cache Read Input Tokens", "1M tokens"),
            ("Cache Write Input", "1,000 Tokens"),
            ("Output", "Million Tokens"),
        )
    )
    row = {
        "BilledCost": amount(chance),
        "BillingCurrency": chance.choice(("USD", "usd")),
        "ChargePeriodStart": f"2026-11-{day:02d}T00:00:00Z",
        "ChargePeriodEnd": f"2026-11-{day + 1:02d} 01:00:00+01:00",
        "ChargeCategory": "Usage" if tokens else "Credit",
        "ChargeClass": "",
        "ProviderName": chance.choice(("Anthropic", "Amazon Web Services")),
        "ServiceName": "Models",
        "SkuMeter": meter if tokens else "",
        "ConsumedQuantity": str(chance.randrange(10**6)) if tokens else "",
        "ConsumedUnit": unit if tokens else "",
        "SubAccountName": "lab, two\nlines",
        "SkuPriceDetails": chance.choice(("", '{"model": "claude-sonnet-4-5", "nested": {"a": 1}}')),
        "Tags": json.dumps({"user": chance.choice(PEOPLE), "model": "gpt-5", "count": 3, "list": []}),
    }
    if chance.random() < 0.1:
        row |= {"ChargeClass": "Correction", "BilledCost": "-3.5", "ConsumedQuantity": "-12"}
    return row


FOCUS_SPOILS = (
    *(but(BillingCurrency=wrong) for wrong in ("EUR", "JPY", "")),
    *(but(BilledCost=wrong) for wrong in ("", "0,31", "NULL")),
    but(ChargePeriodEnd="2026-10-01T00:00:00Z"),
    but(ChargePeriodStart="01.11.2026"),
    lambda good: good | {"SkuMeter": "Input", "ConsumedUnit": "Tokens", "ConsumedQuantity": "0.5"},
    lambda good: good | {"SkuMeter": "Input", "ConsumedUnit": "Tokens", "ConsumedQuantity": "1e40"},
)


@pytest.mark.parametrize("seed", SEEDS)
def test_focus(seed: int) -> None:
    """A bill with credits, corrections, fees, and charges in money of other countries."""
    chance = random.Random(seed)
    rows = [focus_row(chance, 1 + n // 8) for n in range(80)]
    file = nasty.table(chance, shuffled(chance, rows), FOCUS_SPOILS)
    agree("focus", [file, file], simple_reports.focus([file]))


OWN_BILL = ("Input", "CacheRead", "CacheWrite5m", "CacheWrite1h", "Output", "AudioInput", "AudioOutput")


@pytest.mark.parametrize("seed", SEEDS[:2])
def test_a_bill_of_our_own_and_the_same_when_its_days_have_grown(seed: int) -> None:
    """What `bursar export focus` writes: a column for each kind of tokens, a description that counts calls."""
    chance = random.Random(seed)
    wanted: Sums = {}
    bills: tuple[list[Cells], list[Cells]] = ([], [])
    for day in range(1, 10):
        used = {f"x_{name}Tokens": chance.randrange(10**6) for name in OWN_BILL}
        calls = chance.randrange(1, 90)
        for bill, share in zip(bills, (1, 2), strict=True):
            counts = {name: count * share for name, count in used.items()}
            row = dict.fromkeys(COLUMNS, "") | {name: str(count) for name, count in counts.items()}
            row |= {"BilledCost": f"{day * share}.25", "BillingCurrency": "USD", "ChargeCategory": "Usage"}
            row |= {
                "ChargePeriodStart": f"2026-11-{day:02d}T00:00:00Z",
                "x_Model": "gpt-5",
                "x_Calls": str(calls * share),
            }
            row |= {
                "ChargePeriodEnd": f"2026-11-{day + 1:02d}T00:00:00Z",
                "ProviderName": "openai",
                "x_WebSearches": "0",
            }
            row |= {"ChargeDescription": f"gpt-5 at openai, {calls * share} calls", "ConsumedUnit": "Tokens"}
            bill.append(
                row | {"ConsumedQuantity": f"{sum(counts.values())}.0", "Tags": '{"person": "ada@example.com"}'}
            )
        buckets = {bucket: 2 * count for bucket, count in zip(TOKEN_BUCKETS, used.values(), strict=True) if count}
        costs = {"cost": 2 * day * 10**9 + 250_000_000, "requests": 2 * calls}
        wanted[f"2026-11-{day:02d}", "gpt-5", PEOPLE[0]] = Counter(buckets | costs)
    agree("focus", shuffled(chance, [nasty.table(chance, bill) for bill in bills]), wanted)


def anthropic_used(chance: random.Random, grown: int) -> dict[str, Any]:
    return {
        "uncached_input_tokens": chance.randrange(10**7) + grown,
        "cache_creation": {
            "ephemeral_1h_input_tokens": chance.randrange(10**5),
            "ephemeral_5m_input_tokens": chance.randrange(10**6),
        },
        "cache_read_input_tokens": chance.randrange(10**9),
        "output_tokens": chance.randrange(10**6),
        "server_tool_use": chance.choice(({"web_search_requests": chance.randrange(30)}, None)),
        "api_key_id": "apikey_1",
        "workspace_id": "wrkspc_1",
        "model": f"claude-sonnet-4-5-2025092{chance.randrange(2)}",
        "service_tier": chance.choice(("batch", "priority")),
        "context_window": "200k-1M",
        "inference_geo": chance.choice(("global", "us", "not_available")),
        "account_id": "user_1",
        "service_account_id": None,
        "unknown": "what will be added, some day",
    }


def anthropic_cost(chance: random.Random, grown: int) -> dict[str, Any]:
    return {
        "currency": "USD",
        "amount": f"{chance.randrange(10**6) + grown}.{chance.randrange(10**8):08d}",
        "workspace_id": "wrkspc_1",
        "description": f"Claude Sonnet 4.5 Usage - {chance.choice(('Input', 'Output'))} Tokens",
        "cost_type": "tokens",
        "context_window": "0-200k",
        "model": "claude-sonnet-4-5-20250929",
        "service_tier": "standard",
        "token_type": chance.choice(("uncached_input_tokens", "output_tokens")),
    }


def openai_used(chance: random.Random, grown: int) -> dict[str, Any]:
    uncached, cached, written, audio = (chance.randrange(10**6) + grown for _ in range(4))
    out_audio = chance.randrange(10**4)
    return {
        "object": "organization.usage.completions.result",
        "input_tokens": uncached + cached + written + audio,
        "output_tokens": chance.randrange(10**6) + out_audio,
        "input_cached_tokens": cached,
        "input_uncached_tokens": uncached,
        "input_cache_write_tokens": written,
        "input_audio_tokens": audio,
        "output_audio_tokens": out_audio,
        "num_model_requests": chance.randrange(100) + grown,
        "project_id": "proj_abc",
        "user_id": f"user-{chance.randrange(2)}",
        "api_key_id": "key_1",
        "model": chance.choice(("gpt-5-2025-08-07", "gpt-4.1-mini-2025-04-14")),
        "batch": chance.choice((True, False)),
        "service_tier": chance.choice(("default", "flex", "priority")),
    }


def openai_cost(chance: random.Random, grown: int) -> dict[str, Any]:
    value = chance.choice((0, 12, 0.0600000001, 1.2e-05, chance.randrange(10**6) / 10**4)) + grown
    return {
        "object": "organization.costs.result",
        "amount": {"value": value, "currency": "usd"},
        "line_item": chance.choice(("gpt-5-2025-08-07, input", "gpt-5-2025-08-07, output", "web search calls")),
        "project_id": "proj_abc",
    }


class Kind(NamedTuple):
    result: Callable[[random.Random, int], dict[str, Any]]
    reference: Callable[[Sequence[Planted]], Sums]
    wrong: tuple[dict[str, Any], ...]


KINDS = {
    "anthropic-usage": Kind(
        anthropic_used,
        simple_reports.anthropic_usage,
        ({"output_tokens": -1}, {"output_tokens": 1.5}, {"output_tokens": 10**16}, {"model": "x" * 301}),
    ),
    "anthropic-cost": Kind(
        anthropic_cost,
        simple_reports.anthropic_cost,
        ({"currency": "EUR"}, {"amount": "much"}, {"amount": "1e30"}, {"amount": "NaN"}, {"amount": "sNaN"}),
    ),
    "openai-usage": Kind(
        openai_used,
        simple_reports.openai_usage,
        ({"input_tokens": 3}, {"output_audio_tokens": 10**9}, {"output_tokens": "many"}, {"model": "a\x00"}),
    ),
    "openai-costs": Kind(
        openai_cost,
        simple_reports.openai_costs,
        ({"amount": {"value": 1, "currency": "eur"}}, {"amount": {"value": 1e20}}, {"amount": 5}),
    ),
}


def bucket(name: str, day: int, results: Sequence[Any]) -> dict[str, Any]:
    if name.startswith("anthropic"):
        bounds = {"starting_at": f"2026-11-{day:02d}T00:00:00Z", "ending_at": f"2026-11-{day + 1:02d}T00:00:00Z"}
        return bounds | {"results": list(results)}
    start = START_S + (day - 1) * DAY_S
    return {"object": "bucket", "start_time": start, "end_time": start + DAY_S, "results": list(results)}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", list(KINDS))
def test_pages_of_buckets(name: str, seed: int) -> None:
    """A month fetched twice: empty buckets, a page that was saved twice, a last day that was not over."""
    result, reference, wrong = KINDS[name]

    def fetched(days: int, *, last_grown: int) -> Planted:
        again = random.Random(seed)
        buckets = []
        for day in range(1, days + 1):
            grown = last_grown if day == 6 else 0
            buckets.append(bucket(name, day, [result(again, grown) for _ in range(0 if day % 4 == 0 else 4)]))
        return nasty.objects(
            chance, buckets, "data", [*spoils, but(results=None), but(starting_at="", start_time=None)]
        )

    chance = random.Random(seed)
    bad = [result(chance, 0) | each for each in wrong]
    spoils = [but(results=[each]) for each in bad]
    files = shuffled(chance, [fetched(6, last_grown=0), fetched(10, last_grown=5)])
    agree(name, files, reference(files))


def claude_code_entry(chance: random.Random, number: int, grown: int) -> dict[str, Any]:
    actors = ({"type": "user_actor", "email_address": "ada@example.com"}, {"type": "api_actor", "api_key_name": "ci"})
    models: list[dict[str, Any]] = [
        {
            "model": model,
            "tokens": {name: chance.randrange(10**6) for name in ("input", "output", "cache_read", "cache_creation")},
            "estimated_cost": chance.choice(({"currency": "USD", "amount": chance.randrange(10**5)}, None)),
        }
        for model in ("claude-sonnet-4-5", "claude-opus-4-5")
    ]
    models[0]["tokens"]["input"] += grown
    return {
        "date": f"2026-11-{1 + number // 8:02d}T00:00:00Z",
        "actor": actors[number % 2],
        "organization_id": "dc9f6c26-b22c-4831-8d01-0446bada88f1",
        "customer_type": ("api", "subscription")[number // 2 % 2],
        "subscription_type": (None, "team")[number // 2 % 2],
        "terminal_type": ("vscode", "iTerm.app")[number // 4 % 2],
        "core_metrics": {"num_sessions": 5, "lines_of_code": {"added": 1_543, "removed": 892}},
        "model_breakdown": models,
    }


CLAUDE_CODE_SPOILS = (
    but(date="today"),
    but(actor=None),
    *(
        but(model_breakdown=[{"model": "m", "tokens": {"input": 1}} | wrong])
        for wrong in (
            {"tokens": {"input": -1}},
            {"estimated_cost": {"currency": "EUR", "amount": 5}},
            {"estimated_cost": {"currency": "USD", "amount": "1e40"}},
        )
    ),
)


@pytest.mark.parametrize("seed", SEEDS)
def test_claude_code_by_person(seed: int) -> None:
    """The same days twice, of which the last was not over; within a file the same page twice."""
    chance = random.Random(seed)
    files = []
    for grown in (0, 7):
        again = random.Random(seed)
        entries = [claude_code_entry(again, number, grown if number > 30 else 0) for number in range(40)]
        files.append(nasty.objects(chance, entries, "data", CLAUDE_CODE_SPOILS))
    latest = [files[1]]
    agree("anthropic-claude-code", files, simple_reports.anthropic_claude_code(latest))
