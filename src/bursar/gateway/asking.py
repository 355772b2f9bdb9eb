"""How a call is put to one provider: what it may cost there, where it is sent, under which name of its model."""

from __future__ import annotations

from urllib.parse import quote

from bursar.books import Ask
from bursar.gateway.providers import Provider
from bursar.gateway.routes import Route
from bursar.gateway.upstream import Address
from bursar.gateway.wires import Call
from bursar.refusals import Refusal, Why, refuse


def named(refusal: Refusal, call: Call) -> Refusal:
    """A refusal by the request's own name of the field that asked for a variant, or would say a maximum."""
    field = refusal.field
    if refusal.why is Why.VARIANT_NOT_PRICED and field == "service_tier":
        field = call.variant_field
    elif refusal.why is Why.FIELD_MISSING and field == "max_tokens" and call.output_fields:
        field = ".".join(filter(None, (call.output_within, call.output_fields[0])))
    return refusal if field == refusal.field else refuse(refusal.why, **{**refusal.facts, "field": field})


def ask_of(provider: Provider, call: Call) -> Ask:
    """What a call asks for at a provider, as far as the money is concerned."""
    more_tokens = provider.hidden_prompt_tokens + _longer_by(provider, call)
    return ask_of_call(call, provider.name, provider.catalog, more_tokens)


def ask_of_call(call: Call, provider: str, catalog: str, more_tokens: int) -> Ask:
    """What a call asks for, with so many input tokens more than its body brings."""
    return Ask(
        call.wire,
        provider,
        catalog,
        call.model,
        call.variant,
        call.input_tokens + call.added_bytes + more_tokens,
        call.unbounded,
        call.output_tokens,
        call.output_copies,
        call.output_allowance,
        call.least_output,
        call.input_reads,
        call.cache_writes,
        call.web_searches,
        call.audio,
    )


def _longer_by(provider: Provider, call: Call) -> int:
    """By how many bytes another name makes the body longer, so that its bytes still bound what goes in."""
    return max(0, len(provider.rename.get(call.model, "")) - len(call.model)) if provider.rename else 0


def address_of(provider: Provider, route: Route, model: str) -> Address:
    """Where a provider has a route; on Google's wire the path names the model."""
    path = route.path
    if provider.rename and provider.wire == "gemini" and model in provider.rename:
        before, _, after = path.rpartition("/")
        path = f"{before}/{quote(provider.rename[model], safe='')}:{after.rpartition(':')[2]}"
    return provider.address(path, route.query)


def body_of(provider: Provider, route: Route, call: Call, output_tokens: int | None) -> bytes:
    """The body for a provider, which must have the model's name in it where the path does not.

    Azure's clients may name it in their path alone, which is not the path that the provider is asked by.
    """
    other = provider.rename.get(call.model) if provider.rename else None
    if other is None and route.target.model is not None and "model" not in call.fields:
        other = call.model
    if provider.wire == "gemini":
        other = None
    return call.body(output_tokens, provider.max_tokens_field, model=other)
