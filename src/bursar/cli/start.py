"""Where the program begins: an answer that still holds needs nothing of the program to be loaded."""

from __future__ import annotations

import gc
import sys
from collections.abc import Sequence

from bursar.cli.again import COMMANDS, looked_at, print_again

STATUS_LINE = "statusline"
ELSEWHERE = ("--path", "--source", "--no-cache", "--help", "-h")
"""Words that say to read other files than usually, or none."""


def main() -> None:
    """Run the program on the arguments of the process. Always raises SystemExit, but for an answer given again."""
    words = sys.argv[1:]
    try:
        if _told_again(words):
            return
    except BrokenPipeError:
        sys.exit(1)
    if len(words) > 1 and words[0] == "usage" and (words[1] in COMMANDS or words[1] == STATUS_LINE):
        gc.disable()  # it ends soon, and until then nothing that is loaded or read is garbage
        _begin(words)
        from bursar.cli import usage  # noqa: PLC0415 - not for other commands

        usage.leave(words[1])
    from bursar.cli.main import main as run  # noqa: PLC0415 - all of the program

    run()


def _told_again(words: Sequence[str]) -> bool:
    if list(words[:2]) != ["usage", STATUS_LINE]:
        return print_again(words)
    from bursar.cli import usage_line  # noqa: PLC0415 - not for other commands

    return usage_line.print_again(words)


def _begin(words: Sequence[str]) -> None:
    """Other processes begin to read the logs while this one loads what it takes to show them."""
    if any(word.startswith(ELSEWHERE) for word in words):
        return
    from bursar.local.usage import (  # noqa: PLC0415 - not for other commands
        looked_into,
        read_ahead,
        roots_of,
        wanted_sources,
    )

    sources = wanted_sources(())
    roots = roots_of(sources, ())
    looked_at(looked_into(sources, roots), [root for some in roots.values() for root in some])
    read_ahead()
