"""Where tools keep their logs: the home folder, folders that a variable names, the files below a folder."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path


def named(variable: str, *otherwise: Path) -> list[Path]:
    """The folders that an environment variable names, with commas between; without it, those given."""
    said = [Path(text.strip()).expanduser() for text in os.environ.get(variable, "").split(",") if text.strip()]
    return said or list(otherwise)


def config_home() -> Path:
    """Where programs keep what people set, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")


def data_home() -> Path:
    """Where programs keep data, by the XDG base directory specification."""
    return Path(os.environ.get("XDG_DATA_HOME") or Path.home() / ".local/share")


def existing(root: Path, *names: str) -> list[Path]:
    """Those of the folders so named in a folder that are there; the folder itself if none is."""
    return [root / name for name in names if (root / name).is_dir()] or [root]


def below(root: Path, wanted: Callable[[str], bool]) -> Iterator[Path]:
    """The files below a folder whose name is wanted, sorted by path; the path itself if it is such a file.

    Links to folders are not followed, and a folder that may not be read has no files.
    """
    if root.is_file():
        if wanted(root.name):
            yield root
        return
    for path in sorted(_walk(str(root), wanted)):
        yield Path(path)


def _walk(folder: str, wanted: Callable[[str], bool]) -> Iterator[str]:
    try:
        entries = list(os.scandir(folder))
    except OSError:
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, wanted)
        elif wanted(entry.name):
            yield entry.path
