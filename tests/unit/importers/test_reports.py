"""Providers' reports, as their Admin APIs and portals write them, beside a slow and simple reader of each."""

from __future__ import annotations

import csv
import io
import json
import random
from collections import Counter
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from bursar.importers.cursor import Cursor
from bursar.importers.reports import total_sources
from bursar.importers.totals import Found, UsageTotal
from bursar.usage import TOKEN_BUCKETS

SOURCES = total_sources()
DAY_S = 86_400
START_S = 1_793_491_200
"""The first of November 2026, in UTC."""
MODELS = ("claude-sonnet-4-5-20250929", "claude-opus-4-5-20251101", None)
GPTS = ("gpt-5-2025-08-07", "gpt-4.1-mini-2025-04-14", None)
Sums = Counter[str]


def summed(found: Found) -> Sums:
    """Tokens by bucket and cost, by model."""
    sums: Sums = Counter()
    for total in found.totals:
        for bucket in (*TOKEN_BUCKETS, "web_searches"):
            sums[f"{total.model}.{bucket}"] += getattr(total.usage, bucket)
        sums[f"{total.model}.cost"] += total.cost_nanos or 0
    return Counter({name: number for name, number in sums.items() if number})


def bucketed(
    results: Callable[[random.Random], dict[str, Any]], chance: random.Random, *, anthropic: bool
) -> list[Any]:
    """Ten days of results."""
    buckets = []
    for day in range(10):
        starts, ends = START_S + day * DAY_S, START_S + (day + 1) * DAY_S
        bounds: dict[str, Any] = {"object": "bucket", "start_time": starts, "end_time": ends}
        if anthropic:
            bounds = {
                "starting_at": f"2026-11-{day + 1:02d}T00:00:00Z",
                "ending_at": f"2026-11-{day + 2:02d}T00:00:00Z",
            }
        buckets.append(bounds | {"results": [results(chance) for _ in range(chance.randrange(5))]})
    return buckets


def anthropic_used(chance: random.Random) -> dict[str, Any]:
    return {
        "uncached_input_tokens": chance.randrange(10**7),
        "cache_creation": {
            "ephemeral_1h_input_tokens": chance.randrange(10**5),
            "ephemeral_5m_input_tokens": chance.randrange(10**6),
        },
        "cache_read_input_tokens": chance.randrange(10**9),
        "output_tokens": chance.randrange(10**6),
        "server_tool_use": {"web_search_requests": chance.randrange(30)},
        "api_key_id": chance.choice(("apikey_01Rj2N8SVvo6BePZj99NhmiT", None)),
        "workspace_id": chance.choice(("wrkspc_01JwQvzr7rXLA5AGx3HKfFUJ", None)),
        "model": chance.choice(MODELS),
        "service_tier": chance.choice(("standard", "batch", "priority")),
        "context_window": chance.choice(("0-200k", "200k-1M")),
        "inference_geo": chance.choice(("global", "us", "not_available")),
        "account_id": None,
        "service_account_id": None,
    }


def anthropic_reference(pages: list[Any]) -> Sums:
    sums: Sums = Counter()
    for result in (result for page in pages for bucket in page["data"] for result in bucket["results"]):
        model = result["model"] or ""
        sums[f"{model}.input"] += result["uncached_input_tokens"]
        sums[f"{model}.cache_write_1h"] += result["cache_creation"]["ephemeral_1h_input_tokens"]
        sums[f"{model}.cache_write_5m"] += result["cache_creation"]["ephemeral_5m_input_tokens"]
        sums[f"{model}.cache_read"] += result["cache_read_input_tokens"]
        sums[f"{model}.output"] += result["output_tokens"]
        sums[f"{model}.web_searches"] += result["server_tool_use"]["web_search_requests"]
    return Counter({name: number for name, number in sums.items() if number})


def openai_used(chance: random.Random) -> dict[str, Any]:
    uncached, cached, written, audio = (chance.randrange(10**6) for _ in range(4))
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
        "num_model_requests": chance.randrange(100),
        "project_id": "proj_abc",
        "user_id": chance.choice(("user-abc", None)),
        "api_key_id": None,
        "model": chance.choice(GPTS),
        "batch": chance.choice((True, False)),
        "service_tier": chance.choice(("default", "flex", "priority")),
    }


def openai_reference(pages: list[Any]) -> Sums:
    sums: Sums = Counter()
    for result in (result for page in pages for bucket in page["data"] for result in bucket["results"]):
        model = result["model"] or ""
        sums[f"{model}.input"] += result["input_uncached_tokens"]
        sums[f"{model}.cache_read"] += result["input_cached_tokens"]
        sums[f"{model}.cache_write_5m"] += result["input_cache_write_tokens"]
        sums[f"{model}.audio_input"] += result["input_audio_tokens"]
        sums[f"{model}.audio_output"] += result["output_audio_tokens"]
        sums[f"{model}.output"] += result["output_tokens"] - result["output_audio_tokens"]
    return Counter({name: number for name, number in sums.items() if number})


KINDS: dict[str, tuple[Callable[[random.Random], dict[str, Any]], Callable[[list[Any]], Sums], bool]] = {
    "anthropic-usage": (anthropic_used, anthropic_reference, True),
    "openai-usage": (openai_used, openai_reference, False),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("name", list(KINDS))
def test_usage_is_what_a_slow_reader_adds_up(name: str, seed: int) -> None:
    results, reference, anthropic = KINDS[name]
    chance = random.Random(seed)
    buckets = bucketed(results, chance, anthropic=anthropic)
    pages = [
        {"data": buckets[:6], "has_more": True, "next_page": "page_1"},
        {"data": buckets[6:], "has_more": False, "next_page": None},
    ]
    wanted = reference(pages)
    one, two = (json.dumps(page, indent=seed or None) for page in pages)
    files = {
        "one after the other": f"{one}\n{two}\n".encode(),
        "a list": f"[{one}, {two}]".encode(),
        "with a mark": b"\xef\xbb\xbf" + one.encode() + two.encode(),
        "wide": f"{one}\r\n{two}".encode("utf-16"),
    }
    for how, file in files.items():
        found = SOURCES[name].read(file, "report.json")
        assert found.broken == [], how
        assert summed(found) == wanted, how
    keys = [total.key for total in SOURCES[name].read(files["a list"], "x").totals]
    assert len(keys) == len(set(keys))


def test_costs_are_cents_and_dollars_to_the_nano_dollar() -> None:
    cents = ["123.78912", "0.000001", "-50", "7"]
    results = [
        {
            "currency": "USD",
            "amount": amount,
            "workspace_id": None,
            "description": "Claude Sonnet 4.5 Usage - Input Tokens",
            "cost_type": "tokens",
            "context_window": "0-200k",
            "model": "claude-sonnet-4-5-20250929",
            "service_tier": "standard",
            "token_type": f"uncached_input_tokens {number}",
        }
        for number, amount in enumerate(cents)
    ]
    page = {
        "data": [{"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z", "results": results}]
    }
    found = SOURCES["anthropic-cost"].read(json.dumps(page).encode(), "cost.json")
    wanted = [-((Fraction(amount) / 100 * 10**9 * -1) // 1) for amount in cents]
    assert [total.cost_nanos for total in found.totals] == wanted == [1_237_891_200, 10, -500_000_000, 70_000_000]

    dollars = ["0.06", "1.2e-05", "-3.5", "0.1234567891"]
    text = ",".join(
        f'{{"object":"organization.costs.result","amount":{{"value":{value},"currency":"usd"}},'
        f'"line_item":"gpt-5-2025-08-07, item {number}","project_id":null}}'
        for number, value in enumerate(dollars)
    )
    page_text = (
        f'{{"object":"page","data":[{{"start_time":{START_S},"end_time":{START_S + DAY_S},"results":[{text}]}}]}}'
    )
    found = SOURCES["openai-costs"].read(page_text.encode(), "costs.json")
    assert [total.cost_nanos for total in found.totals] == [60_000_000, 12_000, -3_500_000_000, 123_456_790]
    assert {total.model for total in found.totals} == {"gpt-5-2025-08-07"}


def claude_code(date: str, actor: dict[str, str], *models: dict[str, Any]) -> dict[str, Any]:
    return {
        "date": date,
        "actor": actor,
        "organization_id": "dc9f6c26-b22c-4831-8d01-0446bada88f1",
        "customer_type": "api",
        "terminal_type": "vscode",
        "core_metrics": {"num_sessions": 5, "lines_of_code": {"added": 1543, "removed": 892}},
        "tool_actions": {"edit_tool": {"accepted": 45, "rejected": 5}},
        "model_breakdown": list(models),
    }


def test_claude_code_is_told_by_person_and_day() -> None:
    used = {
        "model": "claude-sonnet-4-5",
        "tokens": {"input": 100_000, "output": 35_000, "cache_read": 10_000, "cache_creation": 5_000},
        "estimated_cost": {"currency": "USD", "amount": 1025},
    }
    ada = {"type": "user_actor", "email_address": "ada@example.com"}
    robot = {"type": "api_actor", "api_key_name": "ci"}
    data = [claude_code("2026-11-01T00:00:00Z", ada, used), claude_code("2026-11-01T00:00:00Z", robot, used, used)]
    found = SOURCES["anthropic-claude-code"].read(json.dumps({"data": data, "has_more": False}).encode(), "cc.json")
    assert [(total.person, total.api_key) for total in found.totals] == [("ada@example.com", ""), ("", "ci")]
    assert [total.cost_nanos for total in found.totals] == [10_250_000_000, 20_500_000_000]
    assert found.totals[0].usage.total_tokens == 150_000
    assert found.totals[0].ends_us - found.totals[0].starts_us == DAY_S * 10**6


@pytest.mark.parametrize("cut", [1, 5, 40, 200])
def test_a_file_that_was_cut_off_is_told_with_its_line_and_the_rest_read(cut: int) -> None:
    pages = [{"data": bucketed(openai_used, random.Random(number), anthropic=False)} for number in (1, 2)]
    lines = [json.dumps(page) for page in pages]
    found = SOURCES["openai-usage"].read("\n".join(lines)[:-cut].encode(), "two.jsonl")
    assert [(broken.file, broken.line) for broken in found.broken] == [("two.jsonl", 2)]
    assert summed(found) == openai_reference(pages[:1])


def test_a_result_that_makes_no_sense_is_told_with_its_line_and_the_rest_read() -> None:
    page = {"data": bucketed(openai_used, random.Random(3), anthropic=False)}
    results = [result for bucket in page["data"] for result in bucket["results"]]
    results[1]["input_tokens"] = 3
    results[2]["output_tokens"] = "many"
    text = json.dumps(page, indent=1)
    found = SOURCES["openai-usage"].read(text.encode(), "page.json")
    kept = [result for number, result in enumerate(results) if number not in {1, 2}]
    assert summed(found) == openai_reference([{"data": [{"results": kept}]}])
    begins = [number for number, line in enumerate(text.splitlines(), start=1) if line == "    {"]
    assert [broken.line for broken in found.broken] == [begins[1], begins[2]]


COPILOT = (
    *("date", "product", "sku", "quantity", "unit_type", "applied_cost_per_quantity", "gross_amount"),
    *("discount_amount", "net_amount", "username", "organization", "repository", "cost_center_name", "model"),
    *("input", "output", "cache_read", "cache_write", "total_monthly_quota"),
)


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_copilot_is_what_is_billed(encoding: str) -> None:
    chance = random.Random(8)
    file, wanted = io.StringIO(), Counter[str]()
    writer = csv.writer(file, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COPILOT)
    for number in range(60):
        model = chance.choice(("Claude Sonnet 5", "Auto: GPT-5.5", "Copilot Code Review"))
        gross, net = Fraction(chance.randrange(10**9), 10**9), Fraction(chance.randrange(10**6), 10**6)
        tokens = [chance.randrange(10**5) for _ in range(4)]
        date = chance.choice(("2026-11-05", "11/5/26", "2026-11-05T00:00:00Z"))
        amounts = [f"{float(gross):.9f}", "0", f"{float(net):.6f}"]
        cells = [date, "copilot", "copilot_ai_credit", "42.7", "ai-credits", "0.01", *amounts]
        writer.writerow([*cells, f"octo-{number % 7}", "acme", "", "Platform, EMEA", model, *tokens, "3900"])
        wanted[f"{model}.cost"] += int(net * 10**9)
        for name, count in zip(("input", "output", "cache_read", "cache_write_5m"), tokens, strict=True):
            wanted[f"{model}.{name}"] += count
    found = SOURCES["copilot"].read(file.getvalue().encode(encoding), "copilot.csv")
    assert found.broken == []
    assert summed(found) == wanted
    assert {total.project for total in found.totals} == {"acme / Platform, EMEA"}
    assert len({total.starts_us for total in found.totals}) == 1


def test_copilot_in_premium_requests() -> None:
    text = (
        "date,username,product,sku,model,quantity,unit_type,applied_cost_per_quantity,gross_amount,discount_amount,"
        "net_amount,exceeds_quota,total_monthly_quota,organization,cost_center_name\n"
        "2026-05-29,mona,copilot,copilot_premium_request,Claude Sonnet 4,12,requests,0.04,0.48,0,0.48,True,300,o,c\n"
        "2026-05-29,mona,copilot,copilot_premium_request,Claude Sonnet 4,3,requests,0.04,0.12,0,0.12,True,300,o,c\n"
        "2026-05-30,mona,copilot,copilot_premium_request,Claude Sonnet 4,x,requests,0.04,0.12,0,much,True,300,o,c\n"
    )
    found = SOURCES["copilot"].read(text.encode(), "old.csv")
    [total] = found.totals
    assert (total.requests, total.cost_nanos, total.person) == (15, 600_000_000, "mona")
    assert [broken.line for broken in found.broken] == [4]


FOCUS = (
    "BilledCost,EffectiveCost,BillingCurrency,ChargePeriodStart,ChargePeriodEnd,ChargeCategory,ProviderName,"
    "ServiceName,SkuMeter,ConsumedQuantity,ConsumedUnit,SubAccountName,SkuPriceDetails,Tags\n"
)


def test_focus_tells_tokens_by_the_meter() -> None:
    rows = (
        "3.00,3.00,USD,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,Usage,Anthropic,Claude,Input Tokens,1000000,Tokens,"
        'lab,"{""model"":""claude-sonnet-4-5""}","{""user"":""ada@example.com""}"\n'
        "0.30,0.30,USD,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,Usage,Anthropic,Claude,Cache Read Tokens,1.5,"
        'Million Tokens,lab,"{""model"":""claude-sonnet-4-5""}",\n'
        "-1,-1,USD,2026-11-01T00:00:00Z,2026-12-01T00:00:00Z,Credit,Anthropic,Claude,,,,lab,,\n"
        "9,9,EUR,2026-11-01T00:00:00Z,2026-11-02T00:00:00Z,Usage,Anthropic,Claude,,,,lab,,\n"
        "9,9,USD,2026-11-02T00:00:00Z,2026-11-01T00:00:00Z,Usage,Anthropic,Claude,,,,lab,,\n"
        "short,row\n"
    )
    found = SOURCES["focus"].read((FOCUS + rows).encode(), "bill.csv")
    assert summed(found) == {
        "claude-sonnet-4-5.input": 1_000_000,
        "claude-sonnet-4-5.cache_read": 1_500_000,
        "claude-sonnet-4-5.cost": 3_300_000_000,
        ".cost": -1_000_000_000,
    }
    assert found.totals[0].person == "ada@example.com"
    assert [broken.line for broken in found.broken] == [5, 6, 7]
    assert "EUR" in found.broken[0].reason


def test_another_kind_of_file_is_said_to_be_one() -> None:
    for name, source in SOURCES.items():
        found = source.read(b"name,age\nada,36\n", "people.csv")
        assert found.totals == [], name
        assert found.broken[0].line == 1, name


CURSOR = (
    "Date,User,Cloud Agent ID,Automation ID,Kind,Model,Max Mode,Input (w/ Cache Write),Input (w/o Cache Write),"
    "Cache Read,Output Tokens,Total Tokens,Cost\n"
)


def test_cursor_tells_of_calls(tmp_path: Path) -> None:
    text = CURSOR + (
        '"2026-11-02T14:05:00.902Z","ada@example.com","bc-1","","Included","claude-4.5-sonnet","No","120957","611",'
        '"1452080","15625","1589273","Included"\n'
        '"2026-11-02T14:06:00.000Z","ada@example.com","","","On-Demand","gpt-5","No","0","10","0","5","15","$0.31"\n'
        '"2026-11-02T14:06:00.000Z","ada@example.com","","","On-Demand","gpt-5","No","0","10","0","5","15","$0.31"\n'
        '"2026-11-02T14:07:00.000Z","ada@example.com","","","Errored, No Charge","gpt-5","No","","","","","","Free"\n'
        '"2026-11-02T14:08:00.000Z","ada@example.com","","","Included","gpt-5","No","1","2","3","4","100","0.10"\n'
    )
    file = tmp_path / "events.csv"
    file.write_text(text)
    found = Cursor().read(file)
    records = found.records
    assert [(one.catalog, one.model, one.usage.total_tokens, one.cost_nanos) for one in records] == [
        ("anthropic", "claude-4.5-sonnet", 1_589_273, None),
        ("openai", "gpt-5", 15, 310_000_000),
        ("openai", "gpt-5", 15, 310_000_000),
    ]
    assert records[0].usage.cache_write_5m == 120_957
    assert len({one.key for one in records}) == 3, "two that agree in everything are two requests"
    assert Cursor().read(file, found.resume).records == []
    assert [one.key for one in Cursor().read(file).records] == [one.key for one in records]
    assert [one.line for one in found.broken] == [6]


def test_a_grouping_is_a_part_of_what_a_total_is() -> None:
    """A report by model and key, and one by model, tell of the same calls: their totals have other names."""
    used = {"uncached_input_tokens": 10, "output_tokens": 1, "model": "m", "api_key_id": None}
    bounds = {"starting_at": "2026-11-01T00:00:00Z", "ending_at": "2026-11-02T00:00:00Z"}

    def totals(*keys: str | None) -> list[UsageTotal]:
        page = {"data": [bounds | {"results": [used | {"api_key_id": key} for key in keys]}]}
        return SOURCES["anthropic-usage"].read(json.dumps(page).encode(), "x").totals

    [alone] = totals(None)
    beside, _ = totals(None, "apikey_1")
    assert (alone.grouping, beside.grouping) == ("model", "model,api_key")
    assert alone.place == beside.place
    assert alone.key != beside.key
