"""A Chromium for tests that look at a page as people do: Debian's, without a network."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
DESKTOP_PX, PHONE_PX = 1100, 390


class Seen(NamedTuple):
    """A page that is open, what its console said, and what it asked for besides itself."""

    page: Page
    console: list[str]
    requests: list[str]


Open = Callable[..., Seen]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium, started once for each module.

    No longer: while it runs, so does an event loop in this thread, and tests elsewhere have loops of their own.
    """
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield started
        started.close()


@pytest.fixture
def opened(browser: Browser) -> Iterator[Open]:
    """Open a file as a page; `width` in pixels, `dark` for a dark screen."""
    contexts = []

    def open_page(file: Path, *, width: int = DESKTOP_PX, dark: bool = False) -> Seen:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme="dark" if dark else "light"
        )
        contexts.append(context)
        seen = Seen(context.new_page(), [], [])
        seen.page.on("console", lambda message: seen.console.append(message.text))
        seen.page.on("pageerror", lambda error: seen.console.append(str(error)))
        url = file.as_uri()
        seen.page.on("request", lambda request: seen.requests.append(request.url) if request.url != url else None)
        seen.page.goto(url)
        return seen

    yield open_page
    for context in contexts:
        context.close()
