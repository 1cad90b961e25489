"""Independent values by cell: cut R^d into cubes; the value of a cube is a hash of its integer coordinates.

The cell c gets the key sum_i c_i r_i + origin mod 2^64 with random odd r_i, as the sites of `growth` do, and the key a
scattered 64-bit number, so nothing is stored and there is no box.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy.spatial.distance import cdist
from scipy.special import ndtri

from percolation import checks
from percolation._kernels import fields as kernels
from percolation.fields.field import OnePointLaw, checked_points
from percolation.seeds import Seed, generator

LAWS = {
    "normal": OnePointLaw(0.0, 1.0, 0.0, "standard normal"),
    "uniform": OnePointLaw(0.5, 1 / 12, -6 / 5, "uniform on (0, 1)"),
}
MOST_CELLS = 2.0**62  # cells from the origin, so that their numbers fit in 64 bits


@dataclass(frozen=True, eq=False)
class IidField:
    """Independent values on the cells of side `side`; cell c is the cube c side <= x < (c + 1) side.

    f(x) = F^-1(U(c)), c_i = floor(x_i / side), U(c) = (52 bits of mix(key(c)) + 1/2) / 2^52 and
    key(c) = origin + sum_i c_i r_i mod 2^64, with F the distribution function of the law. Two given cells
    share a key, hence a value, with probability 2^-63 at most (2^(v - 63) if 2^v divides every difference of their
    coordinates).
    Same bits for any split of the points into batches: each is worked on alone.
    """

    distribution: str
    side: float
    origin: np.uint64
    r: np.ndarray  # (d,) uint64, odd

    @property
    def d(self) -> int:
        return len(self.r)

    @property
    def law(self) -> OnePointLaw:
        """Standard normal, or uniform on (0, 1); exact, to the 2^-53 of the hash."""
        return LAWS[self.distribution]

    @property
    def correlation_length(self) -> float:
        """0: along a line the correlation falls linearly, -r''(0) is infinite, and Rice's formula does not hold."""
        return 0.0

    def covariance(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Covariance of f(x_i) and f(y_j), (n, m) for x (n, d) and y (m, d): the variance in one cell, else 0."""
        cells = [np.floor(checked_points(points, self.d) / self.side) for points in (x, y)]
        return self.law.variance * (cdist(*cells, "chebyshev") == 0)

    def __call__(self, points: ArrayLike) -> np.ndarray:
        """f at points (n, d), as (n,). Cost: about 2 ns a coordinate and 20 a point."""
        array = checked_points(points, self.d)
        if array.size and max(array.max(), -array.min()) >= MOST_CELLS * self.side:
            raise ValueError(f"points must lie within 2^62 cells of the origin, got {np.abs(array).max():.3g}")
        uniform = np.empty(len(array))
        kernels.cell_values(array, self.side, self.origin, self.r, uniform)
        return ndtri(uniform) if self.distribution == "normal" else uniform


def iid(d: int, *, distribution: str = "normal", side: float = 1.0, seed: Seed) -> IidField:
    """Draw a field of independent values on the cells of R^d, see `IidField`.

    d: dimension, any. distribution: "normal" or "uniform". side: of a cell, in the units of the points.
    """
    checks.one_of("distribution", distribution, LAWS)
    numbers = generator(seed).integers(0, 2**64, checks.integer("d", d, at_least=1) + 1, dtype=np.uint64)
    return IidField(distribution, checks.positive("side", side), numbers[0], numbers[1:] | np.uint64(1))
