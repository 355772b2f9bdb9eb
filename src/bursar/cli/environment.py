"""The environment in which a run's command finds Bursar: the variables that SDKs and coding agents read.

Read from the SDKs' own sources and the tools' documentation in November 2026. Anthropic's SDKs and Claude Code know
two variables for a credential and warn when both are set, so only one is: ANTHROPIC_API_KEY, which everything reads,
but for Claude Code itself, which asks people whether an API key that it has not seen before may be used, and takes a
token without asking.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from urllib.parse import urlsplit

CLAUDE_CODE = "claude"
OPENAI = {"OPENAI_BASE_URL": "{url}/v1", "OPENAI_API_BASE": "{url}/v1", "OPENAI_API_KEY": "{key}"}
"""The SDKs read OPENAI_BASE_URL; aider, LiteLLM and older tools OPENAI_API_BASE."""
GEMINI = {"GOOGLE_GEMINI_BASE_URL": "{url}", "GEMINI_API_KEY": "{key}", "GOOGLE_API_KEY": "{key}"}
"""Gemini CLI reads GEMINI_API_KEY alone, Google's SDKs both, older ones GOOGLE_API_KEY alone."""
BURSAR = {"BURSAR_URL": "{url}", "BURSAR_KEY": "{key}", "BURSAR_RUN": "{run}"}
"""For `bursar` itself: a run that is started in a run is a part of it."""
LEADS_ELSEWHERE = (
    *("CLAUDE_CODE_USE_BEDROCK", "CLAUDE_CODE_USE_VERTEX", "CLAUDE_CODE_USE_FOUNDRY", "CLAUDE_CODE_OAUTH_TOKEN"),
    *("GOOGLE_GENAI_USE_VERTEXAI", "GOOGLE_GENAI_USE_ENTERPRISE"),
)
"""What would make a tool call a provider, or log in there, past the base URL."""
LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


def environment(environ: Mapping[str, str], command: str, *, url: str, key: str, run: str) -> dict[str, str]:
    """An environment for a run's command, made of ours; `url` is the gateway's address without a path."""
    anthropic = {"ANTHROPIC_BASE_URL": "{url}"}
    if PurePath(command).name == CLAUDE_CODE:
        anthropic["ANTHROPIC_AUTH_TOKEN"], unused = "{key}", "ANTHROPIC_API_KEY"
    else:
        anthropic["ANTHROPIC_API_KEY"], unused = "{key}", "ANTHROPIC_AUTH_TOKEN"
    made = {name: value for name, value in environ.items() if name not in {*LEADS_ELSEWHERE, unused}}
    for name, value in (OPENAI | anthropic | GEMINI | BURSAR).items():
        made[name] = value.format(url=url, key=key, run=run)
    return made | _past_proxies(environ, url)


def _past_proxies(environ: Mapping[str, str], url: str) -> dict[str, str]:
    """A Bursar on this machine is not asked by way of a proxy."""
    host = urlsplit(url).hostname
    if host not in LOOPBACK:
        return {}
    return {name: ",".join(filter(None, [environ.get(name, ""), host])) for name in ("NO_PROXY", "no_proxy")}
