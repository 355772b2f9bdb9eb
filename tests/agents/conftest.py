"""One Bursar for all agents, with somebody who has a budget and somebody whose budget is spent."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.gateway.people import fill
from tests.gateway.place import Place, opened
from tests.support.recorder import Recorder

from .agent import Agent

Start = Callable[[str], Agent]


@pytest.fixture(scope="session")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with opened(tmp_path_factory.mktemp("agents"), amount="100.00", fill=fill) as made:
        yield made
        made.assert_books_are_the_bill()


@pytest.fixture
def start(place: Place, tmp_path: Path) -> Iterator[Start]:
    """An agent by its name, in an empty folder that is also its home."""
    with Recorder(place.url) as asked:
        yield lambda name: Agent(name, place, asked, tmp_path)
