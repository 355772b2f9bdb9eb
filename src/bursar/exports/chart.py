"""The accounts of the general ledger that an export posts to: a small TOML file, or names that fit most."""

from __future__ import annotations

import re
import tomllib

import msgspec

from bursar.ledger.accounts import Account
from bursar.refusals import field_invalid

MAX_NAME_LENGTH = 200
MAX_QUICKBOOKS_NAME_LENGTH = 100
"""Of an account in QuickBooks Online (Intuit's API reference, Account.Name); `Parent:Sub` is two of them."""
_BEANCOUNT = re.compile(r"(Assets|Liabilities|Equity|Income|Expenses)(:[A-Z0-9][A-Za-z0-9-]*)+")


class Chart(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Names of accounts. The first five are of money; those below are Bursar's own, and sum to zero.

    `departments` gives teams the names that the ledger has for them; a team that is not there keeps its own.
    `subsidiary` is named on each line for NetSuite, when it is not empty; `currency` is what imports call the dollar.
    """

    usage_expense: str = "Expenses:AI-Usage"
    providers_payable: str = "Liabilities:AI-Providers"
    cash_out_expense: str = "Expenses:Cashed-Out-Credit"
    payroll_payable: str = "Liabilities:Payroll"
    rounding: str = "Expenses:Rounding"

    funding: str = "Equity:Credit:Granted"
    available: str = "Equity:Credit:Available"
    held: str = "Equity:Credit:Held"
    spent: str = "Equity:Credit:Spent"
    expired: str = "Equity:Credit:Expired"
    overrun: str = "Equity:Credit:Overrun"
    unearned: str = "Equity:Credit:Unearned"
    revoked: str = "Equity:Credit:Revoked"
    carried_out: str = "Equity:Credit:Carried-Out"
    cashed_out: str = "Equity:Credit:Cashed-Out"
    carried_in: str = "Equity:Credit:Carried-In"
    adjusted: str = "Equity:Credit:Adjusted"

    departments: dict[str, str] = {}
    subsidiary: str = ""
    currency: str = "USD"

    def of(self, account: Account) -> str:
        """What an account of Bursar's is called."""
        return str(getattr(self, account.name.lower()))

    def department(self, team: str) -> str:
        """What a team is called."""
        return self.departments.get(team, team)

    @property
    def names(self) -> dict[str, str]:
        """All accounts, by their fields."""
        others = {"departments", "subsidiary", "currency"}
        fields = (name for name in self.__struct_fields__ if name not in others)
        return {name: str(getattr(self, name)) for name in fields}


def read_chart(text: str) -> Chart:
    """Read the TOML file; an empty text gives the names that fit most. Refused, naming what is wrong with it."""
    try:
        chart = msgspec.convert(tomllib.loads(text), Chart)
    except tomllib.TOMLDecodeError as problem:
        raise field_invalid("accounts", f"not TOML ({problem})", "TOML: names of accounts") from None
    except msgspec.ValidationError as problem:
        right = ", ".join(Chart.__struct_fields__)
        raise field_invalid("accounts", f"not right: {problem}", f"texts under these names: {right}") from None
    texts = {**chart.names, **{f"departments.{team}": name for team, name in chart.departments.items()}}
    for field, name in {**texts, "subsidiary": chart.subsidiary or "-", "currency": chart.currency}.items():
        if not name.strip() or not name.isprintable() or len(name) > MAX_NAME_LENGTH or "  " in name or ";" in name:
            right = f"1 to {MAX_NAME_LENGTH} printable characters, without two blanks together and without ;"
            raise field_invalid(f"accounts.{field}", repr(name), right)
    return chart


def check_beancount(chart: Chart) -> None:
    """Refuse names that beancount does not take."""
    for field, name in chart.names.items():
        if not _BEANCOUNT.fullmatch(name):
            right = "a name that beancount takes, such as Expenses:AI-Usage"
            raise field_invalid(f"accounts.{field}", repr(name), right)


def check_quickbooks(chart: Chart) -> None:
    """Refuse names that no account has in QuickBooks Online: a colon stands between an account and what is in it."""
    for field, name in chart.names.items():
        parts = name.split(":")
        if '"' in name or any(not 0 < len(part.strip()) <= MAX_QUICKBOOKS_NAME_LENGTH for part in parts):
            right = f'names of 1 to {MAX_QUICKBOOKS_NAME_LENGTH} characters with : between them, and without "'
            raise field_invalid(f"accounts.{field}", repr(name), right)
