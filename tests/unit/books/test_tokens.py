"""Budgets in tokens and budgets that grow, kept by the books: lots are worth what their time's price book says."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import msgspec
import pytest
import sqlalchemy as sa

from bursar.books import Books, changes
from bursar.books.changes import Announcement
from bursar.books.limits import grant_pool
from bursar.ledger.accounts import Balance
from bursar.periods import to_us
from bursar.pricing.book import PriceBook
from bursar.pricing.negotiated import apply_overrides
from bursar.pricing.overrides import read_overrides
from bursar.pricing.snapshot import Content
from bursar.refusals import Refusal, Refused, Why
from bursar.reports.compensation import compensation
from bursar.store import directory
from bursar.store.database import Database
from bursar.store.schema import balances as balances_table
from bursar.store.schema import grants, pools, postings
from bursar.terms.plan import read_plan
from tests.store.seen import balances
from tests.support.calls import USD
from tests.support.teams import Company

TOKENS = 'denomination = "tokens"\ntokens = "50M"\ntokens_of = "claude-sonnet-4-5"'
CHEAPER = """
[[rate]]
catalog = "anthropic"
model = "claude-sonnet-4-5"
from = {day}
input = "{input}"
output = "{output}"
"""


def at(text: str) -> int:
    """An instant in UTC."""
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


def take(company: Company, book: PriceBook) -> None:
    """Put a price book in force now, as a reload does."""
    books = company.books
    books.journal.write(
        lambda connection: directory.keep_price_book(connection, book.version, book.to_json(), books.clock())
    )
    books.prices = book


def cheaper(prices: PriceBook, day: str, **dollars: str) -> PriceBook:
    """A book with another price of the model from a day on."""
    said = read_overrides(CHEAPER.format(day=day, **dollars), "prices.toml")
    return PriceBook(apply_overrides(prices.content, said))


def without(prices: PriceBook, model: str) -> PriceBook:
    """A book that does not know the maker's model."""
    catalogs = dict(prices.content.catalogs)
    kept = tuple(one for one in catalogs["anthropic"].models if model not in one.id)
    catalogs["anthropic"] = msgspec.structs.replace(catalogs["anthropic"], models=kept)
    return PriceBook(Content(catalogs))


def granted(company: Company, lines: str, begins: str | None = None) -> str:
    """Ada, with a plan of these lines."""
    ada = company.person("ada", usd=None)
    company.books.add_plan(read_plan(f'name = "plan"\n{lines}'))
    company.books.grant(ada, "plan", None if begins is None else at(begins))
    return ada


def lots(company: Company) -> dict[str, Balance]:
    """The lots by their periods, in their order."""
    found = {lot.label: lot for lot in balances(company.books.database).values() if lot.kind == "lot"}
    return dict(sorted(found.items()))


def notes(company: Company) -> list[str]:
    """What the openings say about how their amounts came about, in the order of their periods."""
    query = sa.select(postings.c.reason).where(postings.c.verb == "open").order_by(postings.c.effective_us)
    with company.books.database.reading() as connection:
        return list(connection.execute(query).scalars())


def test_a_lot_is_worth_what_its_tokens_cost_when_it_opens(company: Company, prices: PriceBook) -> None:
    """A quarter is output: 50 million tokens at $6.00 a million are $300, and at half of that $150."""
    granted(company, TOKENS)
    company.clock.now_us = at("2026-11-25")
    take(company, later := cheaper(prices, "2026-12-01", input="1.50", output="7.50"))
    company.clock.now_us = at("2027-01-04")
    company.books.bring_up()
    assert {label: lot.granted for label, lot in lots(company).items()} == {
        "2026-11": 300 * USD,
        "2026-12": 150 * USD,
        "2027-01": 150 * USD,
    }
    said = "50,000,000 tokens of anthropic/claude-sonnet-4-5 at ${} a million, 25% of them output, by price book {}"
    assert notes(company) == [
        said.format("6.00", prices.version),
        said.format("3.00", later.version),
        said.format("3.00", later.version),
    ]


def test_a_lot_keeps_its_worth_and_a_late_opening_has_the_price_of_its_time(
    company: Company, prices: PriceBook
) -> None:
    """Nobody looked from November to January; the book of 15 December, which says otherwise of November, is later."""
    granted(company, TOKENS)
    company.clock.now_us = at("2026-12-15")
    take(company, cheaper(prices, "2026-01-01", input="1.50", output="7.50"))
    company.clock.now_us = at("2027-01-04")
    company.books.bring_up()
    assert [lot.granted for lot in lots(company).values()] == [300 * USD, 300 * USD, 150 * USD]
    assert prices.version in notes(company)[1]
    company.clock.now_us = at("2027-01-05")
    take(company, prices)
    company.books.bring_up()
    assert lots(company)["2027-01"].granted == 150 * USD


def test_a_book_that_is_taken_back_into_force_is_in_force_from_then_on(company: Company, prices: PriceBook) -> None:
    """December opens by the cheaper book; back in force before January, the first one says nothing of December."""
    ada = granted(company, f'{TOKENS}\nproration = "daily"')
    company.clock.now_us = at("2026-11-10")
    take(company, cheaper(prices, "2026-01-01", input="1.50", output="7.50"))
    company.clock.now_us = at("2026-12-20")
    company.books.bring_up()
    take(company, prices)
    company.books.bring_up()
    assert lots(company)["2026-12"].available == 150 * USD
    company.clock.now_us = at("2027-01-01")
    assert company.call(ada, 300) is None
    assert [(lot.granted, lot.revoked) for lot in lots(company).values()] == [
        (300 * USD, 0),
        (150 * USD, 0),
        (300 * USD, 0),
    ]


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (TOKENS.replace("sonnet-4-5", "sonata-9"), Why.MODEL_NOT_PRICED),
        (TOKENS.replace("claude", "nowhere/claude"), Why.MODEL_NOT_PRICED),
        (TOKENS.replace("claude-sonnet-4-5", "openai/text-embedding-3-small"), Why.VARIANT_NOT_PRICED),
        ('amount = "5"\nescalator = "price_index"\nescalator_basket = ["claude-sonata-9"]', Why.MODEL_NOT_PRICED),
    ],
)
def test_a_model_without_a_price_is_refused_when_it_is_granted(company: Company, lines: str, why: Why) -> None:
    company.clock.now_us = at("2026-11-20")
    with pytest.raises(Refused) as refused:
        granted(company, lines)
    assert refused.value.refusal.why is why
    with pytest.raises(Refused) as refused:
        grant_pool(company.books, "platform", "plan")
    assert refused.value.refusal.why is why
    with company.books.database.reading() as connection:
        for table in (grants, pools, balances_table):
            assert connection.execute(sa.select(sa.func.count()).select_from(table)).scalar() == 0


def test_a_model_that_loses_its_price_opens_nothing_till_it_has_one(company: Company, prices: PriceBook) -> None:
    """The book in force on 1 December does not know the model; the one of 2 January does, but only from then on."""
    ada = granted(company, TOKENS.replace("claude", "anthropic/claude"))
    company.clock.now_us = at("2026-11-28")
    take(company, without(prices, "sonnet-4-5"))
    company.clock.now_us = at("2026-12-05")
    company.books.bring_up()
    assert list(lots(company)) == ["2026-11"]
    refusal = company.spender(ada).paused
    assert isinstance(refusal, Refusal)
    assert (refusal.why, refusal.status) == (Why.BUDGET_NOT_PRICED, 402)
    assert "'anthropic/claude-sonnet-4-5'" in refusal.text
    assert isinstance(held := company.hold(ada, 1), Refusal), held
    company.clock.now_us = at("2026-12-30")
    take(company, cheaper(prices, "2026-01-01", input="1.50", output="7.50"))
    company.clock.now_us = at("2027-01-02")
    company.books.bring_up()
    assert {label: lot.granted for label, lot in lots(company).items()} == {
        "2026-11": 300 * USD,
        "2027-01": 150 * USD,
    }


def test_another_budget_pays_while_one_has_no_price(company: Company, prices: PriceBook) -> None:
    ada = granted(company, TOKENS.replace("claude", "anthropic/claude"))
    company.plan("money", 20)
    company.books.grant(ada, "money")
    take(company, without(prices, "sonnet-4-5"))
    company.clock.now_us = at("2026-12-05")
    assert company.spender(ada).paused is None
    assert company.call(ada, 20) is None


def test_an_amount_in_dollars_is_no_change_of_a_plan_of_tokens(company: Company) -> None:
    ada = granted(company, TOKENS)
    asked = Announcement(person=ada, reason="More", actor="operator")
    with pytest.raises(Refused) as refused:
        changes.change_amount(company.books, asked, 500 * USD)
    assert refused.value.refusal.field == "amount"
    assert "gives tokens" in refused.value.refusal.text
    changes.revoke(company.books, asked)
    assert lots(company)["2026-11"].revoked == 300 * USD


def test_a_pool_of_tokens(company: Company) -> None:
    company.person("ada", usd=None)
    company.books.add_plan(read_plan(f'name = "plan"\n{TOKENS}'))
    grant_pool(company.books, "platform", "plan")
    assert company.call("ada@example.com", 300) is None
    assert lots(company)["2026-11"].spent == 300 * USD


def test_a_fixed_escalator_raises_lots_from_the_anniversary_on(company: Company) -> None:
    """The grant begins on 10 December 2024; so the lots of January 2026 and January 2027 are the first with more."""
    granted(company, 'amount = "1000.00"\nescalator = "fixed"\nescalator_rate = "10%"', "2024-12-10")
    company.clock.now_us = at("2027-01-04")
    company.books.bring_up()
    found = {label: lot.granted for label, lot in lots(company).items()}
    assert [found[label] for label in ("2024-12", "2025-12", "2026-01", "2026-12", "2027-01")] == [
        1_000 * USD,
        1_000 * USD,
        1_100 * USD,
        1_100 * USD,
        1_210 * USD,
    ]
    assert notes(company)[-1] == "$1,000.00 and 10% more, compounded over 2 years"


def test_a_raise_adds_its_difference_to_what_the_escalator_made(company: Company) -> None:
    ada = granted(company, 'amount = "1000.00"\nescalator = "fixed"\nescalator_rate = "10%"', "2025-10-01")
    company.clock.now_us = at("2026-11-10")
    asked = Announcement(person=ada, reason="Good work", actor="operator")
    raised = changes.change_amount(company.books, asked, 1_500 * USD)
    assert "$1,500.00 in each period instead of $1,100.00" in raised.told
    found = lots(company)["2026-11"]
    assert (found.granted, found.available) == (1_500 * USD, 1_500 * USD)
    company.clock.now_us = at("2027-10-01")
    company.books.bring_up()
    assert lots(company)["2027-09"].granted == 1_500 * USD
    assert lots(company)["2027-10"].granted == 1_650 * USD


def test_less_than_the_escalator_made_is_a_reduction(company: Company) -> None:
    lines = 'amount = "1000.00"\nescalator = "fixed"\nescalator_rate = "10%"\nnotice_reduce_days = 30'
    ada = granted(company, lines, "2025-10-01")
    company.clock.now_us = at("2026-11-10")
    asked = Announcement(person=ada, reason="Savings", actor="operator")
    with pytest.raises(Refused) as refused:
        changes.change_amount(company.books, asked, 1_050 * USD)
    assert refused.value.refusal.why is Why.NOTICE_TOO_SHORT


def test_an_index_follows_the_books_that_were_in_force(company: Company, prices: PriceBook) -> None:
    lines = 'amount = "1000.00"\nescalator = "price_index"\nescalator_basket = ["claude-sonnet-4-5"]'
    granted(company, lines)
    company.clock.now_us = at("2026-11-25")
    take(company, cheaper(prices, "2026-01-01", input="2.25", output="11.25"))
    company.clock.now_us = at("2026-12-01")
    company.books.bring_up()
    assert [lot.granted for lot in lots(company).values()] == [1_000 * USD, 750 * USD]
    assert "times 0.7500, the price of anthropic/claude-sonnet-4-5 since 2026-11-01" in notes(company)[1]
    with company.books.database.reading() as connection:
        view = compensation(connection, 1, at("2026-12-02"))
    assert view.tokens_nanos == 12 * 750 * USD


def test_two_nodes_open_one_lot_each_period_at_one_worth(company: Company, prices: PriceBook) -> None:
    """The second node came with another book on 20 November; both look on 5 January, at once.

    Only one process writes to SQLite; there it is one node that has taken the other book.
    """
    granted(company, TOKENS)
    company.clock.now_us = at("2026-11-20")
    later = cheaper(prices, "2026-12-10", input="1.50", output="7.50")
    nodes = [company.books]
    if company.books.database.is_sqlite:
        take(company, later)
    else:
        nodes.append(Books(Database(company.books.database.url), later, company.clock))
    company.clock.now_us = at("2027-01-05")
    with ThreadPoolExecutor(4) as threads:
        for done in [threads.submit(books.bring_up) for books in nodes * 4]:
            done.result()
    for other in nodes[1:]:
        other.close()
    assert [lot.granted for lot in lots(company).values()] == [300 * USD, 300 * USD, 150 * USD]
    assert later.version in notes(company)[2]
    assert len(notes(company)) == 3
