"""Signing keys and checkpoints on the command line: made, kept elsewhere, and compared with what the journal is."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from bursar.refusals import Refused
from bursar.signing import read_keys, verify
from tests.support.running import Running
from tests.unit.cli.conftest import PLAN, Program

TYP = "bursar-checkpoint+json"


def test_keys_are_listed_rotated_and_exported(program: Program, tmp_path: Path) -> None:
    (first,) = program.done("signing", "list", "--json").json
    assert first["signs"] is True
    assert "d" not in first["jwk"]
    made = program.done("signing", "rotate", "--json").json
    assert (made["signs"], made["key"] != first["key"]) == (True, True)
    listed = program.done("signing", "list").out
    assert listed.index(made["key"]) < listed.index("signs") < listed.index(first["key"]) < listed.index("verifies")
    assert "signs" in program.done("signing", "rotate").out
    exported = program.done("signing", "export").json
    file = tmp_path / "keys.json"
    assert str(file) in program.done("signing", "export", "-o", str(file)).out
    assert json.loads(file.read_text()) == exported == program.done("signing", "export", "--json").json
    assert [key["kid"] for key in exported["keys"]][1:] == [made["key"], first["key"]]
    assert {frozenset(key) for key in exported["keys"]} == {
        frozenset({"kty", "crv", "alg", "use", "kid", "x", "created_us"})
    }


def test_a_checkpoint_is_signed_and_verified(program: Program, ada: str, tmp_path: Path) -> None:
    file, keys = tmp_path / "kept.jws", tmp_path / "keys.json"
    printed = program.done("journal", "checkpoint").out
    assert str(file) in program.done("journal", "checkpoint", "-o", str(file)).out
    program.done("signing", "export", "-o", str(keys))
    noted = [
        msgspec.json.decode(verify(text, read_keys(keys.read_text()), TYP)) for text in (printed, file.read_text())
    ]
    assert noted[0]["heads"] == noted[1]["heads"]
    assert noted[0]["postings"] == 1
    assert program.done("journal", "checkpoint", "--json").json["checkpoint"].count(".") == 2
    program.done("signing", "rotate")
    program.done("person", "add", "bo@example.com", "--name", "Bo")
    program.done("grant", "bo@example.com", "--plan", "engineers")
    said = program.done("journal", "verify", "--checkpoint", str(file)).out
    assert "The books are right: 2 postings" in said
    assert "Everything that the checkpoint notes is still there, unchanged." in said
    found = program.done("journal", "verify", "--checkpoint", str(file), "--key", str(keys), "--json").json
    assert found["is_right"] is True
    assert "that the checkpoint notes" not in program.done("journal", "verify").out


def test_a_journal_that_was_cut_off_cleanly_does_not_fit(program: Program, ada: str, tmp_path: Path) -> None:
    file, database = tmp_path / "kept.jws", program.folder / "bursar.sqlite"
    before = database.read_bytes()
    program.done("person", "add", "bo@example.com", "--name", "Bo")
    program.done("grant", "bo@example.com", "--plan", "engineers")
    program.done("journal", "checkpoint", "-o", str(file))
    database.write_bytes(before)  # all that came since is gone, and what is left is sound
    program.done("journal", "verify")
    found = program.run("journal", "verify", "--checkpoint", str(file))
    assert found.code == 1
    assert "checkpoint_differs" in found.out
    assert re.search(r"link number [0-9]+ is not the one noted", found.out)
    assert program.run("journal", "verify", "--checkpoint", str(file), "--json").json["fault_count"] == 1


def test_whose_checkpoint_it_is(
    program: Program, ada: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    stranger = Program(tmp_path / "stranger", capsys)
    stranger.done("init")
    theirs, ours, keys = tmp_path / "theirs.jws", tmp_path / "ours.jws", tmp_path / "keys.json"
    stranger.done("journal", "checkpoint", "-o", str(theirs))
    stranger.done("signing", "export", "-o", str(keys))
    program.done("journal", "checkpoint", "-o", str(ours))
    for words in ((str(theirs),), (str(ours), "--key", str(keys))):
        refused = program.run("journal", "verify", "--checkpoint", *words)
        assert (refused.code, refused.out) == (1, "")
        assert refused.err.endswith("[signing_key_unknown]\n")
    ours.write_text(ours.read_text().replace(".", "x.", 1))
    assert "[signature_invalid]" in program.run("journal", "verify", "--checkpoint", str(ours)).err


def test_a_statement_of_another_kind_is_no_checkpoint(program: Program, ada: str, tmp_path: Path) -> None:
    file = tmp_path / "kept.jws"
    program.done("journal", "checkpoint", "-o", str(file))
    keys = program.done("signing", "export").out
    with pytest.raises(Refused, match="It is signed as 'bursar-checkpoint"):
        verify(file.read_text(), read_keys(keys), "bursar-statement+json")


def test_what_is_refused(program: Program, tmp_path: Path) -> None:
    file, keys = tmp_path / "kept.jws", tmp_path / "keys.json"
    program.done("journal", "checkpoint", "-o", str(file))
    keys.write_text(PLAN)
    refused = {
        "field_missing": ("verify", "--key", str(keys)),
        "field_invalid": ("verify", "--checkpoint", str(file), "--key", str(keys)),
        "config_invalid": ("verify", "--checkpoint", str(tmp_path / "nothing")),
    }
    for name, words in refused.items():
        done = program.run("journal", *words)
        assert (done.code, done.err.endswith(f"[{name}]\n")) == (1, True), done.err
    unwritable = program.run("journal", "checkpoint", "-o", str(tmp_path / "nothing" / "kept.jws"))
    assert unwritable.err.endswith("[config_invalid]\n")


def test_over_the_network(program: Program, ada: str, tmp_path: Path) -> None:
    file = tmp_path / "kept.jws"
    with Running(program.folder) as server:
        program.done("journal", "checkpoint", "-o", str(file))
        assert "unchanged" in program.done("journal", "verify", "--checkpoint", str(file)).out
        person = program.done("key", "create", ada, "--json").json["secret"]
        for words in (("signing", "rotate"), ("journal", "checkpoint")):
            done = program.bare("--url", server.url, "--key", person, *words)
            assert done.err.endswith("[role_missing]\n")
        listed = program.bare("--url", server.url, "--key", person, "signing", "list", "--json").json
        assert [key["signs"] for key in listed] == [True]
