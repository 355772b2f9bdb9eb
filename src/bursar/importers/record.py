"""What every importer hands on: records of usage, lines that could not be read, and where a file was left.

A source is a tool or a provider that left files. Its importer finds the files, and reads one of them from its
beginning or from where it was left; it opens files and nothing else. The same call may be told many times: by lines
that grow while an answer streams, by sessions that were forked and replay their parent, by copies on two machines.
All of them carry the same `key`, and whoever keeps records keeps the `better` one of a key.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from bursar.usage import Usage

STANDARD = "standard"
"""The variant of a call that asked for nothing special; the price book's word."""


class UsageRecord(msgspec.Struct, frozen=True, gc=False):
    """One provider call, as a source tells it.

    `source` is the name of the source ("claude-code"); `key` names the call within the source, the same for all that
    tell of it. `at_us` is the instant of the call, microseconds UTC. `catalog` and `model` are what the price book is
    asked for ("anthropic", "claude-sonnet-4-5"), `variant` a service tier, speed or place with a price of its own.
    `request_id` and `message_id` are the provider's own names for the call; `cost_nanos` is what the source itself
    says that it cost. `person` is a hint: an e-mail or a name that the source gives. What is not known is None.

    A `sidechain` may replay a message of the conversation it left, under a request id of its own: such a record
    counts only if nothing else tells of its `message_id`, and of several such ones only the `better`. See `once`.
    """

    source: str
    key: str
    at_us: int
    catalog: str
    model: str
    usage: Usage
    variant: str = STANDARD
    request_id: str | None = None
    message_id: str | None = None
    session: str | None = None
    project: str | None = None
    cost_nanos: int | None = None
    person: str | None = None
    sidechain: bool = False


class Broken(msgspec.Struct, frozen=True, gc=False):
    """A line that could not be read; what is around it is read all the same. `line` counts from 1."""

    file: str
    line: int
    reason: str


class Resume(msgspec.Struct, frozen=True, gc=False):
    """Where a file was left: bytes and lines that are done with, and what an importer has to remember.

    `digest` is that of the last bytes before `offset`: where they are no longer there, the file is another one and
    is read from its beginning. `memory` is the importer's own, and nobody else's to read.
    """

    offset: int
    lines: int
    digest: str
    memory: bytes = b""


def better(one: UsageRecord, other: UsageRecord) -> UsageRecord:
    """The one of two records with the same key that is kept: no side chain, else more tokens, else the earlier one.

    It does not matter in which order records come: what remains of any number of them is the same.
    """
    if one.sidechain != other.sidechain:
        return other if one.sidechain else one
    more = one.usage.total_tokens - other.usage.total_tokens
    if more:
        return one if more > 0 else other
    if one.at_us != other.at_us:
        return one if one.at_us < other.at_us else other
    return min(one, other, key=msgspec.msgpack.encode)


def once(records: Iterable[UsageRecord]) -> dict[str, UsageRecord]:
    """The records of one source that count, by key: one for each key, and side chains that replay nothing."""
    kept: dict[str, UsageRecord] = {}
    for record in records:
        known = kept.get(record.key)
        kept[record.key] = record if known is None else better(known, record)
    aside = [record for record in kept.values() if record.sidechain and record.message_id]
    if aside:
        _drop_replays(kept, aside)
    return kept


def _drop_replays(kept: dict[str, UsageRecord], aside: list[UsageRecord]) -> None:
    told = {record.message_id for record in kept.values() if not record.sidechain}
    best: dict[str | None, UsageRecord] = {}
    for record in aside:
        known = best.get(record.message_id)
        best[record.message_id] = record if known is None else better(known, record)
    for record in aside:
        if record.message_id in told or best[record.message_id].key != record.key:
            del kept[record.key]
