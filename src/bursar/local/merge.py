"""Which record counts where several files tell of the same call: by the rules of `record.once`, over columns."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from bursar.local.kept import Kept


def not_counted(files: Sequence[Kept]) -> dict[str, set[int]]:
    """The rows of each file, by path, that do not count because another one does. Most files have none."""
    out: defaultdict[str, set[int]] = defaultdict(set)
    for source in {one.source for one in files}:
        ours = [one for one in files if one.source == source]
        _same_key(ours, out)
        if any(one.has_sidechains for one in ours):
            _replays(ours, out)
    return out


def _same_key(files: Sequence[Kept], out: dict[str, set[int]]) -> None:
    sharing, twice = _sharing(files)
    best: dict[str, tuple[Kept, int]] = {}
    for one in sharing:
        for row, key in enumerate(one.all_keys()):
            if key not in twice:
                continue
            other = best.get(key)
            if other is None:
                best[key] = one, row
            elif one.rank(row) > other[0].rank(other[1]):
                out[other[0].path].add(other[1])
                best[key] = one, row
            else:
                out[one.path].add(row)


def _sharing(files: Sequence[Kept]) -> tuple[list[Kept], set[str]]:
    """The files that share a key with another, few of all, and those keys."""
    keys = [one.all_keys() for one in files]
    seen: set[str] = set()
    see = seen.add
    twice = {key for its in keys for key in its if key in seen or see(key)}
    return [one for one, its in zip(files, keys, strict=True) if not twice.isdisjoint(its)], twice


def _replays(files: Sequence[Kept], out: dict[str, set[int]]) -> None:
    """Side chains that replay a message count where nothing else tells of it, and then once."""
    aside: list[tuple[Kept, int, str]] = []
    for one in files:
        if one.has_sidechains:
            whose, messages = one.column(one.whose), one.all_messages()
            aside += [(one, row, messages[row]) for row, its in enumerate(whose) if one.shared[its].sidechain]
    wanted = {message for _, _, message in aside}
    told: set[str] = set()
    for one in files:
        if not one.has_sidechains:
            told |= wanted.intersection(one.all_messages())
            continue
        whose = one.column(one.whose)
        told.update(
            message
            for row, message in enumerate(one.all_messages())
            if message in wanted and not one.shared[whose[row]].sidechain
        )
    best: dict[str, tuple[Kept, int]] = {}
    for one, row, message in aside:
        if not message or row in out.get(one.path, ()):
            continue
        if message in told:
            out[one.path].add(row)
            continue
        other = best.get(message)
        if other is None:
            best[message] = one, row
        elif one.rank(row) > other[0].rank(other[1]):
            out[other[0].path].add(other[1])
            best[message] = one, row
        else:
            out[one.path].add(row)
