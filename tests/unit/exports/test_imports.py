"""Journals that ledgers import: what their imports take, once and only once, and what came later beside it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from bursar.books.outside import Outside, OutsideNote, charge_outside
from bursar.cli.parts import MOST_ROWS, divided
from bursar.exports.journal import Journal
from bursar.exports.span import WRITTEN_US, Recorded, check_recorded
from bursar.ledger.accounts import Account
from bursar.ledger.postings import Correct, Returned
from bursar.money import NANOS_PER_USD
from bursar.refusals import Refused
from tests.support.calls import USD, posted
from tests.support.teams import Company
from tests.unit.exports.conftest import Spent
from tests.unit.exports.imports import Entry, netsuite, quickbooks

TAKEN = {"netsuite": netsuite, "quickbooks": quickbooks}
DAY_US = 86_400_000_000
each_import = pytest.mark.parametrize("format", TAKEN)


def written(company: Company, format: str, *, period: str = "2026-11", per: str = "day", **recorded: int) -> str:
    """A journal of the company's, as recorded between two instants."""
    bounds = Recorded(recorded.get("since_us"), recorded.get("before_us"))
    wanted = Journal(period, format, time_zone="UTC", kinds=None, accounts="", per=per, recorded=bounds)
    with company.books.database.reading() as connection:
        return "".join(wanted.lines(connection))


def totals(*files: dict[str, Entry]) -> Counter[str]:
    """What accounts come to in cents."""
    sums: Counter[str] = Counter()
    for file in files:
        for entry in file.values():
            for account, debit in entry.debits:
                sums[account] += int(debit * 100)
    return sums


@each_import
@pytest.mark.parametrize("kinds", ["money", "credit", "all"])
@pytest.mark.parametrize("per", ["day", "month"])
def test_an_import_takes_every_entry(spent: Spent, format: str, kinds: str, per: str) -> None:
    taken = TAKEN[format](spent.journal(format, "2026-Q4", kinds=kinds, per=per))
    exact = spent.rows("csv", "2026-Q4", kinds=kinds, per=per)
    assert set(taken) <= {row["id"] for row in exact}
    if per == "month":
        assert {entry.day for entry in taken.values()} == {date(2026, 11, 30), date(2026, 12, 31)}


@each_import
def test_an_entry_is_the_same_in_a_file_of_its_day_its_week_its_month_and_its_year(spent: Spent, format: str) -> None:
    year = TAKEN[format](spent.journal(format, "2026", kinds="all"))
    for period in ("2026-11", "2026-W48", "2026-11-17", "2026-11-25"):
        part = TAKEN[format](spent.journal(format, period, kinds="all"))
        assert part
        assert part.items() <= year.items(), period


def test_a_month_is_an_entry_of_its_days(spent: Spent) -> None:
    sums = []
    for per in ("day", "month"):
        found: Counter[tuple[str, str, str]] = Counter()
        for row in spent.rows("csv", "2026-Q4", kinds="all", per=per):
            nanos = (Decimal(row["debit"] or "0") - Decimal(row["credit"] or "0")) * NANOS_PER_USD
            found[row["date"][:7], row["plan"], row["account"]] += int(nanos)
        sums.append({name: nanos for name, nanos in found.items() if nanos})
    assert sums[0] == sums[1]
    ids = [{row["id"] for row in spent.rows("csv", "2026-Q4", per=per)} for per in ("day", "month")]
    assert not ids[0] & ids[1]
    with pytest.raises(Refused) as refused:
        spent.journal("csv", "2026-W48", per="month")
    assert refused.value.refusal.field == "period"


def late(company: Company) -> Callable[[str, int, int], None]:
    """Reports somebody's usage: its name, its cost in nano-USD, and how many days after 1 November it was."""
    ada = company.person("ada", usd=None)
    company.plan("charged", 100, 'outside_usage = "charge"\nrun_out_days = 30')
    company.books.grant(ada, "charged")
    first_us, person_id = company.clock(), company.spender(ada).person_id
    note = OutsideNote(source="copilot", model="claude-sonnet-4-5", provider="github")

    def report(op: str, nanos: int, day: int) -> None:
        company.books.bring_up(person_id)
        at_us = first_us + day * DAY_US
        charge_outside(company.books, person_id, Outside(op=op, at_us=at_us, cost_nanos=nanos, note=note))

    return report


@each_import
@pytest.mark.parametrize("per", ["day", "month"])
def test_what_came_later_has_ids_of_its_own_and_adds_up_with_what_came_before(
    company: Company, format: str, per: str
) -> None:
    report, take = late(company), TAKEN[format]
    company.clock.advance(20 * 86_400)
    report("u1", 1_114_000_001, 2)
    report("u2", 2_223_999_999, 9)
    company.clock.advance(12 * 86_400)
    cut_us = company.clock()
    first = written(company, format, per=per)
    report("u3", 4_004_000_000, 9)
    report("u4", 3_000_001, 15)
    company.clock.advance(86_400)
    lot = company.balance("grant:1", "2026-11")
    person_id = 1
    back = Correct("u1", person_id, (Returned(lot.id, Account.AVAILABLE, 600_000_001),), company.clock(), "twice")
    posted(company.books.journal.post(back))
    assert written(company, format, per=per, before_us=cut_us) == first, "the file is made again, to the byte"
    later = take(written(company, format, per=per, since_us=cut_us))
    assert later
    assert not set(take(first)) & set(later)
    again_us = company.clock() + 60_000_000
    company.clock.advance(120)
    report("u5", 7_000_000, 3)
    assert take(written(company, format, per=per, since_us=cut_us, before_us=again_us)) == later
    last = take(written(company, format, per=per, since_us=again_us))
    whole = take(written(company, format, per=per))
    assert totals(take(first), later, last) == totals(whole)
    exact_nanos = 1_114_000_001 + 2_223_999_999 + 4_004_000_000 + 3_000_001 + 7_000_000
    assert abs(totals(whole)["Expenses:AI-Usage"] * NANOS_PER_USD // 100 - exact_nanos) <= NANOS_PER_USD // 200


def test_a_bound_is_refused_when_more_could_come_before_it() -> None:
    now_us = 1_000 * DAY_US
    assert check_recorded(Recorded(None, now_us - WRITTEN_US), now_us)
    for wrong, field in (
        (Recorded(None, now_us), "recorded_before"),
        (Recorded(now_us, None), "recorded_since"),
        (Recorded(5, 5), "recorded_since"),
    ):
        with pytest.raises(Refused) as refused:
            check_recorded(wrong, now_us)
        assert refused.value.refusal.field == field


def test_long_files_are_divided_between_entries(company: Company, tmp_path: Path) -> None:
    report = late(company)
    company.clock.advance(28 * 86_400)
    for day in range(20):
        report(f"u{day}", USD, day)
    whole = written(company, "quickbooks")
    pieces = [whole.encode()[at : at + 100] for at in range(0, len(whole), 100)]
    parts = [(file.name, b"".join(its).decode()) for file, its in divided(tmp_path / "november.csv", pieces, 7)]
    assert [name for name, _ in parts] == ["november.csv", *(f"november-{n}.csv" for n in range(2, 8))]
    taken = [quickbooks(text) for _, text in parts]
    assert all(len(one) <= 3 for one in taken)
    assert {name: entry for one in taken for name, entry in one.items()} == quickbooks(whole)
    assert sum(map(len, taken)) == 20
    [(file, its)] = divided(tmp_path / "november.csv", pieces, MOST_ROWS["quickbooks"])
    assert (file.name, b"".join(its).decode()) == ("november.csv", whole)
    [(_, nothing)] = divided(tmp_path / "none.csv", [b"Journal No.\r\n"], 7)
    assert b"".join(nothing) == b"Journal No.\r\n"


@pytest.mark.parametrize("name", ['6450 "AI"', "Expenses:", "x" * 101])
def test_accounts_that_quickbooks_cannot_have_are_refused(spent: Spent, name: str) -> None:
    with pytest.raises(Refused) as refused:
        spent.journal("quickbooks", accounts=f"usage_expense = '{name}'")
    assert refused.value.refusal.field == "accounts.usage_expense"
    assert spent.journal("netsuite", accounts=f"usage_expense = '{name}'")
