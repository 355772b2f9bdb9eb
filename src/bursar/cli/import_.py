"""Bring in usage that did not pass the gateway: read files here, and tell the server what is in them.

What a server has taken is noted in the user's folder for caches: files that have not changed are not read again, and
one that grew is read from where it ended. Should the note be lost, everything is told again, and counts once. A file
is taken whole or not at all: one with more new calls than a report may have is sent in parts, and then taken.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Protocol

import msgspec
import typer
from typer.core import TyperGroup

from bursar.cli import import_reports
from bursar.cli.session import JsonFlag, session_of
from bursar.cli.show import NONE, count, facts, moment, money, say, table, width
from bursar.money import parse_usd, usd
from bursar.periods import from_us
from bursar.refusals import field_invalid

if TYPE_CHECKING:
    from bursar.cli.client import Client
    from bursar.importers.calls import Caller
    from bursar.importers.record import Broken, Resume, UsageRecord

AT_ONCE, MOST_AT_ONCE = 2_000, 10_000
"""Records of small files are told together; so many make a report, and more than so many are sent in parts."""
SENDING = 0.2
"""Of the time that calls in parts take, what goes into sending them; as seen."""
SHOWN = 5
TAKE = "take"
SOURCES = f"claude-code, codex, gemini-cli, opencode, pi, otel, litellm, cursor, records, {import_reports.REPORTS}"
STATES = {
    "charged": "Charged",
    "adjusted": "Adjusted, too late",
    "memo": "Memo only",
    "billed": "Billed by the gateway",
    "told": "Told by another source",
    "others": "Another person's",
    "nobody": "Nobody's",
    "unpriced": "Without a price",
    "refused": "Not charged",
}
SUMMED = ("records", "added", "grown", "repeated")
USUAL, WIDE = 100, 150
"""Columns from which on there is room for most, and for everything."""
MONEY = ("cost", "compared", "source_cost")


class WithDefault(TyperGroup):
    """`bursar import SOURCE` means `bursar import take SOURCE`; no source is called like a command."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Put the command in where none is named."""
        named = bool(args) and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if named or not args else [TAKE, *args])


app = typer.Typer(
    name="import",
    cls=WithDefault,
    no_args_is_help=True,
    help=f"Bring in usage that did not pass the gateway: `bursar import SOURCE [PATH]`, of {SOURCES}.",
)


class Left(msgspec.Struct, array_like=True):
    """A file as it was when a server took what was in it."""

    size: int
    changed_ns: int
    resume: bytes


class Bar(Protocol):
    """Shows how far it is."""

    def __call__(self, done: float) -> None:
        """So many bytes more are done with: what was read of them was taken."""


@app.command(TAKE)
def take(  # noqa: PLR0917 - the options of the command line
    context: typer.Context,
    source: Annotated[str, typer.Argument(metavar="SOURCE", help=f"One of {SOURCES}.")],
    paths: Annotated[
        list[Path] | None,
        typer.Argument(metavar="[PATH]...", help="Files or folders; else where the tool keeps them."),
    ] = None,
    person: Annotated[
        str | None, typer.Option(metavar="EMAIL", help="Whose calls they are; else whose the key is, or as they say.")
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Change nothing, say what would be new.")] = False,
    anew: Annotated[bool, typer.Option("--anew", help="Read all files, also those that were taken before.")] = False,
    json: JsonFlag = False,
) -> None:
    """Bring in what a tool, telemetry or another gateway knows; `bursar import SOURCE` for short.

    Each call counts once, however often it is brought in; one that the gateway billed counts nothing.

    \b
    Examples:
      bursar import claude-code
      bursar import codex /mnt/laptop/.codex --person ann@example.com
      bursar import take records november.csv --dry-run
    """
    session = session_of(context)
    if source in import_reports.REPORTS.split(", "):
        import_reports.take_files(session, source, list(paths or ()), dry_run=dry_run)
        return
    reader = _source(source)
    with session.client() as client:
        notes = Notes(client, f"{session.url or session.folder.absolute()}\0{person}\0{source}")
        taking = Taking(client, reader, person, dry_run=dry_run)
        taking.run(list(paths or ()), notes, anew=anew)
    if not session.show_json(taking.answer()):
        taking.show()


app.command("anthropic")(import_reports.anthropic)
app.command("openai")(import_reports.openai)


@app.command("list")
def list_imports(
    context: typer.Context,
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many to show at most.")] = 20,
    json: JsonFlag = False,
) -> None:
    """Show what was brought in, the newest first.

    \b
    Example:
      bursar import list --limit 5
    """
    session = session_of(context)
    with session.client() as client:
        found = client.get("/imports", limit=limit)
    if not session.show_json(found):
        _show_imports(found)


@app.command()
def reassign(
    context: typer.Context,
    number: Annotated[int, typer.Argument(metavar="IMPORT", min=1, help="The import's number, see `import list`.")],
    json: JsonFlag = False,
) -> None:
    """Give calls that are another person's to whom this import names.

    For administrators: two people brought in the same log, and it is the second one's. What the first was charged
    goes back, and the second is charged, each by the terms of their own budget.

    \b
    Example:
      bursar import reassign 12
    """
    session = session_of(context)
    with session.client() as client:
        done = client.post(f"/imports/{number}/reassign")
    if not session.show_json(done):
        calls = done["calls"]
        say(f"{count(calls, 'call')} reassigned." if calls else "It claims nothing that is another's.")


def _show_imports(found: list[dict[str, Any]]) -> None:
    """What was brought in. Where there is little room, what is told of least is left out."""
    columns = ["#", "At (UTC)", "Source", "~From", "By", ">Records", ">New", ">Grown", ">Known", ">Cost", ">Charged"]
    left_out: set[str] = set()
    if width() < WIDE:
        left_out = {"By", ">Grown", ">Known", ">Records" if width() < USUAL else ""}
    rows = []
    for each in found:
        name, sums = each["name"] or NONE, [f"{each[name]:,}" for name in SUMMED]
        at = moment(each["at"]) if width() >= USUAL else moment(each["at"])[: len("2026-11-23")]
        came_to = [f"{number:,} {state}" for state, number in each["states"].items() if state != "charged"]
        came_to += [f"{each['others']:,} others'"] if each["others"] else []
        cost = [money(each["cost"]), money(each["charged"])] if each["states"] else [NONE, NONE]
        cells = [str(each["id"]), at, each["source"], name, each["actor"], *sums, *cost]
        kept = [cell for heading, cell in zip(columns, cells, strict=True) if heading not in left_out]
        rows.append([*kept, ", ".join(came_to) or NONE])
    kept_columns = [heading for heading in columns if heading not in left_out]
    table([*kept_columns, "~Not charged"], rows, empty="Nothing was brought in.")


def _source(name: str) -> Caller:
    from bursar.importers.calls import sources  # noqa: PLC0415 - `--help` needs none of them

    known = sources()
    if name not in known:
        raise field_invalid("source", repr(name), f"one of {SOURCES}")
    return known[name]


class Taking:
    """Reads the files of one source, and tells a server what is in them."""

    def __init__(self, client: Client, source: Caller, person: str | None, *, dry_run: bool) -> None:
        self._client = client
        self._source = source
        self._person = person
        self._dry_run = dry_run
        self._files = self._unchanged = 0
        self._broken: list[Broken] = []
        self._sums: Counter[str] = Counter()
        self._nanos: Counter[str] = Counter()
        self._states: Counter[str] = Counter()
        self._people: set[str] = set()
        self._models: set[str] = set()
        self._claiming: list[int] = []
        self._last: int | None = None

    def run(self, paths: Sequence[Path], notes: Notes, *, anew: bool) -> None:
        """Read what has changed and tell of it, some files at a time; whatever was told is not told again."""
        files = [file for root in paths or self._source.homes() for file in self._found(root, given=bool(paths))]
        changed = [(file, about) for file in dict.fromkeys(files) if (about := _about(file)) is not None]
        todo = [(file, about) for file, about in changed if anew or not notes.knows(file, about)]
        self._files, self._unchanged = len(changed), len(changed) - len(todo)
        pending: dict[str, UsageRecord] = {}
        done: dict[Path, Left] = {}
        with _bar(self._source.title, sum(size for _, (size, _) in todo)) as bar:
            for file, (size, changed_ns) in todo:
                records, resume = self._read(file, None if anew else notes.resume(file))
                if len(pending) + len(records) > MOST_AT_ONCE:
                    self._tell(pending, done, notes, bar)
                _merge(pending, records)
                done[file] = Left(size, changed_ns, msgspec.msgpack.encode(resume))
                if len(pending) >= AT_ONCE:
                    self._tell(pending, done, notes, bar)
            self._tell(pending, done, notes, bar)

    def _found(self, root: Path, *, given: bool) -> Iterator[Path]:
        if given and not root.exists():
            raise field_invalid("path", repr(str(root)), "a file or a folder that is there")
        return self._source.files(root)

    def _read(self, file: Path, resume: Resume | None) -> tuple[list[UsageRecord], Resume]:
        from bursar.importers.record import Broken, Resume  # noqa: PLC0415

        try:
            found = self._source.read(file, resume)
        except OSError as problem:
            self._broken.append(Broken(str(file), 0, f"cannot be read: {problem.strerror}"))
            return [], resume or Resume(0, 0, "")
        self._broken += found.broken
        return found.records, found.resume

    def _tell(self, pending: dict[str, UsageRecord], done: dict[Path, Left], notes: Notes, bar: Bar) -> None:
        """Tell of some files' records. Only what the server has taken is noted: to stop here loses nothing."""
        records = sorted(pending.values(), key=lambda record: record.at_us)
        about: dict[str, object] = {
            "source": self._source.name,
            "person": self._person,
            "name": next(iter(done)).name if len(done) == 1 else count(len(done), "file"),
        }
        size = sum(left.size for left in done.values())
        if len(records) > MOST_AT_ONCE and not self._dry_run:
            self._add(self._send(about, records, lambda share: bar(share * size)))
        else:
            for start in range(0, len(records), MOST_AT_ONCE):
                told = [_told(record) for record in records[start : start + MOST_AT_ONCE]]
                self._add(self._client.post("/usage", {**about, "dry_run": self._dry_run, "records": told}))
            bar(size)
        if not self._dry_run:
            notes.take(done, self._last)
        pending.clear()
        done.clear()

    def _send(self, about: dict[str, object], records: Sequence[UsageRecord], bar: Bar) -> dict[str, Any]:
        """Send what is too long for one request in parts, and have it taken; returns what came of it.

        The bar is told of shares of all that is to be done.
        """
        upload = self._client.post("/uploads", about)
        path, at_once = f"/uploads/{upload['id']}", int(upload["records"])
        parts = range(0, len(records), at_once)
        for n, start in enumerate(parts):
            self._client.post(f"{path}/parts", {"n": n, "records": [_told(one) for one in records[start:][:at_once]]})
            bar(SENDING / len(parts))
        done = 0
        while True:
            progress = self._client.post(f"{path}/take", {"parts": len(parts)})
            bar((1 - SENDING) * (progress["done"] - done) / len(parts))
            done = progress["done"]
            if done == len(parts):
                taken: dict[str, Any] = progress["taken"]
                return taken

    def _add(self, taken: dict[str, Any]) -> None:
        self._sums.update({name: taken[name] for name in SUMMED})
        self._nanos.update({name: parse_usd(taken[name]) for name in MONEY})
        self._states.update(taken["states"])
        self._people.update(taken["people"])
        self._models.update(taken["models"])
        if not self._dry_run:
            self._last = int(taken["import_id"])
            self._claiming += [self._last] if "others" in taken["states"] else []

    def answer(self) -> dict[str, Any]:
        """What came of it, for programs."""
        return {
            "source": self._source.name,
            "dry_run": self._dry_run,
            "files": self._files,
            "unchanged_files": self._unchanged,
            **{name: self._sums[name] for name in SUMMED},
            "states": dict(sorted(self._states.items())),
            **{name: usd(self._nanos[name]) for name in MONEY},
            "people": sorted(self._people),
            "models": sorted(self._models),
            "broken": [{"file": each.file, "line": each.line, "reason": each.reason} for each in self._broken],
        }

    def show(self) -> None:
        """What came of it, for people."""
        told = self.answer()
        read = f"{count(self._files, 'file')}, {self._unchanged:,} of them unchanged since they were brought in"
        calls = f"{told['added']:,} new, {told['grown']:,} grown, {told['repeated']:,} known"
        lines = [("Read", read), ("Calls", calls), ("Cost by the price book", money(told["cost"]))]
        if self._nanos["source_cost"]:
            said = f"{money(told['source_cost'])} for what is {money(told['compared'])}"
            lines.append(("By the source itself", said))
        lines += [(STATES.get(state, state), f"{number:,}") for state, number in told["states"].items()]
        if self._dry_run:
            lines.insert(0, ("Dry run", "nothing was changed"))
        facts(lines)
        if not self._files:
            say(f"No files of {self._source.title} were found here; a PATH says where they are.")
        for what, names in (("Nobody here is", self._people - {""}), ("There is no price for", self._models)):
            if names:
                say(f"{what} {', '.join(sorted(names))}: kept, and charged to nobody.")
        if self._claiming:
            say("What is another person's was brought in for them, and stays theirs. An administrator can change it:")
            for number in self._claiming:
                say(f"bursar import reassign {number}")
        for broken in self._broken[:SHOWN]:
            say(f"{broken.file}:{broken.line}: {broken.reason}")
        if len(self._broken) > SHOWN:
            say(f"… and {len(self._broken) - SHOWN:,} other lines that could not be read.")


class Note(msgspec.Struct, array_like=True):
    """What is noted: the last import, by its number, and files by their paths."""

    import_id: int
    left: dict[str, Left]


class Notes:
    """Which files a server has taken, and where they were left; one note for each server, source and person.

    A note that names an import which the server does not have is of another server, or of its data before they were
    lost: it counts for nothing.
    """

    def __init__(self, client: Client, whose: str) -> None:
        from bursar.local import cache  # noqa: PLC0415

        place = cache.folder()
        name = hashlib.sha256(whose.encode()).hexdigest()[:16]
        self._path = None if place is None else place / f"import-{name}.bin"
        self._left: dict[str, Left] = {}
        self.import_id = 0
        try:
            note = msgspec.msgpack.decode(b"" if self._path is None else self._path.read_bytes(), type=Note)
        except (OSError, msgspec.MsgspecError):
            return
        known = client.get("/imports", limit=1, after=note.import_id + 1, brief=True)
        if [each["id"] for each in known] == [note.import_id]:
            self.import_id, self._left = note.import_id, note.left

    def knows(self, file: Path, about: tuple[int, int]) -> bool:
        """Whether the file is as it was."""
        left = self._left.get(str(file.absolute()))
        return left is not None and (left.size, left.changed_ns) == about

    def resume(self, file: Path) -> Resume | None:
        """Where the file was left; None when it is new."""
        from bursar.importers.record import Resume  # noqa: PLC0415

        left = self._left.get(str(file.absolute()))
        return None if left is None else msgspec.msgpack.decode(left.resume, type=Resume)

    def take(self, done: dict[Path, Left], import_id: int | None) -> None:
        """Note files that a server has taken, and as which import; None when there was nothing in them."""
        from bursar.local import cache  # noqa: PLC0415

        self.import_id = self.import_id if import_id is None else import_id
        self._left |= {str(file.absolute()): left for file, left in done.items()}
        if self._path is not None and done:
            cache.put(self._path, msgspec.msgpack.encode(Note(self.import_id, self._left)))


def _about(file: Path) -> tuple[int, int] | None:
    """A file's size, and when it was changed; None when it has gone."""
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_size, found.st_mtime_ns


def _merge(pending: dict[str, UsageRecord], records: Sequence[UsageRecord]) -> None:
    from bursar.importers.record import better  # noqa: PLC0415

    for record in records:
        known = pending.get(record.key)
        pending[record.key] = record if known is None else better(known, record)


def _told(record: UsageRecord) -> dict[str, Any]:
    """A record as the API takes it. Where it was made, in which session, is not told."""
    used = record.usage
    told = {
        "key": record.key,
        "at": from_us(record.at_us).isoformat(),
        "catalog": record.catalog,
        "model": record.model,
        "variant": record.variant,
        "input_tokens": used.input,
        "cache_read_tokens": used.cache_read,
        "cache_write_5m_tokens": used.cache_write_5m,
        "cache_write_1h_tokens": used.cache_write_1h,
        "output_tokens": used.output,
        "audio_input_tokens": used.audio_input,
        "audio_output_tokens": used.audio_output,
        "web_searches": used.web_searches,
        "reasoning_tokens": used.reasoning,
        "request_id": record.request_id,
        "message_id": record.message_id,
        "cost": None if record.cost_nanos is None else usd(record.cost_nanos),
        "person": record.person,
        "sidechain": record.sidechain,
    }
    return {name: value for name, value in told.items() if value}


@contextmanager
def _bar(title: str, total_bytes: int) -> Iterator[Bar]:
    """A bar on stderr with rate and time left; where stderr is no terminal there is none."""
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        DownloadColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )

    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    with Progress(
        *columns, TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    ) as shown:
        task = shown.add_task(title, total=total_bytes)
        yield lambda done: shown.advance(task, done)
