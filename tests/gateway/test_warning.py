"""An answer warns of a limit whose soft amount is passed, and nothing else does."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from bursar.books import Books
from bursar.books.limits import Wanted, set_limit
from bursar.gateway.warning import warnings
from bursar.ledger.postings import Posting, Verb
from tests.gateway.place import opened
from tests.unit.sim.raw import ask

HELD = Posting(op="hold:a", verb=Verb.HOLD, person_id=1, effective_us=0, amount=1, transfers=())


def fill(books: Books) -> dict[str, str]:
    books.add_person("bob@example.com", "Bob", "Größe")
    books.grant("bob@example.com", "engineers")
    set_limit(books, Wanted(amount_nanos=10**9, per="life", team="Größe", soft_nanos=1, models="gpt-*"))
    return {"bob": books.create_key("bob@example.com").secret}


@pytest.mark.parametrize("stream", [False, True])
def test_the_answer_to_a_call_warns(tmp_path: Path, stream: bool) -> None:
    with opened(tmp_path, fill=fill) as place:
        body = {"model": "gpt-4o-mini", "max_tokens": 9, "messages": [{"role": "user", "content": "a"}]}
        json = {"content_type": "application/json"}
        warned = ask(
            place.url, "POST", "/v1/chat/completions", {**body, "stream": stream}, key=place.keys["bob"], **json
        )
        assert warned.status == 200
        assert warned.headers["x-bursar-warning"] == "soft limit passed: Gr??e, gpt-*, in all"
        for model, key in (("gpt-4o-mini", place.key), ("o4-mini", place.keys["bob"])):
            asked = {**body, "model": model, "stream": stream, "max_completion_tokens": 9}
            del asked["max_tokens"]
            silent = ask(place.url, "POST", "/v1/chat/completions", asked, key=key, **json)
            assert silent.status == 200, silent.body
            assert "x-bursar-warning" not in silent.headers
        place.assert_books_are_the_bill()


def test_a_name_cannot_end_the_header() -> None:
    held = msgspec.structs.replace(HELD, warns=("web\r\nx-evil: 1, a day", "ops, in all"))
    assert warnings(held) == [
        (b"x-bursar-warning", b"soft limit passed: web??x-evil: 1, a day"),
        (b"x-bursar-warning", b"soft limit passed: ops, in all"),
    ]
    assert warnings(HELD) == []
