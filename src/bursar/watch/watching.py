"""What the configuration makes of the watch: who is told of calls, and how the log is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bursar.config import Config
from bursar.watch.calllog import CallLog
from bursar.watch.logs import Log
from bursar.watch.told import Teller
from bursar.watch.watch import Watch

if TYPE_CHECKING:
    from bursar.watch.traces import Traces


class Watching:
    """The watch over a server, and what it needs to follow a change of the configuration."""

    def __init__(self, config: Config, log: Log) -> None:
        self._log = log
        self._traces = _traces(config)
        self.watch = Watch()
        self.reconfigure(config)

    def reconfigure(self, config: Config) -> None:
        """Write the log as the configuration says, and know its providers. Where traces go stays as it is."""
        self._log.configure(config.log)
        tellers: list[Teller] = [CallLog()] if config.log.calls else []
        if self._traces is not None:
            self._traces.know(config.providers)
            tellers.append(self._traces)
        self.watch.tellers = tuple(tellers)


def _traces(config: Config) -> Traces | None:
    if config.otel is None:
        return None
    from bursar.watch.traces import Traces  # noqa: PLC0415 - slow to import, and only this needs it

    return Traces(config.otel)
