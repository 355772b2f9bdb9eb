"""Plan files: what is right is read, what is wrong is refused with the field's name."""

from __future__ import annotations

import pytest

from bursar.refusals import Refused, Why
from bursar.terms.plan import Terms, read_plan

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
WRONG = {
    "not TOML": ("name: engineers", "(file)"),
    "an unclosed text": ('name = "engineers', "(file)"),
    "a field twice": ('name = "a"\nname = "b"', "(file)"),
    "no name": ('amount = "5"', "name"),
    "an empty file": ("", "name"),
    "no amount": ('name = "a"', "amount"),
    "an unknown field": ('name = "a"\namount = "5"\ncolour = "red"', "colour"),
    "a promise not kept yet: vesting": ('name = "a"\namount = "5"\nvesting = "cliff"', "vesting"),
    "a promise not kept yet: notice": ('name = "a"\namount = "5"\nnotice = 30', "notice"),
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
