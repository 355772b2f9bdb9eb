"""Values of the parameters, many at once: one column for each parameter, one row for each valuation.

Row 0 is the defaults, then come the tornado's rows, then the quasi-random draws, so one pass over arrays gives the
exact value, the tornado and the interval.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache

import numpy as np
import numpy.typing as npt

from bursar.offers.parameters import TABLE, Parameter, Parameters

Floats = npt.NDArray[np.float64]
Rows = Mapping[str, Floats]
"""For each parameter a column of the shape (rows, 1), so that it spreads over months."""


def default_row(parameters: Parameters) -> Rows:
    """One row: every parameter at its value."""
    return {name: np.array([[parameter.value]]) for name, parameter in parameters.items()}


def uncertain(parameters: Parameters) -> tuple[Parameter, ...]:
    """The parameters that have a range, in the table's order."""
    return tuple(parameters[name] for name in TABLE if not parameters[name].certain)


def all_rows(parameters: Parameters, points: int, seed: int) -> Rows:
    """The defaults; each uncertain parameter at its low and at its high end, the others at theirs; then the draws."""
    open_ones = uncertain(parameters)
    columns = {}
    for name, unit in zip(TABLE, _sobol(points, seed).T, strict=True):
        parameter = parameters[name]
        ends = np.full(2 * len(open_ones), parameter.value)
        for at, other in enumerate(open_ones):
            if other.name == name:
                ends[2 * at : 2 * at + 2] = parameter.low, parameter.high
        columns[name] = np.concatenate(([parameter.value], ends, drawn(parameter, unit)))[:, np.newaxis]
    return columns


def drawn(parameter: Parameter, unit: Floats) -> Floats:
    """Turn numbers from 0 to 1 into values of a parameter: its default is the median, each side uniform.

    A factor is uniform in its logarithm. Where the default is an end of the range, half of the draws are that end.
    """
    low, middle, high = parameter.low, parameter.value, parameter.high
    if parameter.certain:
        return np.full_like(unit, middle)
    if parameter.unit == "factor":
        return np.exp(np.interp(unit, (0.0, 0.5, 1.0), np.log((low, middle, high))))
    return np.interp(unit, (0.0, 0.5, 1.0), (low, middle, high))


@cache
def _sobol(points: int, seed: int) -> Floats:
    """Scrambled Sobol points, one dimension for each parameter of the table, whether it is uncertain or not.

    So two offers see the same draws, and their difference is not blurred by other ones.
    """
    # An exact value need not wait for the half second that this import takes.
    from scipy.stats import qmc  # type: ignore[import-untyped]  # noqa: PLC0415

    unit: Floats = qmc.Sobol(len(TABLE), rng=np.random.default_rng(seed)).random(points)
    unit.flags.writeable = False
    return unit
