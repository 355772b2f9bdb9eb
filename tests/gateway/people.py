"""People beside the first one: with a small budget, with a limit on a key, with keys that no longer work."""

from __future__ import annotations

import time

from bursar.app import now_us
from bursar.books import Books
from bursar.periods import US_PER_SECOND
from bursar.terms.plan import read_plan

POOR_USD, LIMIT_USD = "0.00005", "0.00004"
POOR, LIMITED, EXPIRED, REVOKED, PICKY = "poor", "limited", "expired", "revoked", "picky"


def fill(books: Books) -> dict[str, str]:
    """Keys of everybody who is refused, by why."""
    person(books, POOR, f'amount = "{POOR_USD}"')
    person(books, PICKY, 'amount = "1.00"\nmodels = ["gpt-5*", "claude-opus-*"]')
    person(books, "spare", 'amount = "1.00"')
    made = {name: books.create_key(f"{name}@example.com", name) for name in (POOR, PICKY)}
    limit_nanos = 40_000
    made[LIMITED] = books.create_key("spare@example.com", "nightly runs", limit_nanos=limit_nanos)
    made[REVOKED] = books.create_key("spare@example.com", "old laptop")
    books.revoke_key(made[REVOKED].key.id)
    expires_us = now_us() + US_PER_SECOND // 2
    made[EXPIRED] = books.create_key("spare@example.com", "one night", expires_us=expires_us)
    while now_us() <= expires_us:
        time.sleep(0.01)
    return {name: key.secret for name, key in made.items()}


def person(books: Books, name: str, plan: str) -> None:
    """A person on a plan of their own."""
    books.add_person(f"{name}@example.com", name.title())
    books.add_plan(read_plan(f'name = "{name}"\n{plan}'))
    books.grant(f"{name}@example.com", name)
