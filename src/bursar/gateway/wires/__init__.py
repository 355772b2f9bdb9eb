"""The providers' wire formats as pure code: a request's bytes in, its bounds out; an answer's bytes in, usage out.

No socket, no price and no clock in here. Each wire normalises once, from its own counting to the disjoint buckets of
`bursar.usage`; whatever comes after knows no wire.
"""

from bursar.gateway.wires.anthropic import AnthropicWire
from bursar.gateway.wires.base import NO_TARGET, Meter, Target, Wire
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.completions import CompletionsWire
from bursar.gateway.wires.embeddings import EmbeddingsWire
from bursar.gateway.wires.gemini import GeminiWire
from bursar.gateway.wires.gemini_embeddings import GeminiEmbeddingsWire
from bursar.gateway.wires.models import Limits, model_body, models_body
from bursar.gateway.wires.openai import OpenAIWire
from bursar.gateway.wires.responses import ResponsesWire

OPENAI = OpenAIWire()
RESPONSES = ResponsesWire()
EMBEDDINGS = EmbeddingsWire()
COMPLETIONS = CompletionsWire()
ANTHROPIC = AnthropicWire()
GEMINI = GeminiWire()
GEMINI_EMBEDDINGS = GeminiEmbeddingsWire()

__all__ = [
    "ANTHROPIC",
    "COMPLETIONS",
    "EMBEDDINGS",
    "GEMINI",
    "GEMINI_EMBEDDINGS",
    "NO_TARGET",
    "OPENAI",
    "RESPONSES",
    "Call",
    "Limits",
    "Meter",
    "Target",
    "Wire",
    "model_body",
    "models_body",
]
