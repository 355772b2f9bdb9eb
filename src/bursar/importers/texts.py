"""Small things that importers of JSON share: costs, and where a text is broken."""

from __future__ import annotations

import math
import re
from decimal import Decimal

from bursar.importers.lines import CUT_OFF, Line
from bursar.money import MAX_NANOS, NANOS_PER_USD

_BYTE = re.compile(r"\(byte (\d+)\)")


def nanos(cost_usd: Decimal | None) -> int | None:
    """A cost in dollars that a source gives as nano-dollars, rounded up. None for none, and for 0: a subscription's
    calls are told as free. Raises ValueError for what cannot be a cost.
    """
    if cost_usd is None or cost_usd == 0:
        return None
    if not 0 < cost_usd < MAX_NANOS // NANOS_PER_USD:
        raise ValueError(f"its cost is {cost_usd}")
    return math.ceil(cost_usd * NANOS_PER_USD)


def line_of(problem: Exception, text: bytes) -> int:
    """The line, from 1, at which a decoder says that a text is broken; the last one if it does not say."""
    found = _BYTE.search(str(problem))
    return text.count(b"\n", 0, int(found[1]) if found else len(text)) + 1


def why_broken(line: Line, problem: Exception) -> str:
    """What to say of a line that is no JSON."""
    return CUT_OFF if line.cut else f"is no JSON: {problem}"
