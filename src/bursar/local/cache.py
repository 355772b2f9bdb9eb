"""What is kept between runs, in the user's folder for caches. All of it may be deleted at any time.

A file there is written beside and then renamed, so that nobody ever reads half of one; whoever comes last wins, and
what is lost is read again. A file that cannot be understood is as good as none.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import msgspec

from bursar import __version__
from bursar.local.kept import Kept

FORM = f"{__version__}/3"
"""Files of another form are not read."""


class _Head(msgspec.Struct, array_like=True):
    form: str
    files: list[Kept]


_decode = msgspec.msgpack.Decoder(_Head).decode


def folder() -> Path | None:
    """`$XDG_CACHE_HOME/bursar` or `~/.cache/bursar`, made if it is not there; None where none can be made."""
    place = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bursar"
    try:
        place.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError:
        return None
    return place


def load(place: Path | None) -> dict[str, Kept]:
    """What is kept of each file, by path."""
    if place is None:
        return {}
    try:
        head = _decode((place / "logs.bin").read_bytes())
    except (OSError, msgspec.MsgspecError):
        return {}
    return {one.path: one for one in head.files} if head.form == FORM else {}


def save(place: Path | None, files: list[Kept]) -> None:
    """Keep what is known of files; a folder that is full or may not be written keeps nothing."""
    if place is not None:
        put(place / "logs.bin", msgspec.msgpack.encode(_Head(FORM, files)))


def put(path: Path, data: bytes) -> None:
    """Write a file of the cache, all of it or none."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    try:
        draft.write_bytes(data)
        draft.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
