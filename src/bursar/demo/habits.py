"""From a habit and a day to calls: when, of which model, with how many tokens. From seeds, so always the same."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from enum import Enum
from random import Random
from zoneinfo import ZoneInfo

import msgspec

from bursar.books.spending import Ask
from bursar.demo.company import Choice, DemoKey, Habit, Member, Range
from bursar.periods import US_PER_SECOND, first_instant
from bursar.sim.prices import MODELS, Model
from bursar.usage import Usage

BYTES_PER_TOKEN = 4
BODY_BYTES = 3_000
"""What a request's body has around its text: roles, tools, braces."""
LEAST_CACHED_TOKENS = 1_024
"""Neither vendor caches a shorter prompt."""
CACHED_BLOCK_TOKENS = 128
"""OpenAI counts cached input in blocks of so many tokens."""
CACHE_KEPT_S = 300
OUTPUT_TOKENS_PER_S = 90
HOUR_S = 3_600
FIRST_START_S = 600
"""A session whose hours leave it no choice begins within ten minutes."""
FATES_PER_MILLE = (3, 9, 988)
"""Of a thousand calls: lost on the way, refused by the provider, answered."""


class Fate(Enum):
    """How a call ends: with its usage, lost on the way, or refused by the provider."""

    ANSWERED = "answered"
    UNKNOWN = "unknown"
    REFUSED = "refused"


class Call(msgspec.Struct, frozen=True, gc=False):
    """A call that will have been made. `session` tells conversations apart."""

    email: str
    key: str
    session: str
    at_us: int
    ends_us: int
    ask: Ask
    usage: Usage
    fate: Fate
    last_is_lost: bool


def calls_of(member: Member, key: DemoKey, day: date) -> Iterator[Call]:
    """All calls made with a key in the sessions that begin on a person's local day."""
    random = Random(f"{member.email}/{key.name}/{day.isoformat()}")  # noqa: S311 - plausible, not secret
    habit = key.habit
    if random.randrange(100) >= (habit.workdays if day.weekday() < 5 else habit.weekends):
        return
    begins_us = first_instant(day, ZoneInfo(member.zone))
    begin, end = habit.hours
    for number in range(random.randint(*habit.sessions)):
        start_s = random.randrange(begin * HOUR_S, max(end * HOUR_S, begin * HOUR_S + FIRST_START_S))
        session = f"{member.email}/{key.name}/{day.isoformat()}/{number}"
        at_us = begins_us + start_s * US_PER_SECOND + random.randrange(US_PER_SECOND)
        yield from _Session(member.email, key, session, day, random).calls(at_us)


class _Session:
    """A conversation: its context grows with each turn and is read from the provider's cache while that keeps it."""

    def __init__(self, email: str, key: DemoKey, name: str, day: date, random: Random) -> None:
        self._email = email
        self._key = key
        self._habit = key.habit
        self._name = name
        self._random = random
        self._choice = _chosen(key.habit, day, random)
        self._model = MODELS[self._choice.model]

    def calls(self, at_us: int) -> Iterator[Call]:
        random, habit = self._random, self._habit
        context, warm = random.randint(*habit.context_tokens), False
        for _ in range(random.randint(*habit.turns)):
            added, output = _skewed(random, habit.added_tokens), _skewed(random, habit.output_tokens)
            if context + added + output > self._model.context_tokens:
                return
            ends_us = at_us + _seconds_us(1.5 + random.random() + output / OUTPUT_TOKENS_PER_S)
            yield self._call(at_us, ends_us, self._usage(context, added, output, warm=warm))
            pause_s = 2 + random.expovariate(1 / 75)
            warm = pause_s < CACHE_KEPT_S
            if habit.remembers:
                context += added + output
            at_us = ends_us + _seconds_us(pause_s)

    def _usage(self, context: int, added: int, output: int, *, warm: bool) -> Usage:
        """What one turn uses: the context from the cache while it is warm, what is new at full price or written."""
        model, total = self._model, context + added
        reasoning = output * 6 // 10 if model.reasons and model.wire == "openai" else 0
        cached = context if warm else 0
        if model.wire == "openai":
            cached -= cached % CACHED_BLOCK_TOKENS
        if total < LEAST_CACHED_TOKENS or cached < LEAST_CACHED_TOKENS:
            cached = 0
        if not model.writes_cache or total < LEAST_CACHED_TOKENS:
            return Usage(input=total - cached, cache_read=cached, output=output, reasoning=reasoning)
        plain = min(self._random.randint(2, 14), total - cached)
        written = total - cached - plain
        hour = self._habit.caches_for_an_hour and model.wire == "anthropic"
        return Usage(
            input=plain,
            cache_read=cached,
            cache_write_5m=0 if hour else written,
            cache_write_1h=written if hour else 0,
            output=output,
            reasoning=reasoning,
        )

    def _call(self, at_us: int, ends_us: int, usage: Usage) -> Call:
        fates = (Fate.UNKNOWN, Fate.REFUSED, Fate.ANSWERED)
        fate = self._random.choices(fates, weights=FATES_PER_MILLE)[0]
        return Call(
            self._email,
            self._key.name,
            self._name,
            at_us,
            ends_us,
            _ask(self._model, self._choice.variant, usage, self._habit.max_tokens),
            usage,
            Fate.ANSWERED if self._habit.last_call_is_lost else fate,
            self._habit.last_call_is_lost,
        )


def _ask(model: Model, variant: str, usage: Usage, max_tokens: int | None) -> Ask:
    """What the gateway would have made of the request that led to this usage: its bytes bound its tokens."""
    return Ask(
        wire=model.wire,
        provider=f"sim-{model.wire}",
        catalog=model.wire,
        model=model.name,
        variant=variant,
        input_tokens=usage.total_input * BYTES_PER_TOKEN + BODY_BYTES,
        unbounded=None,
        output_tokens=max_tokens,
        output_copies=1,
        output_allowance=0,
        least_output=0,
        input_reads=1,
        cache_writes=model.writes_cache,
        web_searches=0,
        audio=False,
    )


def _chosen(habit: Habit, day: date, random: Random) -> Choice:
    """One of a habit's models, of those that could be had by that day; the first one when none could."""
    had = [each for each in habit.models if date.fromisoformat(MODELS[each.model].released) < day]
    choices = had or list(habit.models[:1])
    return random.choices(choices, [each.weight for each in choices])[0]


def _skewed(random: Random, bounds: Range) -> int:
    """A number within bounds, small ones more often: most turns are short."""
    low, high = bounds
    return low + int((high - low) * random.random() ** 2)


def _seconds_us(seconds: float) -> int:
    return int(seconds * US_PER_SECOND)


def days(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last."""
    for n in range((last - first).days + 1):
        yield first + timedelta(days=n)
