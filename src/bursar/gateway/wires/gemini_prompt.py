"""The parts of a Gemini prompt that are not text, and its tools.

Parts and tools by the official SDK's types. What Google counts for media: ai.google.dev/gemini-api/docs/tokens and
/media-resolution. An image has a maximum; sound and video are counted by their length and PDFs by their pages, which
a few compressed bytes can make as long as one likes, so the context window bounds them.
"""

from __future__ import annotations

from bursar.gateway.wires.fields import body_invalid, count, given, invalid, text
from bursar.gateway.wires.gemini_fields import Fields, canonical, names, objects, one_object
from bursar.gateway.wires.prompt import Prompt
from bursar.refusals import field_invalid

IMAGE_TOKENS = 10_000
"""The most tokens of one image, more than twice what is documented: 16 tiles of 258 (3,072 × 3,072 pixels, to which
images are scaled), or 2,240 at the highest resolution that can be asked for."""

_IMAGES = frozenset({"image/png", "image/jpeg", "image/jpg", "image/webp", "image/heic", "image/heif"})
"""The kinds that Google takes for one picture (ai.google.dev/gemini-api/docs/image-understanding)."""

_CONTENT = names("parts", "role")
_PART = names(
    "text",
    "thought",
    "thoughtSignature",
    "functionCall",
    "functionResponse",
    "inlineData",
    "fileData",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
    "partMetadata",
    "mediaResolution",
    "videoMetadata",
)
_TEXTS = frozenset({"text", "thought", "thoughtSignature", "functionCall"})
_MEDIA = frozenset({"inlineData", "fileData", "functionResponse"})
_FUNCTION_RESPONSE = names("parts")
_BLOB = names("mimeType", "data")
_MEDIA_RESOLUTION = names("numTokens")
_TOOL = names(
    "functionDeclarations",
    "googleSearch",
    "googleSearchRetrieval",
    "codeExecution",
    "urlContext",
    "googleMaps",
    "fileSearch",
    "computerUse",
    "mcpServers",
)
_BILLED_BY_PROMPT = ("gemini-2.0", "gemini-2.5")
"""Models whose searches are billed once for each prompt, however many there are; later ones are billed for each."""

_RIGHT_TOOL = "left out, because tools that the provider runs are billed apart or bring input without bound"
_RIGHT_SEARCH = "left out with this model, because each of its searches is billed and nothing bounds their number"


def read_contents(prompt: Prompt, data: bytes, field: str) -> None:
    """Look through contents (turns, or a system instruction) for what is not text. Raises Refused."""
    for at, content in enumerate(objects(data, field)):
        parts = given(canonical(content, _CONTENT, f"{field}[{at}]."), "parts")
        if parts is not None:
            _read_parts(prompt, parts, f"{field}[{at}].parts", nested=False)


def _read_parts(prompt: Prompt, data: bytes, field: str, *, nested: bool) -> None:
    for at, said in enumerate(objects(data, field)):
        if _TEXTS.issuperset(said):
            continue
        here = f"{field}[{at}]"
        part = canonical(said, _PART, f"{here}.")
        if not _PART.camel.issuperset(part):
            prompt.unsized(here)
        if not _MEDIA.isdisjoint(part):
            _read_media(prompt, part, here, nested=nested)


def _read_media(prompt: Prompt, part: Fields, field: str, *, nested: bool) -> None:
    inline = given(part, "inlineData")
    if inline is not None:
        _read_inline(prompt, inline, given(part, "mediaResolution"), f"{field}.inlineData")
    if given(part, "fileData") is not None:
        prompt.audio = True  # whatever is there, on the provider's side or anywhere in the net
        prompt.unsized(f"{field}.fileData")
    response = given(part, "functionResponse")
    if response is not None:
        parts = given(canonical(one_object(response, field), _FUNCTION_RESPONSE, f"{field}."), "parts")
        if parts is not None and nested:
            raise body_invalid("its function responses are nested")
        if parts is not None:
            _read_parts(prompt, parts, f"{field}.functionResponse.parts", nested=True)


def _read_inline(prompt: Prompt, data: bytes, resolution: bytes | None, field: str) -> None:
    blob = canonical(one_object(data, field), _BLOB, f"{field}.")
    kind = (text(blob, "mimeType", "a media type") or "").casefold().partition(";")[0].strip()
    if kind in _IMAGES:
        content = given(blob, "data") or b""
        prompt.image(max(IMAGE_TOKENS, _tokens_asked(resolution, field)), len(content))
    elif not kind.startswith("text/"):  # of which the bytes bound the tokens
        prompt.audio = prompt.audio or kind.startswith(("audio/", "video/"))
        prompt.unsized(field)


def _tokens_asked(resolution: bytes | None, field: str) -> int:
    """The tokens that a part says its image shall have."""
    if resolution is None or not resolution.startswith(b"{"):
        return 0
    asked = canonical(one_object(resolution, field), _MEDIA_RESOLUTION, f"{field}.")
    return count(asked, "numTokens", least=0) or 0


def read_tools(data: bytes, model: str) -> int:
    """Check the tools of a request; returns the searches that may be billed. Raises Refused."""
    searches = 0
    for at, said in enumerate(objects(data, "tools")):
        tool = canonical(said, _TOOL, f"tools[{at}].")
        for name in tool:
            if name == "functionDeclarations" or given(tool, name) is None:
                continue
            field = f"tools[{at}].{name}"
            if name != "googleSearch":
                raise field_invalid(field, "given", _RIGHT_TOOL)
            if not model.startswith(_BILLED_BY_PROMPT):
                raise invalid(field, bytes(tool[name]), _RIGHT_SEARCH)
            searches = 1
    return searches
