"""`[metrics]`, `[log]`, `[otel]` and the folders: what holds without them, how each mistake in them is refused."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest

from bursar.config import Config, LogConfig, MetricsConfig, OtelConfig, load_config
from bursar.refusals import Refused, Why

ENVIRON = {"TOKEN": "t0ken", "BLANK": "two words"}


def read(folder: Path, text: str, environ: Mapping[str, str] | None = ENVIRON) -> Config:
    (folder / "bursar.toml").write_text(text)
    return load_config(folder, environ)


def test_what_holds_when_nothing_is_said(tmp_path: Path) -> None:
    config = read(tmp_path, "")
    assert (config.metrics, config.log, config.otel) == (MetricsConfig(), LogConfig(), None)
    assert (config.signing.folder, config.checkpoints.folder) == ("signing", "checkpoints")
    assert (config.metrics.enabled, config.log.calls, config.log.level) == (True, False, "info")


def test_what_is_said(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("from-a-file\n")
    text = '[metrics]\ntoken_file = "token"\n[log]\nformat = "json"\nlevel = "debug"\ncalls = true\n'
    config = read(tmp_path, text + '[otel]\nendpoint = "http://127.0.0.1:4318/"\n')
    assert config.metrics == MetricsConfig(secret="from-a-file")
    assert config.log == LogConfig(format="json", level="debug", calls=True)
    assert config.otel == OtelConfig(endpoint="http://127.0.0.1:4318")
    assert read(tmp_path, '[metrics]\ntoken_env = "TOKEN"\n').metrics.secret == "t0ken"
    assert read(tmp_path, '[metrics]\ntoken_env = "NONE"\n', None).metrics.secret == "", "only a server needs it"
    folders = read(tmp_path, '[signing]\nfolder = "/srv/keys"\n[checkpoints]\nfolder = "../far"\n')
    assert (folders.signing.folder, folders.checkpoints.folder) == ("/srv/keys", "../far")
    assert read(tmp_path, "[server]\nannounce_stop_s = 0\n").server.announce_stop_s == 0


@pytest.mark.parametrize("variable", ["OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"])
def test_the_standard_variables_are_enough_for_traces(tmp_path: Path, variable: str) -> None:
    assert read(tmp_path, "", {variable: "http://127.0.0.1:4318"}).otel == OtelConfig()
    assert read(tmp_path, "", {"OTEL_SERVICE_NAME": "x"}).otel is None


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("[metrics]\nenabled = 1\n", "metrics.enabled"),
        ('[metrics]\ntoken = "x"\n', "metrics.token"),
        ('[metrics]\ntoken_env = "TOKEN"\ntoken_file = "x"\n', "metrics.token_env"),
        ('[metrics]\ntoken_env = "NONE"\n', "metrics.token_env"),
        ('[metrics]\ntoken_env = "BLANK"\n', "metrics.token_env"),
        ('[metrics]\ntoken_file = "none"\n', "metrics.token_file"),
        ('[log]\nformat = "xml"\n', "log.format"),
        ('[log]\nlevel = "loud"\n', "log.level"),
        ('[log]\ncalls = "yes"\n', "log.calls"),
        ("[log]\nfile = 1\n", "log.file"),
        ('[otel]\nendpoint = "collector:4318"\n', "otel.endpoint"),
        ('[otel]\nendpoint = "http://user@collector"\n', "otel.endpoint"),
        ('[otel]\nservice = ""\n', "otel.service"),
        ("log = 3\n", "log"),
        ('[signing]\nfolder = ""\n', "signing.folder"),
        ("[checkpoints]\nfolder = 3\n", "checkpoints.folder"),
        ("[checkpoints]\nevery = 3\n", "checkpoints.every"),
        ("checkpoints = true\n", "checkpoints"),
    ],
)
def test_each_mistake_is_refused_by_its_name(tmp_path: Path, text: str, field: str) -> None:
    with pytest.raises(Refused) as caught:
        read(tmp_path, text)
    refusal = caught.value.refusal
    assert (refusal.why, refusal.facts["field"]) == (Why.CONFIG_INVALID, field)
    assert "t0ken" not in refusal.text
