"""The page that a person gets: it reads well, fits its width, and every column adds up to its total."""

from __future__ import annotations

import re
from decimal import Decimal

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bursar.periods import Monthly
from bursar.reports.statement_shape import (
    Announced,
    Corrected,
    PlanPeriod,
    Provisional,
    Reported,
    Running,
    RunSpend,
    Spend,
    Statement,
    YearlyPay,
)
from bursar.reports.statement_text import render

NOVEMBER = Monthly("Europe/Stockholm").named("2026-11")
PLAN = PlanPeriod(
    name="engineers",
    version=2,
    time_zone="Europe/Stockholm",
    opens_us=NOVEMBER.start_us,
    expires_us=NOVEMBER.end_us,
    terms={
        "amount": "2000.00",
        "schedule": "monthly",
        "unused": "expire",
        "clamp": True,
        "notice_reduce_days": 30,
        "revocable": False,
        "on_leaving": "period_end",
        "cash_out_rate": "80%",
    },
)


def spend(day: str, model: str, calls: int, cost_nanos: int) -> Spend:
    return Spend(
        day=day,
        model=model,
        calls=calls,
        input_tokens=calls * 41_000,
        output_tokens=calls * 900,
        cost_nanos=cost_nanos,
    )


def made(*spending: Spend, granted: int = 2_000 * 10**9, expired: int = 0, **more: object) -> Statement:
    """A statement with these lines; what is left follows from them."""
    spent = sum(line.cost_nanos for line in spending)
    overrun = max(0, spent + expired - granted)
    left = granted + overrun - spent - expired
    statement = Statement(
        person="ada@example.com",
        name="Ada Example",
        period="2026-11",
        currency="USD",
        plans=(PLAN,),
        opening_nanos=0,
        granted_nanos=granted,
        added_nanos=0,
        carried_in_nanos=0,
        overrun_nanos=overrun,
        adjusted_nanos=0,
        spent_nanos=spent,
        expired_nanos=expired,
        revoked_nanos=0,
        carried_out_nanos=0,
        cashed_out_nanos=0,
        closing_nanos=left,
        available_nanos=left,
        unearned_nanos=0,
        held_nanos=0,
        overrun_ceiling_nanos=0,
        personal_nanos=0,
        used_share=f"{(spent - overrun) * 10_000 // granted / 10_000:.4f}" if granted else "0.0000",
        spending=spending,
        runs=(),
        provisional=(),
        reported=(),
        corrected=(),
        running=(),
        released_calls=0,
        from_pools=(),
        payroll=(),
        changes=(),
        compensation=None,
    )
    return msgspec.structs.replace(statement, **more)


FULL = made(
    spend("2026-11-02", "claude-opus-4-5", 12, 18_402_000_000),
    spend("2026-11-02", "claude-haiku-4-5", 3, 42_100_000),
    spend("2026-11-03", "claude-opus-4-5", 31, 61_007_250_000),
    spend("2026-11-12", "gpt-5.2-codex", 1, 9_000_000_000),
    held_nanos=2_500_000_000,
    available_nanos=1_909_048_650_000,
    provisional=(
        Provisional(
            call="0192f0c3a7",
            at_us=NOVEMBER.start_us,
            day="2026-11-12",
            model="gpt-5.2-codex",
            cost_nanos=9_000_000_000,
            reason="Bursar restarted while the call was running, so whether it was billed is not known",
        ),
    ),
    running=(Running(call="0192f0c3a8", since_us=NOVEMBER.start_us, day="2026-11-12", held_nanos=2_500_000_000),),
    reported=(
        Reported(
            id="2026-11-14-17",
            at_us=NOVEMBER.start_us,
            day="2026-11-12",
            model="gpt-5.2-codex",
            cost_nanos=9_000_000_000,
            adjusted_nanos=0,
            reason="reported by the laptop's log",
        ),
    ),
    corrected=(
        Corrected(
            call="0192f0c3a9",
            at_us=NOVEMBER.start_us,
            day="2026-11-03",
            model="claude-opus-4-5",
            cost_nanos=1_000_000_000,
            taken_back_nanos=8_000_000_000,
            reason="charged provisionally; the provider tells what was used",
        ),
    ),
    released_calls=2,
    runs=(RunSpend(run="run_7k2", name="nightly", calls=30, cost_nanos=60_000_000_000),),
    changes=(
        Announced(
            kind="reduce",
            amount_nanos=1_500 * 10**9,
            announced_us=NOVEMBER.start_us + 5 * 86_400_000_000,
            effective_us=NOVEMBER.end_us + 31 * 86_400_000_000,
            until_us=0,
            reason="Less is used than was thought.",
            actor="finance@example.com",
            approver="",
            told="Your budget is $1,500.00 a month from January.",
        ),
    ),
)

PAGE = """\
Statement of token budget                                          November 2026
────────────────────────────────────────────────────────────────────────────────
Ada Example <ada@example.com>
Plan engineers, 1 November 2026 to 30 November 2026 (Europe/Stockholm)

  Opening balance                                                          $0.00
  Granted                                                              $2,000.00
  Spent on 47 calls                                                      −$88.45
                                                                       ─────────
  Closing balance                                                      $1,911.55

  $1,909.05 is left to spend, until the end of Mon 30 November 2026.
  $2.50 is held for 1 call that has not ended: the most that can be charged.
  What is not needed comes back.
  4.4 % of the $2,000.00 that could be spent was used.

By model
  claude-opus-4-5   ███████████████▎   90 %   1.7M in, 38k out  43 calls  $79.41
  gpt-5.2-codex     █▋                 10 %    41k in, 900 out    1 call   $9.00
  claude-haiku-4-5  ▏                  <1 %  123k in, 2.7k out   3 calls   $0.04

By day
  Mon  2 Nov  █████▍                                            15 calls  $18.44
  Tue  3 Nov  ██████████████████                                31 calls  $61.01
  Thu 12 Nov  ██▋                                                 1 call   $9.00

By agent run
  nightly (run_7k2)                                             30 calls  $60.00

Charged provisionally
  What these calls used is not known, so each is charged the most that it can
  have cost, until something better is known. They are part of what is spent.
  Thu 12 Nov  gpt-5.2-codex                                                $9.00
              Bursar restarted while the call was running, so whether it was
              billed is not known (call 0192f0c3a7)

Reported from elsewhere
  Usage that did not pass the gateway. It is part of what is spent.
  Thu 12 Nov  gpt-5.2-codex                                                $9.00
              reported by the laptop's log (usage 2026-11-14-17)

Corrected
  Calls of which too much was charged at first. What they cost now is a part of
  what is spent.
  Tue  3 Nov  claude-opus-4-5                                              $1.00
              $8.00 was taken back: charged provisionally; the provider tells
              what was used (call 0192f0c3a9)

Changes of the terms
  6 November 2026: Reduce to $1,500.00
    In force from 1 January 2027; announced by finance@example.com: Less is used
    than was thought.
    Told: Your budget is $1,500.00 a month from January.

Terms in force
  engineers, version 2
  Gives          $2,000.00 a month
  Unused credit  expires when the period ends
  Cash-out       80% of what would expire is paid out
  Notice         30 days before a reduction; not to be revoked without cause
  On leaving     credit stays until the period ends

2 calls were given back: nothing was charged. Days are those of
Europe/Stockholm; a call counts on the day on which it began. Amounts are
rounded to the cent so that they add up; the JSON form has them exactly.
"""


def test_the_page() -> None:
    assert render(FULL) == PAGE


def test_a_closed_month() -> None:
    page = render(made(spend("2026-11-02", "opus", 1, 10**9), expired=1_999 * 10**9))
    assert "  Expired unspent                                                     −$1,999.00\n" in page
    assert "The period is over. $1,999.00 was not spent in time and has expired." in page


def test_an_overspent_month() -> None:
    page = render(made(spend("2026-11-02", "opus", 1, 3 * 10**9), granted=10**9))
    assert "Borne by the employer beyond the budget" in page
    assert "+$2.00\n" in page
    assert "All of it is spent." in page


def test_what_is_beyond_the_budget_is_told() -> None:
    late = msgspec.structs.replace(FULL.reported[0], cost_nanos=10**9, adjusted_nanos=10**9, reason="")
    page = render(
        made(
            spend("2026-11-02", "opus", 2, 2_011 * 10**9),
            overrun_nanos=10 * 10**9,
            adjusted_nanos=10**9,
            overrun_ceiling_nanos=200 * 10**9,
            personal_nanos=7 * 10**9,
            reported=(late,),
        )
    )
    lines = {line[2:60].strip(): line.split()[-1] for line in page.splitlines() if line}
    assert lines["Borne by the employer beyond the budget"] == "+$10.00"
    assert lines["Reported too late for it, borne by the employer"] == "+$1.00"
    assert "Calls may pass the budget by $200.00 at most." in page
    assert "$7.00 of what was spent was for personal use" in page
    assert "no reason was recorded; too late for the budget, so it was not" in page


def test_everything_that_terms_do_to_credit_is_a_line_of_the_sum() -> None:
    moved = {"added": 100, "carried_in": 50, "revoked": 30, "carried_out": 20, "cashed_out": 10, "unearned": 200}
    left = 2_000 + 100 + 50 - 30 - 20 - 10
    page = render(
        made(
            **{f"{name}_nanos": dollars * 10**9 for name, dollars in moved.items()},
            closing_nanos=left * 10**9,
            available_nanos=(left - 200) * 10**9,
        )
    )
    lines = {line[2:60].strip(): line.split()[-1] for line in page.splitlines() if line}
    assert lines["Added after the opening"] == "+$100.00"
    assert lines["Carried in from an earlier period"] == "+$50.00"
    assert lines["Revoked before it was spent"] == "−$30.00"
    assert lines["Carried over to a later period"] == "−$20.00"
    assert lines["Cashed out"] == "−$10.00"
    assert lines["Closing balance"] == "$2,090.00"
    assert "$200.00 is granted and still to be earned, day by day." in page


def test_total_compensation_has_the_token_budget_as_its_own_line() -> None:
    pay = YearlyPay(
        day="2026-11-30",
        base_nanos=275_000 * 10**9,
        bonus_nanos=50_000 * 10**9,
        equity_nanos=50_000 * 10**9,
        tokens_nanos=100_000 * 10**9,
        total_nanos=475_000 * 10**9,
        tokens_share_bps=2105,
    )
    page = render(made(compensation=pay))
    assert "Compensation a year, as of 30 November 2026\n" in page
    assert re.search(r"  Token budget, 21\.05 % of the whole +\$100,000\.00\n", page)
    assert re.search(r"  Total compensation +\$475,000\.00\n", page)


def test_of_many_agent_runs_the_dearest_are_named() -> None:
    runs = tuple(RunSpend(run=f"run_{n}", name="", calls=1, cost_nanos=10**9) for n in range(12))
    page = render(made(spend("2026-11-02", "opus", 12, 12 * 10**9), runs=runs))
    table = page.split("By agent run\n")[1].split("\n\n")[0].splitlines()
    assert len(table) == 11
    assert table[0].split() == ["without", "a", "name", "(run_0)", "1", "call", "$1.00"]
    assert table[-1].split() == ["2", "more", "2", "calls", "$2.00"]


def test_a_month_without_calls() -> None:
    page = render(made())
    assert "No call was charged." in page
    assert "By model" not in page


def test_two_plans_that_end_at_different_times() -> None:
    other = msgspec.structs.replace(PLAN, name="apia", time_zone="Pacific/Apia", expires_us=PLAN.expires_us - 10)
    page = render(made(plans=(PLAN, other)))
    assert "left to spend, each part until its plan's last day, see above." in page


def test_less_than_a_cent_is_not_nothing() -> None:
    page = render(made(spend("2026-11-02", "tiny", 1, 4), spend("2026-11-02", "large", 1, 10**9)))
    tiny = next(line for line in page.splitlines() if "tiny" in line)
    assert tiny.endswith("<$0.01")
    assert "<1 %" in tiny


def test_nothing_that_moves_a_cursor_reaches_the_page() -> None:
    page = render(made(spend("2026-11-02", "\x1b[2Jopus\r\n", 1, 10**9), name="Ada\x1b]0;x\x07"))
    assert all(character.isprintable() or character == "\n" for character in page)


@pytest.mark.parametrize("width", [10, 60, 79, 80, 100, 200])
def test_no_line_is_wider_than_the_page(width: int) -> None:
    long = made(
        *FULL.spending,
        spend("2026-11-13", "a-model-whose-name-is-longer-than-any-page-has-room-for-" * 3, 123_456, 10**12),
        granted=10**15,
        provisional=(msgspec.structs.replace(FULL.provisional[0], reason="why " * 100),),
        name="Ada " * 60,
    )
    assert max(map(len, render(long, width).splitlines())) <= min(max(width, 60), 100)


@given(
    st.lists(
        st.tuples(st.integers(1, 30), st.sampled_from(["opus", "haiku", "gpt"]), st.integers(0, 10**11)), max_size=30
    ),
    st.integers(1, 10**13),
)
def test_every_column_adds_up(calls: list[tuple[int, str, int]], granted: int) -> None:
    """The sum as it is shown, and both tables against what is shown as spent; "<$0.01" counts as nothing."""
    page = render(made(*(spend(f"2026-11-{day:02}", model, 1, cost) for day, model, cost in calls), granted=granted))
    top, *tables = re.split(r"\n\nBy (?:model|day)\n", page.split("\n\n", 1)[1])
    sums = {line.split("  ")[1]: _dollars(line) for line in top.splitlines() if re.search(r"\$[\d,.]+$", line)}
    spent = next(amount for name, amount in sums.items() if name.startswith("Spent"))
    closing = sums.pop("Closing balance")
    assert sum(sums.values()) == closing
    for table in tables:
        rows = [line for line in table.split("\n\n")[0].splitlines() if line]
        assert sum(map(_dollars, rows)) == -spent


def _dollars(line: str) -> Decimal:
    """The amount at the end of a line, with its sign."""
    text = line.rsplit(maxsplit=1)[-1].replace("−", "-").replace("$", "").replace(",", "").replace("+", "")
    return Decimal(0) if "<" in text else Decimal(text)
