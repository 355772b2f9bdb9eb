"""Reads the logs that have changed, on all cores, and knows the rest from before.

Files are dealt out in parts, the largest first, to as many processes as there are cores; whoever is done takes the
next part. A child hands back what it found through a pipe; a child that fails costs time and nothing else, because
what nobody told of is then read here.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import stat
import struct
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import NamedTuple

import msgspec

from bursar.importers.reading import Agent
from bursar.importers.record import Broken
from bursar.local.groups import groups_of
from bursar.local.kept import Kept, Log, kept
from bursar.pricing.book import PriceBook

WORTH_A_PROCESS_BYTES = 8 << 20
PARTS_A_PROCESS = 64
A_FILE_BYTES = 4096
"""What opening a file costs, as bytes that are read in that time."""
MOST_PROCESSES = 8
REPORTED_EACH_S = 0.1
Progress = Callable[[int, int], None]
"""Called with bytes read and bytes to read, now and then."""


class Gathered(NamedTuple):
    """All files that there are, what of them was read now, and files that could not be read at all."""

    files: list[Kept]
    read_files: int
    read_bytes: int
    unread: list[Broken]


_TURN_BYTES = 4
"""A part's number in the pipe from which children take their turns; all of them fit into the pipe at once."""
_encode = msgspec.msgpack.encode
_decode = msgspec.msgpack.Decoder(tuple[list[Kept], list[Broken]]).decode


def logs(sources: Mapping[str, Agent], roots: Mapping[str, Sequence[Path]]) -> list[Log]:
    """The files of sources below their roots, each once however many ways lead to it.

    Some agents know their files by their names and others take all that end alike; the former come later among the
    sources, and what they name is theirs.
    """
    found: dict[str, Log] = {}
    for name, source in sources.items():
        for root in roots.get(name, ()):
            for path in source.files(root):
                try:
                    about = path.stat()
                except OSError:
                    continue
                if stat.S_ISREG(about.st_mode):
                    size, changed_ns = about.st_size, about.st_mtime_ns
                    for more in _written_apart(path):
                        size, changed_ns = size + more.st_size, max(changed_ns, more.st_mtime_ns)
                    found[str(path)] = Log(str(path), name, size, changed_ns)
    return list(found.values())


def _written_apart(path: Path) -> Iterator[os.stat_result]:
    """The log of a database that is being written: what is new stands there, and not yet in the database."""
    if path.suffix == ".db":
        with suppress(OSError):
            yield path.with_name(f"{path.name}-wal").stat()


class Begun:
    """Files that are being read by other processes, or will be read here if none was worth it."""

    def __init__(
        self,
        wanted: Sequence[Log],
        before: Mapping[str, Kept],
        sources: Mapping[str, Agent],
        book: PriceBook,
        processes: int | None = None,
    ) -> None:
        self._wanted = wanted
        self._known: dict[str, Kept] = {}
        changed: list[Log] = []
        for log in wanted:
            one = before.get(log.path)
            if one is not None and (one.source, one.size, one.changed_ns) == log[1:]:
                self._known[log.path] = one
            else:
                changed.append(log)
        self._changed = changed
        self._total = sum(_left(log, before) for log in changed)
        many = _processes(self._total, processes, len(changed))
        self._job = _Job(before, sources, book, _Done(many))
        self._children = self._job.started(_parts(changed, before, many), many) if many > 1 else []

    def finish(self, progress: Progress = lambda done, total: None) -> Gathered:
        """What all files tell, once everybody is done."""

        def report() -> None:
            progress(self._job.done.bytes, self._total)

        unread: list[Broken] = []
        for fresh, failed in _collected(self._children, report):
            self._known.update((one.path, one) for one in fresh)
            unread += failed
        told = self._known.keys() | {one.file for one in unread}
        fresh, failed = self._job.read([log for log in self._changed if log.path not in told], 0, report)
        self._known.update((one.path, one) for one in fresh)
        files = [self._known[log.path] for log in self._wanted if log.path in self._known]
        return Gathered(files, len(self._changed), self._total, unread + failed)


def gather(
    wanted: Sequence[Log],
    before: Mapping[str, Kept],
    sources: Mapping[str, Agent],
    book: PriceBook,
    progress: Progress = lambda done, total: None,
    *,
    processes: int | None = None,
) -> Gathered:
    """What all files tell, priced. Those that are as they were are not opened, those that grew are read on."""
    return Begun(wanted, before, sources, book, processes).finish(progress)


def _left(log: Log, before: Mapping[str, Kept]) -> int:
    one = before.get(log.path)
    return log.size if one is None or one.resume.offset > log.size else log.size - one.resume.offset


def _processes(total_bytes: int, wanted: int | None, files: int) -> int:
    """How many processes are worth it; one where this one has threads, which do not survive a fork."""
    if not hasattr(os, "fork") or threading.active_count() > 1:
        return 1
    most = wanted or min(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 1, MOST_PROCESSES)
    return max(1, min(most, files, total_bytes // WORTH_A_PROCESS_BYTES + 1))


def _parts(changed: Sequence[Log], before: Mapping[str, Kept], processes: int) -> list[list[Log]]:
    """Parts of about the same size, but for large files, which come first: what is left at the end is small."""
    logs = sorted(changed, key=lambda log: (-_left(log, before), log.path))
    most = sum(_left(log, before) + A_FILE_BYTES for log in logs) // (processes * PARTS_A_PROCESS)
    parts: list[list[Log]] = []
    room = 0
    for log in logs:
        if room <= 0:
            parts.append([])
            room = most
        parts[-1].append(log)
        room -= _left(log, before) + A_FILE_BYTES
    return parts


class _Job:
    """What all processes share: what was known before, the importers, the prices, how far everybody is."""

    def __init__(
        self, before: Mapping[str, Kept], sources: Mapping[str, Agent], book: PriceBook, done: _Done
    ) -> None:
        self.done = done
        self._before = before
        self._sources = sources
        self._book = book

    def read(
        self, share: Sequence[Log], number: int, report: Callable[[], None] = lambda: None
    ) -> tuple[list[Kept], list[Broken]]:
        """Read files one after the other; those that cannot be opened are told."""
        fresh: list[Kept] = []
        unread: list[Broken] = []
        with _no_collection():
            for log in share:
                known = self._before.get(log.path)
                if known is not None and (known.source != log.source or known.size > log.size):
                    known = None
                try:
                    reading = self._sources[log.source].read(Path(log.path), None if known is None else known.resume)
                except OSError as problem:
                    unread.append(Broken(log.path, 0, f"cannot be read: {problem.strerror or problem}"))
                else:
                    one = kept(log, reading, known)
                    one.prices, one.groups = self._book.version, groups_of(one, self._book)
                    fresh.append(one)
                self.done.add(number, _left(log, self._before))
                report()
        return fresh, unread

    def started(self, parts: Sequence[Sequence[Log]], processes: int) -> list[_Child]:
        """Children that read the parts, whoever is free the next one."""
        turns, into = os.pipe()
        os.write(into, b"".join(part.to_bytes(_TURN_BYTES, "big") for part in range(len(parts))))
        os.close(into)
        children = [self._child(parts, turns, number) for number in range(processes)]
        os.close(turns)
        return children

    def _child(self, parts: Sequence[Sequence[Log]], turns: int, number: int) -> _Child:
        """A child that reads parts as long as there are any, and hands what it found through a pipe."""
        pipe, into = os.pipe()
        pid = os.fork()
        if pid:
            os.close(into)
            return _Child(pid, pipe)
        code = 1
        try:
            os.close(pipe)
            fresh: list[Kept] = []
            unread: list[Broken] = []
            while turn := os.read(turns, _TURN_BYTES):
                found, failed = self.read(parts[int.from_bytes(turn, "big")], number)
                fresh += found
                unread += failed
            with open(into, "wb") as out:
                out.write(_encode((fresh, unread)))
            code = 0
        finally:
            os._exit(code)  # whatever happened: a child has nothing else to do, least of all its parent's clean-up


class _Done:
    """Bytes that each process is done with, in memory that all of them share."""

    def __init__(self, processes: int) -> None:
        self._each = struct.Struct("q")
        self._memory = mmap.mmap(-1, max(processes, 1) * self._each.size)
        self._processes = processes

    def add(self, number: int, size: int) -> None:
        place = number * self._each.size
        (known,) = self._each.unpack_from(self._memory, place)
        self._each.pack_into(self._memory, place, known + size)

    @property
    def bytes(self) -> int:
        return sum(n for (n,) in self._each.iter_unpack(self._memory[: self._processes * self._each.size]))


class _Child(NamedTuple):
    """A process that reads a share of the files, and the pipe that it writes to."""

    pid: int
    pipe: int


def _collected(children: Sequence[_Child], report: Callable[[], None]) -> list[tuple[list[Kept], list[Broken]]]:
    """What the children found, but for those that failed."""
    said: dict[int, bytearray] = {child.pipe: bytearray() for child in children}
    open_pipes = list(said)
    while open_pipes:
        for pipe in select.select(open_pipes, [], [], REPORTED_EACH_S)[0]:
            data = os.read(pipe, 1 << 20)
            said[pipe] += data
            if not data:
                os.close(pipe)
                open_pipes.remove(pipe)
        report()
    ended = [os.waitpid(child.pid, 0)[1] for child in children]
    return [_decode(said[child.pipe]) for child, failed in zip(children, ended, strict=True) if not failed]


@contextmanager
def _no_collection() -> Iterator[None]:
    """Many objects are made here and none of them in circles."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
