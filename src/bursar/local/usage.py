"""One's own usage, from the logs on this machine: no server, no data folder, no set-up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec

from bursar.importers.agents import agents
from bursar.importers.reading import Source
from bursar.importers.record import Broken
from bursar.local import cache
from bursar.local.gather import Gathered, Progress, gather, logs
from bursar.local.group import Group
from bursar.local.groups import groups_of
from bursar.local.kept import Log
from bursar.local.merge import not_counted
from bursar.pricing.book import PriceBook
from bursar.pricing.kept import kept_book
from bursar.refusals import field_invalid


class Told(msgspec.Struct, array_like=True, gc=False):
    """What the logs of this machine tell. `unread` are files that could not be opened, `broken` lines are counted."""

    groups: list[Group]
    files: dict[str, int]
    broken: list[Broken]
    unread: list[Broken]
    prices: str


class _Summary(msgspec.Struct, array_like=True):
    form: str
    of: str
    told: Told


_decode = msgspec.msgpack.Decoder(_Summary).decode


def wanted_sources(names: Sequence[str]) -> dict[str, Source]:
    """The importers of the agents named, all of them if none is. Raises Refused for a name that is none."""
    known = agents()
    for name in names:
        if name not in known:
            raise field_invalid("source", name, f"one of {', '.join(known)}")
    return {name: source for name, source in known.items() if not names or name in names}


def roots_of(sources: Mapping[str, Source], paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Where the files of each source are looked for: in the paths given, or in its own homes."""
    return {name: list(paths) or source.homes() for name, source in sources.items()}


def told(
    sources: Mapping[str, Source],
    roots: Mapping[str, Sequence[Path]],
    progress: Progress = lambda done, total: None,
    place: Path | None = None,
) -> Told:
    """What logs tell, priced at their own time. `place` is the folder of the cache, None for none."""
    book = prices(place)
    found = logs(sources, roots)
    of = _fingerprint(found, book)
    summary = _summary(place, of)
    if summary is not None:
        return summary
    before = cache.load(place)
    gathered = gather(found, before, sources, book, progress)
    answer = _added_up(gathered, book)
    if place is not None:
        if gathered.read_files:
            ours = {log.path for log in found}
            others = [one for path, one in before.items() if path not in ours and Path(path).exists()]
            cache.save(place, gathered.files + others)
        cache.put(place / "summary.bin", msgspec.msgpack.encode(_Summary(cache.FORM, of, answer)))
    return answer


def prices(place: Path | None) -> PriceBook:
    """The price book of this installation, kept in the cache if there is one."""
    if place is not None:
        try:
            return kept_book(place)
        except OSError:
            pass
    return _own_book()


@lru_cache(maxsize=1)
def _own_book() -> PriceBook:
    with TemporaryDirectory() as folder:
        return kept_book(Path(folder))


def _added_up(gathered: Gathered, book: PriceBook) -> Told:
    out = not_counted(gathered.files)
    groups: list[Group] = []
    for one in gathered.files:
        whole = one.prices == book.version and one.path not in out
        groups += one.groups if whole else groups_of(one, book, out.get(one.path, ()))
    counted: dict[str, int] = {}
    for one in gathered.files:
        counted[one.source] = counted.get(one.source, 0) + 1
    broken = [line for one in gathered.files for line in one.broken]
    return Told(groups, counted, broken, gathered.unread, book.version)


def _fingerprint(found: Sequence[Log], book: PriceBook) -> str:
    return hashlib.blake2b(msgspec.msgpack.encode((found, book.version)), digest_size=16).hexdigest()


def _summary(place: Path | None, of: str) -> Told | None:
    if place is None:
        return None
    try:
        summary = _decode((place / "summary.bin").read_bytes())
    except (OSError, msgspec.MsgspecError):
        return None
    return summary.told if (summary.form, summary.of) == (cache.FORM, of) else None
