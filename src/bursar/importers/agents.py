"""The coding agents whose own logs can be read, by name."""

from __future__ import annotations

from bursar.importers.claude_code import ClaudeCode
from bursar.importers.codex import Codex
from bursar.importers.gemini_cli import GeminiCli
from bursar.importers.opencode import OpenCode
from bursar.importers.pi import Pi
from bursar.importers.reading import Agent


def agents() -> dict[str, Agent]:
    """A fresh importer for each agent, in the order in which people see them.

    Claude Code, which takes files of any name, is first: see `gather.logs`.
    """
    return {source.name: source for source in (ClaudeCode(), Codex(), GeminiCli(), OpenCode(), Pi())}
