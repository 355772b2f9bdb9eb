"""Small things that importers share: texts in whatever encoding, numbers and costs, where a text is broken."""

from __future__ import annotations

import codecs
import math
import re
from collections.abc import Sequence
from decimal import Context, Decimal, InvalidOperation

from bursar.importers.lines import CUT_OFF, Line
from bursar.money import MAX_NANOS, NANOS_PER_USD

MAX_LETTERS = 300
"""How long a text may be that a server is told."""
MOST_IN_ALL = 10**15
"""The most of anything that a server takes a total to count."""
_BYTE = re.compile(r"\(byte (\d+)\)")
__EXACT = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_NUMBER = re.compile(r"[+-]?(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]*)(?:\.[0-9]*)?(?:[eE][+-]?[0-9]{1,3})?")
_EXACT = Context(prec=200)
"""Wide enough for whatever anybody writes, so that an amount is rounded once, where it says so."""


def decoded(data: bytes) -> str:
    """A file's text: UTF-8, or UTF-16 with its mark. A line that is no UTF-8 is Windows', and the others are not."""
    if data.startswith(__EXACT):
        return data.decode("utf-16", "replace")
    data = data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return "".join(_line(line) for line in data.splitlines(keepends=True))


def _line(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        return line.decode("cp1252", "replace")


def number(text: str) -> Decimal:
    """A number as exports write it: with or without `$` and commas between thousands. Raises ValueError.

    A comma anywhere else may be a decimal one, and is not guessed at.
    """
    bare = text.replace("$", "", 1).strip()
    if _NUMBER.fullmatch(bare):
        try:
            return Decimal(bare.replace(",", ""))
        except InvalidOperation:
            pass
    raise ValueError(f"{text[:40]!r} is no number")


def whole_number(value: object, name: str, most: int) -> int:
    """A count as a number or a text, from 0 up to `most`. Raises ValueError."""
    try:
        found = number(str(value))
    except ValueError:
        found = Decimal(-1)
    if not 0 <= found <= most or found != found.to_integral_value():
        raise ValueError(f"its {name} is {str(value)[:40]!r}, which is no count")
    return int(found)


def check_texts(told: object, names: Sequence[str]) -> None:
    """Raise ValueError if one of these fields has what no server takes: it would take everything else with it."""
    for name in names:
        text = getattr(told, name) or ""
        if len(text) > MAX_LETTERS or not text.isprintable():
            raise ValueError(f"its {name} is {text[:40]!r}, which is too long or not printable")


def nanos(cost_usd: Decimal | None) -> int | None:
    """A cost in dollars that a source gives as nano-dollars, rounded up. None for none, and for 0: a subscription's
    calls are told as free. Raises ValueError for what cannot be a cost.
    """
    if cost_usd is None or cost_usd == 0:
        return None
    if not 0 < cost_usd < MAX_NANOS // NANOS_PER_USD:
        raise ValueError(f"its cost is {cost_usd}")
    return nanos_up(cost_usd)


def nanos_up(amount: Decimal, unit_nanos: int = NANOS_PER_USD) -> int:
    """An amount of dollars, or of another unit, as nano-dollars, rounded up from all of its digits."""
    return math.ceil(_EXACT.multiply(amount, Decimal(unit_nanos)))


def line_of(problem: Exception, text: bytes) -> int:
    """The line, from 1, at which a decoder says that a text is broken; the last one if it does not say."""
    found = _BYTE.search(str(problem))
    return text.count(b"\n", 0, int(found[1]) if found else len(text)) + 1


def why_broken(line: Line, problem: Exception) -> str:
    """What to say of a line that is no JSON."""
    return CUT_OFF if line.cut else f"is no JSON: {problem}"
