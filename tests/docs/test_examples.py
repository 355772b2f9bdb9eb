"""Every example of the documentation is run: transcripts in a shell, TOML by its reader, Python by the interpreter.

A page says in a comment where its examples run (`places.py`). What is fenced as `console`, `toml`, `python` or `js`
is an example, and `json` is at least read; what cannot be run here (it costs money, or needs a machine of its own)
is fenced as `text` or `sh`.
"""

from __future__ import annotations

import json
import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest

from bursar.app import load_prices
from bursar.config import load_config
from bursar.offers.file import read_offer
from bursar.pricing.overrides import load_overrides
from bursar.terms.plan import read_plan
from tests.docs.pages import PAGES, Block, blocks_of, name_of, place_of
from tests.docs.places import PLACES, Place
from tests.docs.transcript import difference, steps_of

EXAMPLES = ("console", "toml", "python", "js")
READ = ("json",)
NOT_RUN = ("text", "sh", "mermaid", "nginx")
WITH_EXAMPLES = [page for page in PAGES if any(block.language in EXAMPLES for block in blocks_of(page))]


@pytest.fixture(scope="session")
def prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A price book as data folders keep it."""
    folder = tmp_path_factory.mktemp("prices")
    load_prices(folder)
    return next(folder.glob("prices-*.json"))


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_block_says_what_it_is(page: Path) -> None:
    text = page.read_text("utf-8")
    assert len(re.findall(r"^ *```", text, re.MULTILINE)) == 2 * len(blocks_of(page)), "a fence has no language"
    assert {block.language for block in blocks_of(page)} <= {*EXAMPLES, *READ, *NOT_RUN}


@pytest.mark.parametrize("page", WITH_EXAMPLES, ids=name_of)
def test_the_examples_work(page: Path, tmp_path: Path, prices: Path) -> None:
    where = place_of(page)
    assert where in PLACES, "the page does not say where its examples run"
    with PLACES[where](tmp_path, prices) as place:
        for block in blocks_of(page):
            if block.language == "console":
                run_transcript(block, place, page, alike=where == "demo" or "alike" in block.words)
            elif block.language == "toml":
                read_toml(block, place)
            elif block.language == "python":
                run_program(block, place, page, "example.py", shlex.quote(sys.executable))
            elif block.language == "js":
                run_program(block, place, page, "example.mjs", "node")


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_json_is_json(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "json":
            json.loads(block.text)


def run_transcript(block: Block, place: Place, page: Path, *, alike: bool) -> None:
    """Run every step of a transcript and compare what it prints."""
    for step in steps_of(block.text):
        wrong = difference(step.expected, place.run(step.command), alike=alike)
        assert wrong is None, f"{name_of(page)}:{block.line}: $ {step.command}\n{wrong}"


def run_program(block: Block, place: Place, page: Path, name: str, interpreter: str) -> None:
    """Run a program to its end, which must be a good one."""
    (place.folder / name).write_text(block.text.replace("8790", place.port))
    said = place.run(f"{interpreter} {name} && echo done")
    assert said.endswith("done\n"), f"{name_of(page)}:{block.line}: {said}"


def read_toml(block: Block, place: Place) -> None:
    """Read a file as Bursar does; the words behind `toml` say what it is, and where the page's folder keeps it."""
    kind, *names = block.words
    if kind == "tool":
        tomllib.loads(block.text)
    elif kind == "plan":
        read_plan(block.text)
    elif kind == "offer":
        read_offer(block.text)
    elif kind == "prices":
        file = place.folder / "prices.toml"
        file.write_text(block.text)
        load_overrides(file)
    else:
        assert kind == "config", f"line {block.line}: say which file it is: plan, offer, prices, config or tool"
        read_config(block.text, place.folder)
    for name in names:
        (place.folder / name).write_text(block.text)


def read_config(text: str, folder: Path) -> None:
    """Read a configuration whose keys are all there."""
    (folder / "bursar.toml").write_text(text)
    for file in re.findall(r'^key_file = "(.+?)"', text, re.MULTILINE):
        (folder / file).write_text("sk-example")
    environ = dict.fromkeys(re.findall(r'^(?:key|token)_env = "(.+?)"', text, re.MULTILINE), "sk-example")
    load_config(folder, environ)
