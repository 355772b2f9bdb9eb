"""The demo's `bursar.toml`: simulated providers on this machine, or the real ones when there are keys for them."""

from __future__ import annotations

from collections.abc import Mapping

HEAD = """\
# Bursar's configuration. It is read when Bursar starts; a field that is wrong is refused by its name.
#
# A provider is a table [providers.NAME]; NAME is how the journal calls it. Its fields:
#   wire      the wire format it speaks: "openai", "anthropic" or "gemini". A call goes to a provider of its own wire.
#   base_url  where it is. Nothing that a client sends can change this.
#   key_env   the environment variable that holds the provider's key, or
#   key_file  the file, beside this one, that holds it. People never see it: they have Bursar keys.
#   models    which models it serves, as names or patterns. The most particular pattern wins.
#   catalog   which part of the price book its models are priced by; the wire's name when left out.
"""

SIMULATED = """
# The demo's providers are simulated. They speak the real wire formats and keep a bill of their own, but what they
# answer is only plausible text. `bursar up` starts them on this port of 127.0.0.1, because of this table.
[simulator]
port = 8791

[providers.sim-openai]
wire = "openai"
base_url = "http://127.0.0.1:8791/v1"
key_file = "simulator.key"
models = ["gpt-*", "o*", "text-embedding-*"]

[providers.sim-anthropic]
wire = "anthropic"
base_url = "http://127.0.0.1:8791"
key_file = "simulator.key"
models = ["claude-*"]

[providers.sim-gemini]
wire = "gemini"
base_url = "http://127.0.0.1:8791"
key_file = "simulator.key"
models = ["gemini-*"]
"""

REAL = {
    "OPENAI_API_KEY": """
# Calls to this provider cost real money, billed to the key in OPENAI_API_KEY.
[providers.openai]
wire = "openai"
base_url = "https://api.openai.com/v1"
key_env = "OPENAI_API_KEY"
models = ["gpt-*", "o*", "text-embedding-*"]
""",
    "ANTHROPIC_API_KEY": """
# Calls to this provider cost real money, billed to the key in ANTHROPIC_API_KEY.
[providers.anthropic]
wire = "anthropic"
base_url = "https://api.anthropic.com"
key_env = "ANTHROPIC_API_KEY"
models = ["claude-*"]
""",
    "GEMINI_API_KEY": """
# Calls to this provider cost real money, billed to the key in GEMINI_API_KEY.
[providers.gemini]
wire = "gemini"
base_url = "https://generativelanguage.googleapis.com"
key_env = "GEMINI_API_KEY"
models = ["gemini-*"]
""",
}


def simulated_providers() -> str:
    """The text of a `bursar.toml` with the simulated providers. Their key is in `simulator.key` beside it."""
    return HEAD + SIMULATED


def real_providers(environ: Mapping[str, str]) -> str | None:
    """The text of a `bursar.toml` with the real providers whose keys the environment has; None when it has none."""
    tables = [table for variable, table in REAL.items() if environ.get(variable, "").strip()]
    return HEAD + "".join(tables) if tables else None
