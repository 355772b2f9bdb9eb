"""Google's Gemini: generateContent and streamGenerateContent.

Fields by the official SDK's `GenerateContentConfig`, in camelCase or snake_case as Google takes both. The model and
whether to stream are in the path. What would bring cost that is not metered is refused by name.
"""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.base import NO_TARGET, Target
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.fields import count, given, invalid, missing, text, top_level
from bursar.gateway.wires.gemini_errors import GeminiErrors
from bursar.gateway.wires.gemini_fields import Fields, canonical, model_of, names, objects, one_object
from bursar.gateway.wires.gemini_meter import STANDARD_TIERS, GeminiMeter, tier_of
from bursar.gateway.wires.gemini_prompt import read_contents, read_tools
from bursar.gateway.wires.prompt import TOOLS_PROMPT_TOKENS, Prompt, read_as
from bursar.refusals import field_invalid

MOST_CANDIDATES = 8
OUTPUT = "maxOutputTokens"
CONFIG = "generationConfig"

_CONFIG_NOT_METERED = {
    "speechConfig": "speech is billed apart",
    "imageConfig": "images are billed apart",
    "routingConfig": "only one model is held for",
    "modelConfig": "only one model is held for",
    "modelSelectionConfig": "only one model is held for",
}
"""Fields of `generationConfig` that bring cost which is not metered, and why they are refused."""

_TOP = names(
    "model",
    "contents",
    "systemInstruction",
    "tools",
    "toolConfig",
    "generationConfig",
    "cachedContent",
    "continuationToken",
    "serviceTier",
)
_CONFIG = names(
    "maxOutputTokens",
    "candidateCount",
    "thinkingConfig",
    "responseModalities",
    "responseMimeType",
    "responseSchema",
    "responseJsonSchema",
    "responseFormat",
    *_CONFIG_NOT_METERED,
)
_THINKING = names("thinkingBudget")
_FORMAT = names("text", "audio", "image", "video")
_SCHEMAS = frozenset({"responseMimeType", "responseSchema", "responseJsonSchema", "responseFormat"})
_texts = msgspec.json.Decoder(list[str]).decode


class GeminiWire(GeminiErrors):
    """`POST /v1beta/models/MODEL:generateContent` and `:streamGenerateContent`."""

    name = "gemini"
    family = "gemini"

    def read(self, body: bytes, target: Target = NO_TARGET) -> Call:
        """Read a request's bounds. Raises Refused: BODY_INVALID, FIELD_INVALID or FIELD_MISSING."""
        fields = canonical(top_level(body, frozenset()), _TOP)
        model = model_of(fields, target)
        config = _config(fields)
        prompt = _prompt(fields)
        tools = given(fields, "tools")
        searches = read_tools(tools, model) if tools is not None else 0
        input_tokens = len(body) + prompt.media_tokens - prompt.relief
        if tools is not None or not _SCHEMAS.isdisjoint(config):
            input_tokens += TOOLS_PROMPT_TOKENS
        said = {f"{CONFIG}.{name}": raw for name, raw in config.items()}
        output_tokens = count(said, f"{CONFIG}.{OUTPUT}")
        right = f"a whole number from 1 to {MOST_CANDIDATES}"
        return Call(
            wire="gemini",
            model=model,
            fields=fields,
            stream=target.stream,
            input_tokens=input_tokens,
            unbounded=prompt.unbounded or ("tools" if searches else None),
            # Thoughts count against it as well, measured on models since 2.5 (googleapis/python-genai, issue 2062);
            # a budget for thinking is only a wish.
            output_tokens=output_tokens,
            output_fields=(OUTPUT,),
            output_within=CONFIG,
            within=config,
            output_copies=count(said, f"{CONFIG}.candidateCount", most=MOST_CANDIDATES, right=right) or 1,
            least_output=_least_output(config, output_tokens),
            variant=_variant(fields),
            variant_field="serviceTier",
            cache_writes=False,
            web_searches=searches,
            audio=prompt.audio,
        )

    def read_count(self, body: bytes, target: Target = NO_TARGET) -> str:
        """The model of a request to count tokens, which costs nothing. Raises Refused."""
        return model_of(canonical(top_level(body, frozenset()), _TOP), target)

    def meter(self, call: Call) -> GeminiMeter:
        """A meter for one answer to that call."""
        return GeminiMeter(call)


def _config(fields: Fields) -> Fields:
    """The fields of the configuration. It is written anew: a key given twice goes out once, as it was read here."""
    data = given(fields, CONFIG)
    if data is None:
        return {}
    config = canonical(one_object(data, CONFIG), _CONFIG, f"{CONFIG}.")
    for name, reason in _CONFIG_NOT_METERED.items():
        value = given(config, name)
        if value is not None and value != b"{}":
            raise invalid(f"{CONFIG}.{name}", value, f"left out, because {reason}")
    _check_modalities(config)
    fields[CONFIG] = msgspec.Raw(msgspec.json.encode(config))
    return config


def _check_modalities(config: Fields) -> None:
    """Only text may be asked for: sound and images are billed apart."""
    right = '["TEXT"], because other answers are billed apart'
    field = f"{CONFIG}.responseModalities"
    data = given(config, "responseModalities")
    if data is not None:
        for each in read_as(_texts, data, field, right):
            if each.upper() != "TEXT":
                raise field_invalid(field, each[:40], right)
    data = given(config, "responseFormat")
    if data is not None:
        for wanted in objects(data, f"{CONFIG}.responseFormat"):
            other = {"audio", "image", "video"} & canonical(wanted, _FORMAT, f"{CONFIG}.responseFormat.").keys()
            if other:
                raise invalid(f"{CONFIG}.responseFormat.{min(other)}", b"{", "left out: it is billed apart")


def _prompt(fields: Fields) -> Prompt:
    contents = given(fields, "contents")
    if contents is None:
        raise missing("contents", "a list of contents")
    prompt = Prompt()
    read_contents(prompt, contents, "contents")
    system = given(fields, "systemInstruction")
    if system is not None:
        read_contents(prompt, system, "systemInstruction")
    for name in ("cachedContent", "continuationToken"):
        if given(fields, name) is not None:
            prompt.audio = True  # what the provider holds may have sound in it
            prompt.unsized(name)
    return prompt


def _least_output(config: Fields, output_tokens: int | None) -> int:
    """One token more than the budget for thinking: less would leave no answer."""
    data = given(config, "thinkingConfig")
    if data is None or output_tokens is None:
        return 1
    thinking = canonical(one_object(data, f"{CONFIG}.thinkingConfig"), _THINKING, f"{CONFIG}.thinkingConfig.")
    budget = given(thinking, "thinkingBudget") or b""
    return min(int(budget) + 1, output_tokens) if budget.isdigit() and len(budget) <= 9 else 1


def _variant(fields: Fields) -> str:
    tier = text(fields, "serviceTier", "a service tier's name") if "serviceTier" in fields else None
    return "standard" if tier is None or tier_of(tier) in STANDARD_TIERS else tier_of(tier)
