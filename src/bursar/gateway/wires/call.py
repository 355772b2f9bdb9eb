"""What a request asks for, as far as the money is concerned, and the bytes that go to the provider for it."""

from __future__ import annotations

import msgspec

LONGEST_OUTPUT_FIELD = len(',"max_completion_tokens":12345678')


class Call(msgspec.Struct, kw_only=True, frozen=True):
    """The bounds of one provider call, read from its body by a wire.

    Most tokens that it can be billed for: input `input_tokens * input_reads`, with the model's context window in
    place of `input_tokens` where `unbounded` is set; output `output_copies * (output_tokens + output_allowance)`.

    - `wire`: how the call is recorded: "openai", "anthropic", "gemini" …
    - `variant`: "standard", or the tier, speed or place that was asked for ("priority", "fast", "us+fast"), by the
      field `variant_field`.
    - `input_tokens`: most tokens that the body itself can bring: its bytes, and allowances for hidden prompts.
    - `input_reads`: how many times a provider may read, and bill, the input for this one answer; more than 1 only
      with tools that the provider runs itself.
    - `unbounded`: the field that brings input whose size the body does not show, None when there is none.
    - `output_tokens`: what the client asked for at most; None when it did not say.
    - `output_allowance`: output tokens that may be billed on top of that maximum, for each copy.
    - `output_copies`: how many answers are generated.
    - `least_output`: a maximum below this is not valid, or pointless.
    - `cache_writes`, `cache_writes_1h`: whether input may be billed as written to a cache, and for an hour.
    - `web_searches`: most searches that may be billed.
    - `wants_usage`: whether the client itself asked for usage in its stream.
    - `fields`: the body's top level. `forced` is what metering sets in it whatever the client said, `output_fields`
      are the fields in which the client gave `output_tokens`: in the top level, or in the object `output_within`,
      whose fields are `within`.
    """

    wire: str
    model: str
    fields: dict[str, msgspec.Raw]
    stream: bool
    input_tokens: int
    output_tokens: int | None
    output_fields: tuple[str, ...] = ()
    output_within: str = ""
    within: dict[str, msgspec.Raw] = {}
    variant: str = "standard"
    variant_field: str = "service_tier"
    input_reads: int = 1
    unbounded: str | None = None
    output_allowance: int = 0
    output_copies: int = 1
    least_output: int = 1
    cache_writes: bool = True
    cache_writes_1h: bool = False
    web_searches: int = 0
    audio: bool = False
    wants_usage: bool = True
    forced: dict[str, msgspec.Raw] = {}

    @property
    def added_bytes(self) -> int:
        """The most bytes by which `body` is longer than what the client sent, so that its bytes still bound it."""
        forced = sum(len(name) + len(bytes(value)) + 4 for name, value in self.forced.items())
        if self.output_tokens is not None:
            return forced
        around = len(self.output_within) + len(',"":{}') if self.output_within else 0
        return forced + around + LONGEST_OUTPUT_FIELD

    def body(self, output_tokens: int | None, output_field: str = "max_tokens", *, model: str | None = None) -> bytes:
        """The body to send, with at most `output_tokens` of output for each copy; None leaves that as it came.

        `output_field` is where the maximum is written when the client gave none, `model` another name for the model.
        The client's own bytes in every field but those that metering needs. The top level is written anew, so that a
        key given twice goes out once, with the value that was read here.
        """
        fields: dict[str, object] = {**self.fields, **self.forced}
        if model is not None:
            fields["model"] = model
        if output_tokens is not None:
            maxima = dict.fromkeys(self.output_fields or (output_field,), output_tokens)
            fields |= {self.output_within: {**self.within, **maxima}} if self.output_within else maxima
        return msgspec.json.encode(fields)
