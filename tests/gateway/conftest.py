"""One place for the tests that need nothing special of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from .people import fill
from .place import Place, opened


@pytest.fixture(scope="session")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    """A Bursar with the simulated providers, somebody with money, and people who are refused."""
    with opened(tmp_path_factory.mktemp("shared"), amount="100.00", fill=fill) as made:
        yield made
