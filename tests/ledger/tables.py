"""Reads ledger tables: balances before, commands, what each posts or why it is refused, balances after.

    ## What the scenario shows

      balance  priority  opens  expires | granted
      lot A           2      0       90 |      10
      limit K         0      0        0 |       5
      shared lot P    1      0       90 |      10

    @1 hold h1 12 or 3 from A within K
       hold 5: A available>held 5, K available>held 5
       A  available 5  held 5
       K  held 5

A command's line begins with its instant (µs). Below it stands its answer: a posting's verb, amount and transfers; or
`refused` with its name and its facts in nano-USD; or `nothing`. Then come the balances that differ from before, with
every account that is not zero; a balance that is not listed must not have changed. `hold h1 12 or 3` asks for 12 and
takes no less than 3. A shared balance is nobody's alone. Amounts are nano-dollars.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from bursar.ledger.accounts import SHARED, Account, Balance, Kind, account_of, problems
from bursar.ledger.postings import Charge, Command, Expire, Hold, Open, Posting, Release, Settle
from bursar.refusals import Refusal

FOLDER = Path(__file__).parent
Answer = Posting | Refusal | None
PERSON = 1


@dataclass
class Step:
    """One command of a scenario, and what must come of it."""

    line: int
    at_us: int
    words: list[str]
    answer: str = ""
    after: dict[str, str] = field(default_factory=dict)


@dataclass
class Scenario:
    """One ledger: what it begins with, and what happens."""

    title: str
    where: str
    opens: list[Open] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)


class Books:
    """What a scenario runs on: `post` answers a command, `balances` are as they stand."""

    def __init__(self, post: Callable[[Command], Answer], balances: Callable[[], dict[int, Balance]]) -> None:
        self.post = post
        self.balances = balances


def scenarios(name: str) -> Iterator[Scenario]:
    """The scenarios of one file."""
    text = (FOLDER / name).read_text()
    scenario: Scenario | None = None
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if line.startswith("## "):
            if scenario is not None:
                yield scenario
            scenario = Scenario(line[3:], f"{name}:{number}")
        elif scenario is not None and stripped and not stripped.startswith("balance "):
            _read_line(scenario, stripped, number)
    assert scenario is not None, f"{name} has no scenario"
    yield scenario


def _read_line(scenario: Scenario, line: str, number: int) -> None:
    if line.startswith("@"):
        at, *words = line.split()
        scenario.steps.append(Step(number, int(at[1:]), words))
    elif not scenario.steps:
        *shared, kind, name, priority, opens, expires, granted = line.replace("|", " ").split()
        assert shared in ([], ["shared"]), f"line {number}: a balance is `lot A …` or `shared lot A …`"
        scenario.opens.append(
            Open(
                SHARED if shared else PERSON,
                Kind(kind),
                "table",
                name,
                int(granted),
                0,
                priority=int(priority),
                opens_us=int(opens),
                expires_us=int(expires),
            )
        )
    elif not scenario.steps[-1].answer:
        scenario.steps[-1].answer = line
    else:
        name, figures = line.split(maxsplit=1)
        scenario.steps[-1].after[name] = " ".join(figures.split())


def run(scenario: Scenario, books: Books) -> None:
    """Run a scenario; raises AssertionError at the first line that comes out differently."""
    ids: dict[str, int] = {}
    for opened in scenario.opens:
        posting = books.post(opened)
        assert isinstance(posting, Posting), scenario.where
        ids[opened.label] = account_of(posting.transfers[0].debit)[0]
    names = {balance_id: name for name, balance_id in ids.items()}
    before = _figures(books, names)
    for step in scenario.steps:
        where = f"{scenario.where}: {scenario.title}\n  line {step.line}: {' '.join(step.words)}"
        answer = told(books.post(command(step, ids)), names)
        assert answer == step.answer, f"{where}\n  expected: {step.answer}\n  got:      {answer}"
        expected = before | step.after
        before = _figures(books, names)
        assert before == expected, f"{where}\n  expected: {expected}\n  got:      {before}"


def command(step: Step, ids: dict[str, int]) -> Command:
    """The command that a line asks for."""
    match step.words:
        case ["hold" | "charge" as verb, name, amount, *rest]:
            minimum, lots, limits = _hold_words(" ".join(rest), amount)
            paying, counting = (tuple(ids[one] for one in names) for names in (lots, limits))
            hold = Hold(name, PERSON, paying, counting, int(amount), int(minimum), step.at_us)
            charge = Charge(name, PERSON, paying, int(amount), step.at_us, step.at_us, limits=counting)
            return hold if verb == "hold" else charge
        case ["settle", hold_id, cost]:
            return Settle(hold_id, None if cost == "bound" else int(cost), step.at_us)
        case ["provisional", hold_id, cost]:
            return Settle(
                hold_id, None if cost == "bound" else int(cost), step.at_us, provisional=True, reason="test"
            )
        case ["release", hold_id]:
            return Release(hold_id, step.at_us, reason="test")
        case ["expire", name, "after", expired]:
            return Expire(ids[name], int(expired), step.at_us)
        case ["open", kind, name, amount]:
            return Open(PERSON, Kind(kind), "table", name, int(amount), step.at_us)
    raise AssertionError(f"line {step.line}: no such command: {' '.join(step.words)}")


def _hold_words(rest: str, amount: str) -> tuple[str, list[str], list[str]]:
    found = re.fullmatch(r"(?:or (\d+) )?from ([\w ]*?)(?: ?within ([\w ]+))?", rest)
    assert found is not None, f"a hold reads `hold h1 12 or 3 from A B within K`, not {rest!r}"
    minimum, lots, limits = found.groups()
    return minimum or amount, lots.split(), (limits or "").split()


def told(answer: Answer, names: dict[int, str]) -> str:
    """An answer, as a table writes it."""
    if answer is None:
        return "nothing"
    if isinstance(answer, Refusal):
        facts = [f"{name.removesuffix('_nanos')}={value}" for name, value in answer.facts.items()]
        return " ".join(["refused", answer.why.value, *facts])
    moves = []
    for debit, credit, amount in answer.transfers:
        balance_id, source = account_of(debit)
        target_id, target = account_of(credit)
        assert balance_id == target_id, "a transfer leaves its balance"
        moves.append(f"{names.get(balance_id, 'new')} {source.name.lower()}>{target.name.lower()} {amount}")
    return f"{answer.verb.value} {answer.amount}: {', '.join(moves) or '-'}"


def _figures(books: Books, names: dict[int, str]) -> dict[str, str]:
    figures = {}
    for balance_id, balance in books.balances().items():
        assert problems(balance) == []
        accounts = [
            f"{account.name.lower()} {abs(balance.amounts[account])}"
            for account in Account
            if account is not Account.FUNDING and balance.amounts[account]
        ]
        if balance_id in names:
            figures[names[balance_id]] = " ".join(accounts) or "empty"
    return figures
