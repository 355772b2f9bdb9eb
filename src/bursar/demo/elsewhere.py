"""What the demo company knows of calls from elsewhere: logs of two laptops, and the provider's report of a month.

They are files in the data folder, as the tools and the provider write them, and are brought in from there: anybody
may look at them and bring them in again. The laptops' logs have the calls that went through the gateway, which count
once, and calls with a login of one's own. The provider bills both, and what a script does with a key of its own.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from decimal import Decimal
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bursar.books import Books
from bursar.books.imports import Report, take
from bursar.books.totals import take_totals
from bursar.demo.company import PAST_THE_GATEWAY, DemoKey, Member
from bursar.demo.habits import Call, calls_of, days
from bursar.demo.history import Billed
from bursar.importers.anthropic_reports import AnthropicCost, AnthropicUsage
from bursar.importers.claude_code import ClaudeCode
from bursar.importers.record import once
from bursar.money import NANOS_PER_USD
from bursar.periods import from_us, iso
from bursar.sim.prices import MODELS, cost_nanos
from bursar.store import directory
from bursar.usage import Usage

FOLDER = "elsewhere"
LOGGED_DAYS = 25
"""A laptop keeps its log for so long, as Claude Code does for a month."""
CENT_NANOS = NANOS_PER_USD // 100
SCRIPTS_DAYS = frozenset({1, 4})
"""On Tuesdays and Fridays."""
SCRIPTS_MODEL = "claude-haiku-5-5"
SCRIPTS_USAGE = Usage(input=9_100_000, output=2_400_000)
ACTOR = "administrator"
WIRE = "anthropic"


def bring_in(books: Books, folder: Path, billed: list[Billed], today: date) -> str:
    """Write what is known elsewhere to files and bring it in; returns the month that the provider reports of."""
    others: list[Billed] = []
    for member, key, login in PAST_THE_GATEWAY:
        own = list(_with_login(member, login, today, books.clock()))
        logged = [one for one in billed if _is_logged(one, member, key, today)]
        _bring_in_log(books, folder / FOLDER / _name(member), member, [*logged, *own])
        others += own
    month = (today - timedelta(days=1)).isoformat()[:7]
    ended = [one for one in (*billed, *others) if month <= _day(one.call) < today.isoformat()]
    used = [
        _Used(_day(one.call), one.call.ask.model, one.call.ask.variant, one.usage)
        for one in ended
        if _is_anthropics(one)
    ]
    _bring_in_report(books, folder / FOLDER, month, [*used, *_by_script(month, today)])
    return month


# --- laptops' logs --------------------------------------------------------------------------------------------


def _with_login(member: Member, login: DemoKey, today: date, now_us: int) -> Iterator[Billed]:
    """Calls that never saw the gateway."""
    for day in days(today - timedelta(days=LOGGED_DAYS), today):
        for number, call in enumerate(calls_of(member, login, day)):
            if call.ends_us <= now_us:
                name = sha256(f"{call.session}/{number}".encode()).hexdigest()[:24]
                yield Billed(call, call.usage, f"req_{name}", f"msg_{name}")


def _is_logged(one: Billed, member: Member, key: DemoKey, today: date) -> bool:
    is_theirs = (one.call.email, one.call.key) == (member.email, key.name)
    first = (today - timedelta(days=LOGGED_DAYS)).isoformat()
    return is_theirs and bool(one.message) and _is_anthropics(one) and _day(one.call) >= first


def _bring_in_log(books: Books, folder: Path, member: Member, found: list[Billed]) -> None:
    """Write a file for each session, read them all, and take what they tell."""
    sessions: defaultdict[str, list[Billed]] = defaultdict(list)
    for one in found:
        sessions[one.call.session].append(one)
    for session, told in sessions.items():
        path = folder / "projects" / "-home-atlas" / f"{_session_id(session)}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(msgspec.json.encode(_line(one)) + b"\n" for one in told))
    source = ClaudeCode()
    records = once(record for path in source.files(folder) for record in source.read(path).records)
    with books.database.reading() as connection:
        person_id = directory.person(connection, member.email).id
    report = Report(
        source=source.name, records=list(records.values()), actor=ACTOR, name=folder.name, person_id=person_id
    )
    take(books, report)


def _line(one: Billed) -> dict[str, Any]:
    """A line of Claude Code's log: what the model answered last in a turn."""
    used = one.usage
    return {
        "type": "assistant",
        "isSidechain": False,
        "cwd": "/home/atlas",
        "sessionId": _session_id(one.call.session),
        "timestamp": iso(one.call.ends_us - one.call.ends_us % 1_000),
        "requestId": one.request,
        "message": {
            "id": one.message,
            "type": "message",
            "role": "assistant",
            "model": one.call.ask.model,
            "content": [],
            "usage": {
                "input_tokens": used.input,
                "cache_read_input_tokens": used.cache_read,
                "cache_creation_input_tokens": used.cache_write_5m + used.cache_write_1h,
                "cache_creation": _written(used),
                "output_tokens": used.output,
                "service_tier": "standard",
                "speed": one.call.ask.variant,
            },
        },
    }


def _written(used: Usage) -> dict[str, int]:
    return {"ephemeral_5m_input_tokens": used.cache_write_5m, "ephemeral_1h_input_tokens": used.cache_write_1h}


def _session_id(session: str) -> str:
    digest = sha256(session.encode()).hexdigest()
    return "-".join((digest[:8], digest[8:12], digest[12:16], digest[16:20], digest[20:32]))


# --- the provider's report ------------------------------------------------------------------------------------


class _Used(NamedTuple):
    """What a call used on a day, of a model in a variant."""

    day: str
    model: str
    variant: str
    usage: Usage


class _Sum(NamedTuple):
    """What calls of one day to one model in one variant used and cost."""

    model: str
    variant: str
    usage: Usage = Usage()
    nanos: int = 0

    def plus(self, used: _Used) -> _Sum:
        """With one more call, for a long prompt has prices of its own."""
        variant = None if self.variant == "standard" else self.variant
        both = (msgspec.structs.astuple(usage) for usage in (self.usage, used.usage))
        nanos = cost_nanos(MODELS[self.model], used.usage, variant=variant)
        return self._replace(usage=Usage(*map(sum, zip(*both, strict=True))), nanos=self.nanos + nanos)


def _by_script(month: str, today: date) -> Iterator[_Used]:
    """What nobody here knows of."""
    for day in days(date.fromisoformat(f"{month}-01"), today - timedelta(days=1)):
        if day.weekday() in SCRIPTS_DAYS:
            yield _Used(day.isoformat(), SCRIPTS_MODEL, "standard", SCRIPTS_USAGE)


def _bring_in_report(books: Books, folder: Path, month: str, used: Iterable[_Used]) -> None:
    """Write a month's pages of usage and of costs, read them, and take what they tell."""
    sums: defaultdict[str, dict[tuple[str, str], _Sum]] = defaultdict(dict)
    for one in used:
        which = one.model, one.variant
        sums[one.day][which] = sums[one.day].get(which, _Sum(*which)).plus(one)
    folder.mkdir(parents=True, exist_ok=True)
    for source, told in ((AnthropicUsage(), _usage_told), (AnthropicCost(), _cost_told)):
        buckets = [_bucket(day, map(told, by_model.values())) for day, by_model in sorted(sums.items())]
        path = folder / f"{source.name}-{month}.json"
        path.write_bytes(msgspec.json.format(msgspec.json.encode({"data": buckets, "has_more": False})))
        found = source.read(path.read_bytes(), path.name)
        take_totals(books, source.name, found.totals, actor=ACTOR, name=path.name)


def _bucket(day: str, results: Iterable[dict[str, Any]]) -> dict[str, Any]:
    after = date.fromisoformat(day) + timedelta(days=1)
    return {"starting_at": f"{day}T00:00:00Z", "ending_at": f"{after}T00:00:00Z", "results": list(results)}


def _usage_told(one: _Sum) -> dict[str, Any]:
    usage = one.usage
    return {
        "model": one.model,
        "service_tier": "standard",
        "speed": one.variant,
        "uncached_input_tokens": usage.input,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": _written(usage),
        "output_tokens": usage.output,
    }


def _cost_told(one: _Sum) -> dict[str, Any]:
    return {
        "model": one.model,
        "service_tier": "standard",
        "description": f"{one.model} usage, {one.variant}",
        "currency": "USD",
        "amount": str(Decimal(one.nanos) / CENT_NANOS),
    }


def _is_anthropics(one: Billed) -> bool:
    return one.call.ask.wire == WIRE


def _day(call: Call) -> str:
    """The day of a call in UTC, by its end, as those count it who bill it."""
    return from_us(call.ends_us).date().isoformat()


def _name(member: Member) -> str:
    return member.email.partition("@")[0]
