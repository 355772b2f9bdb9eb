"""Values of the parameters, many at once: one column for each parameter, one row for each valuation.

Row 0 is the defaults, then come the tornado's rows, then the quasi-random draws, so one pass over arrays gives the
exact value, the tornado and the interval.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from bursar.offers.parameters import TABLE, Parameter, Parameters
from bursar.offers.points import points as unit_points

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
    """The defaults; each uncertain parameter at its low and at its high end, the others as they are; then the draws.

    Points have a dimension for each parameter of the table, whether it is uncertain or not. So two offers see the
    same draws, and their difference is not blurred by other ones.
    """
    open_ones = uncertain(parameters)
    units = unit_points(points, len(TABLE), seed)
    columns = {}
    for name, unit in zip(TABLE, units.T, strict=True):
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
