"""The operator's configuration: `bursar.toml` in the data folder. Every wrong field is refused by its name."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import urlsplit

import msgspec

from bursar.refusals import Refused, Why, refuse

FILE_NAME = "bursar.toml"
TABLES = ("providers", "server", "database", "simulator", "metrics", "log", "otel", "signing", "checkpoints")
WIRES = ("openai", "anthropic", "gemini")
CATALOGS = {"openai": "openai", "anthropic": "anthropic", "gemini": "google"}
"""The part of the price book that a wire's models are priced by when nothing else is said."""
KEY_HEADERS = {"openai": "authorization", "anthropic": "x-api-key", "gemini": "x-goog-api-key"}
HEADERS = ("authorization", "x-api-key", "api-key", "x-goog-api-key")
MOST_RETRIES = 5
MAYBE_NONE = ("wait_for_budget_s", "most_waiting", "announce_stop_s")
"""What may be 0 of the server: then no call waits for budget, and a stop is not announced."""
LEVELS = ("debug", "info", "warning", "error")
OTEL_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
MIB = 1024 * 1024


class ProviderConfig(msgspec.Struct, frozen=True, kw_only=True):
    """One provider: where it is, which wire it speaks, which models it serves, and its key.

    `catalog` names the part of the price book that its models are priced by. `secret` is the key itself, read from
    the environment or a file when the configuration is read; it is written nowhere.

    A request's bytes bound its input tokens: JSON's framing of the smallest request is some 60 bytes, the vendors'
    own of a prompt some 10 tokens. A server whose chat template puts a long prompt of its own before every request
    says how long in `hidden_prompt_tokens`.

    A call that was certainly not billed (it could not be sent, or was answered by 429 or 5xx) is tried again
    `retries` times, and then by the providers in `fallback` in their order. `rename` is by which other name this
    provider has a model (a deployment); it is priced by the name that the client uses.
    """

    name: str
    wire: str
    base_url: str
    models: tuple[str, ...]
    catalog: str
    secret: str
    key_header: str = "authorization"
    max_tokens_field: str = "max_completion_tokens"
    hidden_prompt_tokens: int = 0
    retries: int = 0
    fallback: tuple[str, ...] = ()
    rename: dict[str, str] = {}


class ServerConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Limits of the gateway, each with the reason for its default.

    A body may be 32 MiB (what Anthropic accepts) and must arrive within a minute. A provider may be silent for five
    minutes (long thinking sends pings) and a call may take an hour. A client that takes nothing for a minute counts
    as gone. All bodies that are in memory at one time may be 256 MiB. A call whose budget is held by running calls
    waits ten seconds for one of them to end, if no more than a thousand wait already. Before a stop refuses calls, it
    is announced by /readyz for `announce_stop_s`, so that a load balancer sends them elsewhere.
    """

    max_body_bytes: int = 32 * MIB
    body_timeout_s: int = 60
    client_timeout_s: int = 60
    idle_timeout_s: int = 300
    deadline_s: int = 3600
    connect_timeout_s: int = 10
    stop_timeout_s: int = 30
    announce_stop_s: int = 0
    wait_for_budget_s: int = 10
    most_waiting: int = 1000
    most_calls: int = 10_000
    max_bodies_bytes: int = 256 * MIB


class MetricsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Who may read /metrics: whoever has `secret`; without one, this machine. An administrator's key always may."""

    enabled: bool = True
    secret: str = ""


class LogConfig(msgspec.Struct, frozen=True, kw_only=True):
    """What is written to stderr: from which level on, as text or as JSON, and whether a line for each call."""

    format: str = "text"
    level: str = "info"
    calls: bool = False


class OtelConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where traces go: an OTLP/HTTP collector. `endpoint` "" leaves it to the variables OTEL_EXPORTER_OTLP_*."""

    endpoint: str = ""
    service: str = ""


class SigningConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the keys are that Bursar signs with: a folder, in the data folder unless it is an absolute path."""

    folder: str = "signing"


class CheckpointsConfig(msgspec.Struct, frozen=True, kw_only=True):
    """Where the server puts a signed checkpoint of the journal each day; better on another machine's disk."""

    folder: str = "checkpoints"


class Config(msgspec.Struct, frozen=True, kw_only=True):
    """All that `bursar.toml` says."""

    providers: tuple[ProviderConfig, ...] = ()
    server: ServerConfig = ServerConfig()
    database_url: str | None = None
    simulator_port: int | None = None
    metrics: MetricsConfig = MetricsConfig()
    log: LogConfig = LogConfig()
    otel: OtelConfig | None = None
    signing: SigningConfig = SigningConfig()
    checkpoints: CheckpointsConfig = CheckpointsConfig()


def load_config(folder: Path, environ: Mapping[str, str] | None = os.environ) -> Config:
    """Read the data folder's configuration; none is an empty one. Raises Refused(CONFIG_INVALID).

    Without an `environ` the providers' keys are not looked for: only a server needs them.
    """
    path = folder / FILE_NAME
    try:
        text = path.read_text("utf-8")
    except FileNotFoundError:
        return Config()
    except (OSError, UnicodeDecodeError):
        _wrong(path, "(file)", "it cannot be read as UTF-8 text")
    try:
        tables = tomllib.loads(text)
    except tomllib.TOMLDecodeError as problem:
        _wrong(path, "(file)", f"it is not TOML: {problem}")
    return _Reader(path, environ).config(tables)


class _Reader:
    def __init__(self, path: Path, environ: Mapping[str, str] | None) -> None:
        self._path = path
        self._environ = environ

    def config(self, tables: dict[str, Any]) -> Config:
        self._known(tables, "", TABLES)
        providers = self._table(tables, "providers")
        database = self._table(tables, "database")
        simulator = self._table(tables, "simulator")
        self._known(database, "database.", ("url",))
        self._known(simulator, "simulator.", ("port",))
        read = tuple(self._provider(name, table) for name, table in providers.items())
        self._check_fallbacks(read)
        return Config(
            providers=read,
            server=self._server(self._table(tables, "server")),
            database_url=self._text(database, "database.", "url") if "url" in database else None,
            simulator_port=self._number(simulator, "simulator.", "port", 65_535) if "port" in simulator else None,
            metrics=self._metrics(self._table(tables, "metrics")),
            log=self._log(self._table(tables, "log")),
            otel=self._otel(self._table(tables, "otel")),
            signing=SigningConfig(**self._folder(tables, "signing")),
            checkpoints=CheckpointsConfig(**self._folder(tables, "checkpoints")),
        )

    def _folder(self, tables: dict[str, Any], name: str) -> dict[str, str]:
        """A table that says nothing but in which folder something is."""
        table = self._table(tables, name)
        self._known(table, f"{name}.", ("folder",))
        return {"folder": self._text(table, f"{name}.", "folder")} if "folder" in table else {}

    def _metrics(self, table: dict[str, Any]) -> MetricsConfig:
        self._known(table, "metrics.", ("enabled", "token_env", "token_file"))
        wanted = "token_env" in table or "token_file" in table
        secret = self._secret(table, "metrics.", "token") if wanted else ""
        return MetricsConfig(enabled=self._flag(table, "metrics.", "enabled", True), secret=secret)

    def _log(self, table: dict[str, Any]) -> LogConfig:
        self._known(table, "log.", LogConfig.__struct_fields__)
        return LogConfig(
            format=self._choice(table, "log.", "format", ("text", "json"), "text"),
            level=self._choice(table, "log.", "level", LEVELS, "info"),
            calls=self._flag(table, "log.", "calls", False),
        )

    def _otel(self, table: dict[str, Any]) -> OtelConfig | None:
        """Traces are sent when the file names a collector, or when the standard variables do."""
        self._known(table, "otel.", OtelConfig.__struct_fields__)
        if not table and not any(variable in (self._environ or {}) for variable in OTEL_VARIABLES):
            return None
        return OtelConfig(
            endpoint=self._address(table, "otel.", "endpoint") if "endpoint" in table else "",
            service=self._text(table, "otel.", "service") if "service" in table else "",
        )

    def _check_fallbacks(self, providers: tuple[ProviderConfig, ...]) -> None:
        wires = {provider.name: provider.wire for provider in providers}
        for provider in providers:
            for name in provider.fallback:
                if name == provider.name or wires.get(name) != provider.wire:
                    problem = f"{name!r} is no other provider of the wire {provider.wire}"
                    self._refuse(f"providers.{provider.name}.fallback", problem)

    def _server(self, table: dict[str, Any]) -> ServerConfig:
        self._known(table, "server.", ServerConfig.__struct_fields__)
        return ServerConfig(
            **{name: self._number(table, "server.", name, 2**40, least=name not in MAYBE_NONE) for name in table}
        )

    def _provider(self, name: str, table: object) -> ProviderConfig:
        at = f"providers.{name}."
        if not isinstance(table, dict):
            self._refuse(f"providers.{name}", "it must be a table: [providers.NAME]")
        self._known(
            table,
            at,
            (
                "wire",
                "base_url",
                "key_env",
                "key_file",
                "models",
                "catalog",
                "max_tokens_field",
                "hidden_prompt_tokens",
                "key_header",
                "retries",
                "fallback",
                "rename",
            ),
        )
        wire = self._choice(table, at, "wire", WIRES)
        return ProviderConfig(
            name=name,
            wire=wire,
            base_url=self._address(table, at, "base_url"),
            models=self._models(table, at),
            catalog=self._text(table, at, "catalog") if "catalog" in table else CATALOGS[wire],
            secret=self._secret(table, at),
            key_header=self._choice(table, at, "key_header", HEADERS, KEY_HEADERS[wire]),
            retries=self._number(table, at, "retries", MOST_RETRIES, least=0) if "retries" in table else 0,
            fallback=self._names(table, at, "fallback") if "fallback" in table else (),
            rename=self._renames(table, at),
            max_tokens_field=self._choice(
                table, at, "max_tokens_field", ("max_completion_tokens", "max_tokens"), "max_completion_tokens"
            ),
            hidden_prompt_tokens=self._number(table, at, "hidden_prompt_tokens", 10**6)
            if "hidden_prompt_tokens" in table
            else 0,
        )

    def _address(self, table: dict[str, Any], at: str, name: str) -> str:
        url = self._text(table, at, name)
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.username:
            self._refuse(at + name, "write http(s)://host[/path], without a query or a user name")
        return url.rstrip("/")

    def _names(self, table: dict[str, Any], at: str, name: str) -> tuple[str, ...]:
        names = table[name]
        if not isinstance(names, list) or not all(isinstance(each, str) and each for each in names):
            self._refuse(at + name, 'write a list of providers\' names, like ["azure"]')
        return tuple(names)

    def _renames(self, table: dict[str, Any], at: str) -> dict[str, str]:
        renames = table.get("rename", {})
        if not isinstance(renames, dict) or not all(isinstance(name, str) and name for name in renames.values()):
            self._refuse(at + "rename", 'write a table of names, like { "gpt-5" = "our-deployment" }')
        return renames

    def _models(self, table: dict[str, Any], at: str) -> tuple[str, ...]:
        models = table.get("models")
        if not isinstance(models, list) or not models or not all(isinstance(m, str) and m for m in models):
            self._refuse(at + "models", 'write a list of names or patterns, like ["gpt-*"]')
        return tuple(models)

    def _secret(self, table: dict[str, Any], at: str, what: str = "key") -> str:
        """What a variable or a file holds, as the fields `what`_env or `what`_file say; "" without an environment."""
        by_env, by_file = f"{what}_env", f"{what}_file"
        if (by_env in table) == (by_file in table):
            self._refuse(at + by_env, f"write either {by_env} or {by_file}: where the {what} is found")
        if self._environ is None:
            return ""
        if by_env in table:
            variable = self._text(table, at, by_env)
            secret = self._environ.get(variable, "").strip()
            if not secret:
                self._refuse(at + by_env, f"the environment has no {variable}")
        else:
            path = self._path.parent / self._text(table, at, by_file)
            try:
                secret = path.read_text("utf-8").strip()
            except (OSError, UnicodeDecodeError):
                self._refuse(at + by_file, f"{path} cannot be read")
        if not secret.isascii() or not secret.isprintable() or not secret or " " in secret:
            self._refuse(at + (by_env if by_env in table else by_file), f"what was found there is not a {what}")
        return secret

    def _known(self, table: dict[str, Any], at: str, names: tuple[str, ...]) -> None:
        for name in table:
            if name not in names:
                self._refuse(at + name, f"there is no such field; there are {', '.join(names)}")

    def _table(self, tables: dict[str, Any], name: str) -> dict[str, Any]:
        table = tables.get(name, {})
        if not isinstance(table, dict):
            self._refuse(name, f"it must be a table: [{name}]")
        return table

    def _text(self, table: dict[str, Any], at: str, name: str) -> str:
        value = table.get(name)
        if not isinstance(value, str) or not value.strip():
            self._refuse(at + name, "write a text in quotes")
        return value.strip()

    def _flag(self, table: dict[str, Any], at: str, name: str, default: bool) -> bool:
        value = table.get(name, default)
        if not isinstance(value, bool):
            self._refuse(at + name, "write true or false")
        return value

    def _choice(
        self, table: dict[str, Any], at: str, name: str, values: tuple[str, ...], default: str | None = None
    ) -> str:
        value = table.get(name, default)
        if value not in values:
            self._refuse(at + name, f"it must be one of {', '.join(values)}")
        return str(value)

    def _number(self, table: dict[str, Any], at: str, name: str, most: int, *, least: int = 1) -> int:
        value = table.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
            self._refuse(at + name, f"it must be a whole number from {least} to {most}")
        return value

    def _refuse(self, field: str, problem: str) -> NoReturn:
        _wrong(self._path, field, problem)


def _wrong(path: Path, field: str, problem: str) -> NoReturn:
    raise Refused(refuse(Why.CONFIG_INVALID, file=path.name, field=field, problem=problem))
