"""The log on stderr: one line of text or one JSON object for each thing that happened.

Whoever logs only queues: a thread writes, so that a slow terminal or a full disk makes nobody wait. What comes faster
than it can be written is dropped beyond `MOST_LINES`, and counted.
"""

from __future__ import annotations

import logging
import sys
from datetime import UTC, datetime
from logging.handlers import QueueHandler, QueueListener
from queue import SimpleQueue
from typing import Any

import msgspec

from bursar.config import LogConfig

MOST_LINES = 50_000
"""Lines that may wait to be written."""


class _Queue(QueueHandler):
    """Hands records to the writing thread as they are."""

    def __init__(self, queue: SimpleQueue[Any]) -> None:
        super().__init__(queue)
        self._lines = queue
        self.dropped = 0

    def prepare(self, record: logging.LogRecord) -> logging.LogRecord:
        return record

    def enqueue(self, record: logging.LogRecord) -> None:
        if self._lines.qsize() < MOST_LINES:
            self._lines.put(record)
        else:
            self.dropped += 1


class Lines(logging.Formatter):
    """Text: when, how grave, where, what, and the facts as name=value."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and a traceback below it if there is one."""
        line = f"{_instant(record)} {record.levelname:<7} {record.name}: {record.getMessage()}"
        line += "".join(f" {name}={value}" for name, value in facts_of(record).items())
        return line if record.exc_info is None else f"{line}\n{self.formatException(record.exc_info)}"


class Objects(logging.Formatter):
    """JSON: an object on one line, with the facts beside `at`, `level`, `logger` and `message`."""

    def format(self, record: logging.LogRecord) -> str:
        """One line; a traceback is a text within it."""
        told: dict[str, object] = {
            "at": _instant(record),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **facts_of(record),
        }
        if record.exc_info is not None:
            told["error"] = self.formatException(record.exc_info)
        return msgspec.json.encode(told).decode()


def facts_of(record: logging.LogRecord) -> dict[str, Any]:
    """The facts that were logged with `extra={"facts": …}`."""
    facts: dict[str, Any] = getattr(record, "facts", {})
    return facts


def _instant(record: logging.LogRecord) -> str:
    at = datetime.fromtimestamp(record.created, UTC)
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Log:
    """This process's log, from `open` to `close`. Bursar's own level is set; libraries speak from warning on."""

    def __init__(self) -> None:
        queue: SimpleQueue[Any] = SimpleQueue()
        self._queue = _Queue(queue)
        self._stream = logging.StreamHandler(sys.stderr)
        self._listener = QueueListener(queue, self._stream)

    @property
    def dropped(self) -> int:
        """How many lines were not written, because they came too fast."""
        return self._queue.dropped

    def open(self, config: LogConfig) -> None:
        """Begin to write."""
        self.configure(config)
        logging.getLogger().addHandler(self._queue)
        self._listener.start()

    def configure(self, config: LogConfig) -> None:
        """Write in this format, from this level on."""
        self._stream.setFormatter(Objects() if config.format == "json" else Lines())
        logging.getLogger("bursar").setLevel(config.level.upper())

    def close(self) -> None:
        """Write what waits; whatever is logged later goes where it would go without this."""
        logging.getLogger().removeHandler(self._queue)
        self._listener.stop()
