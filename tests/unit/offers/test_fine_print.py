"""The fine print: each rule finds what it is for and nothing else, and says what the mended term would be worth."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from bursar.offers.file import OfferFile, read_offer
from bursar.offers.fineprint import RULES, Finding, FinePrint, check
from bursar.offers.prose import about_usd
from bursar.offers.template import template
from bursar.offers.value import exact_value, mended, value
from bursar.refusals import Refused, Why

GOOD = """
name = "a good offer"
base = 150000

[tokens]
amount = 24000
schedule = "annual"
unused = "carry_over"
carry_over_periods = 1
revocable = false
notice_reduce_days = 90
vesting_months = 12
personal_use = "25%"
cash_out_rate = "50%"
models = "all"
on_leaving = "days"
leaving_days = 30
tax_character = "working_condition"
expectation_multiple = "1.2"
expectation_measure = "merged changes a quarter"
in_headline = false

[market]
occupation = "software-developers"

[now]
base = 140000
tokens = 12000
"""
"""Nothing to find: each of the lines below changes one thing."""

FINDS = {
    "no-amount": ("amount = 24000", 'amount = "unstated"'),
    "up-to": ("amount = 24000", 'amount = "up to 24000"'),
    "no-period": ('schedule = "annual"', ""),
    "expires": ('unused = "carry_over"\ncarry_over_periods = 1', 'unused = "expire"'),
    "capped-carry-over": ("carry_over_periods = 1", 'carry_over_periods = 1\ncarry_over_cap = "10%"'),
    "no-cash-out": ('cash_out_rate = "50%"', ""),
    "shrinking-tokens": ("in_headline = false", 'in_headline = false\ndenomination = "commodity_tokens"'),
    "narrowed-models": ('models = "all"', 'models = ["house-*"]'),
    "revocable-without-notice": ("revocable = false", "revocable = true"),
    "reducible-without-notice": ("notice_reduce_days = 90", "notice_reduce_days = 29"),
    "no-vesting": ("vesting_months = 12", ""),
    "long-cliff": ("vesting_months = 12", "vesting_months = 12\nvesting_cliff_months = 4"),
    "no-leaver-rule": ('on_leaving = "days"\nleaving_days = 30', ""),
    "forfeited-on-leaving": ('on_leaving = "days"\nleaving_days = 30', 'on_leaving = "forfeit"'),
    "headline": ("in_headline = false", "in_headline = true"),
    "unmeasured-expectation": ('expectation_measure = "merged changes a quarter"', ""),
    "personal-use-unclear": ('personal_use = "25%"', ""),
    "tax-unstated": ('tax_character = "working_condition"', ""),
    "taxed-as-pay": ('"working_condition"', '"imputed_income"'),
    "below-market": ("base = 150000", "base = 90000\n# raised from less"),
    "raise-in-tokens": ("base = 140000", "base = 148000"),
}
"""For each rule what of the good offer is replaced by what."""

NOT_QUITE = {
    "amounts that are firm": ("amount = 24000", 'amount = "$24,000"'),
    "grace for what is unused": (
        'unused = "carry_over"\ncarry_over_periods = 1',
        'unused = "grace"\ngrace_days = 30',
    ),
    "credit that never ends": ('unused = "carry_over"\ncarry_over_periods = 1', 'unused = "keep"'),
    "revocable with thirty days of notice": ("revocable = false", "revocable = true\nnotice_revoke_days = 30"),
    "reducible with thirty days of notice": ("notice_reduce_days = 90", "notice_reduce_days = 30"),
    "vested at once, whatever the notice": (
        "revocable = false\nnotice_reduce_days = 90\nvesting_months = 12",
        "revocable = true\nvesting_months = 0",
    ),
    "a short cliff": ("vesting_months = 12", "vesting_months = 12\nvesting_cliff_months = 3"),
    "personal use that is denied": ('personal_use = "25%"', 'personal_use = "0%"'),
    "leaving at the period's end": ('on_leaving = "days"\nleaving_days = 30', 'on_leaving = "period_end"'),
    "taxed in part": ('"working_condition"', '"personal_part"'),
    "a headline that is not mentioned": ("in_headline = false", ""),
    "no expectation at all": ('expectation_multiple = "1.2"\nexpectation_measure = "merged changes a quarter"', ""),
    "a base in the band": ("base = 150000", "base = 143000"),
    "a base at the band's lower end": ("base = 150000\n", "base = 105210\n# and its [now] is left out\n"),
    "a raise of half of the market's": ("base = 140000", "base = 147400"),
    "tokens that shrink": ("base = 140000\ntokens = 12000", "base = 150000\ntokens = 24000"),
}


def offer(*changes: tuple[str, str]) -> OfferFile:
    text = GOOD
    for was, becomes in changes:
        assert text.count(was) == 1 or was == "base = 140000", was
        text = text.replace(was, becomes)
        if "# " in becomes:
            text = text[: text.index("[now]")]
    return read_offer(text)


def names(found: FinePrint) -> list[str]:
    return [finding.rule for finding in found.findings]


def test_there_is_nothing_to_find_in_a_good_offer() -> None:
    found = check(offer())
    assert names(found) == []
    assert found.mended_usd_year == found.break_even_usd_year > 0
    assert found.break_even_usd_year == exact_value(offer().offer).break_even_base_usd_year


def test_every_rule_is_tested() -> None:
    assert set(FINDS) == {rule.name for rule in RULES}
    assert len({rule.name for rule in RULES}) == len(RULES) >= 13


@pytest.mark.parametrize("name", FINDS)
def test_a_rule_finds_what_it_is_for_and_nothing_else(name: str) -> None:
    file = offer(FINDS[name])
    found = check(file)
    assert names(found) == [name]
    (finding,) = found.findings
    rule = next(rule for rule in RULES if rule.name == name)
    assert (finding.why, finding.ask, finding.title) == (rule.why, rule.ask, rule.title)
    assert finding.says.endswith(".")
    assert finding.cost_interval.low <= finding.cost_interval.high
    if finding.basis == "terms":
        assert rule.mend is not None
        assert file.offer.tokens is not None
        better = mended(file.offer, **rule.mend(file.offer.tokens))
        gain = exact_value(better).break_even_base_usd_year - exact_value(file.offer).break_even_base_usd_year
        assert finding.cost_usd_year == pytest.approx(gain, abs=0.01)
        assert finding.cost_usd_year >= 0
        assert found.mended_usd_year == pytest.approx(found.break_even_usd_year + gain)
        assert name == "no-amount" or name not in names(check(OfferFile(offer=better))), "the ask mends it"


@pytest.mark.parametrize("name", NOT_QUITE)
def test_what_is_near_is_not_found(name: str) -> None:
    assert names(check(offer(NOT_QUITE[name]))) == []


@pytest.mark.parametrize(
    "name", ["up-to", "no-cash-out", "shrinking-tokens", "narrowed-models", "no-vesting", "taxed-as-pay"]
)
def test_terms_that_matter_cost_something(name: str) -> None:
    (finding,) = check(offer(FINDS[name])).findings
    assert finding.cost_usd_year > 1


def found_by(name: str) -> Finding:
    (finding,) = check(offer(FINDS[name])).findings
    return finding


def test_a_headline_costs_what_it_overstates() -> None:
    finding, worth = found_by("headline"), exact_value(offer().offer)
    assert finding.basis == "headline"
    assert finding.cost_usd_year == pytest.approx(24_000 - worth.break_even_base_usd_year, abs=0.01)
    assert "$24,000 a year" in finding.says
    assert about_usd(worth.break_even_base_usd_year) in finding.says


def test_an_expectation_costs_the_effort_that_tools_do_not_bring() -> None:
    file = offer(FINDS["unmeasured-expectation"], ('"1.2"', '"2.0"'))
    (finding,) = check(file, {"a": 1.77}).findings
    assert finding.cost_usd_year == pytest.approx(150_000 * (2 / 1.77 - 1), abs=0.01)
    assert "the other 13% is effort of yours" in finding.says
    assert found_by("unmeasured-expectation").cost_usd_year == 0, "1.2 times is less than what the tools bring"


def test_a_base_below_the_market_costs_the_way_up_to_its_band() -> None:
    finding = found_by("below-market")
    assert finding.cost_usd_year == 105_210 - 90_000
    assert "Bureau of Labor Statistics" in finding.says
    assert "$105,210" in finding.says
    assert "looks as if it were not" in finding.says
    (further,) = check(offer(("base = 150000\n", "base = 60000\n# far below\n"))).findings
    assert further.cost_usd_year == 105_210 - 60_000
    assert "do not even fill the gap" in further.says


def test_a_raise_in_tokens_costs_the_raise_that_did_not_come() -> None:
    finding = found_by("raise-in-tokens")
    assert finding.cost_usd_year == pytest.approx(148_000 * 1.035 - 150_000)
    assert finding.says == (
        "Compute grows by $12,000 a year and the base by $2,000; the market's raise of 3.5% would be $5,200."
    )


def test_expiry_costs_those_who_use_in_bursts() -> None:
    file = read_offer(template())
    even, bursts = (
        replace(file, person=replace(file.person, usage_usd_months=months))
        for months in ((8_000.0,) * 6, (500.0, 500.0, 20_000.0, 800.0, 900.0, 25_300.0))
    )
    costs = [
        next(finding.cost_usd_year for finding in check(one).findings if finding.rule == "expires")
        for one in (even, bursts)
    ]
    assert costs[0] == 0
    assert costs[1] > 1_000


def test_the_dearest_comes_first() -> None:
    found = check(read_offer(template()))
    costs = [finding.cost_usd_year for finding in found.findings]
    assert costs == sorted(costs, reverse=True)
    assert names(found)[:2] == ["headline", "no-cash-out"]
    assert {"expires", "no-vesting", "no-leaver-rule", "tax-unstated", "personal-use-unclear"} < set(names(found))
    assert found.mended_usd_year > 10 * found.break_even_usd_year


def test_the_break_even_is_that_of_the_valuation() -> None:
    file = read_offer(template())
    found, valued = check(file, points=1024), value(file.offer, file.person)
    assert found.break_even_usd_year == valued.worth.break_even_base_usd_year
    assert found.break_even_interval == valued.break_even_interval


def test_there_is_no_fine_print_without_tokens() -> None:
    found = check(read_offer('name = "a"\nbase = 400000'))
    assert (found.findings, found.break_even_usd_year, found.mended_usd_year) == ((), 0.0, 0.0)


def test_assumptions_can_be_set_and_wrong_ones_are_refused() -> None:
    file = read_offer(template())
    assert check(file, {"u": 0.9}).break_even_usd_year > check(file, {"u": 0.1}).break_even_usd_year
    with pytest.raises(Refused) as raised:
        check(file, {"no_such": 1.0})
    assert raised.value.refusal.why is Why.UNKNOWN


def test_every_rule_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/offers/fine-print.md").read_text("utf-8")
    for rule in RULES:
        fields = ", ".join(f"`{field}`" for field in rule.fields)
        assert f"\n## {rule.title} (`{rule.name}`)\n\n{rule.why}\n\n" in page, rule.name
        assert f"\n- Fields: {fields}\n- Ask for: {rule.ask}\n" in page, rule.name
    assert page.count("\n## ") == len(RULES) + 1
