"""What kinds of sources there are, and whose word counts: telemetry's, then other tools' logs."""

from __future__ import annotations

TELEMETRY = frozenset({"otel"})
GATEWAYS = frozenset({"litellm"})
"""Other gateways, whose word is worth that of telemetry."""
SUMS = frozenset(
    {
        *("anthropic-usage", "anthropic-cost", "anthropic-claude-code"),
        *("openai-usage", "openai-costs", "focus", "copilot"),
    }
)
"""Sources that tell of sums over calls. They are there to be compared with, and are charged to nobody."""
