"""Where the program begins: an answer that still holds needs nothing of the program to be loaded."""

from __future__ import annotations

import sys

from bursar.cli.again import print_again


def main() -> None:
    """Run the program on the arguments of the process. Always raises SystemExit, but for an answer given again."""
    try:
        if print_again(sys.argv[1:]):
            return
    except BrokenPipeError:
        sys.exit(1)
    from bursar.cli.main import main as run  # noqa: PLC0415 - all of the program

    run()
