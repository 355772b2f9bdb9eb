"""A command as a child process: signals go to it, and how it ends is how we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import FrameType, TracebackType
from typing import Any

NOT_FOUND, NOT_RUN, BY_SIGNAL = 127, 126, 128
"""Exit codes as shells have them: no such command, one that cannot be run, and 128 and the signal's number."""
PASSED_ON = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2)
BY_TERMINAL = frozenset({signal.SIGINT, signal.SIGQUIT})
"""What a terminal sends to all processes in its foreground by itself: passed on it would arrive twice."""


class Child:
    """Takes signals as long as it is entered. One that comes before the command begins keeps it from beginning."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[bytes] | None = None
        self._early: list[int] = []
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Child:
        for number in PASSED_ON:
            if (
                signal.getsignal(number) is not signal.SIG_IGN
            ):  # such as SIGHUP under nohup: ignored by the command, too
                self._before[number] = signal.signal(number, self._on_signal)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)

    def run(self, command: Sequence[str], environ: Mapping[str, str]) -> int:
        """Run a command to its end; returns its exit code, as a shell has it."""
        if self._early:
            return BY_SIGNAL + self._early[0]
        try:
            self._process = subprocess.Popen(command, env=environ)  # noqa: S603 - what the person asked for
        except OSError as problem:
            print(f"{command[0]}: {problem.strerror or problem}", file=sys.stderr)
            return NOT_FOUND if isinstance(problem, FileNotFoundError) else NOT_RUN
        for number in self._early:
            self._process.send_signal(number)
        code = self._process.wait()
        return code if code >= 0 else BY_SIGNAL - code

    def _on_signal(self, number: int, _frame: FrameType | None) -> None:
        if self._process is None:
            self._early.append(number)
        elif number not in BY_TERMINAL or not _in_foreground():
            self._process.send_signal(number)


def _in_foreground() -> bool:
    """Whether this process and its child are what a terminal has in its foreground."""
    for stream in (0, 1, 2):
        with suppress(OSError):
            return os.tcgetpgrp(stream) == os.getpgrp()
    return False
