"""The variables that a run's command gets, read as the SDKs themselves read them."""

from __future__ import annotations

import logging
import os
import shutil
from pathlib import Path

import pytest
from anthropic import Anthropic
from google import genai
from openai import OpenAI

from bursar.cli.environment import environment

URL, KEY = "https://bursar.example.com", "bsr_secret"


def made(command: str = "agent", url: str = URL, **environ: str) -> dict[str, str]:
    return environment(environ, command, url=url, key=KEY, run="r1")


@pytest.fixture
def entered(monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """This process, in such an environment."""
    values = made()
    for name, value in values.items():
        monkeypatch.setenv(name, value)
    return values


def test_the_sdks_find_bursar_without_a_word(entered: dict[str, str], caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING), OpenAI() as openai, Anthropic() as anthropic:
        assert (str(openai.base_url), openai.api_key) == (f"{URL}/v1/", KEY)
        assert (str(anthropic.base_url), anthropic.api_key) == (URL, KEY)
    assert [message for message in caplog.messages if "ANTHROPIC_" not in message] == []


def test_googles_sdk_finds_it_too(entered: dict[str, str]) -> None:
    with genai.Client() as client:
        options = client._api_client._http_options
        assert str(options.base_url).rstrip("/") == URL
        assert client._api_client.api_key == KEY


@pytest.mark.parametrize(("command", "name"), [("claude", "AUTH_TOKEN"), ("/opt/bin/claude", "AUTH_TOKEN")])
def test_claude_code_takes_a_token_without_asking(command: str, name: str) -> None:
    found = made(command, ANTHROPIC_API_KEY="sk-of-its-owner")
    assert found[f"ANTHROPIC_{name}"] == KEY
    assert "ANTHROPIC_API_KEY" not in found


def test_nothing_of_the_persons_own_reaches_bursar_and_nothing_leads_past_it() -> None:
    found = made(
        OPENAI_API_KEY="sk-own",
        OPENAI_BASE_URL="https://api.openai.com/v1",
        ANTHROPIC_AUTH_TOKEN="own",
        CLAUDE_CODE_USE_BEDROCK="1",
        GOOGLE_GENAI_USE_VERTEXAI="true",
        BURSAR_KEY="bsr_parent",
        HOME="/home/ada",
    )
    assert found.pop("HOME") == "/home/ada"
    found.pop("PATH", None)
    assert set(found.values()) == {URL, f"{URL}/v1", KEY, "r1"}


def test_a_run_within_the_run_finds_the_program(tmp_path: Path) -> None:
    found = made(PATH=str(tmp_path))["PATH"].split(os.pathsep)
    assert found[0] == str(tmp_path), "whatever else is found stays what it was"
    assert shutil.which("bursar", path=found[-1])
    own = tmp_path / "bursar"
    own.touch(0o755)
    assert made(PATH=str(tmp_path))["PATH"] == str(tmp_path)


def test_a_bursar_on_this_machine_is_not_asked_through_a_proxy() -> None:
    proxied = made(url="http://127.0.0.1:8790", HTTP_PROXY="http://proxy.example:3128", NO_PROXY="intranet.example")
    assert proxied["NO_PROXY"] == "intranet.example,127.0.0.1"
    assert proxied["no_proxy"] == "127.0.0.1"
    assert "NO_PROXY" not in made(HTTP_PROXY="http://proxy.example:3128")
