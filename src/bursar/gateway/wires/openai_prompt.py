"""The parts of a chat completion's messages that are not text."""

from __future__ import annotations

import msgspec

from bursar.gateway.wires.prompt import NONE, Prompt, read_as

IMAGE_TOKENS = 50_000
"""The most tokens of one image. gpt-4o-mini counts 2,833 and 5,667 for each of at most eight tiles: 48,169."""

_TEXTS = frozenset({"text", "refusal", "thinking", "reasoning"})
_IMAGES = frozenset({"image_url", "image", "input_image"})


class _Message(msgspec.Struct):
    content: msgspec.Raw = NONE
    audio: msgspec.Raw = NONE


class _Image(msgspec.Struct):
    url: msgspec.Raw = NONE


class _Part(msgspec.Struct):
    type: str | None = None
    image_url: msgspec.Raw = NONE
    image: msgspec.Raw = NONE


_messages = msgspec.json.Decoder(list[_Message]).decode
_parts = msgspec.json.Decoder(list[str | _Part]).decode
_image = msgspec.json.Decoder(_Image).decode


def read_prompt(messages: bytes) -> Prompt:
    """Look through the messages for what is not text. Raises Refused."""
    prompt = Prompt()
    for at, message in enumerate(read_as(_messages, messages, "messages", "a list of objects")):
        content = bytes(message.content)
        if content.startswith(b"["):
            _read_parts(prompt, content, f"messages[{at}].content")
        elif content.startswith(b"{"):
            prompt.unsized(f"messages[{at}].content")
        if bytes(message.audio) not in {b"", b"null"}:
            # An earlier answer's audio, by its id: the provider has it, the body does not.
            prompt.audio = True
            prompt.unsized(f"messages[{at}].audio")
    return prompt


def _read_parts(prompt: Prompt, content: bytes, field: str) -> None:
    for at, part in enumerate(read_as(_parts, content, field, "a string or a list of parts")):
        if isinstance(part, str) or part.type in _TEXTS:
            continue
        if part.type == "input_audio":
            prompt.audio = True  # ten tokens a second, less than the bytes of any recording
        elif part.type in _IMAGES or bytes(part.image_url) or bytes(part.image):
            prompt.image(IMAGE_TOKENS, _inline_bytes(part, f"{field}[{at}].image_url"))
        else:
            prompt.unsized(f"{field}[{at}]")


def _inline_bytes(part: _Part, field: str) -> int:
    """Bytes of an image that is in the request itself."""
    url = bytes(part.image_url)
    if url.startswith(b"{"):
        url = bytes(read_as(_image, url, field, "an object with an URL").url)
    return len(url) if part.type == "image_url" and url.startswith(b'"data:image') else 0
