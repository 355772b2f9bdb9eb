"""Single calls and postings, newest first, a page at a time."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from bursar.periods import Monthly
from bursar.refusals import Refused, Why
from bursar.reports import usage
from bursar.reports.plain import plain
from bursar.reports.usage import CallView, PostingView
from bursar.store import directory
from bursar.store.directory import Person
from tests.support.calls import USD
from tests.unit.reports.conftest import ZONE, Staff

START_US = Monthly(ZONE).named("2026-11").start_us


@pytest.fixture
def calls(staff: Staff, ada: Person) -> Callable[..., list[CallView]]:
    """Ada's calls a0 to a6, a second apart, each ending after 1,500 ms; and one of Grace's."""
    grace = staff.person("Grace")
    lot, other = staff.lot(ada, "engineers", "2026-11", 100), staff.lot(grace, "engineers", "2026-11", 100)
    for index in range(7):
        at_us = START_US + index * 1_000_000
        staff.caller.hold(f"a{index}", ada.id, (lot,), USD, at_us, model="opus")
        if index == 3:
            staff.caller.settle(f"a{index}", USD, at_us + 1_500_000, reason="no answer")
        else:
            staff.caller.settle(f"a{index}", index, at_us + 1_500_000)
    staff.caller.hold("g", grace.id, (other,), USD, START_US)
    staff.caller.release("g", START_US + 1)

    def ask(person_id: int | None = None, **how: int) -> list[CallView]:
        with staff.database.reading() as connection:
            return usage.calls(connection, person_id, **how)

    return ask


def test_a_call_is_told_whole(staff: Staff, ada: Person, calls: Callable[..., list[CallView]]) -> None:
    staff.journal.write(
        lambda connection: directory.add_key(
            connection,
            person_id=ada.id,
            role="person",
            name="laptop",
            shown="bsr_ab…",
            digest=b"x",
            expires_us=None,
            limit_nanos=None,
            now_us=1,
        )
    )
    call = calls(ada.id)[3]
    assert plain(call) == {
        "id": call.id,
        "call": "a3",
        "person": "ada@example.com",
        "key": "laptop",
        "wire": "anthropic",
        "provider": "anthropic",
        "model": "opus",
        "variant": "standard",
        "started": "2026-10-31T23:00:03Z",
        "ended": "2026-10-31T23:00:04Z",
        "duration_ms": 1_500,
        "input_tokens": 1_000,
        "cache_read_tokens": 0,
        "cache_write_5m_tokens": 0,
        "cache_write_1h_tokens": 0,
        "output_tokens": 100,
        "audio_input_tokens": 0,
        "audio_output_tokens": 0,
        "web_searches": 0,
        "reasoning_tokens": 0,
        "price_version": "pb-1",
        "bound": "1.00",
        "cost": "1.00",
        "outcome": "provisional",
        "reason": "no answer",
        "provider_request": "req_a3",
        "provider_message": "",
    }


def test_newest_first_and_of_whom(ada: Person, calls: Callable[..., list[CallView]]) -> None:
    assert [call.call for call in calls(ada.id)] == ["a6", "a5", "a4", "a3", "a2", "a1", "a0"]
    everybody = [(call.person, call.call) for call in calls()]
    assert everybody[:2] == [("grace@example.com", "g"), ("ada@example.com", "a6")]
    assert len(everybody) == 8


def test_pages_have_every_call_once(ada: Person, calls: Callable[..., list[CallView]]) -> None:
    for person_id in (ada.id, None):
        whole = [call.id for call in calls(person_id)]
        paged: list[int] = []
        while page := calls(person_id, limit=3, **({"after": paged[-1]} if paged else {})):
            assert len(page) <= 3
            paged += [call.id for call in page]
        assert paged == whole


def test_since_and_until_are_half_open(ada: Person, calls: Callable[..., list[CallView]]) -> None:
    ended_us = {call.call: call.ended_us for call in calls(ada.id)}
    some = calls(ada.id, since_us=ended_us["a2"], until_us=ended_us["a5"])
    assert [call.call for call in some] == ["a4", "a3", "a2"]


def test_unknown_people_and_pages_are_refused(ada: Person, calls: Callable[..., list[CallView]]) -> None:
    for person_id, after in ((99, {}), (ada.id, {"after": 10**9})):
        with pytest.raises(Refused) as refused:
            calls(person_id, **after)
        assert refused.value.refusal.why is Why.UNKNOWN


def test_postings_say_what_they_moved(staff: Staff, ada: Person) -> None:
    lot = staff.lot(ada, "engineers", "2026-11", 100)
    limit = staff.caller.limit(ada.id, "laptop", 5, START_US)
    staff.caller.hold("a", ada.id, (lot,), 120_000_000, START_US + 1, limits=(limit,))
    staff.caller.settle("a", 100_000_000, START_US + 2)

    def ask(person_id: int | None, **how: int) -> list[PostingView]:
        with staff.database.reading() as connection:
            return usage.postings(connection, person_id, **how)

    told = [(one.id, one.verb, one.person, *(move.text for move in one.transfers)) for one in ask(ada.id)]
    assert told == [
        (
            *(4, "settle", "ada@example.com"),
            "lot 2026-11 held → spent $0.10",
            "lot 2026-11 held → available $0.02",
            "limit laptop held → spent $0.10",
            "limit laptop held → available $0.02",
        ),
        (
            *(3, "hold", "ada@example.com"),
            "lot 2026-11 available → held $0.12",
            "limit laptop available → held $0.12",
        ),
        (2, "open", "ada@example.com", "limit laptop funding → available $5.00"),
        (1, "open", "ada@example.com", "lot 2026-11 funding → available $100.00"),
    ]
    assert [one.id for one in ask(None, limit=2)] == [4, 3]
    assert [one.id for one in ask(None, after=3)] == [2, 1]
    assert [one.id for one in ask(ada.id, limit=2, after=3)] == [2, 1]
    assert plain(ask(ada.id)[1])["transfers"][0]["amount"] == "0.12"
