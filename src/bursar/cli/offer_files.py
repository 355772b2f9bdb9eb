"""What the commands about offers are given: offer files, assumptions that are set, a person's own use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bursar.cli.files import read_text
from bursar.money import NANOS_PER_USD, MoneyError, parse_usd
from bursar.periods import US_PER_SECOND, to_us
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.rows import Problem, Problems, read_rows

if TYPE_CHECKING:
    from bursar.offers.file import OfferFile
    from bursar.offers.offer import Offer
    from bursar.offers.person import Person
    from bursar.offers.use import Spent


COLUMNS = ("date", "cost")
MAX_MONTHS = 24
"""Logs of so many months tell enough of how one works today."""
US_PER_DAY = 86_400 * US_PER_SECOND


def read_file(file: Path) -> OfferFile:
    """The offer in a file. Refused with the file's name when it is wrong."""
    from bursar.offers.file import read_offer  # noqa: PLC0415 - `--help` needs no numpy

    text = read_text(file)
    try:
        return read_offer(text)
    except Refused as refused:
        refusal = refused.refusal
        problem = f"{refusal.facts['problem']} (in {file})"
        raise Refused(refuse(Why.OFFER_INVALID, field=refusal.field, problem=problem)) from None


def named_in(files: Sequence[Path], read: Sequence[OfferFile]) -> list[Offer]:
    """Offers that can be told apart: those of the same name have their file's name, too."""
    names = Counter(one.offer.name for one in read)
    return [
        one.offer if names[one.offer.name] == 1 else replace(one.offer, name=f"{one.offer.name} ({file})")
        for file, one in zip(files, read, strict=True)
    ]


def settings(given: Sequence[str] | None) -> dict[str, float]:
    """Assumptions by name from `NAME=VALUE`. Refused when one is not a number, or given twice."""
    found: dict[str, float] = {}
    for text in given or ():
        name, sign, number = text.partition("=")
        name = name.strip()
        if not sign or not name:
            raise field_invalid("--set", repr(text), "NAME=VALUE, such as u=0.8")
        if name in found:
            raise field_invalid("--set", f"{name} twice", "there once for each name")
        found[name] = _number(name, number.strip())
    return found


def _number(name: str, text: str) -> float:
    try:
        return float(text.removesuffix("%")) / 100 if text.endswith("%") else float(text)
    except ValueError:
        raise field_invalid(name, repr(text), "a number, such as 0.2 or 20%") from None


def amount(field: str, text: str) -> float:
    """Dollars from a text such as "420000" or "$420,000". Refused by the field's name."""
    try:
        return parse_usd(text) / NANOS_PER_USD
    except MoneyError as problem:
        raise field_invalid(field, repr(text), f"an amount: {problem}") from None


def with_usage(read: OfferFile, folder: Path | None, file: Path | None) -> OfferFile:
    """The offer to a person whose own use is known, if a folder of logs or a file of costs is given."""
    if folder is not None and file is not None:
        raise field_invalid("--usage-file", "given beside --usage", "given without it")
    if folder is not None:
        return replace(read, person=replace(read.person, usage_usd_months=_months_of_logs(folder)))
    return read if file is None else replace(read, person=_with_costs(read.person, file))


def _months_of_logs(folder: Path) -> tuple[float, ...]:
    """What logs cost in each month, oldest first; the month that goes on is left out unless it is the only one."""
    from bursar.local import monthly_cost  # noqa: PLC0415

    now = datetime.now().astimezone()
    costs = dict(monthly_cost([folder]))
    first = min(costs)
    months = [month for month in _months_until(f"{now:%Y-%m}", first) if month < f"{now:%Y-%m}"]
    return tuple(costs.get(month, 0) / NANOS_PER_USD for month in months or [first])[-MAX_MONTHS:]


def _months_until(last: str, first: str) -> list[str]:
    """The months from one to another, both included, such as "2026-11"."""
    begin, end = (int(month[:4]) * 12 + int(month[5:7]) - 1 for month in (first, last))
    return [f"{number // 12}-{number % 12 + 1:02}" for number in range(begin, end + 1)]


def _with_costs(person: Person, file: Path) -> Person:
    """A person whose use is that of a file of costs, up to its last day."""
    from bursar.offers.use import with_use  # noqa: PLC0415 - `--help` needs none of it

    spent = _spent(file)
    return with_use(person, spent, max((one.at_us for one in spent), default=0) + US_PER_DAY - 1)


def _spent(file: Path) -> list[Spent]:
    """Days and costs of a CSV file."""
    from bursar.offers.use import Spent  # noqa: PLC0415

    problems: list[Problem] = []
    try:
        rows = read_rows(read_text(file), COLUMNS, COLUMNS, problems)
    except Problems as found:
        raise found.refused(str(file)) from None
    cells = [(row.day("date", needed=True), row.amount("cost", needed=True)) for row in rows]
    if problems:
        raise Problems(problems).refused(str(file))
    return [Spent(_midnight_us(day), nanos / NANOS_PER_USD) for day, nanos in cells if day is not None]


def _midnight_us(day: str) -> int:
    return to_us(datetime.fromisoformat(day).replace(tzinfo=UTC))
