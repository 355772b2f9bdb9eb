"""Journals for a general ledger: the real programs accept them, and their balances are those of the books."""

from __future__ import annotations

import csv
import io
import subprocess
from collections import Counter, defaultdict
from decimal import Decimal
from pathlib import Path

import pytest
from beancount import loader
from beancount.core.data import Transaction

from bursar.exports.centres import Centre
from bursar.exports.chart import Chart
from bursar.exports.entries import Entry, Line, in_cents
from bursar.ledger.accounts import Account
from bursar.money import NANOS_PER_USD
from bursar.refusals import Refused
from tests.unit.exports.conftest import STRANGE, Spent

CHART = Chart()
CENT = Decimal("0.01")


def usd(nanos: int) -> Decimal:
    return Decimal(nanos) / NANOS_PER_USD


def credit_in_the_books(spent: Spent) -> dict[str, Decimal]:
    """What each of Bursar's accounts must come to: what sits there, debits above zero."""
    return {CHART.of(account): usd(-amount) for account, amount in spent.lots().items() if amount}


def money_in_the_books(spent: Spent) -> dict[str, Decimal]:
    cost, lots = usd(sum(spent.by_team.values())), spent.lots()
    paid = usd(1_000_000_007 * 3333 // 10_000)
    assert lots[Account.SPENT] == sum(spent.by_team.values())
    assert lots[Account.CASHED_OUT] == 1_000_000_007, "the cap"
    return {
        CHART.usage_expense: cost,
        CHART.providers_payable: -cost,
        CHART.cash_out_expense: paid,
        CHART.payroll_payable: -paid,
    }


def hledger(file: Path, *words: str) -> str:
    done = subprocess.run(["hledger", "-f", str(file), *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def hledger_balances(file: Path, *words: str) -> dict[str, Decimal]:
    printed = hledger(file, "balance", "--flat", "--no-total", "-O", "csv", *words)
    rows = list(csv.reader(io.StringIO(printed)))[1:]
    return {account: Decimal(amount.removesuffix(" USD")) for account, amount in rows}


def test_beancount_accepts_it_and_its_balances_are_those_of_the_books(on_each_engine: Spent, tmp_path: Path) -> None:
    spent = on_each_engine
    file = tmp_path / "bursar.beancount"
    file.write_text(spent.journal("beancount"))
    found, errors, _ = loader.load_file(str(file))
    assert not errors, errors[:3]
    sums: defaultdict[str, Decimal] = defaultdict(Decimal)
    teams: defaultdict[str, Decimal] = defaultdict(Decimal)
    for entry in found:
        if isinstance(entry, Transaction):
            for posting in entry.postings:
                assert posting.units is not None
                assert isinstance(posting.units.number, Decimal)
                sums[posting.account] += posting.units.number
                if posting.account == CHART.usage_expense:
                    teams[entry.meta["team"]] += posting.units.number
    assert {name: amount for name, amount in sums.items() if amount} == {
        **credit_in_the_books(spent),
        **money_in_the_books(spent),
    }
    assert teams == {team: usd(cost) for team, cost in spent.by_team.items()}


def test_hledger_accepts_it_strictly_and_its_balances_are_those_of_the_books(
    on_each_engine: Spent, tmp_path: Path
) -> None:
    spent = on_each_engine
    file = tmp_path / "bursar.hledger"
    file.write_text(spent.journal("hledger"))
    hledger(file, "check", "--strict", "ordereddates", "uniqueleafnames")
    assert hledger_balances(file) == {**credit_in_the_books(spent), **money_in_the_books(spent)}
    by_team = hledger_balances(file, "Expenses:AI-Usage", "--pivot", "team")
    assert by_team["platform"] == usd(spent.by_team["platform"])
    assert sum(by_team.values()) == usd(sum(spent.by_team.values()))


def test_files_of_several_months_are_the_year_together(spent: Spent, tmp_path: Path) -> None:
    whole, parts = tmp_path / "year.beancount", tmp_path / "parts.beancount"
    whole.write_text(spent.journal("beancount"))
    included = ['plugin "beancount.plugins.auto_accounts"']
    for month in ("2026-11", "2026-12"):
        (tmp_path / f"{month}.beancount").write_text(spent.journal("beancount", month))
        included.append(f'include "{month}.beancount"')
    parts.write_text("\n".join(included))
    (one, no_errors, _), (other, none_either, _) = (loader.load_file(str(file)) for file in (whole, parts))
    assert not no_errors
    assert not none_either
    said = [
        [(e.date, e.narration, e.postings) for e in found if isinstance(e, Transaction)] for found in (one, other)
    ]
    assert len(said[0]) > 60
    assert [(day, text, [p[:2] for p in ps]) for day, text, ps in said[0]] == [
        (day, text, [p[:2] for p in ps]) for day, text, ps in said[1]
    ]


@pytest.mark.parametrize("format", ["beancount", "hledger", "csv", "netsuite", "quickbooks"])
def test_the_same_books_give_the_same_bytes(spent: Spent, format: str) -> None:
    assert spent.journal(format) == spent.journal(format)


def test_an_entry_has_its_id_in_whatever_file_it_is(spent: Spent) -> None:
    rows = spent.rows("csv")
    by_id = {row["id"]: (row["date"], row["kind"], row["team"], row["plan"]) for row in rows}
    assert len(set(by_id.values())) == len(by_id)
    assert all(len(one) == 20 for one in by_id)
    [november] = {frozenset(row["id"] for row in spent.rows("csv", "2026-11"))}
    assert november == {one for one, (day, *_) in by_id.items() if day.startswith("2026-11")}
    assert {row["External ID"] for row in spent.rows("netsuite")} <= set(by_id)
    assert {row["Journal No."] for row in spent.rows("quickbooks", kinds="all")} <= set(by_id)


@pytest.mark.parametrize(
    ("format", "names"),
    [
        ("netsuite", ("External ID", "Account", "Debit", "Credit", "Department")),
        ("quickbooks", ("Journal No.", "Account Name", "Debits", "Credits", "Class")),
    ],
)
@pytest.mark.parametrize("kinds", ["money", "all"])
def test_imports_balance_in_cents_and_are_right_by_the_month(
    spent: Spent, format: str, names: tuple[str, ...], kinds: str
) -> None:
    its_id, account, debit, credit, department = names
    entries: defaultdict[str, Decimal] = defaultdict(Decimal)
    sums: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in spent.rows(format, "2026-11", kinds=kinds):
        assert bool(row[debit]) != bool(row[credit]), "one side has the amount"
        amount = Decimal(row[debit] or "0") - Decimal(row[credit] or "0")
        assert amount.as_tuple().exponent == -2
        entries[row[its_id]] += amount
        sums[row[account], row[department]] += amount
    assert set(entries.values()) == {Decimal(0)}
    exact: defaultdict[tuple[str, str], Decimal] = defaultdict(Decimal)
    for row in spent.rows("csv", "2026-11", kinds=kinds):
        exact[row["account"], row["team"]] += Decimal(row["debit"] or "0") - Decimal(row["credit"] or "0")
    plans = 2  # a team has at most so many, each rounded by itself
    for name, amount in exact.items():
        assert abs(sums[name] - amount) <= plans * CENT / 2, name


def test_rounding_has_a_line_of_its_own_and_does_not_pile_up() -> None:
    third = NANOS_PER_USD // 300
    lines = (Line("A", 3 * third), Line("B", -third), Line("C", -third), Line("D", -third))
    days = [f"2026-11-{day:02d}" for day in range(1, 31)]
    made = list(in_cents([Entry(day, day, "credit", Centre("t", "p"), lines) for day in days], CHART))
    nanos: Counter[str] = Counter()
    for entry in made:
        assert sum(line.amount_nanos for line in entry.lines) == 0
        assert all(line.amount_nanos % 10_000_000 == 0 for line in entry.lines)
        nanos.update(dict(entry.lines))
    assert any(line.account == CHART.rounding for entry in made for line in entry.lines)
    assert nanos == {"A": 300_000_000, "B": -100_000_000, "C": -100_000_000, "D": -100_000_000, CHART.rounding: 0}


def test_days_are_those_of_the_time_zone(spent: Spent) -> None:
    in_utc = {row["date"] for row in spent.rows("csv", kinds="money")}
    far_west = {row["date"] for row in spent.rows("csv", time_zone="Pacific/Pago_Pago", kinds="money")}
    assert min(in_utc) == "2026-11-01"
    assert min(far_west) == "2026-10-31"
    one_day = spent.rows("csv", "2026-11-17", kinds="money")
    assert {row["date"] for row in one_day} == {"2026-11-17"}


def test_names_of_accounts_departments_and_a_subsidiary_are_the_companys(spent: Spent) -> None:
    accounts = (
        'usage_expense = "6450 AI usage"\nproviders_payable = "2150 Accrued: AI"\nsubsidiary = "Parent"\n'
        '[departments]\nplatform = "Engineering : Platform"\n'
    )
    rows = spent.rows("netsuite", "2026-11", accounts=accounts)
    assert {row["Account"] for row in rows} == {
        "6450 AI usage",
        "2150 Accrued: AI",
    }
    assert {row["Subsidiary"] for row in rows} == {"Parent"}
    assert {row["Department"] for row in rows} == {"Engineering : Platform", STRANGE, ""}
    assert {row["Date"] for row in rows} >= {"11/01/2026", "11/29/2026"}


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"period": "2026-13"}, "period"),
        ({"period": "November"}, "period"),
        ({"period": "2026-W54"}, "period"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"format": "xlsx"}, "format"),
        ({"kinds": "some"}, "entries"),
        ({"accounts": "usage_expense = 7"}, "accounts"),
        ({"accounts": 'spend = "x"'}, "accounts"),
        ({"accounts": "not toml"}, "accounts"),
        ({"accounts": 'spent = "a;b"'}, "accounts.spent"),
        ({"accounts": 'held = "6450 AI usage"'}, "accounts.held"),
    ],
)
def test_what_is_not_right_is_refused_by_its_name(spent: Spent, asked: dict[str, str], field: str) -> None:
    more = {"format": "beancount", "period": "2026-11", **asked}
    with pytest.raises(Refused) as refused:
        spent.journal(**more)
    assert refused.value.refusal.field == field
