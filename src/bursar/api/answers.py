"""What the API answers with. Amounts are decimal strings in dollars, times ISO 8601 in UTC; null is none."""

from __future__ import annotations

import msgspec

from bursar.books.lots import terms_of
from bursar.money import usd
from bursar.periods import iso
from bursar.store.directory import Grant, Key, Person, Plan
from bursar.terms.plan import Terms
from bursar.terms.written import written


class PersonAnswer(msgspec.Struct, frozen=True):
    """Someone who spends."""

    email: str
    name: str
    team: str
    created: str

    @classmethod
    def of(cls, person: Person) -> PersonAnswer:
        """What is told of a person."""
        return cls(person.email, person.name, person.team, iso(person.created_us))


class TermsAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What a plan's version promises, as its file would say it; null is what it does not promise.

    `models` is empty when every model is allowed. `amount` is null when the plan gives tokens.
    """

    amount: str | None
    denomination: str
    tokens: int | None
    tokens_of: str | None
    tokens_output: str | None
    currency: str
    schedule: str
    anchor: str | None
    time_zone: str
    availability: str
    proration: str
    unused: str
    carry_over_cap: str | None
    carry_over_periods: int | None
    grace_days: int | None
    models: tuple[str, ...]
    clamp: bool
    priority: int
    notice_reduce_days: int
    notice_revoke_days: int
    revocable: bool
    vesting_cliff_months: int | None
    vesting_months: int | None
    on_leave: str
    on_leaving: str
    leaving_days: int | None
    leaving_vested: str
    cash_out_rate: str | None
    cash_out_cap: str | None
    run_out_days: int | None
    outside_usage: str
    overrun: str
    overrun_ceiling: str | None
    personal_use: str | None
    escalator: str
    escalator_rate: str | None
    escalator_basket: tuple[str, ...] | None
    tax_character: str
    expectation_multiple: str | None
    expectation_measure: str | None

    @classmethod
    def of(cls, terms: Terms) -> TermsAnswer:
        """What is told of terms."""
        return cls(**written(terms))


class PlanAnswer(msgspec.Struct, frozen=True):
    """One version of a plan."""

    name: str
    version: int
    terms: TermsAnswer
    created: str

    @classmethod
    def of(cls, plan: Plan) -> PlanAnswer:
        """What is told of a plan's version."""
        told = TermsAnswer.of(terms_of(plan))
        return cls(plan.name, plan.version, told, iso(plan.created_us))


class GrantAnswer(msgspec.Struct, frozen=True, rename={"begins": "from"}):
    """A person's enrolment in a plan's version from an instant."""

    id: int
    person: str
    plan: str
    version: int
    begins: str
    created: str

    @classmethod
    def of(cls, grant: Grant, plan: Plan, email: str) -> GrantAnswer:
        """What is told of a grant."""
        return cls(grant.id, email, plan.name, plan.version, iso(grant.from_us), iso(grant.created_us))


class KeyAnswer(msgspec.Struct, frozen=True):
    """A key without its secret. `state` is in force, expired or revoked; `limit` is for the key's whole life.

    What is spent with a `personal` one is personal use.
    """

    id: int
    person: str | None
    role: str
    name: str
    shown: str
    state: str
    limit: str | None
    expires: str | None
    revoked: str | None
    created: str
    personal: bool

    @classmethod
    def of(cls, key: Key, email: str | None, now_us: int) -> KeyAnswer:
        """What is told of a key."""
        return cls(
            id=key.id,
            person=email,
            role=key.role,
            name=key.name,
            shown=key.shown,
            state=_state(key, now_us),
            limit=None if key.limit_nanos is None else usd(key.limit_nanos),
            expires=_instant(key.expires_us),
            revoked=_instant(key.revoked_us),
            created=iso(key.created_us),
            personal=key.personal,
        )


class NewKeyAnswer(msgspec.Struct, frozen=True):
    """A key that was just made. `secret` is shown this once and kept nowhere."""

    secret: str
    key: KeyAnswer


def _state(key: Key, now_us: int) -> str:
    if key.revoked_us is not None:
        return "revoked"
    if key.expires_us is not None and key.expires_us <= now_us:
        return "expired"
    return "in force"


def _instant(instant_us: int | None) -> str | None:
    return None if instant_us is None else iso(instant_us)
