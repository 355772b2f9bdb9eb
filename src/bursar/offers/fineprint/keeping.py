"""Rules about keeping the credit: what can be taken back, with what notice, and what happens when you leave."""

from __future__ import annotations

from bursar.offers.budget import TokenBudget
from bursar.offers.fineprint.rule import Rule, term

SHORT_NOTICE_DAYS = 30
"""Notice below this is as good as none."""
NOTICE_DAYS = 90
VESTING_MONTHS = 12
LONG_CLIFF_MONTHS = 3
LEAVER_DAYS = 60
"""What the asks are: so many days of notice, months of vesting, days after the last one."""


def _days(days: int | None) -> str:
    if not days:
        return "without notice" if days == 0 else "with no notice that the offer would state"
    return f"with {days} day{'s' if days > 1 else ''} of notice"


def _revocable(budget: TokenBudget) -> bool:
    return budget.revocable is not False and (budget.vesting_months != 0)


RULES: tuple[Rule, ...] = (
    term(
        "revocable-without-notice",
        "Revocable without notice",
        ("tokens.revocable", "tokens.notice_revoke_days"),
        finds=lambda budget: _revocable(budget) and (budget.notice_revoke_days or 0) < SHORT_NOTICE_DAYS,
        says=lambda budget: f"Credit can be taken back {_days(budget.notice_revoke_days)}.",
        why="What can be gone tomorrow cannot be planned with, and weighs nothing against a salary, which cannot.",
        ask=f"Credit that was granted is not revoked; or at least {NOTICE_DAYS} days of notice.",
        mend=lambda _: {"revocable": False, "notice_revoke_days": None},
    ),
    term(
        "reducible-without-notice",
        "Adjustable without notice",
        ("tokens.notice_reduce_days",),
        finds=lambda budget: budget.vesting_months != 0 and (budget.notice_reduce_days or 0) < SHORT_NOTICE_DAYS,
        says=lambda budget: f"The amount can be reduced {_days(budget.notice_reduce_days)}.",
        why="Caps came to budgets within months of their being granted; the offer's amount is that of its first day.",
        ask=f"{NOTICE_DAYS} days of notice before the amount is reduced, in writing and with a reason.",
        mend=lambda _: {"notice_reduce_days": NOTICE_DAYS},
    ),
    term(
        "no-vesting",
        "Nothing vests",
        ("tokens.vesting_months",),
        finds=lambda budget: budget.vesting_months is None,
        says=lambda _: "However long you work, no part of the budget becomes yours.",
        why="Equity that was earned stays; tokens that were earned can be cut and revoked like those that were not.",
        ask=f"Vesting month by month over {VESTING_MONTHS} months: what has vested is neither cut nor revoked.",
        mend=lambda _: {"vesting_months": VESTING_MONTHS},
    ),
    term(
        "long-cliff",
        "A long cliff",
        ("tokens.vesting_cliff_months",),
        finds=lambda budget: budget.vesting_cliff_months > LONG_CLIFF_MONTHS,
        says=lambda budget: f"Nothing vests in the first {budget.vesting_cliff_months} months.",
        why="Budgets are cut and revoked while they are new; a long cliff leaves out just that time.",
        ask="Vesting from the first month.",
        mend=lambda _: {"vesting_cliff_months": 0},
    ),
    term(
        "no-leaver-rule",
        "No rule for leavers",
        ("tokens.on_leaving",),
        finds=lambda budget: budget.leaver is None,
        says=lambda _: "The offer does not say what becomes of the credit when you leave.",
        why="What is not written is decided by the other side, on your last day.",
        ask=f"Credit stays usable for {LEAVER_DAYS} days after the last one, and vested credit is paid out.",
        mend=lambda _: {"leaver": "days", "leaver_days": LEAVER_DAYS},
    ),
    term(
        "forfeited-on-leaving",
        "Forfeited on the last day",
        ("tokens.on_leaving",),
        finds=lambda budget: budget.leaver == "forfeit",
        says=lambda _: "What is unspent on your last day is lost with it.",
        why="The last weeks are when work is handed over and credit is left; a salary is paid for them in full.",
        ask=f"Credit stays usable for {LEAVER_DAYS} days after the last one.",
        mend=lambda _: {"leaver": "days", "leaver_days": LEAVER_DAYS},
    ),
)
