"""The environment in which a run's command finds Bursar: the variables that SDKs and coding agents read.

Read from the SDKs' own sources and the tools' documentation in November 2026. Anthropic's SDKs and agents know two
variables for a credential; a script may start anything, so both are set, and the SDKs say in a line of their log
which they take. Claude Code itself gets the token alone: it asks people whether an API key that it has not seen
before may be used, and takes a token without asking.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Mapping
from pathlib import Path, PurePath
from urllib.parse import urlsplit

CLAUDE_CODE = "claude"
OPENAI = {"OPENAI_BASE_URL": "{url}/v1", "OPENAI_API_BASE": "{url}/v1", "OPENAI_API_KEY": "{key}"}
"""The SDKs read OPENAI_BASE_URL; aider, LiteLLM and older tools OPENAI_API_BASE."""
ANTHROPIC = {
    "ANTHROPIC_BASE_URL": "{url}",
    "ANTHROPIC_API_KEY": "{key}",
    "ANTHROPIC_AUTH_TOKEN": "{key}",
}
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
    made = {name: value for name, value in environ.items() if name not in LEADS_ELSEWHERE}
    for name, value in (OPENAI | ANTHROPIC | GEMINI | BURSAR).items():
        made[name] = value.format(url=url, key=key, run=run)
    if PurePath(command).name == CLAUDE_CODE:
        del made["ANTHROPIC_API_KEY"]
    return made | _past_proxies(environ, url) | _with_bursar(made)


def _with_bursar(environ: Mapping[str, str]) -> dict[str, str]:
    """A command that calls `bursar run` itself finds it, last of all, where this one is."""
    path = environ.get("PATH", os.defpath)
    if shutil.which("bursar", path=path):
        return {}
    return {"PATH": os.pathsep.join([path, str(Path(sys.executable).parent)])}


def _past_proxies(environ: Mapping[str, str], url: str) -> dict[str, str]:
    """A Bursar on this machine is not asked by way of a proxy."""
    host = urlsplit(url).hostname
    if host not in LOOPBACK:
        return {}
    return {name: ",".join(filter(None, [environ.get(name, ""), host])) for name in ("NO_PROXY", "no_proxy")}
