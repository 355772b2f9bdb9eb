"""Credit that may be used longer, and credit of which a part is taken back."""

from __future__ import annotations

import pytest

from bursar.books.changes import Announcement, change_amount, extend, revoke, revoke_part
from bursar.books.upkeep import close_periods
from bursar.ledger.postings import Posting
from bursar.refusals import Refusal, Refused, Why
from tests.support.calls import USD
from tests.support.teams import Company
from tests.unit.books.test_terms_of_lots import at, granted, journal, lots


def told(email: str, effective: str | None = None) -> Announcement:
    """Somebody announces something, from a day on or at once."""
    effective_us = None if effective is None else at(effective)
    return Announcement(person=email, reason="the release was moved", actor="boss", effective_us=effective_us)


def test_credit_is_used_until_the_later_day(company: Company) -> None:
    ada = granted(company, 'unused = "carry_over"\nclamp = false', usd=100)
    company.clock.now_us = at("2026-11-20")
    extend(company.books, told(ada), at("2026-12-16"))
    company.clock.now_us = at("2026-12-10")
    assert company.call(ada, 70) is None
    found = lots(company)
    assert (found["2026-11"].spent, found["2026-12"].spent) == (70 * USD, 0), "what ends first pays first"
    assert found["2026-12"].carried_in == 0
    company.clock.now_us = at("2026-12-16") - 1
    assert company.call(ada, 20) is None
    company.clock.now_us += 1
    company.books.bring_up()
    found = lots(company)
    assert (found["2026-11"].carried_out, found["2026-12"].carried_in) == (10 * USD, 10 * USD)

    assert company.call(ada, 105) is None


def test_an_extension_that_nobody_looked_at_in_time_holds_all_the_same(company: Company) -> None:
    ada = granted(company, "", usd=100)
    extend(company.books, told(ada, "2026-11-25"), at("2026-12-16"))
    company.clock.now_us = at("2026-12-10")
    close_periods(company.books, company.clock.now_us)
    lot = lots(company)["2026-11"]
    assert (lot.expires_us, lot.available, lot.expired) == (at("2026-12-16"), 100 * USD, 0)
    company.clock.now_us = at("2027-01-01")
    close_periods(company.books, company.clock.now_us)
    assert [(op, when) for op, when, _ in journal(company) if op.startswith(("extend", "expire:1"))] == [
        ("expire:1:0", at("2026-12-16")),
        (f"extend:1:{at('2026-12-01')}:{at('2026-12-16')}", at("2026-11-25")),
    ]


def test_an_extension_goes_forward_only(company: Company) -> None:
    ada = granted(company, "", usd=100)
    for until in ("2026-11-20", "2026-12-01"):
        with pytest.raises(Refused) as refused:
            extend(company.books, told(ada), at(until))
        assert refused.value.refusal.field == "until"
    extend(company.books, told(ada), at("2026-12-10"))
    extend(company.books, told(ada), at("2026-12-20"))
    assert lots(company)["2026-11"].expires_us == at("2026-12-20")


def test_a_part_is_taken_back_and_the_grant_goes_on(company: Company) -> None:
    ada = granted(company, "clamp = false", usd=100)
    assert company.call(ada, 30) is None
    revoke_part(company.books, told(ada), 50 * USD)
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.revoked, lot.spent) == (20 * USD, 50 * USD, 30 * USD)
    company.books.bring_up()
    assert lots(company)["2026-11"].revoked == 50 * USD, "once"
    company.clock.now_us = at("2026-12-01")
    assert company.call(ada, 100) is None


def test_of_a_part_what_is_vested_held_or_spent_stays(company: Company) -> None:
    ada = granted(company, "vesting_months = 4", "2026-10-01", usd=100)
    company.clock.now_us = at("2026-11-15")
    held = company.hold(ada, 40)
    assert isinstance(held, Posting)
    revoke_part(company.books, told(ada), 90 * USD)
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.held, lot.revoked) == (0, 40 * USD, 60 * USD), "a quarter is vested, and more is held"
    company.settle(held, 10)
    company.books.bring_up()
    assert lots(company)["2026-11"].revoked == 60 * USD, "what was held then stays"
    revoke_part(company.books, told(ada), 90 * USD)
    assert lots(company)["2026-11"].revoked == 75 * USD
    assert lots(company)["2026-11"].available == 15 * USD


def test_what_is_given_afterwards_is_not_taken(company: Company) -> None:
    ada = granted(company, "", usd=100)
    assert company.call(ada, 100) is None
    revoke_part(company.books, told(ada), 50 * USD)
    change_amount(company.books, told(ada), 160 * USD)
    company.books.bring_up()
    lot = lots(company)["2026-11"]
    assert (lot.available, lot.revoked) == (60 * USD, 0)


def test_a_part_needs_what_a_revocation_needs(company: Company) -> None:
    ada = granted(company, "notice_revoke_days = 10", usd=100)
    with pytest.raises(Refused) as refused:
        revoke_part(company.books, told(ada), 5 * USD)
    assert refused.value.refusal.why is Why.NOTICE_TOO_SHORT
    revoke_part(company.books, told(ada, "2026-11-12"), 5 * USD)
    assert lots(company)["2026-11"].revoked == 0
    company.clock.now_us = at("2026-11-12")
    assert company.spender(ada).until_us > company.clock.now_us
    assert lots(company)["2026-11"].revoked == 5 * USD
    company.plan("firm", 100, "revocable = false")
    company.books.grant(ada, "firm")
    with pytest.raises(Refused) as refused:
        revoke_part(company.books, Announcement(person=ada, reason="r", actor="b", plan="firm"), 5 * USD)
    assert refused.value.refusal.why is Why.NOT_REVOCABLE


def test_a_part_and_all_of_it_on_one_day(company: Company) -> None:
    ada = granted(company, "vesting_months = 10", "2026-10-01", usd=100)
    company.clock.now_us = at("2026-11-05")
    revoke_part(company.books, told(ada, "2026-11-20"), 30 * USD)
    revoke(company.books, told(ada, "2026-11-20"))
    company.clock.now_us = at("2026-11-21")
    refused = company.call(ada, 20)
    assert refused is None or isinstance(refused, Refusal)
    lot = lots(company)["2026-11"]
    assert lot.revoked == 90 * USD
    assert lot.available + lot.spent == 10 * USD
