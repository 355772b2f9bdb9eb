"""A person's export: opened and read; everything is in it but secrets, and pay only for who may see it."""

from __future__ import annotations

import csv
import io
import json
from zipfile import ZipFile

import httpx
import sqlalchemy as sa

from bursar.document import verified
from bursar.reports.export import PARTS
from bursar.store import schema
from bursar.store.database import Database
from tests.support.clock import VirtualClock
from tests.unit.api.conftest import Api, refused

DOLLAR = 10**9


def opened(who: httpx.Client, email: str) -> dict[str, bytes]:
    answer = who.get(f"/people/{email}/export")
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/zip"
    with ZipFile(io.BytesIO(answer.content)) as archive:
        assert archive.testzip() is None
        return {name: archive.read(name) for name in archive.namelist()}


def rows(file: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(file.decode(), newline="")))


def test_everything_is_in_it_and_reads_well(api: Api, ada: str, clock: VirtualClock) -> None:
    api.call(ada, "a-1", 3 * DOLLAR)
    api.call(ada, "a-2", 2 * DOLLAR, reason="the provider did not say")
    given = api.operator.post(f"/people/{ada}/statements", json={}).content
    files = opened(api.operator, ada)
    assert json.loads(files["person.json"])["email"] == ada
    (plan,) = json.loads(files["plans.json"])
    assert (plan["plan"], plan["terms"]["amount"]) == ("engineers", "2000.00")
    calls = rows(files["calls.csv"])
    assert [(call["hold_id"], call["cost"], call["outcome"]) for call in calls] == [
        ("a-1", "3.00", "settled"),
        ("a-2", "2.00", "provisional"),
    ]
    assert calls[0]["started"] == "2026-11-01T00:00:00Z"
    lot = next(row for row in rows(files["balances.csv"]) if row["kind"] == "lot")
    assert (lot["granted"], lot["spent"], lot["available"]) == ("2000.00", "5.00", "1995.00")
    assert [row["verb"] for row in rows(files["journal.csv"])] == ["open", "hold", "settle", "hold", "provisional"]
    moved = rows(files["journal-transfers.csv"])
    assert (moved[0]["from_account"], moved[0]["to_account"], moved[0]["amount"]) == (
        "funding",
        "available",
        "2000.00",
    )
    (statement,) = [name for name in files if name.startswith("statements/")]
    assert files[statement] == given
    jwks = {"keys": [key["jwk"] for key in api.operator.get("/signing/keys").json()]}
    assert verified(files[statement], jwks).statement["spent"] == "5.00"


def test_the_readme_names_every_file(api: Api, ada: str) -> None:
    api.operator.post(f"/people/{ada}/statements", json={})
    files = opened(api.operator, ada)
    readme = files["README.txt"].decode()
    assert f"What Bursar knows about Ada <{ada}>" in readme
    for name in files:
        assert name == "README.txt" or name.startswith("statements/") or f"\n{name} " in readme, name


def test_no_table_about_people_is_forgotten() -> None:
    of_people = {table.name for table in schema.metadata.tables.values() if "person_id" in table.c}
    assert {part.table.name for part in PARTS.values()} == of_people


def test_no_secrets_are_in_it(api: Api, ada: str, sqlite_database: Database) -> None:
    secret = api.key(ada)
    api.call(ada, "a-1", 3 * DOLLAR)
    everything = b"\n".join(opened(api.client(secret), ada).values())
    assert secret.encode() not in everything
    with sqlite_database.reading() as connection:
        digests = list(connection.scalars(sa.select(schema.keys.c.digest)))
    assert len(digests) >= 2
    for digest in digests:
        assert digest not in everything
        assert digest.hex().encode() not in everything.lower()


def test_nobody_gets_anothers(api: Api, ada: str) -> None:
    bert = api.person("Bert")
    api.call(ada, "a-1", 3 * DOLLAR)
    assert refused(api.client(api.key(bert)).get(f"/people/{ada}/export")) == (403, "role_missing", None)
    files = opened(api.operator, bert)
    assert b"a-1" not in b"".join(files.values())
    assert rows(files["calls.csv"]) == []


def test_pay_is_in_it_for_the_person_and_not_for_an_administrator(api: Api, ada: str) -> None:
    text = "email,effective,base,bonus,equity,currency\n" + f"{ada},2026-01-01,275000,50000,50000,USD\n"
    assert api.operator.post("/pay", json={"csv": text}).status_code == 200
    administrator = api.client(str(api.made("/keys", role="administrator")["secret"]))
    own = opened(api.client(api.key(ada)), ada)
    (pay,) = rows(own["pay.csv"])
    assert (pay["from_day"], pay["base"], pay["equity"]) == ("2026-01-01", "275000.00", "50000.00")
    files = opened(administrator, ada)
    assert "pay.csv" not in files
    assert b"275000" not in b"".join(files.values())
    assert b"Pay is left out" in files["README.txt"]


def test_the_same_twice_is_the_same_archive(api: Api, ada: str) -> None:
    first = api.operator.get(f"/people/{ada}/export").content
    assert api.operator.get(f"/people/{ada}/export").content == first
