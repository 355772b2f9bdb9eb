"""From a request to the call that answers it: how much went in, how much comes out, what the cache held."""

from __future__ import annotations

import secrets
import zlib
from itertools import count

from bursar.sim.cache import Block, Cached, PromptCache
from bursar.sim.call import Asked, Call, Wire, WireError
from bursar.sim.faults import UNCACHED, Fault
from bursar.sim.settings import Directive, SimSettings
from bursar.usage import Usage

SEARCHED_TOKENS = 250
"""Input that each web search brings into the prompt after the request was sent."""
REASONING_SHARE = 3
"""One in so many output tokens is reasoning, where the model reasons and the request does not say how much."""


class Planner:
    """Plans calls. It owns the prompt cache and numbers the ids, which never repeat, not even between processes."""

    def __init__(self) -> None:
        self.cache = PromptCache()
        self._run = secrets.token_hex(5)
        self._numbers = count(1)

    def new_id(self, prefix: str) -> str:
        """An id that was never given out before."""
        return f"{prefix}{self._run}{next(self._numbers):09d}"

    def plan(
        self,
        wire: Wire,
        asked: Asked,
        body: bytes,
        *,
        key: str,
        request_id: str,
        directive: Directive,
        fault: Fault,
        settings: SimSettings,
        now_s: float,
    ) -> Call:
        """Plan the answer to a request. Raises WireError when the prompt is longer than the model's context."""
        blocks, extra = count_input(asked.blocks, asked.extra_tokens, body, settings)
        total = sum(block.tokens for block in blocks) + extra
        if total > asked.model.context_tokens:
            text = f"prompt is too long: {total} tokens > {asked.model.context_tokens} maximum"
            raise WireError(400, text, param="messages", code="context_length_exceeded")
        if fault in UNCACHED:
            cached = Cached(total - extra)
        else:
            cached = self._cached(wire, asked, blocks, key, least=settings.min_cache_tokens, now_s=now_s)
        chance = zlib.crc32(body, settings.seed & 0xFFFFFFFF)
        tokens, reasoning, limited = _output(asked, directive, settings, chance)
        searches = min(directive.web_searches, asked.most_searches) if asked.searches else 0
        return Call(
            id=self.new_id(wire.id_prefix),
            request_id=request_id,
            key=key,
            wire=wire.name,
            asked=asked,
            input=Usage(
                input=cached.plain + extra + searches * SEARCHED_TOKENS,
                cache_read=cached.read,
                cache_write_5m=cached.write_5m,
                cache_write_1h=cached.write_1h,
                web_searches=searches,
            ),
            output_tokens=tokens,
            reasoning_tokens=reasoning,
            limited=limited,
            text_start=chance & 0xFFFF,
            tokens_per_event=directive.tokens_per_event or settings.tokens_per_event,
            created_s=int(now_s),
            fault=fault,
            tool_id=self.new_id(wire.tool_id_prefix) if asked.tool is not None or searches else "",
            searched_tokens=searches * SEARCHED_TOKENS,
        )

    def _cached(self, wire: Wire, asked: Asked, blocks: list[Block], key: str, *, least: int, now_s: float) -> Cached:
        owner = f"{key} {asked.model.name}"
        if wire.caches_by_mark:
            return self.cache.marked(owner, blocks, least, now_s)
        return self.cache.automatic(owner, blocks, least, now_s, writes=asked.model.writes_cache)


def count_input(
    blocks: list[Block], extra_tokens: int, body: bytes, settings: SimSettings
) -> tuple[list[Block], int]:
    """The prompt's blocks and its other tokens as the settings count them.

    Never more than the body has bytes, but for images when the settings let them exceed it.
    """
    text = sum(block.tokens for block in blocks)
    left = max(0, len(body) - text)
    if settings.tokenizer == "bytes":
        return [blocks[0]._replace(tokens=blocks[0].tokens + left), *blocks[1:]], 0
    return blocks, extra_tokens if settings.images_exceed_body else min(extra_tokens, left)


def _output(asked: Asked, directive: Directive, settings: SimSettings, chance: int) -> tuple[int, int, bool]:
    """Tokens of each choice, how many of them are reasoning, and whether the request's limit cut them short."""
    span = settings.output_tokens_max - settings.output_tokens_min + 1
    wanted = directive.output_tokens or settings.output_tokens_min + chance % span
    asked_most = asked.max_output_tokens
    most = asked.model.max_output_tokens if asked_most is None else asked_most
    tokens = min(wanted, most)
    reasoning = 0
    if asked.thinks:
        reasoning = tokens // REASONING_SHARE
        if directive.reasoning_tokens is not None:
            reasoning = directive.reasoning_tokens
        if asked.thinking_tokens is not None:
            reasoning = min(reasoning, asked.thinking_tokens)
    return tokens, min(reasoning, tokens), wanted > most
