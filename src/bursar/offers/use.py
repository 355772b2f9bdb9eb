"""A person's own use, month by month: what takes the place of the model's guess at utilisation.

Whoever knows of use (an importer of logs, a file of costs) hands over instants and costs, in any order, and no more:
no prompts, no models, no names. From them come the months that `Person.usage_usd_months` wants.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from msgspec.structs import replace

from bursar.offers.person import MAX_HISTORY, Person
from bursar.periods import US_PER_SECOND
from bursar.refusals import field_invalid

MONTH_US = int(365.25 / 12 * 86_400 * US_PER_SECOND)
"""A twelfth of a year."""


class Spent(NamedTuple):
    """What a call, a day or any other piece of use cost, dollars, and when it was: microseconds UTC."""

    at_us: int
    cost_usd: float


def months_usd(spent: Iterable[Spent], until_us: int) -> tuple[float, ...]:
    """Dollars used in each of the last months, oldest first, at most 120 of them.

    Months are twelfths of a year counted back from `until_us`, which is now, so the newest one is whole however far a
    calendar's month has come, and months without use count as 0. The one in which use began is left out, unless it is
    the only one: it would tell of less use than there was. What is later than `until_us`
    is not counted. Raises Refused(FIELD_INVALID) when nothing is left, and for a cost below 0.
    """
    costs: dict[int, float] = {}
    for at_us, cost_usd in spent:
        if not cost_usd >= 0:
            raise field_invalid("cost", cost_usd, "0 or more dollars")
        if at_us <= until_us:
            age = (until_us - at_us) // MONTH_US
            costs[age] = costs.get(age, 0.0) + cost_usd
    if not any(costs.values()):
        raise field_invalid("usage", "nothing that cost anything", "use of some day before now")
    whole_months = min(max(1, *costs), MAX_HISTORY)
    return tuple(costs.get(age, 0.0) for age in reversed(range(whole_months)))


def with_use(person: Person, spent: Iterable[Spent], until_us: int) -> Person:
    """The same person, their use known."""
    return replace(person, usage_usd_months=months_usd(spent, until_us))
