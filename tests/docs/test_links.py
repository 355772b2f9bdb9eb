"""What the documentation names is there: pages and headings, files, commands and their options, modules, targets."""

from __future__ import annotations

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import typer

from bursar.cli.main import application
from tests.docs.pages import PAGES, ROOT, blocks_of, name_of, prose_of

_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
_CODE = re.compile(r"`([^`\n]+)`")
_FILE = re.compile(r"(?:src|tests|bench|docs|tools)/[\w./-]+")
_MODULE = re.compile(r"bursar(?:\.\w+)+")
COMMANDS = typer.main.get_command(application())
HAND_WRITTEN = [page for page in PAGES if "reference" not in page.parts]


def slug(heading: str) -> str:
    """The anchor that a heading gets."""
    return re.sub(r"[^\w\- ]", "", heading.replace("`", "").lower()).strip().replace(" ", "-")


def anchors(page: Path) -> set[str]:
    """All anchors of a page."""
    return {slug(heading) for heading in re.findall(r"^#+ (.+)$", prose_of(page), re.MULTILINE)}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_links_lead_somewhere(page: Path) -> None:
    for target in _LINK.findall(prose_of(page)):
        if target.startswith(("http://", "https://", "mailto:")):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), f"{target} is not there"
        assert there.is_relative_to(ROOT), f"{target} leads out of the repository"
        assert not anchor or anchor in anchors(there), f"{target}: there is no such heading"


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name_of)
def test_what_is_named_exists(page: Path) -> None:
    for code in _CODE.findall(prose_of(page)):
        if _FILE.fullmatch(code) and "*" not in code:
            assert (ROOT / code).exists(), f"`{code}` is not there"
        elif _MODULE.fullmatch(code) and not code.endswith((".toml", ".sqlite")):
            assert resolves(code), f"`{code}` is no module, and nothing in one"
        elif code.startswith("make "):
            assert re.search(rf"^{code.split()[1]}:", (ROOT / "Makefile").read_text(), re.MULTILINE), f"`{code}`"
        elif code.startswith("bursar "):
            assert_is_command(code)


@pytest.mark.parametrize("page", HAND_WRITTEN, ids=name_of)
def test_commands_that_are_not_run_exist(page: Path) -> None:
    for block in blocks_of(page):
        if block.language == "sh":
            for line in re.findall(r"^(?:.*/)?(bursar .+)$", block.text, re.MULTILINE):
                assert_is_command(line)


def test_every_page_is_in_the_index() -> None:
    index = ROOT / "docs/README.md"
    linked = {(index.parent / target.partition("#")[0]).resolve() for target in _LINK.findall(prose_of(index))}
    pages = {page for page in PAGES if page.is_relative_to(ROOT / "docs")}
    assert pages - linked - {index} == set()


def resolves(name: str) -> bool:
    """Whether a dotted name is a module, or something in one."""
    module, _, rest = name.rpartition(".")
    try:
        import_module(name)
    except ImportError:
        return "." in name and hasattr(import_module(module), rest)
    return True


def assert_is_command(line: str) -> None:
    """A command line must name a command that exists, and only options that it has."""
    command: Any = COMMANDS
    options = option_names(command)
    line = line.partition(" -- ")[0]  # what follows is a command of its own
    words = re.split(r"\s+", line.partition(" #")[0].strip().removesuffix("&"))[1:]
    for word in words:
        if word.startswith("-") and word != "-":
            assert word.partition("=")[0] in options, f"`{line}`: there is no {word}"
        elif known := getattr(command, "commands", {}).get(word):
            command, options = known, options | option_names(known)
    named = [word for word in words if not word.startswith("-")]
    assert command is not COMMANDS or not named or line.startswith("bursar --"), f"`{line}`: there is no {named[0]}"


def option_names(command: Any) -> set[str]:
    """The options that a command takes."""
    return {name for option in command.params for name in option.opts} | {"-h", "--help"}
