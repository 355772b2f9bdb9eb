"""What `bursar up --demo` prints: an address, keys, and commands to paste. Each works as it stands."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path

from bursar.demo.company import LIMITED
from bursar.demo.shown import Demo

TEXT = """\
The demo company runs on {url}

  {key}  {person}, who has budget left
  {spent_key}  {spent_person}, who has none

Everything below can be pasted as it is, into another terminal in this folder.

# OpenAI's wire, whole and streamed
curl -s {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "gpt-5-mini", "messages": [{{"role": "user", "content": "Say hello."}}]}}'
curl -sN {url}/v1/chat/completions -H 'Authorization: Bearer {key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "gpt-5-mini", "stream": true, "messages": [{{"role": "user", "content": "Say hello."}}]}}'

# Anthropic's wire, whole and streamed
curl -s {url}/v1/messages -H 'x-api-key: {key}' \\
  -H 'anthropic-version: 2023-06-01' -H 'Content-Type: application/json' \\
  -d '{{"model": "claude-sonnet-5-5", "max_tokens": 500,
       "messages": [{{"role": "user", "content": "Say hello."}}]}}'
curl -sN {url}/v1/messages -H 'x-api-key: {key}' \\
  -H 'anthropic-version: 2023-06-01' -H 'Content-Type: application/json' \\
  -d '{{"model": "claude-sonnet-5-5", "max_tokens": 500, "stream": true,
       "messages": [{{"role": "user", "content": "Say hello."}}]}}'

# A budget that is used up: 402, and nothing leaves for the provider
curl -si {url}/v1/chat/completions -H 'Authorization: Bearer {spent_key}' \\
  -H 'Content-Type: application/json' \\
  -d '{{"model": "gpt-5-mini", "messages": [{{"role": "user", "content": "Say hello."}}]}}'

# OpenAI's own package
{python} - <<'E'
from openai import OpenAI

client = OpenAI(base_url="{url}/v1", api_key="{key}")
hello = [{{"role": "user", "content": "Say hello."}}]
answer = client.chat.completions.create(model="gpt-5-mini", messages=hello)
print(answer.choices[0].message.content, answer.usage, sep="\\n")
E

# Anthropic's own package, streamed
{python} - <<'E'
from anthropic import Anthropic

client = Anthropic(base_url="{url}", api_key="{key}")
hello = [{{"role": "user", "content": "Say hello."}}]
with client.messages.stream(model="claude-sonnet-5-5", max_tokens=500, messages=hello) as stream:
    for text in stream.text_stream:
        print(text, end="", flush=True)
print()
E

# What it cost, and what is left
{bursar} --data {folder} balance {person}
{bursar} --data {folder} statement {person}
{bursar} --data {folder} usage calls --person {person}
{bursar} --data {folder} balance {spent_person}
{bursar} --data {folder} journal verify
"""
ELSEWHERE = """
# Side by side: the gateway, two laptops' logs, and what the provider says that it billed
{bursar} --data {folder} import list
{bursar} --data {folder} reconcile --period {month} --provider anthropic
{bursar} usage daily --path {folder}/elsewhere/{laptop}

# A limit, agent runs, a team's pool, and what plans promise
{bursar} --data {folder} limit list
{bursar} --data {folder} run list
{bursar} --data {folder} statement {pooled_person} --period {pooled_month}
{bursar} --data {folder} terms show {limited_person}
"""
END = """
Ctrl-C stops it.
"""


def welcome(url: str, folder: Path, demo: Demo) -> str:
    """The text for a demo that serves a data folder at a URL."""
    here = Path(sys.executable)
    return (TEXT + (ELSEWHERE if demo.month else "") + END).format(
        url=url,
        folder=shlex.quote(_near(folder)),
        key=demo.key,
        person=demo.person,
        spent_key=demo.spent_key,
        spent_person=demo.spent_person,
        pooled_person=demo.pooled_person,
        pooled_month=demo.pooled_month,
        limited_person=LIMITED.person,
        laptop=demo.person.partition("@")[0],
        month=demo.month,
        python=shlex.quote(_near(here)),
        bursar=shlex.quote(_near(here.with_name("bursar"))),
    )


def _near(path: Path) -> str:
    """A path as it is told in the folder where the server was started."""
    try:
        return str(path.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(path)
