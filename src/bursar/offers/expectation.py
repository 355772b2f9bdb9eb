"""The pressure of what is expected: twice the output for pay that did not double.

    Pi = output multiple / pay multiple;  residual effort = max(0, m / a - 1)

m is the output that the employer expects, as a multiple of today's; a is the uplift that the tools really bring. What
a does not bring, the person has to: m = 2 with a = 1.77 leaves 13 % more effort, for Pi = 2 at flat cash pay.
"""

from __future__ import annotations

from bursar.offers.numbers import between
from bursar.offers.results import Pressure


def pressure(output_multiple: float, pay_multiple: float, uplift: float) -> Pressure:
    """What is expected against what is paid and what the tools bring. All three are multiples of today's, above 0."""
    between("output_multiple", output_multiple, 0.01, 1000)
    between("pay_multiple", pay_multiple, 0.01, 1000)
    between("uplift", uplift, 0.01, 1000)
    return Pressure(
        output_multiple=output_multiple,
        pay_multiple=pay_multiple,
        expectation=output_multiple / pay_multiple,
        residual_effort=max(0.0, output_multiple / uplift - 1),
    )
