"""The providers' wire formats as pure code: a request's bytes in, its bounds out; an answer's bytes in, usage out.

No socket, no price and no clock in here. Each wire normalises once, from its own counting to the disjoint buckets of
`bursar.usage`; whatever comes after knows no wire.
"""

from bursar.gateway.wires.anthropic import AnthropicWire
from bursar.gateway.wires.base import NO_TARGET, Meter, Target, Wire
from bursar.gateway.wires.call import Call
from bursar.gateway.wires.models import model_body, models_body
from bursar.gateway.wires.openai import OpenAIWire

OPENAI = OpenAIWire()
ANTHROPIC = AnthropicWire()

__all__ = ["ANTHROPIC", "NO_TARGET", "OPENAI", "Call", "Meter", "Target", "Wire", "model_body", "models_body"]
