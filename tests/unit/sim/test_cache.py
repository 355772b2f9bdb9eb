"""Prompt caches. A prompt is written as blocks: name, tokens, and the lifetime where it is marked."""

from __future__ import annotations

import pytest

from bursar.sim.cache import Block, Cached, PromptCache

MINIMUM_TOKENS = 100


def blocks(text: str) -> list[Block]:
    """ "a:120 b:30/300" is 120 tokens unmarked and 30 tokens marked for 300 s."""
    made = []
    for word in text.split():
        name, _, size = word.partition(":")
        tokens, _, ttl_s = size.partition("/")
        made.append(Block(int(tokens), hash(name), int(ttl_s or 0)))
    return made


@pytest.mark.parametrize(
    "calls",
    [
        # at second, prompt, plain + read + written for 5 min + written for 1 h
        pytest.param([(0, "a:120 b:30", Cached(150)), (1, "a:120 b:30", Cached(150))], id="nothing marked"),
        pytest.param(
            [
                (0, "a:120/300 b:30", Cached(30, 0, 120)),
                (1, "a:120/300 b:30", Cached(30, 120)),
                (2, "a:120/300 c:7", Cached(7, 120)),
            ],
            id="written, then read",
        ),
        pytest.param([(0, "a:120/300", Cached(0, 0, 120)), (301, "a:120/300", Cached(0, 0, 120))], id="five minutes"),
        pytest.param(
            [
                (0, "a:120/300", Cached(0, 0, 120)),
                (200, "a:120/300", Cached(0, 120)),
                (400, "a:120/300", Cached(0, 120)),
            ],
            id="reading refreshes",
        ),
        pytest.param(
            [
                (0, "a:120/3600 b:30/300 c:5", Cached(5, 0, 30, 120)),
                (400, "a:120/3600 b:30/300 c:5", Cached(5, 120, 30)),
            ],
            id="an hour beside five minutes",
        ),
        pytest.param(
            [(0, "a:120/300", Cached(0, 0, 120)), (1, "a:120 b:30 c:40/300", Cached(0, 120, 70))],
            id="a mark that moved on finds the old prefix",
        ),
        pytest.param([(0, "a:99/300", Cached(99)), (1, "a:99/300", Cached(99))], id="below the minimum"),
        pytest.param(
            [(0, "a:120/300", Cached(0, 0, 120)), (1, "z:1 a:120/300", Cached(0, 0, 121))],
            id="a prefix that changed is another",
        ),
        pytest.param(
            [
                (0, "a:120/300", Cached(0, 0, 120)),
                (1, "a:120 " + " ".join(f"b{i}:1" for i in range(19)) + " c:1/300", Cached(0, 0, 140)),
            ],
            id="no further back than twenty blocks",
        ),
    ],
)
def test_marked(calls: list[tuple[float, str, Cached]]) -> None:
    cache = PromptCache()
    for now_s, prompt, expected in calls:
        split = cache.marked("key model", blocks(prompt), MINIMUM_TOKENS, now_s)
        assert split == expected
        assert sum(split) == sum(block.tokens for block in blocks(prompt))


def test_another_key_has_another_cache() -> None:
    cache = PromptCache()
    prompt = blocks("a:120/300")
    assert cache.marked("one", prompt, MINIMUM_TOKENS, 0) == Cached(0, 0, 120)
    assert cache.marked("two", prompt, MINIMUM_TOKENS, 0) == Cached(0, 0, 120)


def test_automatic_reads_whole_steps_of_the_longest_known_prefix() -> None:
    cache = PromptCache()

    def split(prompt: str, *, writes: bool = False, owner: str = "key model") -> Cached:
        return cache.automatic(owner, blocks(prompt), 1024, 0, writes=writes)

    assert split("a:1000") == Cached(1000)
    assert split("a:1100 b:500") == Cached(1600)
    assert split("a:1100 b:500 c:9") == Cached(1609 - 1536, 1536)
    assert split("a:1100 c:9") == Cached(1109 - 1024, 1024)
    assert split("a:1100 b:500", writes=True, owner="key new") == Cached(1600 - 1536, 0, 1536)
    assert split("a:1100 b:500 c:400", writes=True, owner="key new") == Cached(2000 - 1920, 1536, 384)
