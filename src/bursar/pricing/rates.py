"""What one model costs: rates, long-context tiers, the cost of a usage and the bound of a call.

All arithmetic is on integers. A cost is the exact sum over the buckets, rounded up once to a whole nano-dollar.
"""

from __future__ import annotations

import msgspec

from bursar.money import ceil_div
from bursar.refusals import Refused, Why, refuse
from bursar.usage import Usage

TOKENS_PER_RATE = 1_000_000
"""A token rate is the price of this many tokens."""

SEARCHES_PER_RATE = 1_000
"""A search rate is the price of this many requests."""

_SEARCHES_TO_TOKENS = TOKENS_PER_RATE // SEARCHES_PER_RATE
"""A search rate times this adds up with token rates."""

UNLIMITED_TOKENS = 2**53
"""What `output_bought` answers when output is free: more tokens than any model writes."""


class BucketNotPriced(Refused):
    """A usage or a call has units in a bucket that its model has no price for. Nothing is ever priced at zero."""

    def __init__(self, model: str, version: str, bucket: str) -> None:
        super().__init__(refuse(Why.VARIANT_NOT_PRICED, field=bucket, variant=f"{model} {bucket}", version=version))
        self.model = model
        self.bucket = bucket


class Rates(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """Prices by bucket in nano-USD per million tokens; `web_searches` in nano-USD per thousand requests.

    Input buckets always have a price. None says that there is no price, which is not the same as free. Cached audio
    has no bucket of its own: it belongs to `audio_input`, which is never cheaper.
    """

    input: int
    cache_read: int
    cache_write_5m: int
    cache_write_1h: int
    output: int | None = None
    audio_input: int | None = None
    audio_output: int | None = None
    web_searches: int | None = None

    def dearest_input(self, *, cache_writes: bool, audio: bool) -> int:
        """The highest rate that an input token can have, in nano-USD per million."""
        dearest = self.input if self.input > self.cache_read else self.cache_read
        if cache_writes:
            dearest = max(dearest, self.cache_write_5m, self.cache_write_1h)
        if audio and self.audio_input is not None:
            dearest = max(dearest, self.audio_input)
        return dearest

    def dearest_output(self, *, audio: bool) -> int | None:
        """The highest rate that an output token can have, in nano-USD per million; None without any price."""
        if audio and self.audio_output is not None:
            return max(self.audio_output, self.output or 0)
        return self.output


class Tier(msgspec.Struct, frozen=True, gc=False):
    """Rates of the whole request once its total input is above a number of tokens: a cliff, not a margin."""

    above: int
    rates: Rates


class RateCard(msgspec.Struct, frozen=True, kw_only=True):
    """What one model costs in one variant at one time.

    `model` is the price book's own id, so that aliases and dated ids share it. `version` names the price book.
    `tiers` are sorted, lowest first. `context_tokens` is the most input the provider can hold and
    `max_output_tokens` the most output of one call; None says that it is not known.
    """

    model: str
    version: str
    rates: Rates
    tiers: tuple[Tier, ...] = ()
    context_tokens: int | None = None
    max_output_tokens: int | None = None
    catalog: str = ""
    variant: str = "standard"

    def rates_for(self, total_input: int) -> Rates:
        """The rates of a request with so many input tokens in all."""
        rates = self.rates
        for tier in self.tiers:
            if total_input > tier.above:
                rates = tier.rates
        return rates

    def cost(self, usage: Usage) -> int:
        """What a usage costs in nano-USD, rounded up once. Raises BucketNotPriced."""
        rates = self.rates_for(usage.total_input) if self.tiers else self.rates
        amount = usage.input * rates.input + usage.cache_read * rates.cache_read
        if usage.cache_write_5m or usage.cache_write_1h:
            amount += usage.cache_write_5m * rates.cache_write_5m + usage.cache_write_1h * rates.cache_write_1h
        if usage.output:
            amount += usage.output * self._priced("output", rates.output)
        if usage.audio_input:
            amount += usage.audio_input * self._priced("audio_input", rates.audio_input)
        if usage.audio_output:
            amount += usage.audio_output * self._priced("audio_output", rates.audio_output)
        if usage.web_searches:
            amount += usage.web_searches * self._priced("web_searches", rates.web_searches) * _SEARCHES_TO_TOKENS
        return ceil_div(amount, TOKENS_PER_RATE)

    def bound(
        self,
        input_tokens: int,
        output_tokens: int,
        *,
        cache_writes: bool,
        web_searches: int = 0,
        audio: bool = False,
    ) -> int:
        """The most, in nano-USD, that a call with at most these counts can cost.

        `input_tokens` bounds all input together, `output_tokens` all output; without `cache_writes` or `audio` the
        call is known to have none. Takes the dearest bucket of the dearest tier in reach. Raises BucketNotPriced for
        what is asked and has no price; a later `cost` raises it for audio in a direction that has none.
        """
        if input_tokens < 0 or output_tokens < 0 or web_searches < 0:
            raise ValueError(f"a bound of negative counts: {input_tokens}, {output_tokens}, {web_searches}")
        most = 0
        for rates in self._reachable(input_tokens):
            fixed = self._input_and_searches(rates, input_tokens, cache_writes, web_searches, audio)
            if output_tokens:
                fixed += output_tokens * self._priced("output", rates.dearest_output(audio=audio))
            most = max(most, fixed)
        return ceil_div(most, TOKENS_PER_RATE)

    def output_bought(
        self,
        amount_nanos: int,
        input_tokens: int,
        *,
        cache_writes: bool,
        web_searches: int = 0,
        audio: bool = False,
    ) -> int:
        """The most output tokens t with `bound(input_tokens, t, ...) <= amount_nanos`; -1 if not even 0 fits.

        0 when the model has no price for output, UNLIMITED_TOKENS when its output is free.
        """
        bought = UNLIMITED_TOKENS
        for rates in self._reachable(input_tokens):
            fixed = self._input_and_searches(rates, input_tokens, cache_writes, web_searches, audio)
            left = amount_nanos * TOKENS_PER_RATE - fixed
            if left < 0:
                return -1
            rate = rates.dearest_output(audio=audio)
            if rate is None:
                bought = 0
            elif rate:
                bought = min(bought, left // rate)
        return bought

    def _reachable(self, input_tokens: int) -> tuple[Rates, ...]:
        if not self.tiers:
            return (self.rates,)
        return (self.rates, *(tier.rates for tier in self.tiers if input_tokens > tier.above))

    def _input_and_searches(
        self, rates: Rates, input_tokens: int, cache_writes: bool, web_searches: int, audio: bool
    ) -> int:
        if audio and rates.audio_input is None and rates.audio_output is None:
            raise BucketNotPriced(self.model, self.version, "audio_input")
        amount = input_tokens * rates.dearest_input(cache_writes=cache_writes, audio=audio)
        if web_searches:
            amount += web_searches * self._priced("web_searches", rates.web_searches) * _SEARCHES_TO_TOKENS
        return amount

    def _priced(self, bucket: str, rate: int | None) -> int:
        if rate is None:
            raise BucketNotPriced(self.model, self.version, bucket)
        return rate
