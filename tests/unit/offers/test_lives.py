"""The exact value against a second implementation: thousands of lives with the budget, by chance."""

import numpy as np
import pytest

from bursar.offers import tokens
from bursar.offers.parameters import parameters_for
from bursar.offers.rows import default_row
from tests.unit.offers.lives import lives
from tests.unit.offers.random_offers import random_budget, random_person, random_values

LIVES = 20_000
OFFERS = 50
SLICING = 5e-4
"""What the slices of the second implementation may leave out, as a part of the value's scale."""


def test_fifty_random_offers_are_worth_what_their_lives_are_on_average() -> None:
    """Within three standard errors; nor are they, all together, on one side of it or too close."""
    rng = np.random.default_rng(2026)
    deviations = []
    for _ in range(OFFERS):
        budget, person = random_budget(rng), random_person(rng)
        parameters = parameters_for(budget, person, random_values(rng))
        values = {name: parameter.value for name, parameter in parameters.items()}
        exact = float(tokens.story(budget, person, default_row(parameters)).present_usd[0])
        mean = lives(budget, person, values, LIVES, rng)
        slack = SLICING * abs(exact) + 1e-6
        assert exact == pytest.approx(mean.usd, abs=3 * mean.error_usd + slack), (budget, person, values)
        if mean.error_usd > slack:
            deviations.append((mean.usd - exact) / mean.error_usd)
    assert len(deviations) > OFFERS / 2
    assert abs(float(np.mean(deviations))) < 3 / len(deviations) ** 0.5
    assert 0.5 < float(np.std(deviations)) < 1.5
