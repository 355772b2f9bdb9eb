"""One session: its calls by the hour and by model."""

from __future__ import annotations

from typing import Any, NamedTuple

from bursar.cli.usage_found import Found, sum_json
from bursar.local.group import Group
from bursar.local.tables import Row, by_model, by_session, rows
from bursar.refusals import Refused, Why, field_invalid, refuse

MOST_NAMED = 5


class SessionTold(NamedTuple):
    """A session, the dearest of its models first, and its hours with calls in order."""

    group: Group
    row: Row
    models: list[Row]
    hours: list[Row]
    groups: list[Group]


def session_told(found: Found, name: str) -> SessionTold:
    """The session of that id, or the only one whose id begins so. Raises Refused."""
    ids = {group.session for group in found.groups if group.session.startswith(name)}
    if not ids:
        raise Refused(refuse(Why.UNKNOWN, what="session", name=name))
    if len(ids) > 1 and name not in ids:
        named = ", ".join(sorted(ids)[:MOST_NAMED])
        raise field_invalid("session", name, f"an id of one session alone; {len(ids)} begin like that: {named}")
    only = name if name in ids else ids.pop()
    groups = [group for group in found.groups if group.session == only]
    group, row = by_session(groups)[0]
    hours = rows(groups, lambda group: _hour(found, group)).values()
    return SessionTold(group, row, by_model(groups), sorted(hours, key=lambda hour: hour.total.first_us), groups)


def session_json(found: Found, name: str) -> dict[str, Any]:
    """The session as JSON."""
    told = session_told(found, name)
    hours = [{"hour": row.name} | sum_json(row.total) for row in told.hours]
    return found.session_json(told.group, told.row) | {"hours": hours, "prices": found.told.prices}


def _hour(found: Found, group: Group) -> str:
    """The hour of a group on the clock there, with its offset: one that comes twice in a night is two."""
    return found.calendar.at(group.slot).replace(minute=0).isoformat(timespec="minutes")
