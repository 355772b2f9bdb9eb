"""Calls for a warehouse: DuckDB reads the files, and its sums are those of the books."""

from __future__ import annotations

import io
from collections.abc import Iterable
from decimal import Decimal
from pathlib import Path

import duckdb
import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from bursar.cli.parquet import write_days
from bursar.exports import calls as calls_module
from bursar.exports.calls import Calls
from bursar.ledger.accounts import Account
from bursar.money import NANOS_PER_USD
from bursar.refusals import Refused
from tests.unit.exports.conftest import Spent


def pieces(spent: Spent, period: str = "2026", *, time_zone: str = "UTC", with_people: bool = True) -> list[bytes]:
    with spent.database.reading() as connection:
        return list(Calls(period, time_zone=time_zone, with_people=with_people).pieces(connection))


def written(folder: Path, stream: Iterable[bytes]) -> str:
    told: list[tuple[int, int]] = []
    done = write_days(folder, stream, lambda rows, total: told.append((rows, total)))
    assert told[-1] == (done.rows, done.rows)
    assert done.days == len(list(folder.glob("day=*/calls.parquet"))) > 0
    assert not list(folder.rglob("*.part"))
    return f"read_parquet('{folder}/*/*.parquet', hive_partitioning = true)"


def read(stream: list[bytes]) -> list[dict[str, object]]:
    rows: list[dict[str, object]] = pa.ipc.open_stream(io.BytesIO(b"".join(stream))).read_all().to_pylist()
    return rows


def asked(query: str) -> list[tuple[object, ...]]:
    return duckdb.connect().execute(query).fetchall()


def test_duckdb_sums_what_the_books_say(on_each_engine: Spent, tmp_path: Path) -> None:
    calls = written(tmp_path, pieces(on_each_engine))
    [(cost, count)] = asked(f"select sum(cost), count(distinct call) from {calls}")
    assert cost == Decimal(on_each_engine.lots()[Account.SPENT]) / NANOS_PER_USD
    assert count == 10 + 10 + 4 + 1
    teams = asked(f"select team, sum(cost) from {calls} group by team order by team")
    assert teams == sorted((team, Decimal(nanos) / NANOS_PER_USD) for team, nanos in on_each_engine.by_team.items())


def test_types_are_exact_and_days_are_folders(spent: Spent, tmp_path: Path) -> None:
    calls = written(tmp_path, pieces(spent, "2026-11"))
    kinds = {name: kind for name, kind, *_ in asked(f"describe select * from {calls}")}
    assert (kinds["cost"], kinds["bound"]) == ("DECIMAL(38,9)", "DECIMAL(38,9)")
    assert (kinds["ended"], kinds["day"], kinds["input_tokens"]) == ("TIMESTAMP WITH TIME ZONE", "DATE", "BIGINT")
    [(days, last, largest)] = asked(f"select count(distinct day), max(day)::text, max(bound) from {calls}")
    assert (days, last, largest) == (8, "2026-11-29", Decimal("1.980000002"))
    [(person, model, outcome)] = asked(
        f"select person, model, outcome from {calls} where day = '2026-11-05' and team = 'platform'"
    )
    assert (person, model, outcome) == ("ada@example.com", "claude-sonnet-4-5", "settled")


def test_again_is_the_same_and_another_zone_has_other_days(spent: Spent, tmp_path: Path) -> None:
    assert pieces(spent) == pieces(spent)
    written(tmp_path / "utc", pieces(spent, "2026-11"))
    before = {file: file.read_bytes() for file in (tmp_path / "utc").rglob("*.parquet")}
    written(tmp_path / "utc", pieces(spent, "2026-11"))
    assert before == {file: file.read_bytes() for file in (tmp_path / "utc").rglob("*.parquet")}
    written(tmp_path / "west", pieces(spent, time_zone="Pacific/Pago_Pago"))
    assert (tmp_path / "west" / "day=2026-10-31").is_dir()


def test_however_long_the_stretches_are_that_are_read_the_files_are_the_same(
    on_each_engine: Spent, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    at_once = read(pieces(on_each_engine))
    monkeypatch.setattr(calls_module, "POSTINGS_AT_ONCE", 2)
    short = pieces(on_each_engine)
    assert len(short) > len(pieces(on_each_engine, "2026-11")) > 8
    assert read(short) == at_once
    days = [(row["day"], row["posting"]) for row in at_once]
    assert days == sorted(days)
    written(tmp_path, short)
    assert {pq.ParquetFile(file).num_row_groups for file in tmp_path.rglob("*.parquet")} == {1}


def test_who_called_may_be_left_out(spent: Spent) -> None:
    stream = b"".join(pieces(spent, with_people=False))
    table = pa.ipc.open_stream(io.BytesIO(stream)).read_all()
    assert not {"person", "key"} & set(table.column_names)
    assert b"ada@example.com" not in stream
    assert b"ada@example.com" in b"".join(pieces(spent))


def test_nothing_to_tell_is_an_empty_stream(spent: Spent, tmp_path: Path) -> None:
    stream = pieces(spent, "2025-01")
    assert write_days(tmp_path, stream, lambda rows, total: None) == (0, 0, 0)
    assert pa.ipc.open_stream(io.BytesIO(b"".join(stream))).read_all().num_rows == 0


def test_a_stream_that_breaks_off_leaves_whole_files_only(spent: Spent, tmp_path: Path) -> None:
    def breaking() -> Iterable[bytes]:
        yield from pieces(spent)[:3]
        raise OSError("the line is cut")

    with pytest.raises(Refused):
        write_days(tmp_path, breaking(), lambda rows, total: None)
    for file in tmp_path.rglob("calls.parquet"):
        assert asked(f"select count(*) from '{file}'")[0][0]
    (tmp_path / "a-file").touch()
    with pytest.raises(Refused):
        write_days(tmp_path / "a-file", pieces(spent), lambda rows, total: None)
