"""`bursar import`: what is brought in, what is not read again, and what is said of it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from bursar.cli import import_
from tests.unit.cli.conftest import PLAN, Program

ADA = "ada@example.com"


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))


@pytest.fixture
def charged(program: Program, tmp_path: Path) -> Program:
    """Ada has a budget that usage elsewhere is charged to."""
    (tmp_path / "plan.toml").write_text(PLAN + 'outside_usage = "charge"\n')
    program.done("person", "add", ADA, "--name", "Ada")
    program.done("plan", "add", str(tmp_path / "plan.toml"))
    program.done("grant", ADA, "--plan", "engineers", "--from", "2026-01-01")
    return program


def line(name: str, output: int) -> str:
    usage = {"input_tokens": 1_000, "output_tokens": output}
    message = {"id": name, "model": "claude-sonnet-4-5", "usage": usage}
    told = {"type": "assistant", "timestamp": "2026-11-02T10:00:00Z", "requestId": f"req_{name}", "message": message}
    return json.dumps(told) + "\n"


def logs(tmp_path: Path, text: str, name: str = "one.jsonl") -> Path:
    folder = tmp_path / "projects" / "work"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / name).open("a") as file:
        file.write(text)
    return tmp_path / "projects"


def taken(program: Program, *words: str) -> dict[str, Any]:
    told: dict[str, Any] = program.done("import", *words, "--person", ADA, "--json").json
    assert told["source"] == words[0]
    return told


def spent(program: Program, email: str = ADA) -> str:
    lots = program.done("balance", email, "--json").json["lots"]
    return str(next(lot["spent"] for lot in lots if lot["period"] == "2026-11"))


def test_files_that_have_not_changed_are_not_read_again(charged: Program, tmp_path: Path) -> None:
    place = str(logs(tmp_path, line("a", 1) + line("a", 100)))
    first = taken(charged, "claude-code", place)
    assert (first["files"], first["unchanged_files"], first["added"], first["cost"]) == (1, 0, 1, "0.0045")
    again = taken(charged, "claude-code", place)
    assert (again["unchanged_files"], again["records"], again["added"]) == (1, 0, 0)
    logs(tmp_path, line("a", 500) + line("b", 500))
    grown = taken(charged, "claude-code", place)
    assert (grown["records"], grown["added"], grown["grown"]) == (2, 1, 1)
    assert spent(charged) == "0.021"
    anew = taken(charged, "claude-code", place, "--anew")
    assert (anew["records"], anew["repeated"]) == (2, 2)
    assert spent(charged) == "0.021"
    assert [made["added"] for made in charged.done("import", "list", "--json").json] == [0, 1, 1]


def test_a_dry_run_changes_nothing_and_is_not_remembered(charged: Program, tmp_path: Path) -> None:
    place = str(logs(tmp_path, line("a", 100)))
    assert taken(charged, "claude-code", place, "--dry-run")["added"] == 1
    assert charged.done("import", "list").out == "Nothing was brought in.\n"
    assert taken(charged, "claude-code", place)["added"] == 1


def test_a_note_of_data_that_are_gone_counts_for_nothing(charged: Program, made_folder: Path, tmp_path: Path) -> None:
    place = str(logs(tmp_path, line("a", 100)))
    taken(charged, "claude-code", place)
    shutil.rmtree(charged.folder)
    shutil.copytree(made_folder, charged.folder)
    charged.done("person", "add", ADA, "--name", "Ada")
    assert taken(charged, "claude-code", place)["added"] == 1


def test_two_machines_copies_count_once(charged: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = logs(tmp_path, line("a", 100) + line("b", 100))
    copy = tmp_path / "other"
    shutil.copytree(place, copy)
    (copy / "work" / "one.jsonl").rename(copy / "work" / "other.jsonl")
    first = taken(charged, "claude-code", str(place))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "another cache"))
    second = taken(charged, "claude-code", str(copy), str(place))
    assert (first["added"], second["added"], second["records"], second["repeated"]) == (2, 0, 2, 2)
    assert spent(charged) == "0.009"


def test_what_came_of_it_is_told_in_words(charged: Program, tmp_path: Path) -> None:
    rows = ["key,at,catalog,model,output_tokens,cost,person"]
    rows += [f"a,2026-11-02,anthropic,claude-sonnet-4-5,1000,0.02,{ADA}"]
    rows += ["b,2026-11-02,anthropic,claude-next,1000,,", "c,2026-11-02,anthropic,claude-sonnet-4-5,1,,x@example.com"]
    rows += ["d,never,anthropic,claude-sonnet-4-5,1,,"]
    file = tmp_path / "november.csv"
    file.write_text("\n".join(rows))
    said = charged.done("import", "records", str(file)).out
    for words in (
        "3 new, 0 grown, 0 known",
        "$0.02 for what is $0.02",
        "Charged",
        "Nobody here is x@example.com: kept, and charged to nobody.",
        "There is no price for claude-next: kept, and charged to nobody.",
        "november.csv:5: ",
    ):
        assert words in said
    assert "november.csv" in charged.done("import", "list").out
    listed = charged.done("usage", "calls", "--source", "records", "--person", ADA).out
    assert ("claude-sonnet-4-5" in listed, "charged" in listed, "x@example.com" in listed) == (True, True, False)
    assert charged.done("usage", "calls", "--source", "codex").out == "No such call was reported.\n"
    assert charged.done("usage", "calls", "--source", "records", "--since", "1m", "--json").json == []


def test_where_there_is_nothing_of_it_that_is_said(charged: Program, tmp_path: Path) -> None:
    said = charged.done("import", "codex", str(tmp_path)).out
    assert "No files of Codex were found here" in said
    other = tmp_path / "other.csv"
    other.write_text("name,age\n")
    said = charged.done("import", "records", str(other)).out
    assert "other.csv:1: has no column key, at, catalog, model: it is another kind of file" in said
    assert "No files" not in said


def test_reported_calls_fit_their_terminal(charged: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, bert = str(logs(tmp_path, line("a", 12_345))), "bert@example.com"
    taken(charged, "claude-code", place)
    charged.done("person", "add", bert, "--name", "Bert")
    charged.done("import", "claude-code", place, "--person", bert)
    for columns in (80, 100, 120):
        monkeypatch.setenv("COLUMNS", str(columns))
        told = charged.done("usage", "calls", "--source", "claude-code", "--person", ADA).out
        heading, _, row = told.splitlines()
        assert max(map(len, told.splitlines())) <= columns
        words = ("2026-11-02 10:00", "claude-sonnet-4-5", "1,000", "$0.19", "charged", "bert")
        assert [word for word in words if word not in row] == []
        assert ("Charged" in heading, "Claimed by" in heading, "Output" in heading) == (True, True, columns >= 100)


def test_what_is_wrong_is_named(charged: Program, tmp_path: Path) -> None:
    for words, field in ((("word",), "source"), (("codex", str(tmp_path / "nowhere")), "path")):
        done = charged.run("import", *words, "--json")
        assert (done.code, json.loads(done.err)["error"]["field"]) == (1, field)


def test_a_long_file_is_sent_in_parts_and_is_one_import(
    charged: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(import_, "MOST_AT_ONCE", 1_000)
    calls = 1_010
    place = str(logs(tmp_path, "".join(line(f"m{number}", 0) for number in range(calls)), "long.jsonl"))
    told = taken(charged, "claude-code", place)
    assert (told["added"], told["states"], told["cost"]) == (calls, {"charged": calls}, "3.03")
    assert spent(charged) == "3.03"
    [made] = charged.done("import", "list", "--json").json
    assert (made["name"], made["added"], made["states"], made["charged"]) == (
        "long.jsonl",
        calls,
        {"charged": calls},
        "3.03",
    )
    assert taken(charged, "claude-code", place)["unchanged_files"] == 1


def test_the_second_one_with_a_log_is_told_whose_it_is(charged: Program, tmp_path: Path) -> None:
    place = str(logs(tmp_path, line("a", 100) + line("b", 100)))
    taken(charged, "claude-code", place)
    bert = "bert@example.com"
    charged.done("person", "add", bert, "--name", "Bert")
    charged.done("grant", bert, "--plan", "engineers", "--from", "2026-01-01")
    said = charged.done("import", "claude-code", place, "--person", bert).out
    [second, first] = charged.done("import", "list", "--json").json
    assert ("Another person's" in said, f"bursar import reassign {second['id']}" in said) == (True, True)
    assert (first["others"], second["others"]) == (0, 2)
    assert "2 others'" in charged.done("import", "list").out
    assert "bert " in charged.done("usage", "calls", "--source", "claude-code").out
    assert "2 calls reassigned" in charged.done("import", "reassign", str(second["id"])).out
    assert (spent(charged), spent(charged, bert)) == ("0.00", "0.009")
    assert "nothing that is another's" in charged.done("import", "reassign", str(second["id"])).out
    assert "claimed by import" in charged.done("import", "list").out
