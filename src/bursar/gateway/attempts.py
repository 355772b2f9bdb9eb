"""Another attempt at a call: which provider is asked next, when, and what the client is told in the end.

Only what was certainly not billed is tried again: a provider that could not be reached, or that turned the call away
with 429 or a 5xx that is no timeout. Each attempt is a call of its own, with its own hold and its own record.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Mapping, Sequence
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from bursar.gateway.client import Client, Headers
from bursar.gateway.providers import Provider
from bursar.gateway.wires.base import Wire
from bursar.refusals import Refusal

PAUSE_FIRST_S, PAUSE_MOST_S = 0.25, 4.0
PATIENCE_S = 5.0
"""A provider that asks for a longer pause than this is not asked again for this call."""
FAILURES_IN_A_ROW = 5
SKIP_S = 10.0
"""How long a provider that failed so often is skipped; then one call tries whether it is back."""


class Failure(NamedTuple):
    """How an attempt failed that was not billed: what its client is told if no other follows.

    `refusal` is Bursar's own word, else `status`, `headers` and `body` are the provider's. `pause_s` is how long the
    provider asks to be left alone.
    """

    call_id: str
    refusal: Refusal | None
    status: int
    headers: Headers
    body: bytes
    pause_s: float | None

    async def tell(self, client: Client, wire: Wire) -> None:
        """Answer the client with it."""
        if self.refusal is None:
            await client.answer(self.status, self.headers, self.body)
        else:
            await client.refuse(wire, self.refusal, self.call_id)


class Health:
    """Which providers keep failing. Only providers that another may stand in for are watched."""

    def __init__(self) -> None:
        self._failures: dict[str, int] = {}
        self._skipped_until_s: dict[str, float] = {}

    def note(self, provider: str, now_s: float, *, failed: bool) -> None:
        """An attempt at a provider has ended."""
        if not failed:
            self._failures.pop(provider, None)
            self._skipped_until_s.pop(provider, None)
            return
        failures = self._failures[provider] = self._failures.get(provider, 0) + 1
        if failures >= FAILURES_IN_A_ROW:
            self._skipped_until_s[provider] = now_s + SKIP_S

    def is_asked(self, provider: str, now_s: float) -> bool:
        """Whether to ask a provider. When its time is over one call may try it; the others skip it on."""
        until_s = self._skipped_until_s.get(provider)
        if until_s is None:
            return True
        if now_s < until_s:
            return False
        self._skipped_until_s[provider] = now_s + SKIP_S
        return True

    def order(self, providers: Sequence[Provider], now_s: float) -> Iterator[Provider]:
        """Which provider to ask, and then which: each as often as it may be tried. Never none."""
        asked = False
        for provider in providers:
            if self.is_asked(provider.name, now_s):
                asked = True
                for _ in range(1 + provider.retries):
                    yield provider
        if not asked:
            for _ in range(1 + providers[0].retries):
                yield providers[0]


def pause_before(tries: int, failure: Failure) -> float | None:
    """How many seconds to wait before the same provider is asked again, having failed `tries` times in a row.

    Twice as long each time, less a random part, so that many clients do not come back at one moment; as long as the
    provider asks for, when that is more. None: it asks for more than a client should wait.
    """
    if failure.pause_s is not None and failure.pause_s > PATIENCE_S:
        return None
    backoff_s: float = min(PAUSE_FIRST_S * 2 ** (tries - 1), PAUSE_MOST_S)
    share = random.uniform(0.5, 1.0)  # noqa: S311 - no secret
    return max(backoff_s * share, failure.pause_s or 0.0)


def pause_of(headers: Mapping[str, str], now_s: float) -> float | None:
    """The pause that a provider's answer asks for (RFC 9110, 10.2.3; in ms as OpenAI says it), None without one.

    `now_s` is Unix time, for an answer that names a date.
    """
    for name, per_second in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        said = headers.get(name)
        if said is None:
            continue
        try:
            return max(0.0, float(said) / per_second)
        except ValueError:
            pass
        try:
            return max(0.0, parsedate_to_datetime(said).timestamp() - now_s)
        except ValueError:
            continue
    return None
