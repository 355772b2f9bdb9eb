"""What a payroll system is told beside amounts: its pay periods, its earning codes, its numbers of employees."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from bursar.periods import Schedule
from bursar.refusals import field_invalid
from bursar.rows import Problem, Problems, read_rows
from bursar.terms.schedules import schedule_of

SCHEDULES = ("weekly", "biweekly", "semimonthly", "monthly")
_COLUMNS = ("email", "number")
_MAX_CODE_LENGTH = 50


class Codes(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The earning codes of a payroll system, for each kind of line."""

    cash_out: str = "AI-CASH-OUT"
    plan: str = "AI-IMPUTED"
    personal: str = "AI-PERSONAL"


class Setup(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How somebody's payroll is run. `first_day` is a day on which a pay period begins, of weeks a Monday else."""

    schedule: str = "monthly"
    first_day: date | None = None
    codes: Codes = Codes()

    def periods(self, time_zone: str) -> Schedule:
        """Its pay periods."""
        return schedule_of(self.schedule, time_zone, self.first_day)


USUAL = Setup()


def read_setup(text: str) -> Setup:
    """Read the TOML file; an empty text is what fits most. Refused, naming what is wrong with it."""
    try:
        setup = msgspec.convert(tomllib.loads(text), Setup)
    except tomllib.TOMLDecodeError as problem:
        raise field_invalid("setup", f"not TOML ({problem})", "TOML: schedule, first_day, codes") from None
    except msgspec.ValidationError as problem:
        raise field_invalid("setup", f"not right: {problem}", "schedule, first_day and [codes]") from None
    if setup.schedule not in SCHEDULES:
        raise field_invalid("setup.schedule", repr(setup.schedule), ", ".join(SCHEDULES))
    if setup.schedule == "biweekly" and setup.first_day is None:
        raise field_invalid("setup.first_day", "missing", "a day on which a pay period of two weeks begins")
    codes: dict[str, Any] = msgspec.structs.asdict(setup.codes)
    for kind, code in codes.items():
        if not code.strip() or not code.isprintable() or len(code) > _MAX_CODE_LENGTH:
            right = f"1 to {_MAX_CODE_LENGTH} printable characters"
            raise field_invalid(f"setup.codes.{kind}", repr(code), right)
    return setup


def read_numbers(text: str) -> Mapping[str, str]:
    """The numbers of employees by e-mail, from CSV with the columns `email` and `number`; of an empty text none.

    Refused when a number is missing or two people have the same.
    """
    if not text:
        return {}
    problems: list[Problem] = []
    numbers: dict[str, str] = {}
    taken: set[str] = set()
    try:
        for row in read_rows(text, _COLUMNS, _COLUMNS, problems):
            email, number = row.raw("email").lower(), row.text("number", "the employee's number", needed=True)
            if email in numbers:
                row.wrong("email", "another e-mail than on an earlier line")
            elif number and number in taken:
                row.wrong("number", "another number than on an earlier line")
            numbers[email] = number
            taken.add(number)
    except Problems as several:
        problems = [*several.found]
    if problems:
        raise Problems(problems).refused("employees")
    return numbers
