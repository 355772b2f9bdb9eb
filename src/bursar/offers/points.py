"""Quasi-random points for the intervals: scrambled Sobol points, by scipy.

Those of the seed that is used when nothing else is said are kept in `data/sobol.npy`, because scipy's statistics take
longer to import than an offer to value. They are scipy's own, to the bit, and a test holds them to it. To keep
others, as when the table of parameters grows:

    np.save(path, (sobol(1024, dimensions, KEPT_SEED) * 2**BITS).astype(np.uint32))
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from io import BytesIO

import numpy as np
import numpy.typing as npt

KEPT_SEED = 2026
BITS = 30
"""scipy's Sobol points are whole multiples of 2^-30."""


@cache
def points(count: int, dimensions: int, seed: int) -> npt.NDArray[np.float64]:
    """So many points (a power of two) in the unit cube, of shape (count, dimensions); the same for the same seed."""
    if seed == KEPT_SEED:
        kept = np.load(BytesIO(files("bursar.offers").joinpath("data/sobol.npy").read_bytes()))
        if count <= kept.shape[0] and dimensions == kept.shape[1]:
            unit: npt.NDArray[np.float64] = kept[:count] * 2.0**-BITS
            return unit
    return sobol(count, dimensions, seed)


def sobol(count: int, dimensions: int, seed: int) -> npt.NDArray[np.float64]:
    """The same, drawn by scipy."""
    from scipy.stats import qmc  # type: ignore[import-untyped]  # noqa: PLC0415

    drawn: npt.NDArray[np.float64] = qmc.Sobol(dimensions, rng=np.random.default_rng(seed)).random(count)
    return drawn
