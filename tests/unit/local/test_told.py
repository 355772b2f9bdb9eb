"""One's own logs, gathered: a cache never changes an answer, and costs are the price book's, call by call."""

from __future__ import annotations

import json
import os
import random
import shutil
import sqlite3
import threading
from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from bursar.importers.agents import agents
from bursar.importers.record import UsageRecord, once
from bursar.local import cache, gather
from bursar.local.gather import logs
from bursar.local.group import Group
from bursar.local.kept import Log
from bursar.local.usage import Told, prices, told
from bursar.periods import from_us
from bursar.pricing.book import PriceBook
from bursar.pricing.rates import BucketNotPriced, RateCard
from tests.unit.importers.reading import put
from tests.unit.importers.test_claude_code import MODELS, answer, write_home
from tests.unit.importers.test_codex import count, head, rollout, tokens, turn
from tests.unit.importers.test_other_agents import database, opencode

NAMES = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "web_searches")


@pytest.fixture(scope="module")
def kept_prices(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a price book in it, because building one takes long."""
    folder = tmp_path_factory.mktemp("prices")
    prices(folder)
    return folder


@pytest.fixture
def book(kept_prices: Path) -> PriceBook:
    return prices(kept_prices)


@pytest.fixture
def place(kept_prices: Path, tmp_path: Path) -> Path:
    """A folder for the cache."""
    return shutil.copytree(kept_prices, tmp_path / "cache")


def tell(folder: Path, place: Path | None = None) -> Told:
    sources = agents()
    return told(sources, {name: [folder] for name in sources}, place=place)


def sums(groups: list[Group]) -> Counter[tuple[str, ...]]:
    found: Counter[tuple[str, ...]] = Counter()
    for group in groups:
        for name in ("calls", *NAMES):
            found[group.source, group.model, group.variant, name] += getattr(group, name)
        found[group.source, group.model, group.variant, "cost"] += group.cost_nanos or 0
    return +found


def one_by_one(folder: Path, book: PriceBook) -> Counter[tuple[str, ...]]:
    """The same without columns, groups, cache and processes: every record priced at its own instant."""
    sources = agents()
    found: Counter[tuple[str, ...]] = Counter()
    for name, source in sources.items():
        ours = [log for log in logs(sources, {name: [folder] for name in sources}) if log.source == name]
        records = once(record for log in ours for record in source.read(Path(log.path)).records).values()
        for record in records:
            place = (name, record.model, record.variant)
            found[*place, "calls"] += 1
            for bucket in NAMES:
                found[*place, bucket] += getattr(record.usage, bucket)
            found[*place, "cost"] += cost_of(record, book) or 0
    return +found


def cost_of(record: UsageRecord, book: PriceBook) -> int | None:
    card = book.card(record.catalog, record.model, from_us(record.at_us), record.variant)
    if isinstance(card, RateCard):
        try:
            return card.cost(record.usage)
        except BucketNotPriced:
            pass
    return record.cost_nanos


@pytest.mark.parametrize("seed", range(5))
def test_random_homes_agree_with_records_one_by_one(tmp_path: Path, place: Path, book: PriceBook, seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    write_home(tmp_path / "logs", rng)
    long = {"input_tokens": 250_000, "cache_read_input_tokens": 3}
    models = [*MODELS, "claude-sonnet-4-20250514", "glm-5"]
    some = [
        answer(f"m{n}", "r", at=f"2026-11-20T10:{n:02d}:00Z", usage=rng.choice([{}, long]), model=rng.choice(models))
        | rng.choice([{}, {"costUSD": 0.5}])
        for n in range(40)
    ]
    put(tmp_path / "logs/projects/p/long.jsonl", *some)
    a, b = tokens(100, cached=30), tokens(300_000, cached=7)
    rollout(tmp_path / "logs", 1, head(1, 0), turn(1, "gpt-5.5"), count(2, a, a), count(9, b, b))
    expected = one_by_one(tmp_path / "logs", book)
    for _ in range(3):
        assert sums(tell(tmp_path / "logs", place).groups) == expected
    assert sums(tell(tmp_path / "logs").groups) == expected


def test_models_without_a_price_have_none_and_are_not_free(tmp_path: Path) -> None:
    put(tmp_path / "a.jsonl", answer("m1", "r", model="glm-5"), answer("m2", "r", model="glm-5", costUSD=0.25))
    put(tmp_path / "b.jsonl", answer("m3", "r", model="glm-5", costUSD=0.25) | {"sessionId": "s2"})
    costs = {(group.session, group.calls, group.cost_nanos) for group in tell(tmp_path).groups}
    assert costs == {("s1", 1, None), ("s1", 1, 250_000_000), ("s2", 1, 250_000_000)}


def test_groups_know_their_first_and_last_call(tmp_path: Path) -> None:
    at = ("10:01:07", "10:00:00", "10:14:59.999", "10:15:00")
    put(tmp_path / "a.jsonl", *(answer(f"m{n}", "r", at=f"2026-11-20T{when}Z") for n, when in enumerate(at)))
    found = sorted(tell(tmp_path).groups, key=lambda group: group.slot)
    assert [(group.calls, f"{from_us(group.first_us):%H:%M:%S.%f}") for group in found] == [
        (3, "10:00:00.000000"),
        (1, "10:15:00.000000"),
    ]
    assert f"{from_us(found[0].last_us):%H:%M:%S.%f}" == "10:14:59.999000"


def test_a_long_call_costs_more_and_many_short_ones_do_not(tmp_path: Path, book: PriceBook) -> None:
    model = MODELS[1]
    card = book.card("anthropic", model, datetime(2026, 11, 20, tzinfo=UTC))
    assert isinstance(card, RateCard)
    assert card.tiers, "the test needs a model whose long calls cost more"
    above = card.tiers[0].above
    short = [answer(f"m{n}", "r", model=model, usage={"input_tokens": above // 2}) for n in range(8)]
    put(tmp_path / "a.jsonl", *short)
    (cheap,) = tell(tmp_path).groups
    put(tmp_path / "a.jsonl", *short, answer("long", "r", model=model, usage={"input_tokens": above + 1}))
    (dear,) = tell(tmp_path).groups
    assert cheap.cost_nanos is not None
    assert dear.cost_nanos is not None
    assert cheap.cost_nanos * 10**6 == 8 * (
        above // 2 * card.rates.input + 1000 * card.rates.cache_read + 50 * (card.rates.output or 0)
    )
    rates = card.tiers[0].rates
    extra = (above + 1) * rates.input + 1000 * rates.cache_read + 50 * (rates.output or 0)
    assert dear.cost_nanos - cheap.cost_nanos == -(-extra // 10**6)


def changed(rng: random.Random, folder: Path, number: int) -> None:
    """Something that happens to logs: one grows, is written anew, is deleted, or comes."""
    files = sorted(folder.rglob("*.jsonl"))
    file = rng.choice(files)
    match rng.randrange(4):
        case 0:
            line = put(folder / "new.tmp", answer(f"new_{number}", "r", output=number)).read_bytes()
            cut = rng.randrange(len(line)) if rng.random() < 0.3 else len(line)
            file.write_bytes(file.read_bytes() + line[:cut])
        case 1:
            put(file, answer(f"anew_{number}", "r"))
        case 2:
            file.unlink() if len(files) > 2 else None
        case _:
            put(folder / f"projects/p/{number}.jsonl", answer(f"come_{number}", "r"), answer("msg_0_0", "req_0_0"))
    os.utime(file, ns=(number, number)) if file.exists() else None


@pytest.mark.parametrize("seed", range(4))
def test_a_cache_never_changes_an_answer(tmp_path: Path, place: Path, seed: int) -> None:
    print("seed", seed)
    rng = random.Random(seed)
    folder = tmp_path / "logs"
    write_home(folder, rng)
    for number in range(12):
        with_cache, without = tell(folder, place), tell(folder)
        assert sums(with_cache.groups) == sums(without.groups)
        assert sorted((one.file, one.line) for one in with_cache.broken) == sorted(
            (one.file, one.line) for one in without.broken
        )
        assert with_cache.files == without.files
        changed(rng, folder, number)


@pytest.mark.parametrize("damage", ["cut", "garbage", "other form", "no folder", "a folder in its place"])
def test_a_cache_that_is_damaged_is_none(tmp_path: Path, place: Path, damage: str) -> None:
    folder = tmp_path / "logs"
    put(folder / "a.jsonl", answer())
    expected = sums(tell(folder, place).groups)
    put(folder / "a.jsonl", answer(), answer("msg_2", "req_2"))
    file = place / "logs.bin"
    match damage:
        case "cut":
            file.write_bytes(file.read_bytes()[:-9])
        case "garbage":
            file.write_bytes(b"\xff" * 100)
        case "other form":
            file.write_bytes(file.read_bytes().replace(cache.FORM.encode(), b"x" * len(cache.FORM)))
        case "no folder":
            shutil.rmtree(place)
        case _:
            file.unlink()
            file.mkdir()
    found = sums(tell(folder, place).groups)
    assert found["claude-code", MODELS[1], "standard", "calls"] == 2
    assert found != expected


@pytest.fixture
def many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Log]:
    """Logs that are worth several processes, where no thread of the tests' own forbids them."""
    for number in range(6):
        filler = {"type": "user", "message": {"role": "user", "content": "z" * 2_000}}
        put(tmp_path / f"{number}.jsonl", filler, answer(f"m{number}", "r"), answer("shared", "r", output=number))
    monkeypatch.setattr(threading, "active_count", lambda: 1)
    monkeypatch.setattr(gather, "WORTH_A_PROCESS_BYTES", 3_000)
    return logs(agents(), {"claude-code": [tmp_path]})


def test_several_processes_find_what_one_finds(
    many: list[Log], book: PriceBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[int, int]] = []
    forked: list[int] = []
    fork = os.fork

    def counted() -> int:
        forked.append(1)
        return fork()

    monkeypatch.setattr(os, "fork", counted)
    several = gather.gather(many, {}, agents(), book, lambda done, total: seen.append((done, total)), processes=3)
    assert len(forked) == 3
    assert several.files == gather.gather(many, {}, agents(), book, processes=1).files
    assert [log.path for log in many] == [one.path for one in several.files]
    assert seen[-1][1] == sum(log.size for log in many)


def test_the_files_of_a_child_that_dies_are_read_all_the_same(
    many: list[Log], book: PriceBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    alone = gather.gather(many, {}, agents(), book, processes=1)
    here, encode = os.getpid(), gather._encode

    def die(found: object) -> bytes:
        if os.getpid() != here:
            os.kill(os.getpid(), 9)
        return encode(found)

    monkeypatch.setattr(gather, "_encode", die)
    assert gather.gather(many, {}, agents(), book, processes=3).files == alone.files


def test_a_file_that_may_not_be_read_is_told(tmp_path: Path, book: PriceBook) -> None:
    put(tmp_path / "a.jsonl", answer())
    gone = put(tmp_path / "b.jsonl", answer("m2", "r"))
    sources = agents()
    wanted = logs(sources, {"claude-code": [tmp_path]})
    gone.unlink()
    found = gather.gather(wanted, {}, sources, book)
    assert [(one.file, one.reason) for one in found.unread] == [
        (str(gone), "cannot be read: No such file or directory")
    ]
    assert len(found.files) == 1


def test_what_a_database_has_in_its_log_alone_is_read(tmp_path: Path, place: Path) -> None:
    path = database(tmp_path / "logs/opencode.db", opencode("m1"))
    with closing(sqlite3.connect(path)) as open_database:
        open_database.execute("PRAGMA journal_mode = WAL")
        assert sums(tell(tmp_path / "logs", place).groups)["opencode", "claude-sonnet-4-5", "standard", "calls"] == 1
        before = path.stat()
        message = opencode("m2")
        with open_database:
            row = (message.pop("id"), message.pop("sessionID"), json.dumps(message))
            open_database.execute("INSERT INTO message VALUES (?, ?, ?)", row)
        assert (path.stat().st_size, path.stat().st_mtime_ns) == (before.st_size, before.st_mtime_ns)
        assert sums(tell(tmp_path / "logs", place).groups)["opencode", "claude-sonnet-4-5", "standard", "calls"] == 2
