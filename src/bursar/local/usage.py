"""One's own usage, from the logs on this machine: no server, no data folder, no set-up."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path

import msgspec

from bursar.importers.agents import agents
from bursar.importers.reading import Agent
from bursar.importers.record import Broken
from bursar.local import cache
from bursar.local.gather import Begun, Gathered, Progress, logs
from bursar.local.group import Group
from bursar.local.groups import groups_of
from bursar.local.kept import Kept, Log
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


def wanted_sources(names: Sequence[str]) -> dict[str, Agent]:
    """The importers of the agents named, all of them if none is. Raises Refused for a name that is none."""
    known = agents()
    for name in names:
        if name not in known:
            raise field_invalid("source", name, f"one of {', '.join(known)}")
    return {name: source for name, source in known.items() if not names or name in names}


def roots_of(sources: Mapping[str, Agent], paths: Sequence[Path]) -> dict[str, list[Path]]:
    """Where the files of each source are looked for: in the paths given, or in its own homes."""
    return {name: list(paths) or source.homes() for name, source in sources.items()}


def looked_into(sources: Mapping[str, Agent], roots: Mapping[str, Sequence[Path]]) -> list[Path]:
    """The folders in which a change may change an answer: those with files, all the way down, and their homes."""
    return [folder for name, source in sources.items() for root in roots[name] for folder in source.folders(root)]


class Prepared:
    """What was found to read, and is being read if it has to be: whoever wants to know asks `told`.

    `place` is the folder of the cache, None for none.
    """

    def __init__(self, sources: Mapping[str, Agent], roots: Mapping[str, Sequence[Path]], place: Path | None) -> None:
        self.asked = dict(roots), place
        self._place = place
        self._book = prices(place)
        self._found = logs(sources, roots)
        self._of = _fingerprint(self._found, self._book)
        self._known = _summary(place, self._of)
        self._before: dict[str, Kept] = {}
        self._begun: Begun | None = None
        if self._known is None:
            self._before = cache.load(place)
            self._begun = Begun(self._found, self._before, sources, self._book)

    def told(self, progress: Progress = lambda done, total: None) -> Told:
        """What the logs tell, priced at their own time. What is new is kept for the next time."""
        if self._known is None:
            assert self._begun is not None, "what is not known is being read"
            gathered = self._begun.finish(progress)
            self._known = _added_up(gathered, self._book)
            self._keep(gathered, self._known)
        return self._known

    def _keep(self, gathered: Gathered, answer: Told) -> None:
        if self._place is None:
            return
        if gathered.read_files:
            ours = {log.path for log in self._found}
            others = [one for path, one in self._before.items() if path not in ours and Path(path).exists()]
            cache.save(self._place, gathered.files + others)
        cache.put(self._place / "summary.bin", msgspec.msgpack.encode(_Summary(cache.FORM, self._of, answer)))


_ahead: list[Prepared] = []


def read_ahead() -> None:
    """Begin to read what is most often asked for, all agents in their own places, while a program still starts."""
    sources = wanted_sources(())
    _ahead[:] = [Prepared(sources, roots_of(sources, ()), cache.folder())]


def told(
    sources: Mapping[str, Agent],
    roots: Mapping[str, Sequence[Path]],
    progress: Progress = lambda done, total: None,
    place: Path | None = None,
) -> Told:
    """What logs tell, priced at their own time. `place` is the folder of the cache, None for none."""
    prepared = _ahead.pop() if _ahead and _ahead[0].asked == (dict(roots), place) else None
    return (prepared or Prepared(sources, roots, place)).told(progress)


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
    from tempfile import TemporaryDirectory  # noqa: PLC0415 - most often there is a cache, and this loads much

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
