"""`bursar statement`: to look at, to keep, to verify where there is no Bursar."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

from tests.unit.cli.conftest import Program


@pytest.fixture
def keys(program: Program, tmp_path: Path) -> str:
    file = tmp_path / "bursar-keys.json"
    program.done("signing", "export", "-o", str(file))
    return str(file)


def test_the_short_form_shows_the_page(program: Program, ada: str) -> None:
    page = program.done("statement", ada).out
    assert "Statement of token budget" in page
    assert program.done("statement", "show", ada).out == page
    assert program.done("statement", "--format", "text", ada).out == page


@pytest.mark.parametrize("form", ["json", "html", "pdf"])
def test_a_document_is_verified_where_there_is_no_bursar(
    program: Program, ada: str, keys: str, tmp_path: Path, form: str
) -> None:
    file = tmp_path / f"statement.{form}"
    said = program.done("statement", ada, "--format", form, "-o", str(file)).out
    assert said == f"The statement is in {file}.\n"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR")}
    command = [sys.executable, "-m", "bursar", "statement", "verify", str(file), "--key", keys]
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(command, cwd=elsewhere, env=environment, capture_output=True, text=True, check=True)
    assert f"{file} is, to the byte, what Bursar gave out." in done.stdout
    assert "number 1, given out" in done.stdout
    assert ada in done.stdout
    assert list(elsewhere.iterdir()) == []


def test_one_changed_byte_is_refused_and_what_is_wrong_is_named(
    program: Program, ada: str, keys: str, tmp_path: Path
) -> None:
    file = tmp_path / "statement.json"
    program.done("statement", ada, "--format", "json", "-o", str(file))
    text = file.read_text("utf-8")
    file.write_text(text.replace('"granted": "2000.00"', '"granted": "9000.00"'), "utf-8")
    done = program.bare("statement", "verify", str(file), "--key", keys)
    assert done.code == 1
    assert done.err == (
        "refused: This json is not a statement as Bursar gave it out: "
        'statement.granted is "9000.00"; signed was "2000.00". [document_changed]\n'
    )


def test_every_kind_of_change_to_a_pdf_is_refused(program: Program, ada: str, keys: str, tmp_path: Path) -> None:
    file = tmp_path / "statement.pdf"
    program.done("statement", ada, "--format", "pdf", "-o", str(file))
    page = file.read_bytes()
    for at in (0, 20, len(page) // 2, len(page) - 700, len(page) - 30, len(page) - 1):
        changed = bytearray(page)
        changed[at] ^= 1
        file.write_bytes(changed)
        done = program.bare("statement", "verify", str(file), "--key", keys)
        assert done.code == 1, at
        assert done.err.startswith("refused: "), at


def test_verify_names_a_missing_file_a_wrong_key_and_another_bursars(
    program: Program, ada: str, keys: str, tmp_path: Path
) -> None:
    file = tmp_path / "statement.json"
    done = program.bare("statement", "verify", str(file), "--key", keys)
    assert (done.code, "[config_invalid]" in done.err) == (1, True)
    program.done("statement", ada, "--format", "json", "-o", str(file))
    wrong = tmp_path / "wrong.jwk"
    wrong.write_text("{}")
    done = program.bare("statement", "verify", str(file), "--key", str(wrong))
    assert (done.code, "[field_invalid]" in done.err) == (1, True)
    program.done("signing", "rotate")
    newest = tmp_path / "newest.json"
    program.done("signing", "export", "-o", str(newest))
    assert program.bare("statement", "verify", str(file), "--key", str(newest)).code == 0


def test_verify_as_json(program: Program, ada: str, keys: str, tmp_path: Path) -> None:
    file = tmp_path / "statement.html"
    program.done("statement", ada, "--format", "html", "-o", str(file))
    told = program.bare("statement", "verify", str(file), "--key", keys, "--json").json
    assert told["document"]["number"] == 1
    assert told["statement"]["person"] == ada
    listed = program.done("statement", "list", ada, "--json").json
    assert [one["id"] for one in listed] == [told["document"]["id"]]
    assert told["document"]["id"] in program.done("statement", "list", ada).out


def test_text_goes_to_a_file_too(program: Program, ada: str, tmp_path: Path) -> None:
    file = tmp_path / "statement.txt"
    program.done("statement", ada, "-o", str(file))
    assert file.read_text("utf-8").startswith("Statement of token budget")


def test_an_export_is_an_archive(program: Program, ada: str, tmp_path: Path) -> None:
    file = tmp_path / "export.zip"
    assert program.done("export", ada, "-o", str(file)).out == (
        f"Everything that is known about {ada} is in {file}.\n"
    )
    with ZipFile(file) as archive:
        assert f"What Bursar knows about Ada <{ada}>" in archive.read("README.txt").decode()
    told = program.done("export", ada, "-o", str(file), "--json").json
    assert told == {"person": ada, "file": str(file), "bytes": file.stat().st_size}
    assert "[config_invalid]" in program.run("export", ada, "-o", str(tmp_path / "nowhere" / "x.zip")).err


def test_a_document_without_a_file_goes_to_standard_output(program: Program, ada: str, tmp_path: Path) -> None:
    file = tmp_path / "statement.json"
    program.done("statement", ada, "--format", "json", "-o", str(file))
    assert program.done("statement", ada, "--format", "json").out == file.read_text("utf-8")


def test_an_unknown_format_is_not_understood(program: Program, ada: str) -> None:
    assert program.run("statement", ada, "--format", "docx").code == 2
