"""The same question about the same files: the answer that was given is printed again, before anything is loaded.

Whoever has a status line asks every few seconds, and starting takes longer than finding out that nothing has changed.
An answer holds for a quarter of an hour at most, because days begin at a full quarter in every time zone, and for a
minute where it tells how long something still takes; and only as long as every file and folder that was looked at is
as it was, the terminal, the zone, this program and its prices.

This module imports next to nothing, and that is its point.
"""

from __future__ import annotations

import json
import os
import sys
import time
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

COMMANDS = frozenset({"today", "daily", "weekly", "monthly", "models", "sessions", "session", "blocks"})
SLOT_S = 15 * 60
SHORTER_S = {"blocks": 60}
SETTINGS = (
    *("HOME", "TZ", "LANG", "LC_ALL", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "XDG_DATA_HOME"),
    *("TERM", "COLORTERM", "NO_COLOR", "FORCE_COLOR", "COLUMNS"),
    *("CLAUDE_CONFIG_DIR", "CODEX_HOME", "GEMINI_CLI_HOME", "OPENCODE_DATA_DIR", "PI_CODING_AGENT_DIR"),
)
"""What in the environment an answer may depend on."""
PARTS = ("cli", "local", "importers", "pricing", "pricing/data")
MOST_ANSWERS = 64
DATABASES = (".db", ".db-wal")
LIMITS = "limits.json"
"""What a subscription's provider said last of its limits: see `usage_limits`."""

Seen = list[list[object]]
"""Paths, each with its size and the time of its last change; nothing else for one that is not there."""

_asked: list[str] = []
_seen: list[list[Any]] = []


def print_again(words: Sequence[str]) -> bool:
    """Print the answer to these words if it was given before and still holds; tells whether it did."""
    if len(words) < 2 or words[0] != "usage" or words[1] not in COMMANDS:
        return False
    answer = answer_again(words)
    if answer is None:
        return False
    sys.stdout.write(answer)
    sys.stdout.flush()
    return True


def answer_again(words: Sequence[str], facts: object = None) -> str | None:
    """The answer to these words, and to what was told besides them, if it was given before and still holds."""
    if "--no-cache" in words:
        return None
    try:
        question = _question(words, facts)
        _asked[:] = [question]
        kept = json.loads(_place(question).read_bytes())
        if kept["question"] != question or any(_about(path) != told for path, *told in kept["seen"]):
            return None
        return str(kept["answer"])
    except (OSError, ValueError, KeyError, TypeError, ImportError):
        return None


def looked_at(folders: Sequence[Path], homes: Sequence[Path]) -> Seen:
    """Every folder and file below the folders, and the homes with the databases in them, before they are read.

    A file or folder that comes or goes changes the folder that it is in.
    """
    if not _asked:
        return []
    named = list(map(str, folders))
    if _seen and _seen[0] == named:
        return _seen[1]
    seen: Seen = []
    for home in dict.fromkeys(map(str, homes)):
        names = sorted(os.listdir(home)) if os.path.isdir(home) else []
        databases = (os.path.join(home, name) for name in names if name.endswith(DATABASES))
        seen += [[path, *_about(path)] for path in (home, *databases)]
    for root in dict.fromkeys(named):
        for folder, inside, files in os.walk(root):
            seen += [[path, *_about(path)] for path in (os.path.join(folder, name) for name in (*inside, *files))]
    _seen[:] = [named, seen]
    return seen


@contextmanager
def remembering(seen: Seen) -> Iterator[None]:
    """Keep what is printed meanwhile as the answer to the words that this run began with, if it began with any."""
    if not _asked:
        yield
        return
    out = _Twice()
    sys.stdout, before = out, sys.stdout
    try:
        yield
    finally:
        sys.stdout = before
    remember("".join(out.said), seen)


def remember(answer: str, seen: Seen) -> None:
    """Keep an answer to the words that this run began with, if it began with any."""
    if not _asked:
        return
    question = _asked.pop()
    with suppress(OSError):
        _make_room(folder() / "answers")
    put(_place(question), json.dumps({"question": question, "seen": seen, "answer": answer}))


def put(path: Path, text: str) -> None:
    """Write a file below `folder`, all of it or none; where that is full or may not be written nothing is kept."""
    draft = path.with_suffix(f".{os.getpid()}")
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        draft.write_text(text)
        draft.replace(path)


class _Twice:
    """Standard output that remembers what was written to it."""

    def __init__(self) -> None:
        self._to = sys.stdout
        self.said: list[str] = []

    def write(self, text: str) -> int:
        self.said.append(text)
        return self._to.write(text)

    def __getattr__(self, name: str) -> object:
        return getattr(self._to, name)


def _question(words: Sequence[str], facts: object) -> str:
    """The words and facts, and all else that the answer depends on but for the logs."""
    package = Path(__file__).parent.parent
    code = [
        _about(entry.path) for part in PARTS for entry in sorted(os.scandir(package / part), key=lambda e: e.name)
    ]
    prices = find_spec("genai_prices")
    return json.dumps(
        [
            [list(words), facts],
            [os.environ.get(name) for name in SETTINGS],
            os.getcwd(),
            sys.stdout.isatty() and list(os.get_terminal_size(sys.stdout.fileno())),
            int(time.time()) // SHORTER_S.get(words[1], SLOT_S),
            _about("/etc/localtime"),
            zlib.crc32(json.dumps(code).encode()),
            _about(prices.origin) if prices is not None and prices.origin else None,
        ]
    )


def _about(path: str) -> list[int]:
    try:
        about = os.stat(path)
    except OSError:
        return []
    return [about.st_size, about.st_mtime_ns]


def _place(question: str) -> Path:
    return folder() / "answers" / f"{zlib.crc32(question.encode()):08x}.json"


def folder() -> Path:
    """Where all is kept that may be deleted at any time."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bursar"


def seen_file(path: Path) -> Seen:
    """A single file that an answer depends on, before it is read."""
    return [[str(path), *_about(str(path))]]


def _make_room(folder: Path) -> None:
    kept = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns)
    for old in kept[:-MOST_ANSWERS]:
        old.unlink(missing_ok=True)
