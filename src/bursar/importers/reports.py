"""The kinds of reports that tell of sums over calls, by name."""

from __future__ import annotations

from bursar.importers.anthropic_reports import AnthropicClaudeCode, AnthropicCost, AnthropicUsage
from bursar.importers.copilot import Copilot
from bursar.importers.focus import Focus
from bursar.importers.openai_reports import OpenAICosts, OpenAIUsage
from bursar.importers.totals import TotalSource


def total_sources() -> dict[str, TotalSource]:
    """The kinds of reports, in the order in which people see them."""
    kinds: tuple[TotalSource, ...] = (
        AnthropicUsage(),
        AnthropicCost(),
        AnthropicClaudeCode(),
        OpenAIUsage(),
        OpenAICosts(),
        Copilot(),
        Focus(),
    )
    return {kind.name: kind for kind in kinds}
