"""A line for each call, and for each request that was refused: never what was said, nor by whom but for a number."""

from __future__ import annotations

import logging

from bursar.money import people_usd, usd
from bursar.store.records import CallRecord
from bursar.watch.counts import COUNTED
from bursar.watch.told import ToldCall

log = logging.getLogger("bursar.calls")


class CallLog:
    """Tells of calls in the log, at level info."""

    def tell(self, call: ToldCall) -> None:
        """Log one."""
        log.info(_sentence(call), extra={"facts": facts(call)})

    def close(self) -> None:
        """Nothing waits here: the log has it."""


def _sentence(call: ToldCall) -> str:
    record = call.record
    if record is None:
        return f"{call.wire}: refused"
    cost = people_usd(record.cost_nanos) if record.cost_nanos else "nothing"
    return f"{record.model} at {record.provider}: {record.outcome}, {cost}"


def facts(call: ToldCall) -> dict[str, object]:
    """What is told: durations in milliseconds, the cost as a decimal string in dollars, counts that are not zero."""
    told: dict[str, object] = {"wire": call.wire, "status": call.status}
    if call.key:
        told["key"] = call.key
    if call.refusal:
        told["refusal"] = call.refusal
    if call.record is not None:
        told |= _facts_of_record(call.record)
        told["stream"] = call.stream
    if call.delivered:
        told["delivered_model"] = call.delivered
    told["duration_ms"] = round(call.duration_s * 1000, 1)
    if call.first_byte_s is not None:
        told["first_byte_ms"] = round(call.first_byte_s * 1000, 1)
    return told


def _facts_of_record(record: CallRecord) -> dict[str, object]:
    told: dict[str, object] = {
        "call": record.hold_id,
        "person": record.person_id,
        "provider": record.provider,
        "model": record.model,
        "variant": record.variant,
        "outcome": record.outcome,
        "cost_usd": usd(record.cost_nanos),
        "bound_usd": usd(record.bound_nanos),
    }
    told |= {name: count for name in COUNTED if (count := getattr(record, name))}
    if record.reason:
        told["reason"] = record.reason
    return told
