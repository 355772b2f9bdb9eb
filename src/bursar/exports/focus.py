"""Usage as rows of FOCUS 1.2, the FinOps Open Cost and Usage Specification: a row a day, team, provider and model.

What a call cost is what it was settled at, so billed, effective, contracted and list cost are the same. The team is
the sub-account. Days and months are UTC's, as FOCUS wants. Columns of our own begin with `x_`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import msgspec
import sqlalchemy as sa

from bursar.exports.span import Span, read_span
from bursar.exports.tables import csv_lines
from bursar.ledger.postings import Verb
from bursar.money import usd
from bursar.periods import Period, iso
from bursar.refusals import field_invalid
from bursar.store.residuals import NOTED, TAKEN
from bursar.store.schema import calls, people, postings
from bursar.usage import TOKEN_BUCKETS

VERSION = "1.2"
NO_TEAM = "no team"
CHARGED = (Verb.SETTLE, Verb.PROVISIONAL, Verb.CHARGE, Verb.CORRECT)
"""What charges for a call, or takes such a charge back. Beside it counts what a provider billed short of that."""
APPLICABLE = ("ACCOUNT_NAMING_SUPPORTED", "SUB_ACCOUNT_SUPPORTED", "TAGGING_SUPPORTED", "USAGE_MEASUREMENT_SUPPORTED")
"""What of the specification's conditional parts applies, in the words of its rules."""
_TOKENS = tuple("x_" + "".join(map(str.capitalize, name.split("_"))) + "Tokens" for name in TOKEN_BUCKETS)
COLUMNS = (
    *("BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodEnd"),
    *("BillingPeriodStart", "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency"),
    *("ChargePeriodEnd", "ChargePeriodStart", "CommitmentDiscountStatus", "ConsumedQuantity", "ConsumedUnit"),
    *("ContractedCost", "EffectiveCost", "InvoiceId", "InvoiceIssuerName", "ListCost", "PricingCategory"),
    *("PricingQuantity", "PricingUnit", "ProviderName", "PublisherName", "ServiceCategory", "ServiceName"),
    *("ServiceSubcategory", "SubAccountId", "SubAccountName", "Tags"),
    *("x_Model", "x_Variant", "x_Calls", "x_WebSearches", *_TOKENS),
)
"""What is never filled in is there because a rule of another column looks at it: there are no discounts for
commitments, and an invoice is the provider's."""

_SAME = {
    "BillingCurrency": "USD",
    "ChargeCategory": "Usage",
    "ChargeFrequency": "Usage-Based",
    "ConsumedUnit": "Tokens",
    "PricingCategory": "Standard",
    "PricingUnit": "Tokens",
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Model API",
    "ServiceSubcategory": "Generative AI",
}


class _Used(NamedTuple):
    """What a group of charges comes to. Tokens are in the order of TOKEN_BUCKETS."""

    day: Period
    team: str
    person: str
    provider: str
    model: str
    variant: str
    is_correction: bool
    charges: int
    cost_nanos: int
    web_searches: int
    tokens: tuple[int, ...]


class Focus:
    """What is to be written: a period, and whether rows are a person's. Refused when something is not right."""

    def __init__(self, period: str, *, version: str, with_people: bool) -> None:
        if version != VERSION:
            raise field_invalid("version", repr(version), VERSION)
        self.span: Span = read_span(period, "UTC")
        self.with_people = with_people
        self._day: tuple[Period, dict[str, str]] | None = None

    def lines(self, connection: sa.Connection) -> Iterator[str]:
        """The file, in pieces."""
        rows = map(self._row, self._used(connection))
        return csv_lines(COLUMNS, ([row.get(name, "") for name in COLUMNS] for row in rows))

    def _used(self, connection: sa.Connection) -> Iterator[_Used]:
        person = people.c.email if self.with_people else sa.literal_column("''")
        texts = [
            sa.func.coalesce(calls.c[name], "").label(f"its_{name}") for name in ("provider", "model", "variant")
        ]
        less = postings.c.verb.in_([Verb.CORRECT.value, Verb.OPEN.value])
        correction = sa.case((less, 1), else_=0).label("correction")
        cost = sa.case((less, -postings.c.amount_nanos), else_=postings.c.amount_nanos)
        charged = sa.or_(postings.c.verb.in_([verb.value for verb in CHARGED]), NOTED, TAKEN)
        counts = ("web_searches", *(f"{name}_tokens" for name in TOKEN_BUCKETS))
        for part in self.span.parts():
            groups = (
                part.day_column(),
                sa.func.coalesce(people.c.team, "").label("its_team"),
                sa.func.coalesce(person, "").label("its_person"),
                *texts,
                correction,
            )
            names = [group.name for group in groups]
            query = (
                sa.select(
                    *groups,
                    sa.func.count(),
                    sa.func.sum(cost),
                    *(sa.func.coalesce(sa.func.sum(calls.c[name]), 0) for name in counts),
                )
                .select_from(postings)
                .outerjoin(calls, calls.c.posting_id == postings.c.id)
                .outerjoin(people, people.c.id == postings.c.person_id)
                .where(part.posted, charged)
                .group_by(*names)
                .order_by(*names)
            )
            for n, team, email, provider, model, variant, corrects, *numbers in connection.execute(query):
                charges, cost_nanos, searches, *tokens = map(int, numbers)
                yield _Used(
                    part.days[n],
                    team,
                    email,
                    provider,
                    model,
                    variant,
                    bool(corrects),
                    charges,
                    cost_nanos,
                    searches,
                    tuple(tokens),
                )

    def _row(self, used: _Used) -> dict[str, str | int]:
        provider = used.provider or "Bursar"
        what = "correction" if used.is_correction else "call"
        said = f"{used.model or 'usage'} at {provider}, {used.charges} {what}" + ("s" if used.charges > 1 else "")
        tags = {"team": used.team} | ({"person": used.person} if used.person else {})
        costs = dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), usd(used.cost_nanos))
        names = ("BillingAccountId", "BillingAccountName", "InvoiceIssuerName", "ProviderName", "PublisherName")
        tokens = f"{sum(used.tokens)}.0"  # the specification's type is a decimal
        return {
            **_SAME,
            **costs,
            **dict.fromkeys(names, provider),
            **self._times(used.day),
            "ChargeClass": "Correction" if used.is_correction else "",
            "ChargeDescription": said,
            "ConsumedQuantity": tokens,
            "PricingQuantity": tokens,
            "SubAccountId": used.team or NO_TEAM,
            "SubAccountName": used.team or NO_TEAM,
            "Tags": msgspec.json.encode(tags).decode(),
            "x_Model": used.model,
            "x_Variant": used.variant,
            "x_Calls": used.charges,
            "x_WebSearches": used.web_searches,
            **dict(zip(_TOKENS, used.tokens, strict=True)),
        }

    def _times(self, day: Period) -> dict[str, str]:
        """What all rows of a day have; rows come day by day."""
        if self._day is None or self._day[0] != day:
            month = self.span.month_of(day.start_us)
            times = {
                "BillingPeriodStart": iso(month.start_us),
                "BillingPeriodEnd": iso(month.end_us),
                "ChargePeriodStart": iso(day.start_us),
                "ChargePeriodEnd": iso(day.end_us),
            }
            self._day = day, times
        return self._day[1]
