"""Bring in what providers report of days and models: from files, or from their Admin APIs.

A page is told to the server at once, as one report; the name of the next page is noted then, so that what was stopped
goes on where it was. The admin key is read when it is needed, sent to the provider, and kept nowhere.
"""

from __future__ import annotations

import hashlib
import os
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from bursar.cli.files import read_bytes, read_text
from bursar.cli.session import JsonFlag, Session, session_of
from bursar.cli.show import money, progress, say, table
from bursar.money import NANOS_PER_USD, usd
from bursar.periods import iso
from bursar.refusals import field_invalid

if TYPE_CHECKING:
    from bursar.cli.client import Client
    from bursar.importers.admin import AdminApi, Place, Wanted
    from bursar.importers.record import Broken
    from bursar.importers.totals import Found, UsageTotal

REPORTS = "anthropic-usage, anthropic-cost, anthropic-claude-code, openai-usage, openai-costs, copilot, focus"
"""The kinds of files, by name, as `importers.reports` has them."""
DIMENSIONS = ("model", "variant", "item", "person", "api_key", "project")
MOST_AT_ONCE = 10_000
SHOWN = 5
SUMMED = ("records", "added", "grown", "repeated", "smaller")
_SPAN = re.compile(r"([1-9][0-9]{0,3})d")

Since = Annotated[str, typer.Option(metavar="DAY", help="The first day, in UTC, or a span: 30d.")]
Until = Annotated[str | None, typer.Option(metavar="DAY", help="The last day.  [today]")]
KeyFile = Annotated[
    Path | None, typer.Option("--admin-key-file", metavar="FILE", help="Where the admin key is; - is standard input.")
]
KeyVariable = Annotated[
    str | None, typer.Option("--admin-key-env", metavar="NAME", help="The environment variable that it is in.")
]
Address = Annotated[str | None, typer.Option("--provider-url", metavar="URL", help="Where the Admin API is.")]
Dry = Annotated[bool, typer.Option("--dry-run", help="Change nothing, say what would be new.")]
Corrects = Annotated[
    bool, typer.Option("--corrects", help="Believe totals that say less than what was brought in before.")
]


def anthropic(
    context: typer.Context,
    *,
    since: Since = "30d",
    until: Until = None,
    key_file: KeyFile = None,
    key_variable: KeyVariable = None,
    address: Address = None,
    dry_run: Dry = False,
    corrects: Corrects = False,
    json: JsonFlag = False,
) -> None:
    """Fetch what Anthropic reports: usage, costs, and Claude Code by person and day.

    Needs an Admin API key, read from ANTHROPIC_ADMIN_KEY or a file, which is kept nowhere. What is interrupted goes
    on where it was; what is fetched again counts once. Nobody is charged: `bursar reconcile` compares.

    \b
    Examples:
      bursar import anthropic --since 2026-11-01 --until 2026-11-30
      bursar import anthropic --since 7d --admin-key-file admin-key.txt
    """
    wanted = _Fetch("anthropic", since, until, address, dry_run, corrects)
    _fetch(session_of(context), wanted, key_file, key_variable)


def openai(
    context: typer.Context,
    *,
    since: Since = "30d",
    until: Until = None,
    key_file: KeyFile = None,
    key_variable: KeyVariable = None,
    address: Address = None,
    dry_run: Dry = False,
    corrects: Corrects = False,
    json: JsonFlag = False,
) -> None:
    """Fetch what OpenAI reports: usage of completions and responses, and costs.

    Needs an admin key, read from OPENAI_ADMIN_KEY or a file, which is kept nowhere. What is interrupted goes on where
    it was; what is fetched again counts once. Nobody is charged: `bursar reconcile` compares.

    \b
    Example:
      bursar import openai --since 2026-11-01 --until 2026-11-30
    """
    wanted = _Fetch("openai", since, until, address, dry_run, corrects)
    _fetch(session_of(context), wanted, key_file, key_variable)


class _Fetch(msgspec.Struct, frozen=True):
    """What is asked for on the command line."""

    provider: str
    since: str
    until: str | None
    address: str | None
    dry_run: bool
    corrects: bool

    def days(self) -> tuple[date, date]:
        """The first and the last day. Refused when they make no sense."""
        today = datetime.now(UTC).date()
        last = today if self.until is None else _day("until", self.until)
        span = _SPAN.fullmatch(self.since)
        first = last - timedelta(days=int(span[1]) - 1) if span else _day("since", self.since)
        if last < first:
            raise field_invalid("until", last, f"{first} or later")
        return first, last


def take_files(session: Session, name: str, paths: Sequence[Path], *, dry_run: bool) -> None:
    """Bring in reports of one kind from files, each as a whole."""
    from bursar.importers.reports import total_sources  # noqa: PLC0415 - `--help` needs none of them

    source = total_sources()[name]
    if not paths:
        raise field_invalid("path", "nothing", "the files of the report")
    with session.client() as client:
        telling = _Telling(client, dry_run=dry_run, corrects=False)
        for path in paths:
            telling.tell(name, source.read(read_bytes(path), path.name), path.name)
    telling.show(session)


def _fetch(session: Session, asked: _Fetch, key_file: Path | None, key_variable: str | None) -> None:
    from bursar.importers.admin import PROVIDERS, AdminApi  # noqa: PLC0415

    provider = PROVIDERS[asked.provider]
    first, last = asked.days()
    key = _key(key_file, key_variable or provider.variable)
    with AdminApi(asked.provider, key, asked.address) as api, session.client() as client:
        telling = _Telling(client, dry_run=asked.dry_run, corrects=asked.corrects)
        days = (last - first).days + 1
        with progress(f"{provider.title}'s reports") as bar:
            for number, wanted in enumerate(provider.reports):
                fetching = _Fetching(api, telling, wanted, first, last)
                for done in fetching.run():
                    bar(number * days + done, len(provider.reports) * days)
    telling.show(session)


class _Fetching:
    """One report while it is fetched. Where it has come to is noted after each page, until it is whole."""

    def __init__(self, api: AdminApi, telling: _Telling, wanted: Wanted, first: date, last: date) -> None:
        self._api = api
        self._telling = telling
        self._wanted = wanted
        self._first, self._last = first, last
        self._note = _note(f"{telling.url}\0{api.address}\0{wanted.source}\0{first}\0{last}")

    def run(self) -> Iterator[int]:
        """Fetch what is left of it, and tell the server page by page; yields how many days are done."""
        from bursar.importers.reports import total_sources  # noqa: PLC0415

        source = total_sources()[self._wanted.source]
        name = f"{self._first} to {self._last}"
        for page in self._api.pages(self._wanted, self._first, self._last, None if self._dry else self._left()):
            self._telling.tell(source.name, source.read(page.body, source.name), name)
            self._leave(page.after)
            yield (page.until - self._first).days

    @property
    def _dry(self) -> bool:
        return self._telling.dry_run

    def _left(self) -> Place | None:
        """Where it was left, if it was."""
        from bursar.importers.admin import Place  # noqa: PLC0415

        if self._note is None:
            return None
        try:
            return msgspec.json.decode(self._note.read_bytes(), type=Place)
        except (OSError, msgspec.MsgspecError):
            return None

    def _leave(self, after: Place | None) -> None:
        from bursar.local import cache  # noqa: PLC0415

        if self._note is None or self._dry:
            return
        if after is None:
            self._note.unlink(missing_ok=True)
        else:
            cache.put(self._note, msgspec.json.encode(after))


class _Telling:
    """Tells a server of totals, and adds up what came of it."""

    def __init__(self, client: Client, *, dry_run: bool, corrects: bool) -> None:
        self._client = client
        self.dry_run = dry_run
        self._corrects = corrects
        self._sums: dict[str, Counter[str]] = {}
        self._nanos: dict[str, int] = {}
        """What reports say of costs; those of usage say nothing."""
        self._broken: list[Broken] = []

    @property
    def url(self) -> str:
        """Where the server is."""
        return self._client.url

    def tell(self, source: str, found: Found, name: str) -> None:
        """Tell of what was found in a file or a page."""
        self._broken += found.broken
        sums = self._sums.setdefault(source, Counter())
        for start in range(0, len(found.totals), MOST_AT_ONCE):
            body: dict[str, object] = {
                "source": source,
                "name": name,
                "corrects": self._corrects,
                "dry_run": self.dry_run,
                "totals": [_told(total) for total in found.totals[start : start + MOST_AT_ONCE]],
            }
            taken = self._client.post("/provider-totals", body)
            sums.update({count: taken[count] for count in SUMMED})
            if any(total.cost_nanos is not None for total in found.totals):
                self._nanos[source] = self._nanos.get(source, 0) + int(Decimal(taken["cost"]) * NANOS_PER_USD)

    def _cost(self, source: str) -> str | None:
        return usd(self._nanos[source]) if source in self._nanos else None

    def show(self, session: Session) -> None:
        """What came of it."""
        answer = {
            "dry_run": self.dry_run,
            "reports": [
                {"source": source, **{name: sums[name] for name in SUMMED}, "cost": self._cost(source)}
                for source, sums in self._sums.items()
            ],
            "broken": [{"file": each.file, "line": each.line, "reason": each.reason} for each in self._broken],
        }
        if session.show_json(answer):
            return
        columns = ["Report", ">Totals", ">New", ">Changed", ">Known", ">Smaller", ">Cost"]
        rows = [
            [source, *(f"{sums[name]:,}" for name in SUMMED), money(self._cost(source))]
            for source, sums in self._sums.items()
        ]
        table(columns, rows, empty="There was nothing in it.", title="Dry run: nothing was changed" * self.dry_run)
        if any(sums["smaller"] for sums in self._sums.values()):
            say("Totals that say less than before were passed over; --corrects believes them.")
        for broken in self._broken[:SHOWN]:
            say(f"{broken.file}:{broken.line}: {broken.reason}")
        if len(self._broken) > SHOWN:
            say(f"… and {len(self._broken) - SHOWN:,} others that could not be read.")


def _told(total: UsageTotal) -> dict[str, Any]:
    """A total as the API takes it; what it says nothing of is left out."""
    used = total.usage
    told = {
        "catalog": total.catalog,
        "starts": iso(total.starts_us),
        "ends": iso(total.ends_us),
        **{name: getattr(total, name) for name in (*DIMENSIONS, "grouping", "requests")},
        "input_tokens": used.input,
        "cache_read_tokens": used.cache_read,
        "cache_write_5m_tokens": used.cache_write_5m,
        "cache_write_1h_tokens": used.cache_write_1h,
        "output_tokens": used.output,
        "audio_input_tokens": used.audio_input,
        "audio_output_tokens": used.audio_output,
        "web_searches": used.web_searches,
        "cost": None if total.cost_nanos is None else usd(total.cost_nanos),
    }
    return {name: value for name, value in told.items() if value not in {"", None} and (value or name == "requests")}


def _key(file: Path | None, variable: str) -> str:
    """The admin key, from a file or the environment."""
    key = (os.environ.get(variable, "") if file is None else read_text(file)).strip()
    if not key:
        where = f"in the environment variable {variable}, or in a file that --admin-key-file names"
        raise field_invalid("admin_key", "not given", where)
    if not key.isascii() or not key.isprintable() or " " in key:
        raise field_invalid("admin_key", "no key", "one line of letters and digits")
    return key


def _note(whose: str) -> Path | None:
    from bursar.local import cache  # noqa: PLC0415

    place = cache.folder()
    return None if place is None else place / f"report-{hashlib.sha256(whose.encode()).hexdigest()[:16]}.json"


def _day(field: str, text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        right = "a day like 2026-11-01" + (" or a span like 30d" if field == "since" else "")
        raise field_invalid(field, repr(text), right) from None
