"""How much input a request's messages can bring, beyond the bytes that they are written in.

Every tokenizer in use emits at most one token per byte of text, and the JSON around a message outweighs the tokens
that a provider adds to frame it, so the bytes of a body bound its text. Not so images, whose tokens go by their size
in pixels, and files, whose text may be compressed or elsewhere.

Messages are decoded only as far as their structure: the kinds of their parts. That cannot be fooled by escapes, as a
search for words could, and costs less than one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import msgspec

from bursar.gateway.wires.fields import body_invalid, invalid

TOOLS_PROMPT_TOKENS = 1_024
"""What a provider may add when there are tools or a schema to answer in. Anthropic documents 159 to 804 tokens."""

NONE = msgspec.Raw()
"""A part that is not there."""

_T = TypeVar("_T")


class Prompt(msgspec.Struct):
    """What was found in the messages: tokens to add to the bytes, and what no number of bytes bounds.

    `relief` counts bytes that are not text (an inline image), for which `media_tokens` already has a maximum.
    """

    media_tokens: int = 0
    relief: int = 0
    audio: bool = False
    unbounded: str | None = None

    def image(self, tokens: int, inline_bytes: int) -> None:
        """An image of at most so many tokens."""
        self.media_tokens += tokens
        self.relief += inline_bytes

    def unsized(self, field: str) -> None:
        """A field that brings input whose size the body does not show; the first one found is told."""
        if self.unbounded is None:
            self.unbounded = field


def read_as(decode: Callable[[bytes], _T], data: bytes, field: str, right: str) -> _T:
    """Decode a field. Raises Refused when it is not of that type."""
    try:
        return decode(data)
    except msgspec.ValidationError:
        raise invalid(field, data, right) from None
    except RecursionError:
        raise body_invalid("it is nested too deeply") from None
