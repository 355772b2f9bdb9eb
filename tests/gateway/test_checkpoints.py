"""What a running server signs: public keys for everybody, a checkpoint of the journal each day."""

from __future__ import annotations

import time
from pathlib import Path

from bursar.books.checkpoints import TYP, read_checkpoint
from bursar.signing import read_keys, verify
from bursar.store.verify import verify as verify_journal
from tests.unit.sim.raw import ask, until

from .place import opened
from .raw import call

PATH = "/.well-known/bursar-keys.json"


def test_a_server_keeps_checkpoints_and_publishes_its_keys(tmp_path: Path) -> None:
    kept = tmp_path / "elsewhere"
    folder = tmp_path / "data"
    with opened(folder) as place:
        until(lambda: list((folder / "checkpoints").glob("*.jws")) != [], timeout_s=20)
        got = ask(place.url, "GET", PATH)
        assert (got.status, got.headers["content-type"]) == (200, "application/json")
        assert [set(key) for key in got.json()["keys"]] == [{"kty", "crv", "alg", "use", "kid", "x", "created_us"}]
        assert ask(place.url, "HEAD", PATH).body == b""
        assert ask(place.url, "POST", PATH).status == 404
        assert call(place.url, place.key, "openai").status == 200
        place.until_quiet(1)

        with (folder / "bursar.toml").open("a") as config:
            config.write(f'[checkpoints]\nfolder = "{kept}"\n')
        told = place.operator("POST", "/reload").json()
        assert told == {"changed": [f'checkpoints.folder: "checkpoints" -> "{kept}"'], "restart": []}

        old = got.json()["keys"]
        place.operator("POST", "/signing/rotate")
        assert ask(place.url, "GET", PATH).json()["keys"][1:] == old, "old keys stay"

        (file,) = (folder / "checkpoints").iterdir()
        assert file.name in {time.strftime("%Y-%m-%d.jws", time.gmtime(time.time() - ago)) for ago in (0, 60)}
        jwks = read_keys(ask(place.url, "GET", PATH).body)
        noted = read_checkpoint(file.read_text(), jwks)
        assert verify(file.read_text(), jwks, TYP)
        with place.database.reading() as connection:
            found = verify_journal(connection, checkpoint=noted)
        assert found.is_right
        assert found.postings > noted.postings > 0
        answer = place.operator("POST", "/journal/checkpoint").json()
        checked = place.operator("POST", "/journal/verify", answer).json()
        assert checked["is_right"] is True


def test_a_folder_elsewhere(tmp_path: Path) -> None:
    kept, folder = tmp_path / "elsewhere", tmp_path / "data"
    keys = tmp_path / "shared"
    folder.mkdir()
    lines = f'[checkpoints]\nfolder = "{kept}"\n[signing]\nfolder = "{keys}"\n'
    with opened(folder) as place:
        until(lambda: list((folder / "checkpoints").glob("*.jws")) != [], timeout_s=20)
        with (folder / "bursar.toml").open("a") as config:
            config.write(lines)
        assert place.operator("POST", "/reload").json()["restart"] == ["signing"]
        place.server.stop()
        place.server.start()
        until(lambda: list(kept.glob("*.jws")) != [], timeout_s=20)
        jwks = read_keys(ask(place.url, "GET", PATH).body)
        (file,) = kept.iterdir()
        assert read_checkpoint(file.read_text(), jwks).postings > 0
        assert [path.stem for path in keys.iterdir()] == [jwks["keys"][0]["kid"]]
