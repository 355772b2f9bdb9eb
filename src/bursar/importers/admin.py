"""Providers' Admin APIs: reports of an organisation, page by page, with an admin key that is kept nowhere.

A page that fails for now (429, 5xx, a broken connection) is asked for again, when the provider says or after a while
that doubles. Pages are in the order of time, and the name of the next one is all that it takes to go on.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import urlsplit

import msgspec

from bursar.refusals import Refused, Why, refuse

if TYPE_CHECKING:
    import httpx

ANTHROPIC, OPENAI = "anthropic", "openai"
TRIES = 8
FIRST_WAIT_S, MOST_WAIT_S = 0.5, 60.0
TIMEOUT_S = 60.0
PAGE_DAYS = 31
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_AGAIN = frozenset({408, 409, 425, 429, 500, 502, 503, 504, 520, 522, 524, 529})
Params = list[tuple[str, str | int | float | bool | None]]


class Wanted(NamedTuple):
    """A report of one kind, of days from the first up to and with the last; `provider` is whose."""

    provider: str
    source: str
    path: str
    groups: tuple[str, ...]
    daily: bool = False
    """Whether one day is asked for at a time."""


class Provider(NamedTuple):
    """Where a provider's Admin API is, and the environment variable that its key is usually in."""

    title: str
    address: str
    variable: str
    reports: tuple[Wanted, ...]


PROVIDERS = {
    ANTHROPIC: Provider(
        "Anthropic",
        "https://api.anthropic.com",
        "ANTHROPIC_ADMIN_KEY",
        (
            Wanted(
                ANTHROPIC,
                "anthropic-usage",
                "/v1/organizations/usage_report/messages",
                ("model", "api_key_id", "workspace_id", "service_tier", "context_window", "inference_geo"),
            ),
            Wanted(ANTHROPIC, "anthropic-cost", "/v1/organizations/cost_report", ("workspace_id", "description")),
            Wanted(ANTHROPIC, "anthropic-claude-code", "/v1/organizations/usage_report/claude_code", (), daily=True),
        ),
    ),
    OPENAI: Provider(
        "OpenAI",
        "https://api.openai.com",
        "OPENAI_ADMIN_KEY",
        (
            Wanted(
                OPENAI,
                "openai-usage",
                "/v1/organization/usage/completions",
                ("model", "api_key_id", "project_id", "user_id", "service_tier", "batch"),
            ),
            Wanted(OPENAI, "openai-costs", "/v1/organization/costs", ("line_item", "project_id", "api_key_id")),
        ),
    ),
}
"""By the name that people use on the command line."""


class Place(msgspec.Struct, frozen=True):
    """Where fetching a report has come to: the day that is asked for from, and the page within; "" is the first."""

    day: str
    page: str = ""


class Page(NamedTuple):
    """A page as it came, with where to go on after it (None at the end), and the day up to which that is."""

    body: bytes
    after: Place | None
    until: date


class _Head(msgspec.Struct):
    has_more: bool = False
    next_page: str | None = None


class _NoPageError(Exception):
    """The provider does not know the page that was asked for, any more."""


Sleep = Callable[[float], None]


class AdminApi:
    """One provider's Admin API. Raises Refused, which names what is wrong, for what no second try mends."""

    def __init__(self, provider: str, key: str, address: str | None = None, *, sleep: Sleep = time.sleep) -> None:
        import httpx  # noqa: PLC0415 - only fetching needs it

        self.address = checked_address(address or PROVIDERS[provider].address)
        headers = {"accept": "application/json"}
        if provider == ANTHROPIC:
            headers |= {"x-api-key": key, "anthropic-version": "2023-06-01"}
        else:
            headers |= {"authorization": f"Bearer {key}"}
        self._http = httpx.Client(base_url=self.address, headers=headers, timeout=TIMEOUT_S, follow_redirects=False)
        self._sleep = sleep

    def __enter__(self) -> AdminApi:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def pages(self, wanted: Wanted, since: date, until: date, at: Place | None = None) -> Iterator[Page]:
        """The pages of a report of the days from `since` up to and with `until`, from a place on.

        Should the provider no longer know that place, they begin with the place's day.
        """
        place = at or Place(since.isoformat())
        end = until + timedelta(days=1)
        while True:
            try:
                body = self._page(wanted, place, end)
            except _NoPageError as problem:
                if place != at:
                    raise self._lost(str(problem)) from None
                place = Place(place.day)
                continue
            head = msgspec.json.decode(body, type=_Head)
            day = date.fromisoformat(place.day)
            if head.has_more and head.next_page:
                after: Place | None = Place(place.day, head.next_page)
            elif wanted.daily and day < until:
                after = Place((day + timedelta(days=1)).isoformat())
            else:
                after = None
            yield Page(body, after, end if after is None else date.fromisoformat(after.day))
            if after is None:
                return
            place = after

    def _page(self, wanted: Wanted, place: Place, end: date) -> bytes:
        params = _params(wanted, date.fromisoformat(place.day), end)
        if place.page:
            params.append(("page", place.page))
        for tries in range(1, TRIES + 1):
            wait_s = self._try(wanted.path, params, tries)
            if isinstance(wait_s, bytes):
                return wait_s
            self._sleep(wait_s)
        raise AssertionError("the last try raises")

    def _try(self, path: str, params: Params, tries: int) -> bytes | float:
        """The answer, or how long to wait before the next try."""
        import httpx  # noqa: PLC0415

        try:
            answer = self._http.get(path, params=params)
        except httpx.HTTPError as problem:
            if tries == TRIES:
                raise self._lost(type(problem).__name__) from None
            return _wait_s(tries, None)
        if answer.status_code == 200:
            return self._checked(answer)
        if answer.status_code not in _AGAIN or tries == TRIES:
            answered = f"it answers {answer.status_code}: {_said(answer)}"
            if answer.status_code in {400, 404} and params[-1][0] == "page":
                raise _NoPageError(answered)
            raise self._lost(answered)
        return _wait_s(tries, answer.headers.get("retry-after"))

    def _checked(self, answer: httpx.Response) -> bytes:
        try:
            msgspec.json.decode(answer.content, type=_Head)
        except msgspec.MsgspecError:
            raise self._lost("what it answers is no page of a report") from None
        return answer.content

    def _lost(self, problem: str) -> Refused:
        return Refused(refuse(Why.REPORT_UNAVAILABLE, url=self.address, problem=problem))


def checked_address(address: str) -> str:
    """An address that a key may be sent to: over HTTPS, or on this machine."""
    parts = urlsplit(address)
    if parts.scheme == "https" and parts.hostname:
        return address.rstrip("/")
    if parts.scheme == "http" and parts.hostname in LOOPBACK:
        return address.rstrip("/")
    raise Refused(refuse(Why.REPORT_UNAVAILABLE, url=address, problem="an admin key is sent over https:// only"))


def _params(wanted: Wanted, since: date, end: date) -> Params:
    if wanted.daily:
        return [("starting_at", since.isoformat()), ("limit", "1000")]
    if wanted.provider == ANTHROPIC:
        bounds: Params = [("starting_at", f"{since}T00:00:00Z"), ("ending_at", f"{end}T00:00:00Z")]
    else:
        bounds = [("start_time", _seconds(since)), ("end_time", _seconds(end))]
    groups: Params = [("group_by[]", group) for group in wanted.groups]
    return [*bounds, ("bucket_width", "1d"), ("limit", str(PAGE_DAYS)), *groups]


def _seconds(day: date) -> str:
    return str(int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()))


def _wait_s(tries: int, said: str | None) -> float:
    """What the provider says, in seconds or as an instant; else a while that doubles, not the same for everybody."""
    if said is not None:
        try:
            return min(max(float(said), 0.0), MOST_WAIT_S)
        except ValueError:
            pass
        try:
            left = parsedate_to_datetime(said) - datetime.now(UTC)
            return min(max(left.total_seconds(), 0.0), MOST_WAIT_S)
        except (ValueError, TypeError):
            pass
    whole = min(FIRST_WAIT_S * (1 << (tries - 1)), MOST_WAIT_S)
    return whole * (0.5 + random.random() / 2)  # noqa: S311 - nothing secret is drawn


def _said(answer: httpx.Response) -> str:
    """The provider's own words, short."""
    try:
        error = answer.json()["error"]
        text = str(error["message"] if isinstance(error, dict) else error)
    except (ValueError, KeyError, TypeError):
        text = answer.reason_phrase
    return "".join(letter for letter in text[:200] if letter.isprintable())
