"""What an offer is worth: a token budget, and the pay around it, valued with an interval. Pure.

- `offer.Offer` with `budget.TokenBudget` and `offer.EquityGrant` is what is offered, `person.Person` to whom.
- `value.value`, `value.exact_value` and `value.compare` say what it is worth; `results` is what they answer.
- `parameters.TABLE` has the model's numbers, each with its range and where it comes from.
- The equations are in the modules that compute them: `tokens`, `survival`, `inkind`, `credit`, `cash`, `equity`,
  `expectation`.

Amounts are dollars as floats, years and months from the offer's first day; rates and shares are fractions.
"""
