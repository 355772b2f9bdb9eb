"""Plan files: what is right is read, what is wrong is refused with the field's name."""

from __future__ import annotations

from datetime import date

import msgspec
import pytest
from msgspec.structs import replace

from bursar.refusals import Refused, Why
from bursar.terms.plan import Terms, read_plan
from bursar.terms.written import written

FULL = """
name = "engineers-2026"
amount = "2000.00"
currency = "USD"
schedule = "monthly"
time_zone = "Europe/Stockholm"
unused = "expire"
models = ["claude-*", "gpt-5-mini"]
clamp = false
priority = 7
"""
PROMISES = """
name = "engineers-2027"
amount = "2000.00"
schedule = "quarterly"
anchor = 2026-02-28
availability = "accrual"
proration = "daily"
unused = "carry_over"
carry_over_cap = "12.5%"
carry_over_periods = 3
notice_reduce_days = 30
notice_revoke_days = 90
vesting_cliff_months = 6
vesting_months = 24
on_leave = "pause"
on_leaving = "days"
leaving_days = 14
leaving_vested = "cash_out"
cash_out_rate = "50%"
cash_out_cap = "300.00"
escalator = "fixed"
escalator_rate = "2.5%"
tax_character = "imputed_income"
expectation_multiple = "1.25"
expectation_measure = "merged changes a month"
"""
WRONG = {
    "not TOML": ("name: engineers", "(file)"),
    "an unclosed text": ('name = "engineers', "(file)"),
    "a field twice": ('name = "a"\nname = "b"', "(file)"),
    "no name": ('amount = "5"', "name"),
    "an empty file": ("", "name"),
    "no amount": ('name = "a"', "amount"),
    "an unknown field": ('name = "a"\namount = "5"\ncolour = "red"', "colour"),
    "a field that is two: vesting": ('name = "a"\namount = "5"\nvesting = "cliff"', "vesting"),
    "a field that is two: notice": ('name = "a"\namount = "5"\nnotice = 30', "notice"),
    "a table": ('name = "a"\namount = "5"\n[terms]\nnotice = 30', "terms"),
    "another spelling": ('Name = "a"\namount = "5"', "Name"),
    "a name with a capital": ('name = "Engineers"\namount = "5"', "name"),
    "a name with a space": ('name = "the engineers"\namount = "5"', "name"),
    "an empty name": ('name = ""\namount = "5"', "name"),
    "a name of 64 letters": (f'name = "{"a" * 64}"\namount = "5"', "name"),
    "a name with a line's end": ('name = "a\\n"\namount = "5"', "name"),
    "a name that is a number": ('name = 5\namount = "5"', "name"),
    "an amount that is a float": ('name = "a"\namount = 2000.00', "amount"),
    "an amount that is an integer": ('name = "a"\namount = 2000', "amount"),
    "an amount of nothing": ('name = "a"\namount = "0.00"', "amount"),
    "a negative amount": ('name = "a"\namount = "-5"', "amount"),
    "an amount in words": ('name = "a"\namount = "plenty"', "amount"),
    "an amount of infinity": ('name = "a"\namount = "inf"', "amount"),
    "an amount beyond all money": ('name = "a"\namount = "5000000000"', "amount"),
    "an amount below a nano-dollar": ('name = "a"\namount = "0.0000000001"', "amount"),
    "an amount with a decimal comma": ('name = "a"\namount = "1,50"', "amount"),
    "another currency": ('name = "a"\namount = "5"\ncurrency = "EUR"', "currency"),
    "a currency in small letters": ('name = "a"\namount = "5"\ncurrency = "usd"', "currency"),
    "a currency that is a list": ('name = "a"\namount = "5"\ncurrency = ["USD"]', "currency"),
    "another schedule": ('name = "a"\namount = "5"\nschedule = "fortnightly"', "schedule"),
    "a schedule that is a number": ('name = "a"\namount = "5"\nschedule = 30', "schedule"),
    "no such zone": ('name = "a"\namount = "5"\ntime_zone = "Europe/Atlantis"', "time_zone"),
    "an offset for a zone": ('name = "a"\namount = "5"\ntime_zone = "+02:00"', "time_zone"),
    "a zone that is a path": ('name = "a"\namount = "5"\ntime_zone = "../etc/localtime"', "time_zone"),
    "an empty zone": ('name = "a"\namount = "5"\ntime_zone = ""', "time_zone"),
    "another use of what is unused": ('name = "a"\namount = "5"\nunused = "burn"', "unused"),
    "models that are a text": ('name = "a"\namount = "5"\nmodels = "claude-*"', "models"),
    "no models at all": ('name = "a"\namount = "5"\nmodels = []', "models"),
    "a model without a name": ('name = "a"\namount = "5"\nmodels = [""]', "models"),
    "a model that is a number": ('name = "a"\namount = "5"\nmodels = [4]', "models"),
    "clamp in words": ('name = "a"\namount = "5"\nclamp = "yes"', "clamp"),
    "clamp as a number": ('name = "a"\namount = "5"\nclamp = 1', "clamp"),
    "a priority below zero": ('name = "a"\namount = "5"\npriority = -1', "priority"),
    "a priority above 255": ('name = "a"\namount = "5"\npriority = 256', "priority"),
    "a priority that is a flag": ('name = "a"\namount = "5"\npriority = true', "priority"),
    "a priority that is a float": ('name = "a"\namount = "5"\npriority = 1.0', "priority"),
}


BROKEN = {
    # The lines after name and amount, the field that is refused, and a part of the reason.
    "carry-over with grace": (
        'unused = "grace"\ngrace_days = 9\ncarry_over_cap = "25%"',
        "carry_over_cap",
        "exclude",
    ),
    "grace with carry-over": ('unused = "carry_over"\ngrace_days = 9', "grace_days", "exclude each other"),
    "periods of a carry-over that is none": ("carry_over_periods = 2", "carry_over_periods", 'unused is "expire"'),
    "a cap on what expires": ('unused = "expire"\ncarry_over_cap = "5"', "carry_over_cap", 'unused is "expire"'),
    "grace that is none": ("grace_days = 9", "grace_days", 'unused is "expire"'),
    "grace without days": ('unused = "grace"', "grace_days", "it is missing"),
    "grace of no days": ('unused = "grace"\ngrace_days = 0', "grace_days", "from 1 to 366"),
    "grace of years": ('unused = "grace"\ngrace_days = 367', "grace_days", "from 1 to 366"),
    "a cap of no share": ('unused = "carry_over"\ncarry_over_cap = "0%"', "carry_over_cap", "more than 0%"),
    "a cap of more than all": ('unused = "carry_over"\ncarry_over_cap = "101%"', "carry_over_cap", "at most 100%"),
    "a cap of a float": ('unused = "carry_over"\ncarry_over_cap = 0.25', "carry_over_cap", "in quotes"),
    "a cap in words": ('unused = "carry_over"\ncarry_over_cap = "half"', "carry_over_cap", "is not an amount"),
    "a cap of three decimals": ('unused = "carry_over"\ncarry_over_cap = "0.125%"', "carry_over_cap", "two decimals"),
    "no periods": ('unused = "carry_over"\ncarry_over_periods = 0', "carry_over_periods", "from 1 to 60"),
    "periods in words": ('unused = "carry_over"\ncarry_over_periods = "2"', "carry_over_periods", "whole number"),
    "a fortnight from nowhere": ('schedule = "biweekly"', "anchor", "needs the day"),
    "a half month from the 16th": ('schedule = "semimonthly"\nanchor = 2026-01-16', "anchor", "1st to the 15th"),
    "an anchor that never was": ('anchor = "2026-02-30"', "anchor", "is no day"),
    "an anchor with a time": ("anchor = 2026-01-01T00:00:00Z", "anchor", "YYYY-MM-DD"),
    "an anchor of a number": ("anchor = 31", "anchor", "YYYY-MM-DD"),
    "another availability": ('availability = "whenever"', "availability", "uniform, accrual"),
    "proration by the hour": ('proration = "hourly"', "proration", "none, daily"),
    "a cliff of nothing": ("vesting_cliff_months = 3", "vesting_months", "it is missing"),
    "a cliff behind the end": (
        "vesting_cliff_months = 13\nvesting_months = 12",
        "vesting_cliff_months",
        "after the 12 months",
    ),
    "vesting in no time": ("vesting_months = 0", "vesting_months", "from 1 to 120"),
    "vesting as a flag": ("vesting_months = true", "vesting_months", "whole number"),
    "notice of what cannot be": ("revocable = false\nnotice_revoke_days = 9", "notice_revoke_days", "not revocable"),
    "notice before it is given": ("notice_reduce_days = -1", "notice_reduce_days", "from 0 to 366"),
    "notice in words": ('notice_reduce_days = "a month"', "notice_reduce_days", "whole number"),
    "notice of years": ("notice_revoke_days = 1000", "notice_revoke_days", "from 0 to 366"),
    "revocable in words": ('revocable = "no"', "revocable", "true or false"),
    "a pause that takes nothing": ('on_leave = "pause"', "on_leave", 'proration = "daily"'),
    "leave that ends": ('on_leave = "end"', "on_leave", "pause, continue"),
    "days after leaving that nobody named": ('on_leaving = "days"', "leaving_days", "it is missing"),
    "days after leaving that are none": ("leaving_days = 14", "leaving_days", 'on_leaving = "days" only'),
    "days and forfeit": ('on_leaving = "forfeit"\nleaving_days = 14', "leaving_days", 'on_leaving = "days" only'),
    "leaving otherwise": ('on_leaving = "party"', "on_leaving", "forfeit, period_end, days"),
    "what has vested where nothing does": ('leaving_vested = "keep"', "leaving_vested", "nothing vests"),
    "cash without a rate": ('vesting_months = 12\nleaving_vested = "cash_out"', "leaving_vested", "cash_out_rate"),
    "a cap on no cash": ('cash_out_cap = "100.00"', "cash_out_cap", "needs cash_out_rate"),
    "tokens and an amount": ('denomination = "tokens"\ntokens = "5M"\ntokens_of = "m"', "amount", "money or tokens"),
    "tokens in a plan of money": ('tokens = "5M"', "tokens", 'denomination = "tokens" only'),
    "a model in a plan of money": ('denomination = "money"\ntokens_of = "m"', "tokens_of", 'denomination = "tokens"'),
    "output in a plan of money": ('tokens_output = "5%"', "tokens_output", 'denomination = "tokens" only'),
    "another denomination": ('denomination = "seats"', "denomination", "money, tokens"),
    "an escalator of no rate": ('escalator = "fixed"', "escalator_rate", "it is missing"),
    "a rate of no escalator": ('escalator_rate = "5%"', "escalator_rate", 'escalator is "none"'),
    "a rate of an index": (
        'escalator = "price_index"\nescalator_basket = ["m"]\nescalator_rate = "5%"',
        "escalator_rate",
        'escalator is "price_index"',
    ),
    "a basket of a rate": (
        'escalator = "fixed"\nescalator_rate = "5%"\nescalator_basket = ["m"]',
        "escalator_basket",
        'escalator is "fixed"',
    ),
    "an index of nothing": ('escalator = "price_index"', "escalator_basket", "it is missing"),
    "a basket with nothing in it": ('escalator = "price_index"\nescalator_basket = []', "escalator_basket", "a list"),
    "a basket of a pattern": (
        'escalator = "price_index"\nescalator_basket = ["claude-*"]',
        "escalator_basket",
        "no pattern",
    ),
    "a model twice": ('escalator = "price_index"\nescalator_basket = ["m", "m"]', "escalator_basket", "twice"),
    "an escalator that falls": ('escalator = "fixed"\nescalator_rate = "-5%"', "escalator_rate", "a share in quotes"),
    "an escalator of nothing": ('escalator = "fixed"\nescalator_rate = "0%"', "escalator_rate", "more than 0%"),
    "an escalator of a float": ('escalator = "fixed"\nescalator_rate = 0.05', "escalator_rate", "a share in quotes"),
    "another escalator": ('escalator = "inflation"', "escalator", "none, fixed, price_index"),
    "another tax character": ('tax_character = "gift"', "tax_character", "undecided, working_condition"),
    "a measure of nothing": ('expectation_measure = "merges"', "expectation_multiple", "it is missing"),
    "an expectation of nothing": ('expectation_multiple = "0"', "expectation_multiple", "more than 0"),
    "an expectation of a number": ("expectation_multiple = 2.0", "expectation_multiple", "in quotes"),
    "an expectation in words": ('expectation_multiple = "double"', "expectation_multiple", "in quotes"),
    "a measure of two lines": (
        'expectation_multiple = "2"\nexpectation_measure = "a\\nb"',
        "expectation_measure",
        "a line",
    ),
    "an expectation as a table": ('expectation = { multiple = "2.0" }', "expectation", "no such field"),
    "a rate of a float": ("cash_out_rate = 0.5", "cash_out_rate", "a share in quotes"),
    "a rate in dollars": ('cash_out_rate = "0.50"', "cash_out_rate", "a share in quotes"),
    "a rate above all": ('cash_out_rate = "150%"', "cash_out_rate", "at most 100%"),
    "a cap of no cash": ('cash_out_rate = "50%"\ncash_out_cap = "0"', "cash_out_cap", "more than 0"),
    "a run-out that charges nothing": ("run_out_days = 30", "run_out_days", "nothing is charged late"),
    "a run-out of half a day": ('outside_usage = "charge"\nrun_out_days = 0.5', "run_out_days", "whole number"),
    "a run-out of years": ('outside_usage = "charge"\nrun_out_days = 367', "run_out_days", "from 0 to 366"),
    "another use of outside usage": ('outside_usage = "ask"', "outside_usage", "memo, charge"),
    "another overrun": ('overrun = "hard"', "overrun", "strict, soft"),
    "soft without a ceiling": ('overrun = "soft"', "overrun_ceiling", "it is missing"),
    "a ceiling of a strict budget": ('overrun_ceiling = "100.00"', "overrun_ceiling", "never passed"),
    "a ceiling of nothing": ('overrun = "soft"\noverrun_ceiling = "0"', "overrun_ceiling", "more than 0"),
    "soft and earned by the day": (
        'overrun = "soft"\noverrun_ceiling = "10%"\navailability = "accrual"',
        "overrun",
        "earned by the day",
    ),
    "personal use of nothing": ('personal_use = "0%"', "personal_use", "more than 0%"),
    "personal use in dollars": ('personal_use = "100.00"', "personal_use", "a share in quotes"),
}


WRONG_TOKENS = {
    # The lines after name and denomination.
    "no tokens": ('tokens_of = "m"', "tokens", "it is missing"),
    "tokens of nothing": ('tokens = "5M"', "tokens_of", "it is missing"),
    "a fraction of a token": ('tokens = 1.5\ntokens_of = "m"', "tokens", "whole number"),
    "a fraction of a token in words": ('tokens = "1.5"\ntokens_of = "m"', "tokens", "whole number"),
    "tokens below zero": ('tokens = -5\ntokens_of = "m"', "tokens", "whole number"),
    "zero tokens": ('tokens = "0M"\ntokens_of = "m"', "tokens", "from 1 to"),
    "more tokens than there are": ('tokens = "2T"\ntokens_of = "m"', "tokens", "from 1 to"),
    "tokens as a flag": ('tokens = true\ntokens_of = "m"', "tokens", "whole number"),
    "another letter": ('tokens = "5G"\ntokens_of = "m"', "tokens", "whole number"),
    "tokens of a pattern": ('tokens = "5M"\ntokens_of = "claude-*"', "tokens_of", "no pattern"),
    "tokens of several models": ('tokens = "5M"\ntokens_of = ["a", "b"]', "tokens_of", "one model"),
    "all is output, and more": ('tokens = "5M"\ntokens_of = "m"\ntokens_output = "101%"', "tokens_output", "100%"),
    "tokens that follow an index": (
        'tokens = "5M"\ntokens_of = "m"\nescalator = "price_index"\nescalator_basket = ["m"]',
        "escalator",
        "follows their price already",
    ),
}


@pytest.mark.parametrize(("lines", "field", "reason"), WRONG_TOKENS.values(), ids=WRONG_TOKENS.keys())
def test_a_wrong_plan_of_tokens_is_refused_by_field_and_reason(lines: str, field: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_plan(f'name = "a"\ndenomination = "tokens"\n{lines}')
    refusal = refused.value.refusal
    assert (refusal.why, refusal.field) == (Why.PLAN_INVALID, field)
    assert reason in refusal.text


@pytest.mark.parametrize(
    ("said", "tokens"), [('"50M"', 50_000_000), ("50000000", 50_000_000), ('"1.5B"', 1_500_000_000), ('"1T"', 10**12)]
)
def test_a_plan_of_tokens_is_read_and_written(said: str, tokens: int) -> None:
    terms = read_plan(
        f'name = "a"\ndenomination = "tokens"\ntokens = {said}\ntokens_of = "anthropic/claude-sonnet-4-5"\n'
        'tokens_output = "0%"'
    )
    assert (terms.amount_nanos, terms.tokens, terms.tokens_output_bps) == (0, tokens, 0)
    told = {name: value for name, value in written(terms).items() if value not in (None, (), "keep")}
    assert (told["tokens"], told["tokens_of"], told["tokens_output"]) == (tokens, "anthropic/claude-sonnet-4-5", "0%")
    assert read_plan("\n".join(f"{name} = {toml(value)}" for name, value in told.items()) + '\nname = "a"') == terms


@pytest.mark.parametrize(("lines", "field", "reason"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_promise_is_refused_by_field_and_reason(lines: str, field: str, reason: str) -> None:
    with pytest.raises(Refused) as refused:
        read_plan(f'name = "a"\namount = "5"\n{lines}')
    refusal = refused.value.refusal
    assert (refusal.why, refusal.field) == (Why.PLAN_INVALID, field)
    assert reason in refusal.text


@pytest.mark.parametrize(("text", "field"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_by_its_field(text: str, field: str) -> None:
    with pytest.raises(Refused) as refused:
        read_plan(text)
    refusal = refused.value.refusal
    assert (refusal.why, refusal.field) == (Why.PLAN_INVALID, field)
    assert refusal.text.startswith(f"The plan's field {field} is not right: ")
    assert refusal.facts["problem"]


def test_a_whole_file_is_read() -> None:
    assert read_plan(FULL) == Terms(
        name="engineers-2026",
        amount_nanos=2_000_000_000_000,
        currency="USD",
        schedule="monthly",
        time_zone="Europe/Stockholm",
        unused="expire",
        models=("claude-*", "gpt-5-mini"),
        clamp=False,
        priority=7,
    )


def test_a_whole_file_of_promises_is_read() -> None:
    terms = read_plan(PROMISES)
    assert terms == Terms(
        name="engineers-2027",
        amount_nanos=2_000_000_000_000,
        currency="USD",
        schedule="quarterly",
        anchor=date(2026, 2, 28),
        time_zone="UTC",
        availability="accrual",
        proration="daily",
        unused="carry_over",
        carry_over_cap_bps=1_250,
        carry_over_periods=3,
        notice_reduce_days=30,
        notice_revoke_days=90,
        vesting_cliff_months=6,
        vesting_months=24,
        on_leave="pause",
        on_leaving="days",
        leaving_days=14,
        leaving_vested="cash_out",
        cash_out_rate_bps=5_000,
        cash_out_cap_nanos=300_000_000_000,
        escalator="fixed",
        escalator_rate_bps=250,
        tax_character="imputed_income",
        expectation_multiple_bps=12_500,
        expectation_measure="merged changes a month",
    )
    said = {name: value for name, value in written(terms).items() if value not in (None, (), 0)}
    assert read_plan(
        "\n".join(f"{name} = {toml(value)}" for name, value in said.items()) + '\nname = "x"'
    ) == replace(terms, name="x")


def toml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool | int) else f'"{value}"'


def test_terms_that_were_kept_before_there_were_more_fields_are_the_same() -> None:
    old = (
        '{"name":"a","amount_nanos":5000000000,"currency":"USD","schedule":"monthly","time_zone":"UTC",'
        '"unused":"expire","models":[],"clamp":true,"priority":100}'
    )
    assert msgspec.json.decode(old, type=Terms) == read_plan('name = "a"\namount = "5"')


def test_carry_over_is_for_one_period_unless_more_are_named() -> None:
    terms = read_plan('name = "a"\namount = "5"\nunused = "carry_over"')
    assert (terms.carry_over_periods, terms.carry_over_cap_nanos, terms.carry_over_cap_bps) == (1, None, None)


def test_what_is_left_out_has_a_default() -> None:
    terms = read_plan('name = "a"\namount = "5"')
    assert (terms.currency, terms.schedule, terms.time_zone, terms.unused) == ("USD", "monthly", "UTC", "expire")
    assert (terms.models, terms.clamp, terms.priority) == ((), True, 100)


@pytest.mark.parametrize("priority", [0, 255])
def test_the_ends_of_what_is_allowed(priority: int) -> None:
    text = f'name = "{"a" * 63}"\namount = "0.000000001"\npriority = {priority}'
    terms = read_plan(text)
    assert (terms.priority, terms.amount_nanos) == (priority, 1)


@pytest.mark.parametrize(
    ("model", "allowed"),
    [
        ("claude-sonnet-5", True),
        ("gpt-5-mini", True),
        ("gpt-5-mini-2026", False),
        ("Claude-sonnet-5", False),
        ("", False),
    ],
)
def test_a_model_is_allowed_by_a_pattern(model: str, allowed: bool) -> None:
    assert read_plan(FULL).allows(model) is allowed
    assert read_plan('name = "a"\namount = "5"').allows(model)


def test_its_periods_are_in_its_time_zone() -> None:
    assert read_plan(FULL).periods.named("2026-11").start_us == 1_793_491_200_000_000 - 3600 * 1_000_000
