"""One's own logs, read and priced without a server."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path


def monthly_cost(paths: Sequence[Path] = (), time_zone: str | None = None) -> list[tuple[str, int]]:
    """What one's own calls cost a month: ("2026-11", nano-USD), oldest first, with 0 for months in between.

    Of the logs of all known agents below the paths, or in their own places when none are given. Calls of models
    without a price are not in it. `time_zone` is an IANA name; None is that of this machine. Raises Refused for a
    path where there are no logs.
    """
    from bursar.local.monthly import monthly_cost_of  # noqa: PLC0415 - whoever names the package need not load it all

    return monthly_cost_of(paths, time_zone)
