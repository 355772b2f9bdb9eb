"""What may be asked of the simulation."""

from __future__ import annotations

import random
from typing import Any

import msgspec
import pytest

from bursar.sim.faults import Fault, draw
from bursar.sim.settings import NO_DIRECTIVE, Directive, SimSettings, read_directive


@pytest.mark.parametrize(
    "changes",
    [
        {"no_such_thing": 1},
        {"output_tokens_min": 0},
        {"output_tokens_min": 200},
        {"event_delay_ms": -1},
        {"tokenizer": "words"},
        {"faults": {"gremlins": 0.1}},
        {"faults": {"drip": 1.5}},
        {"faults": {"drip": 0.6, "silence": 0.6}},
    ],
)
def test_wrong_settings_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        SimSettings().changed(changes)


def test_changes_leave_the_rest_alone() -> None:
    before = SimSettings(seed=7, keys=["k"])
    assert before.changed({"faults": {"drip": 0.5}}) == SimSettings(seed=7, keys=["k"], faults={Fault.DRIP: 0.5})


@pytest.mark.parametrize(
    ("headers", "texts", "directive"),
    [
        ([("accept", "*/*")], ["hello"], NO_DIRECTIVE),
        ([("X-Sim-Output-Tokens", "40")], [], Directive(output_tokens=40)),
        ([], ["sim:fault=drip;delay_ms=50 and then the prompt"], Directive(fault=Fault.DRIP, delay_ms=50)),
        ([], ["say sim:fault=drip"], NO_DIRECTIVE),
        (
            [("x-sim-delay-ms", "1")],
            ["sim:delay_ms=2;status=503", "sim:delay_ms=3"],
            Directive(delay_ms=1, status=503),
        ),
    ],
)
def test_directives(headers: list[tuple[str, str]], texts: list[str], directive: Directive) -> None:
    assert read_directive(headers, texts) == directive


@pytest.mark.parametrize("text", ["sim:fault=gremlins", "sim:colour=red", "sim:output_tokens=0", "sim:status=200"])
def test_wrong_directives_are_refused(text: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        read_directive([], [text])


def test_faults_come_in_their_shares_and_repeat_with_the_seed() -> None:
    mix = {Fault.DRIP: 0.25, Fault.SILENCE: 0.5}
    drawn = [draw(mix, chance) for chance in [random.Random(3)] for _ in range(4000)]
    assert drawn == [draw(mix, chance) for chance in [random.Random(3)] for _ in range(4000)]
    assert abs(drawn.count(Fault.DRIP) / 4000 - 0.25) < 0.03
    assert abs(drawn.count(Fault.SILENCE) / 4000 - 0.5) < 0.03
    assert abs(drawn.count(Fault.NONE) / 4000 - 0.25) < 0.03
