"""Statements that a running server gives out: corrected, signed with keys that are rotated, verified by strangers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bursar.document import Content, verified
from bursar.refusals import Refused, Why
from bursar.signing import read_keys
from tests.unit.sim.raw import Got, ask

from .place import Place, opened
from .raw import call

KEYS = "/.well-known/bursar-keys.json"
FORMS = ("json", "html", "pdf")


def given(place: Place, form: str) -> bytes:
    """The person's statement of now, as she asks for it with her own key."""
    answer = asked(place, "POST", "/statements", {"format": form})
    assert answer.status == 200, answer.body
    return answer.body


def asked(place: Place, method: str, path: str, body: object = None) -> Got:
    (email,) = [person["email"] for person in place.operator("GET", "/people").json()]
    return ask(place.url, method, f"/api/people/{email}{path}", body, key=place.key, content_type="application/json")


def read(file: bytes, keys: bytes) -> Content:
    return verified(file, read_keys(keys))


def test_a_corrected_statement_after_a_rotation(tmp_path: Path) -> None:
    """
    first key    a statement, a checkpoint
    second key   a call more, so another statement, which names the first
    """
    folder = tmp_path / "data"
    with opened(folder) as place:
        assert call(place.url, place.key, "openai").status == 200
        place.until_quiet(1)
        before = ask(place.url, "GET", KEYS).body
        first = {form: given(place, form) for form in FORMS}
        checkpoint = place.operator("POST", "/journal/checkpoint").json()

        made = place.operator("POST", "/signing/rotate").json()
        assert {form: read(given(place, form), ask(place.url, "GET", KEYS).body) for form in FORMS} == {
            form: read(first[form], before) for form in FORMS
        }, "nothing on it has changed, so it is the document that was given"
        assert call(place.url, place.key, "openai").status == 200
        place.until_quiet(2)
        second = {form: given(place, form) for form in FORMS}
        after = ask(place.url, "GET", KEYS).body

        old = {form: read(file, after) for form, file in first.items()}
        new = {form: read(file, after) for form, file in second.items()}
        assert len(set(map(str, old.values()))) == len(set(map(str, new.values()))) == 1
        assert new["pdf"].document.replaces == old["pdf"].document.id
        assert (old["pdf"].document.number, new["pdf"].document.number) == (1, 2)
        assert [key["kid"] for key in json.loads(after)["keys"]] == [
            made["key"],
            *(key["kid"] for key in json.loads(before)["keys"]),
        ]
        for file in second.values():
            with pytest.raises(Refused) as refused:
                read(file, before)
            assert refused.value.refusal.why is Why.SIGNING_KEY_UNKNOWN
        listed = asked(place, "GET", "/statements").json()
        assert [(one["number"], one["replaces"]) for one in listed] == [(1, None), (2, listed[0]["id"])]
        assert asked(place, "GET", f"/statements/{listed[0]['id']}").body == first["json"]
        checked = place.operator("POST", "/journal/verify", checkpoint).json()
        assert (checked["is_right"], checked["faults"]) == (True, [])
    _verified_by_a_stranger(tmp_path / "elsewhere", {**second, "old.pdf": first["pdf"]}, after)


def _verified_by_a_stranger(folder: Path, files: dict[str, bytes], keys: bytes) -> None:
    """On the command line, in a folder that has nothing of Bursar's, with the network's server gone."""
    folder.mkdir()
    (folder / "keys.json").write_bytes(keys)
    environment = {name: value for name, value in os.environ.items() if not name.startswith("BURSAR")}
    for name, file in files.items():
        at = len(file) // 2
        changed = file[:at] + bytes([file[at] ^ 1]) + file[at + 1 :]
        for content, code, word in ((file, 0, "to the byte"), (changed, 1, "refused")):
            (folder / name).write_bytes(content)
            command = [sys.executable, "-m", "bursar", "statement", "verify", name, "--key", "keys.json"]
            done = subprocess.run(
                command, cwd=folder, env=environment, capture_output=True, text=True, timeout=60, check=False
            )
            assert done.returncode == code, done
            assert word in done.stdout + done.stderr
    assert sorted(path.name for path in folder.iterdir()) == sorted([*files, "keys.json"])
