"""What a changed configuration is told as: fields by their names, values as the file has them, secrets never."""

from __future__ import annotations

import msgspec

from bursar.config import Config, LogConfig, MetricsConfig, ProviderConfig, ServerConfig
from bursar.reload import changes

ONE = ProviderConfig(
    name="one", wire="openai", base_url="http://a/v1", models=("gpt-*",), catalog="openai", secret="sk-canary-1"
)
TWO = msgspec.structs.replace(ONE, name="two", secret="sk-canary-2")


def test_nothing() -> None:
    config = Config(providers=(ONE, TWO))
    assert list(changes(config, config)) == []


def test_providers() -> None:
    new = msgspec.structs.replace(TWO, models=("gpt-5", "o*"), retries=2, rename={"gpt-5": "ours"})
    three = msgspec.structs.replace(ONE, name="three")
    assert list(changes(Config(providers=(ONE, TWO)), Config(providers=(three, new)))) == [
        "providers.one: removed",
        "providers.three: added",
        'providers.two.models: ["gpt-*"] -> ["gpt-5","o*"]',
        "providers.two.retries: 0 -> 2",
        'providers.two.rename: {} -> {"gpt-5":"ours"}',
    ]
    assert list(changes(Config(providers=(ONE, TWO)), Config(providers=(TWO, ONE)))) == ["providers: their order"]


def test_secrets_are_not_told() -> None:
    old = Config(providers=(ONE,), metrics=MetricsConfig(secret="canary-a"))
    new = Config(
        providers=(msgspec.structs.replace(ONE, secret="sk-canary-3"),), metrics=MetricsConfig(secret="canary-b")
    )
    told = list(changes(old, new))
    assert told == ["providers.one: another secret", "metrics: another secret"]


def test_tables() -> None:
    new = Config(server=ServerConfig(idle_timeout_s=20), log=LogConfig(calls=True, format="json"))
    assert list(changes(Config(), new)) == [
        "server.idle_timeout_s: 300 -> 20",
        'log.format: "text" -> "json"',
        "log.calls: false -> true",
    ]
