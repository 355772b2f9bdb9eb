"""The demo company's plans and people. How they spend follows what is known of the field.

Most people cost a few dollars a month, a user of coding agents about $13 a day, one in ten several hundred dollars a
month, and one in a hundred thousands.
"""

from __future__ import annotations

import msgspec

from bursar.books.limits import Wanted
from bursar.money import NANOS_PER_USD

ZONE = "Europe/Stockholm"
"""Where the company is: its plans' months begin at midnight there."""

PLANS = (
    f"""
name = "engineers"
amount = "2000.00"          # a month
time_zone = "{ZONE}"
models = ["claude-*", "gpt-*"]
unused = "carry_over"       # into the next month, at most a quarter
carry_over_cap = "25%"
notice_reduce_days = 30
notice_revoke_days = 30
personal_use = "5%"         # with personal keys
""",
    f"""
name = "principals"
amount = "8333.33"          # a month: a token budget of $100,000 a year
time_zone = "{ZONE}"
vesting_months = 24
notice_reduce_days = 60
notice_revoke_days = 60
outside_usage = "charge"    # what they use past the gateway is paid from the budget, too
run_out_days = 5
""",
    f"""
name = "researchers"
amount = "600.00"
time_zone = "{ZONE}"
models = ["claude-*", "gpt-*"]
cash_out_rate = "50%"       # payroll pays half of what is left at a month's end
cash_out_cap = "300.00"
notice_reduce_days = 30
""",
    f"""
name = "reserve"            # a team's, for whoever has spent their own
amount = "60.00"
time_zone = "{ZONE}"
models = ["claude-*"]
overrun = "soft"
overrun_ceiling = "20%"
""",
    f"""
name = "contractors"
amount = "120.00"
time_zone = "{ZONE}"
models = ["claude-*", "gpt-*"]
clamp = false               # a call that might not fit is refused, never cut short
""",
    f"""
name = "experiment"
amount = "1.00"
time_zone = "{ZONE}"
models = ["claude-*", "gpt-*"]
""",
)

Range = tuple[int, int]


class Choice(msgspec.Struct, frozen=True):
    """A model that a habit takes, how often compared with its others, and in which variant."""

    model: str
    weight: int
    variant: str = "standard"


class Habit(msgspec.Struct, frozen=True, kw_only=True):
    """How a key is used. Ranges are inclusive; `hours` count from the local day's start and may pass midnight.

    A session is a conversation of several turns whose context grows by what is added to it and by its answers.
    `workdays` and `weekends` are the share of such days, in percent, on which the key is used at all.
    """

    models: tuple[Choice, ...]
    workdays: int
    weekends: int = 0
    hours: Range = (9, 17)
    sessions: Range
    turns: Range
    context_tokens: Range
    added_tokens: Range
    output_tokens: Range
    max_tokens: int | None = None
    remembers: bool = True
    """Whether a turn has the turns before it in its context; single questions of a batch do not."""
    caches_for_an_hour: bool = False
    last_call_is_lost: bool = False
    """No call fails but the first one that a nearly empty budget cuts short. It is lost with its usage, so its whole
    hold is charged and exactly nothing is left: a budget to try an exhausted one with."""


class DemoKey(msgspec.Struct, frozen=True):
    """One of a person's keys; `limit_usd` is the most that may ever be spent with it."""

    name: str
    habit: Habit
    limit_usd: str | None = None
    is_personal: bool = False


class Member(msgspec.Struct, frozen=True):
    """Someone in the company. A late joiner came on the 17th of last month."""

    email: str
    name: str
    team: str
    plan: str
    keys: tuple[DemoKey, ...]
    zone: str = ZONE
    joined_late: bool = False


SONNET = Choice("claude-sonnet-5-5", 5)
OPUS = Choice("claude-opus-5-5", 4)
FAST_OPUS = Choice("claude-opus-5-5", 4, "fast")
HAIKU = Choice("claude-haiku-5-5", 3)
MINI = Choice("gpt-5-mini", 2)
SOL = Choice("gpt-6.1-sol", 2)

CODING = Habit(
    models=(FAST_OPUS, OPUS, SONNET, SOL, MINI),
    workdays=95,
    weekends=15,
    hours=(8, 18),
    sessions=(3, 5),
    turns=(3, 6),
    context_tokens=(180_000, 420_000),
    added_tokens=(6_000, 80_000),
    output_tokens=(1_000, 14_000),
    max_tokens=32_000,
)
NIGHTLY_TESTS = Habit(
    models=(SONNET, HAIKU, Choice("gpt-5", 2)),
    workdays=50,
    hours=(22, 26),
    sessions=(1, 2),
    turns=(5, 9),
    context_tokens=(250_000, 520_000),
    added_tokens=(10_000, 40_000),
    output_tokens=(2_000, 12_000),
    max_tokens=64_000,
)
SWARM = Habit(
    models=(
        FAST_OPUS,
        Choice("claude-opus-5-5", 2),
        Choice("gpt-6.1-sol", 1),
    ),
    workdays=88,
    weekends=60,
    hours=(20, 29),
    sessions=(15, 24),
    turns=(1, 2),
    context_tokens=(350_000, 640_000),
    added_tokens=(20_000, 60_000),
    output_tokens=(8_000, 30_000),
    max_tokens=64_000,
    caches_for_an_hour=True,
)
PAIRING = Habit(
    models=(OPUS, Choice("claude-sonnet-5", 2), SOL, MINI),
    workdays=90,
    weekends=10,
    sessions=(2, 4),
    turns=(2, 5),
    context_tokens=(180_000, 420_000),
    added_tokens=(8_000, 60_000),
    output_tokens=(1_000, 12_000),
    max_tokens=32_000,
)
AGENCY_WORK = Habit(
    models=(FAST_OPUS, OPUS),
    workdays=92,
    hours=(9, 19),
    sessions=(2, 3),
    turns=(3, 5),
    context_tokens=(300_000, 560_000),
    added_tokens=(10_000, 50_000),
    output_tokens=(2_000, 14_000),
    max_tokens=16_000,
)
NOW_AND_THEN = Habit(
    models=(SONNET, HAIKU, MINI),
    workdays=55,
    sessions=(1, 2),
    turns=(2, 4),
    context_tokens=(30_000, 110_000),
    added_tokens=(2_000, 15_000),
    output_tokens=(400, 3_000),
    max_tokens=32_000,
)
QUESTIONS = Habit(
    models=(MINI, HAIKU, Choice("gpt-4.1", 1), Choice("gpt-6-luna", 1)),
    workdays=70,
    sessions=(1, 3),
    turns=(1, 4),
    context_tokens=(200, 4_000),
    added_tokens=(50, 3_000),
    output_tokens=(150, 1_500),
    max_tokens=4_096,
)
REVIEWS = Habit(
    models=(Choice("claude-sonnet-5-5", 1),),
    workdays=80,
    hours=(7, 20),
    sessions=(1, 3),
    turns=(1, 2),
    context_tokens=(40_000, 160_000),
    added_tokens=(1_000, 5_000),
    output_tokens=(500, 4_000),
    max_tokens=8_000,
)
EVENINGS = Habit(
    models=(SONNET, HAIKU),
    workdays=30,
    weekends=50,
    hours=(18, 22),
    sessions=(1, 2),
    turns=(3, 6),
    context_tokens=(60_000, 200_000),
    added_tokens=(3_000, 20_000),
    output_tokens=(500, 5_000),
    max_tokens=16_000,
)
OVERNIGHT = Habit(
    models=(OPUS, SONNET),
    workdays=100,
    weekends=100,
    hours=(21, 23),
    sessions=(6, 9),
    turns=(3, 6),
    context_tokens=(150_000, 400_000),
    added_tokens=(10_000, 50_000),
    output_tokens=(2_000, 16_000),
    max_tokens=32_000,
)
NIGHTLY_EVALUATION = Habit(
    models=(Choice("claude-opus-5-5", 1),),
    workdays=100,
    weekends=100,
    hours=(0, 0),
    sessions=(1, 1),
    turns=(24, 24),
    context_tokens=(2_000, 4_000),
    added_tokens=(500, 2_000),
    output_tokens=(3_000, 6_000),
    max_tokens=16_000,
    remembers=False,
    last_call_is_lost=True,
)

PEOPLE = (
    Member(
        "ada.lindqvist@nordlys.example",
        "Ada Lindqvist",
        "platform",
        "engineers",
        (DemoKey("laptop", CODING), DemoKey("nightly tests (agent)", NIGHTLY_TESTS, "400.00")),
    ),
    Member(
        "jonas.ek@nordlys.example",
        "Jonas Ek",
        "platform",
        "principals",
        (DemoKey("laptop", PAIRING), DemoKey("swarm (agent)", SWARM)),
    ),
    Member("nils.bergman@nordlys.example", "Nils Bergman", "platform", "engineers", (DemoKey("laptop", QUESTIONS),)),
    Member(
        "mira.sandberg@nordlys.example",
        "Mira Sandberg",
        "product",
        "engineers",
        (DemoKey("laptop", PAIRING), DemoKey("evenings", EVENINGS, is_personal=True)),
    ),
    Member(
        "lena.fischer@nordlys.example",
        "Lena Fischer",
        "product",
        "contractors",
        (DemoKey("agency", AGENCY_WORK),),
        "Europe/Berlin",
    ),
    Member(
        "tomas.novak@nordlys.example",
        "Tomas Novak",
        "product",
        "engineers",
        (DemoKey("laptop", PAIRING),),
        "Europe/Prague",
        joined_late=True,
    ),
    Member(
        "priya.raman@nordlys.example",
        "Priya Raman",
        "product",
        "engineers",
        (DemoKey("laptop", NOW_AND_THEN),),
        "Asia/Kolkata",
    ),
    Member(
        "sofia.marin@nordlys.example",
        "Sofia Marín",
        "research",
        "researchers",
        (DemoKey("laptop", QUESTIONS), DemoKey("review bot (agent)", REVIEWS, "25.00")),
    ),
    Member(
        "david.osei@nordlys.example",
        "David Osei",
        "research",
        "researchers",
        (DemoKey("laptop", NOW_AND_THEN),),
        "America/New_York",
    ),
    Member(
        "tove.dahl@nordlys.example",
        "Tove Dahl",
        "research",
        "experiment",
        (DemoKey("evaluation", NIGHTLY_EVALUATION),),
    ),
)

SHOWN = PEOPLE[0]
"""Whose key is pasted: partly spent, on several models, on most days."""
SPENT = PEOPLE[-1]
"""Whose budget is used up in the first hour of each month."""

ADA, JONAS, LENA, TOMAS = PEOPLE[0], PEOPLE[1], PEOPLE[4], PEOPLE[5]

POOLED = "product", "reserve"
"""A team, and the plan that it has together."""
LIMITED = Wanted(
    amount_nanos=1_500 * NANOS_PER_USD,
    soft_nanos=1_000 * NANOS_PER_USD,
    per="week",
    time_zone=ZONE,
    person=JONAS.email,
)
REDUCED = TOMAS, 1_200 * NANOS_PER_USD, "less is used than was planned for"
"""Whose monthly amount is going to be less: how much it will be, and why."""


class DemoRun(msgspec.Struct, frozen=True):
    """An agent run that began so many evenings ago. One that was killed lasted for so many minutes."""

    member: Member
    name: str
    budget_usd: str
    nights_ago: int
    killed_after_min: int | None = None


RUNS = (
    DemoRun(ADA, "upgrade every dependency", "40.00", 1),
    DemoRun(JONAS, "rewrite the importer", "250.00", 3, killed_after_min=50),
)
PAST_THE_GATEWAY = (
    (ADA, DemoKey("laptop", CODING), DemoKey("own login", EVENINGS)),
    (JONAS, DemoKey("laptop", PAIRING), DemoKey("own login", EVENINGS)),
)
"""Whose laptop's log of Claude Code was brought in: it has the calls that were made with a key through the gateway,
and those that were made without one, as with a login of one's own."""
