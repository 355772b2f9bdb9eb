"""What people and models say, and keys, are nowhere in metrics, in traces, or in the log at its loudest."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.support.collector import Collector
from tests.unit.sim.raw import ask, until

from .place import opened
from .test_secrets import AGENT, NAMED, PROMPT, PROVIDER_KEY, SAID, SPOKEN, assert_nowhere, say_everything
from .upstream import RECORDED, Upstream, answer

LOUD = '\n[log]\nlevel = "debug"\ncalls = true\nformat = "{format}"\n[otel]\nendpoint = "{collector}"\n'


@pytest.mark.parametrize("form", ["text", "json"])
def test_what_is_said_is_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str) -> None:
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "50")
    with Upstream() as upstream, Collector() as collector:
        config = RECORDED.format(url=upstream.url) + LOUD.format(format=form, collector=collector.url)
        with opened(tmp_path, amount="50.00", more=config) as place:
            upstream.reply = answer(body=json.dumps(SAID).encode())
            say_everything(place, upstream)
            ask(place.url, "POST", "/v1/chat/completions?key=canary-query", {"model": SPOKEN}, key=place.key)
            metrics = ask(place.url, "GET", "/metrics", key=None).body
            until(lambda: len(collector.spans) >= 6)
            assert place.server.stop() == 0
            log = place.server.log.read_bytes()
            assert log.count(b"bursar.calls") >= 6
            secrets = [PROMPT, SPOKEN, NAMED, AGENT, place.key, PROVIDER_KEY, "canary-query", "ada@example.com"]
            for where in (metrics, log, *(body for _, body in collector.posts)):
                assert [secret for secret in secrets if secret.encode() in where] == []
            assert_nowhere(place)
