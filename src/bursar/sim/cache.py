"""The providers' prompt caches: which part of a prompt a key has sent before."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

FIVE_MINUTES_S = 300
ONE_HOUR_S = 3600
LOOKBACK_BLOCKS = 20
"""Anthropic looks this many blocks back from a breakpoint for a prefix that it knows."""
GRAIN_TOKENS = 128
"""OpenAI caches prefixes in steps of so many tokens."""
MOST_PREFIXES = 100_000


class Block(NamedTuple):
    """A part of a prompt in the order in which caches see it. `ttl_s` is above 0 where the request marks an end."""

    tokens: int
    content: int
    ttl_s: int = 0


class Cached(NamedTuple):
    """How a prompt's tokens fall: read from the cache, written to it, or neither."""

    plain: int
    read: int = 0
    write_5m: int = 0
    write_1h: int = 0


class PromptCache:
    """Prefixes seen, for each key and model, until they expire. Not thread-safe; the server's loop owns it."""

    def __init__(self) -> None:
        self._until_s: dict[int, float] = {}

    def clear(self) -> None:
        """Forget every prefix."""
        self._until_s.clear()

    def marked(self, owner: str, blocks: Sequence[Block], minimum_tokens: int, now_s: float) -> Cached:
        """Split a prompt by its marks (Anthropic's `cache_control`) and remember what it writes.

        The longest known prefix at a mark, or up to 20 blocks before one, is read; from there to each later mark
        is written with that mark's lifetime. A prefix below the minimum is not cached.
        """
        totals, prefixes = _prefixes(owner, blocks)
        marks = [i for i, block in enumerate(blocks) if block.ttl_s and totals[i] >= minimum_tokens]
        known = max((self._known_before(mark, prefixes, totals, minimum_tokens, now_s) for mark in marks), default=-1)
        done = read = totals[known] if known >= 0 else 0
        if known >= 0:
            self._keep(prefixes[known], max(FIVE_MINUTES_S, blocks[known].ttl_s), now_s)
        written = {FIVE_MINUTES_S: 0, ONE_HOUR_S: 0}
        for mark in marks:
            self._keep(prefixes[mark], blocks[mark].ttl_s, now_s)
            if mark > known:
                written[blocks[mark].ttl_s] += totals[mark] - done
                done = totals[mark]
        total = totals[-1] if totals else 0
        return Cached(total - done, read, written[FIVE_MINUTES_S], written[ONE_HOUR_S])

    def automatic(
        self, owner: str, blocks: Sequence[Block], minimum_tokens: int, now_s: float, *, writes: bool
    ) -> Cached:
        """Split a prompt as OpenAI does without being asked: whole steps of 128 tokens of the longest known prefix.

        `writes` tells of the models that charge for writing: what is not read, in whole steps, is written.
        """
        total = sum(block.tokens for block in blocks)
        if total < minimum_tokens:
            return Cached(total)
        totals, prefixes = _prefixes(owner, blocks)
        read = 0
        for tokens, prefix in zip(totals, prefixes, strict=True):
            if tokens >= minimum_tokens:
                if self._is_known(prefix, now_s):
                    read = tokens - tokens % GRAIN_TOKENS
                self._keep(prefix, FIVE_MINUTES_S, now_s)
        written = total - total % GRAIN_TOKENS - read if writes else 0
        return Cached(total - read - written, read, written)

    def _known_before(
        self, mark: int, prefixes: list[int], totals: list[int], minimum_tokens: int, now_s: float
    ) -> int:
        for i in range(mark, max(-1, mark - LOOKBACK_BLOCKS), -1):
            if totals[i] >= minimum_tokens and self._is_known(prefixes[i], now_s):
                return i
        return -1

    def _is_known(self, prefix: int, now_s: float) -> bool:
        return self._until_s.get(prefix, 0.0) > now_s

    def _keep(self, prefix: int, ttl_s: int, now_s: float) -> None:
        until_s = max(self._until_s.pop(prefix, 0.0), now_s + ttl_s)
        self._until_s[prefix] = until_s
        while len(self._until_s) > MOST_PREFIXES:
            del self._until_s[next(iter(self._until_s))]


def _prefixes(owner: str, blocks: Sequence[Block]) -> tuple[list[int], list[int]]:
    """Running totals of tokens and running digests, one for each block."""
    totals, prefixes = [], []
    total, digest = 0, hash(owner)
    for block in blocks:
        total += block.tokens
        digest = hash((digest, block.content))
        totals.append(total)
        prefixes.append(digest)
    return totals, prefixes
