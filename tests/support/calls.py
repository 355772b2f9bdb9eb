"""Commands of calls as the books make them, for tests that need a journal with something in it."""

from __future__ import annotations

import msgspec

from bursar.ledger.accounts import Kind
from bursar.ledger.postings import Command, Hold, Open, Posting, Release, Settle
from bursar.periods import Monthly
from bursar.store.batch import Outcome
from bursar.store.journal import Journal
from bursar.store.records import CallNote, CallRecord

NOTE = CallNote(1, "anthropic", "anthropic", "claude-sonnet-4-5", "standard", "pb-1")
USD = 10**9


def posted(outcome: Outcome) -> Posting:
    """The posting that an outcome must be."""
    assert isinstance(outcome, Posting), outcome
    return outcome


class Caller:
    """Posts commands for people who call models. One call's hold is begun and ended by its id."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal
        self.holds: dict[str, Hold] = {}

    def lot(
        self, person_id: int, label: str, usd: int = 100, *, grant_id: int | None = None, zone: str = "UTC"
    ) -> int:
        """Open a month's lot."""
        month = Monthly(zone).named(label)
        source = f"grant:{person_id if grant_id is None else grant_id}"
        opened = posted(
            self.journal.post(
                Open(
                    *(person_id, Kind.LOT, source, label, usd * USD, month.start_us),
                    priority=1,
                    opens_us=month.start_us,
                    expires_us=month.end_us,
                )
            )
        )
        assert opened.opens is not None
        return opened.opens.id

    def limit(self, person_id: int, name: str, usd: int, at_us: int) -> int:
        """Open a key's limit."""
        opened = posted(self.journal.post(Open(person_id, Kind.LIMIT, f"key:{name}", name, usd * USD, at_us)))
        assert opened.opens is not None
        return opened.opens.id

    def hold(
        self, hold_id: str, person_id: int, lots: tuple[int, ...], nanos: int, at_us: int, **more: object
    ) -> Posting:
        """Begin a call."""
        limits = more.get("limits", ())
        note = msgspec.structs.replace(NOTE, **{k: v for k, v in more.items() if k != "limits"})
        assert isinstance(limits, tuple)
        command = Hold(hold_id, person_id, lots, limits, nanos, nanos, at_us, note=msgspec.msgpack.encode(note))
        self.holds[hold_id] = command
        return posted(self.journal.post(command))

    def settle(
        self, hold_id: str, cost: int, at_us: int, *, reason: str = "", tokens: tuple[int, int] = (1_000, 100)
    ) -> Posting:
        """End a call by its cost; with a reason, provisionally."""
        outcome = "provisional" if reason else "settled"
        record = self._record(hold_id, cost, at_us, outcome=outcome, reason=reason, tokens=tokens)
        return self._end(Settle(hold_id, cost, at_us, provisional=bool(reason), reason=reason, record=record))

    def release(self, hold_id: str, at_us: int, reason: str = "the provider refused it") -> Posting:
        """End a call that was not billed."""
        record = self._record(hold_id, 0, at_us, outcome="released", reason=reason)
        return self._end(Release(hold_id, at_us, reason, record))

    def _end(self, command: Command) -> Posting:
        return posted(self.journal.post(command))

    def _record(
        self, hold_id: str, cost: int, at_us: int, *, outcome: str, reason: str, tokens: tuple[int, int] = (0, 0)
    ) -> CallRecord:
        hold = self.holds[hold_id]
        note = msgspec.msgpack.decode(hold.note, type=CallNote)
        return CallRecord(
            hold_id=hold_id,
            person_id=hold.person_id,
            key_id=note.key_id,
            wire=note.wire,
            provider=note.provider,
            model=note.model,
            variant=note.variant,
            started_us=hold.at_us,
            ended_us=at_us,
            input_tokens=tokens[0],
            cache_read_tokens=0,
            cache_write_5m_tokens=0,
            cache_write_1h_tokens=0,
            output_tokens=tokens[1],
            audio_input_tokens=0,
            audio_output_tokens=0,
            web_searches=0,
            reasoning_tokens=0,
            price_version=note.price_version,
            bound_nanos=hold.amount,
            cost_nanos=cost,
            outcome=outcome,
            reason=reason,
            provider_request="req_" + hold_id,
        )
