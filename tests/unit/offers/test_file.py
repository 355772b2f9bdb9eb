"""Offer files: what is right is read and written back, what is wrong is refused by its field and a remedy."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bursar.offers.budget import Expectation, TokenBudget
from bursar.offers.entries import ENTRIES
from bursar.offers.file import Now, OfferFile, read_offer
from bursar.offers.offer import EquityGrant, Offer
from bursar.offers.person import Person
from bursar.offers.template import check_answer, from_answers, questions, template, write_offer
from bursar.refusals import Refused, Why

FULL = """
name = "Example Inc., senior engineer"
base = "$375,000"
bonus = 37500

[[equity]]
value = "400000"
every_months = 3
[[equity]]
name = "options"
kind = "options"
shares = 10000
spot = "12.50"
strike = "4"
volatility = "62.5%"
illiquidity = "30%"
vesting_months = 36
cliff_months = 6

[tokens]
amount = "up to 100000"
schedule = "quarterly"
unused = "carry_over"
carry_over_periods = 2
carry_over_cap = "25%"
revocable = true
notice_reduce_days = 30
notice_revoke_days = 0
vesting_months = 12
vesting_cliff_months = 3
personal_use = "0%"
cash_out_rate = "50%"
cash_out_cap = 2000
denomination = "frontier_tokens"
escalator = "fixed"
escalator_rate = "5%"
models = ["claude-*"]
on_leaving = "days"
leaving_days = 14
leaving_vested = "keep"
tax_character = "personal_part"
expectation_multiple = "2.0"
expectation_measure = "merged changes a quarter"
in_headline = true

[you]
horizon_years = 5
discount_rate = "7.5%"
marginal_tax_rate = "37%"
own_spend = "1200"
usage_months = [120, "180.50", 0]

[market]
occupation = "15-1252"
area = "san-francisco"

[now]
base = 350000
tokens = "20000"
"""


def test_every_field_is_read() -> None:
    found = read_offer(FULL)
    assert found == OfferFile(
        offer=Offer(
            name="Example Inc., senior engineer",
            base_usd_year=375_000,
            bonus_usd_year=37_500,
            equity=(
                EquityGrant(value_usd=400_000, every_months=3),
                EquityGrant(
                    name="options",
                    kind="options",
                    shares=10_000,
                    spot_usd=12.5,
                    strike_usd=4,
                    volatility=0.625,
                    illiquidity=0.3,
                    vesting_months=36,
                    cliff_months=6,
                ),
            ),
            tokens=TokenBudget(
                amount_usd_year=100_000,
                firm=False,
                period_months=3,
                unused="carry_over",
                carry_over_periods=2,
                carry_over_cap_share=0.25,
                revocable=True,
                notice_reduce_days=30,
                notice_revoke_days=0,
                vesting_months=12,
                vesting_cliff_months=3,
                personal_use_share=0.0,
                cash_out_rate=0.5,
                cash_out_cap_usd=2_000,
                denomination="frontier_tokens",
                escalator_rate=0.05,
                models=("claude-*",),
                leaver="days",
                leaver_days=14,
                leaver_vested="keep",
                tax_character="personal",
                expectation=Expectation(output_multiple=2.0, measure="merged changes a quarter"),
                in_headline=True,
            ),
        ),
        person=Person(
            horizon_years=5,
            discount_rate=0.075,
            marginal_tax_rate=0.37,
            own_spend_usd_year=1_200,
            usage_usd_months=(120, 180.5, 0),
        ),
        occupation="15-1252",
        area="san-francisco",
        now=Now(base_usd_year=350_000, tokens_usd_year=20_000),
    )
    assert found.market is not None
    assert found.market.percentiles_usd[2] == 186_640


def test_every_field_of_the_file_is_in_the_example_above() -> None:
    names = {entry.name for entries in ENTRIES.values() for entry in entries}
    written = {line.split(" = ")[0] for line in FULL.splitlines() if " = " in line}
    assert names - written == {"grace_days", "term_years", "risk_aversion", "outside_wealth"}


def test_what_is_not_stated_is_not_what_is_denied() -> None:
    silent = read_offer('name = "a"\nbase = 1\n[tokens]\namount = "unstated"').offer.tokens
    assert silent is not None
    assert (silent.amount_usd_year, silent.firm, silent.period_months, silent.unused) == (0.0, False, None, None)
    assert (silent.models, silent.personal_use_share, silent.tax_character, silent.leaver) == (None, None, None, None)
    denied = read_offer(TOKENS + 'models = "all"\npersonal_use = "0%"').offer.tokens
    assert denied is not None
    assert (denied.models, denied.personal_use_share) == ((), 0.0)


def test_an_offer_may_be_without_tokens_and_all_else() -> None:
    assert read_offer('name = "a"\nbase = "400000"') == OfferFile(offer=Offer(name="a", base_usd_year=400_000))


def test_the_template_reads_and_has_every_field() -> None:
    text = template()
    found = read_offer(text).offer
    assert found.base_usd_year == 375_000
    assert found.tokens is not None
    assert found.tokens.amount_usd_year == 100_000
    for entries in ENTRIES.values():
        for entry in entries:
            assert f"{entry.name} = " in text, entry.name
    assert max(map(len, text.splitlines())) <= 118
    switched_on = "\n".join(
        line.removeprefix("# ") if " = " in line or line.startswith("# [") else line for line in text.splitlines()
    )
    with pytest.raises(Refused, match=r"left out|goes with") as raised:
        read_offer(switched_on)
    assert raised.value.refusal.why is Why.OFFER_INVALID, "all fields at once contradict each other, and nothing else"


CENTS = st.integers(1, 10**11).map(lambda cents: cents / 100)
SHARES = st.integers(1, 10_000).map(lambda bps: bps / 10_000)
BUDGETS = st.builds(
    TokenBudget,
    amount_usd_year=CENTS,
    firm=st.booleans(),
    period_months=st.sampled_from([None, 1, 3, 6, 12]),
    denomination=st.sampled_from(["money", "frontier_tokens", "commodity_tokens"]),
    unused=st.sampled_from([None, "expire", "keep"]),
    vesting_months=st.none() | st.integers(0, 120),
    revocable=st.none() | st.just(True),
    notice_reduce_days=st.none() | st.integers(0, 366),
    notice_revoke_days=st.none() | st.integers(0, 366),
    personal_use_share=st.none() | st.just(0.0) | SHARES,
    cash_out_rate=st.just(0.0) | SHARES,
    escalator_rate=st.just(0.0) | SHARES,
    models=st.sampled_from([None, (), ("claude-*", 'a "quoted" one')]),
    leaver=st.sampled_from([None, "forfeit", "period_end"]),
    tax_character=st.sampled_from([None, "tool", "imputed", "personal"]),
    expectation=st.none()
    | st.builds(Expectation, output_multiple=st.integers(10, 900).map(lambda n: n / 100), measure=st.none()),
    in_headline=st.none() | st.booleans(),
)
OFFERS = st.builds(
    Offer,
    name=st.text(st.characters(categories=["L", "N", "P"]), min_size=1, max_size=40),
    base_usd_year=CENTS,
    bonus_usd_year=st.just(0.0) | CENTS,
    equity=st.lists(st.builds(EquityGrant, value_usd=CENTS, illiquidity=SHARES), max_size=2).map(tuple),
    tokens=st.none() | BUDGETS,
)


@settings(max_examples=150)
@given(OFFERS, st.none() | st.builds(Now, base_usd_year=CENTS, tokens_usd_year=CENTS))
def test_what_is_written_reads_back(offer: Offer, now: Now | None) -> None:
    file = OfferFile(offer=offer, occupation="data-scientists", area="us", now=now)
    assert read_offer(write_offer(file)) == file, "to the last field"


def test_answers_make_an_offer() -> None:
    answers = {
        "name": "Acme",
        "base": "$375,000",
        "bonus": "",
        "tokens.amount": "up to 100000",
        "tokens.revocable": "yes",
        "tokens.notice_reduce_days": "30",
        "tokens.models": "claude-*, gpt-5",
        "tokens.in_headline": "no",
        "equity.value": "400000",
        "you.marginal_tax_rate": "37%",
    }
    found = from_answers(answers)
    tokens = found.offer.tokens
    assert tokens is not None
    assert (tokens.amount_usd_year, tokens.firm) == (100_000, False)
    assert (tokens.revocable, tokens.in_headline) == (True, False)
    assert (tokens.notice_reduce_days, tokens.models) == (30, ("claude-*", "gpt-5"))
    assert found.offer.equity == (EquityGrant(value_usd=400_000),)
    assert read_offer(write_offer(found)) == found


def test_every_question_takes_its_own_hint() -> None:
    for question in questions():
        check_answer(question.field, question.hint)
    from_answers({question.field: question.hint for question in questions()})


@pytest.mark.parametrize(
    ("field", "answer"),
    [("base", "a lot"), ("tokens.revocable", "perhaps"), ("tokens.notice_reduce_days", "soon"), ("salary", "5")],
)
def test_a_wrong_answer_is_refused_at_once(field: str, answer: str) -> None:
    with pytest.raises(Refused) as raised:
        check_answer(field, answer)
    assert (raised.value.refusal.why, raised.value.refusal.field) == (Why.OFFER_INVALID, field)


TOKENS = 'name = "a"\nbase = 1\n[tokens]\namount = 1\n'
EQUITY = 'name = "a"\nbase = 1\n[[equity]]\n'
YOU = 'name = "a"\nbase = 1\n[you]\n'
WRONG = {
    "not TOML": ("name: a", "(file)", "not TOML"),
    "a field twice": ('name = "a"\nname = "b"', "(file)", "not TOML"),
    "nothing": ("", "name", "missing"),
    "no name": ("base = 1", "name", "missing"),
    "an empty name": ('name = " "\nbase = 1', "name", "write a line"),
    "a name of two lines": ('name = "a\\nb"\nbase = 1', "name", "write a line"),
    "no base": ('name = "a"', "base", "missing"),
    "a negative base": ('name = "a"\nbase = -5', "base", "negative"),
    "a base of nothing": ('name = "a"\nbase = 0', "base", "more than 0"),
    "a base in words": ('name = "a"\nbase = "plenty"', "base", "write dollars"),
    "a base that is a float": ('name = "a"\nbase = 375000.5', "base", "in quotes"),
    "a base of infinity": ('name = "a"\nbase = inf', "base", "in quotes"),
    "a base that is no number": ('name = "a"\nbase = nan', "base", "in quotes"),
    "a base beyond all money": ('name = "a"\nbase = 1000000000000', "base", "too large"),
    "a base that is true": ('name = "a"\nbase = true', "base", "in quotes"),
    "another currency": ('name = "a"\nbase = "€100"', "base", "write dollars"),
    "a currency": ('name = "a"\nbase = 1\ncurrency = "EUR"', "currency", "no such field"),
    "a negative bonus": ('name = "a"\nbase = 1\nbonus = "-1"', "bonus", "negative"),
    "a bonus as a share": ('name = "a"\nbase = 1\nbonus = "15%"', "bonus", "write dollars"),
    "an unknown field": ('name = "a"\nbase = 1\nsalary = 5', "salary", "base"),
    "an unknown table": ('name = "a"\nbase = 1\n[perks]\nfruit = 1', "perks", "tokens"),
    "an unknown term": (TOKENS + "notice = 30", "tokens.notice", "notice_reduce_days"),
    "tokens that are no table": ('name = "a"\nbase = 1\ntokens = 100000', "tokens", "[tokens]"),
    "tokens without an amount": ('name = "a"\nbase = 1\n[tokens]\nschedule = "monthly"', "tokens.amount", "missing"),
    "a negative budget": ('name = "a"\nbase = 1\n[tokens]\namount = "-1"', "tokens.amount", "negative"),
    "up to nothing": ('name = "a"\nbase = 1\n[tokens]\namount = "up to 0"', "tokens.amount", "more than 0"),
    "up to plenty": ('name = "a"\nbase = 1\n[tokens]\namount = "up to plenty"', "tokens.amount", "write dollars"),
    "a schedule of days": (TOKENS + 'schedule = "daily"', "tokens.schedule", "half_yearly"),
    "a share as a fraction": (TOKENS + "personal_use = 0.25", "tokens.personal_use", "percentage in quotes"),
    "a share without its sign": (TOKENS + 'personal_use = "25"', "tokens.personal_use", "percentage in quotes"),
    "a share above the whole": (TOKENS + 'cash_out_rate = "150%"', "tokens.cash_out_rate", "to 100%"),
    "a negative share": (TOKENS + 'cash_out_rate = "-5%"', "tokens.cash_out_rate", "from 0%"),
    "a cap without carry-over": (TOKENS + 'carry_over_cap = "25%"', "tokens.carry_over_cap", "left out"),
    "carry-over and grace": (TOKENS + 'unused = "carry_over"\ngrace_days = 5', "tokens.grace_days", "left out"),
    "grace without days": (TOKENS + 'unused = "grace"', "tokens.grace_days", "it is missing"),
    "a cliff without vesting": (TOKENS + "vesting_cliff_months = 3", "tokens.vesting_cliff_months", "nothing vests"),
    "a cliff after the vesting": (
        TOKENS + "vesting_months = 12\nvesting_cliff_months = 24",
        "tokens.vesting_cliff_months",
        "at most the 12 months",
    ),
    "vesting of a thousand months": (TOKENS + "vesting_months = 1000", "tokens.vesting_months", "from 0 to 120"),
    "vesting of half a month": (TOKENS + "vesting_months = 0.5", "tokens.vesting_months", "whole number"),
    "notice of a revocation that cannot be": (
        TOKENS + "revocable = false\nnotice_revoke_days = 30",
        "tokens.notice_revoke_days",
        "not revocable",
    ),
    "negative notice": (TOKENS + "notice_reduce_days = -1", "tokens.notice_reduce_days", "from 0 to 366"),
    "a cash-out cap without a rate": (TOKENS + "cash_out_cap = 5", "tokens.cash_out_cap", "left out"),
    "an escalator without a rate": (TOKENS + 'escalator = "fixed"', "tokens.escalator_rate", "missing"),
    "a rate without an escalator": (TOKENS + 'escalator_rate = "5%"', "tokens.escalator_rate", "fixed"),
    "days without leaving by days": (TOKENS + "leaving_days = 5", "tokens.leaving_days", "left out"),
    "leaving by days without days": (TOKENS + 'on_leaving = "days"', "tokens.leaving_days", "it is missing"),
    "an unknown tax character": (TOKENS + 'tax_character = "gift"', "tokens.tax_character", "working_condition"),
    "a measure of nothing": (TOKENS + 'expectation_measure = "x"', "tokens.expectation_multiple", "missing"),
    "an expectation of nothing": (
        TOKENS + 'expectation_multiple = "0"',
        "tokens.expectation_multiple",
        "more than 0",
    ),
    "models that are no list": (TOKENS + 'models = "claude"', "tokens.models", "list"),
    "a flag in words": (TOKENS + 'revocable = "yes"', "tokens.revocable", "true or false"),
    "one equity table": ('name = "a"\nbase = 1\n[equity]\nvalue = 5', "equity", "[[equity]]"),
    "shares without a value": (EQUITY + 'kind = "rsu"', "equity.value", "missing"),
    "options without a strike": (EQUITY + 'kind = "options"\nshares = 5\nspot = 1', "equity.strike", "missing"),
    "a cliff after all": (
        EQUITY + "value = 5\nvesting_months = 12\ncliff_months = 13",
        "equity.cliff_months",
        "12 months",
    ),
    "the second grant": (EQUITY + "value = 5\n[[equity]]\nvalue = -5", "equity[2].value", "negative"),
    "another kind": (EQUITY + 'kind = "phantom"', "equity.kind", "rsu, options"),
    "a horizon of 10^12 years": (YOU + "horizon_years = 1000000000000", "you.horizon_years", "from 1 to 40"),
    "a horizon of no years": (YOU + "horizon_years = 0", "you.horizon_years", "from 1 to 40"),
    "a tax of all": (YOU + 'marginal_tax_rate = "100%"', "you.marginal_tax_rate", "to 95%"),
    "a discount as a fraction": (YOU + "discount_rate = 0.08", "you.discount_rate", "percentage"),
    "usage that is no list": (YOU + "usage_months = 120", "you.usage_months", "list"),
    "negative usage": (YOU + "usage_months = [-1]", "you.usage_months", "negative"),
    "an unknown occupation": (
        'name = "a"\nbase = 1\n[market]\noccupation = "x"',
        "market.occupation",
        "data-scientists",
    ),
    "an area without an occupation": ('name = "a"\nbase = 1\n[market]\narea = "us"', "market.occupation", "missing"),
    "pay now without a base": ('name = "a"\nbase = 1\n[now]\ntokens = 5', "now.base", "missing"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_refused_by_field_and_remedy(name: str) -> None:
    text, field, remedy = WRONG[name]
    with pytest.raises(Refused) as raised:
        read_offer(text)
    refusal = raised.value.refusal
    assert (refusal.why, refusal.field) == (Why.OFFER_INVALID, field)
    assert remedy in refusal.facts["problem"]
    assert f"The offer's field {field} is not right: " in refusal.text


def test_every_field_is_documented() -> None:
    page = (Path(__file__).parents[3] / "docs/offers/offer-file.md").read_text("utf-8")
    for entries in ENTRIES.values():
        for entry in entries:
            example = json.dumps(entry.example, ensure_ascii=False)
            assert f"\n| `{entry.name}` | `{example}` | {' '.join(entry.comment.splitlines())} |\n" in page, (
                entry.name
            )
