"""What the commands about offers are given: offer files, assumptions that are set, a person's own use."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bursar.cli.files import read_text
from bursar.money import NANOS_PER_USD
from bursar.refusals import Refused, Why, field_invalid, refuse
from bursar.rows import Problem, Problems, read_rows

if TYPE_CHECKING:
    from bursar.offers.file import OfferFile
    from bursar.offers.offer import Offer


COLUMNS = ("date", "cost")


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


def with_usage(read: OfferFile, file: Path | None) -> OfferFile:
    """The offer to a person whose own use is known, if a file of costs is given."""
    if file is None:
        return read
    return replace(read, person=replace(read.person, usage_usd_months=_months_usd(file)))


def _months_usd(file: Path) -> tuple[float, ...]:
    """What was used in each month of a CSV file of days and costs, oldest first; months between are 0."""
    problems: list[Problem] = []
    by_month: dict[int, float] = {}
    try:
        rows = read_rows(read_text(file), COLUMNS, COLUMNS, problems)
    except Problems as found:
        raise found.refused(str(file)) from None
    for row in rows:
        day, nanos = row.day("date", needed=True), row.amount("cost", needed=True)
        if day is not None:
            month = int(day[:4]) * 12 + int(day[5:7])
            by_month[month] = by_month.get(month, 0.0) + nanos / NANOS_PER_USD
    if problems:
        raise Problems(problems).refused(str(file))
    if not by_month:
        raise field_invalid("--usage-file", f"{file} without a row", "a file with a row for each day of use")
    return tuple(by_month.get(month, 0.0) for month in range(min(by_month), max(by_month) + 1))
