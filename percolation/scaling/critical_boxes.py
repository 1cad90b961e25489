"""Clusters of tori and boxes at p_c: the largest, the critical window, how many span; and their exponents.

Above six dimensions the boundary decides: on a torus of V sites the largest cluster has V^(2/3) sites and the window in
p the width V^(-1/3), as in a random graph; in a box with open faces the largest has L^4, and L^(d - 6) clusters span.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from percolation import checks, clusters, runs, seeds
from percolation.lattices import Box
from percolation.quantities import Estimate
from percolation.scaling.powers import exponent

REACH = 0.5  # of the two p beside p_c, in units of p_c V^(-1/3): within the window
AT, BELOW, ABOVE = range(3)


@dataclass(frozen=True, eq=False)
class CriticalClusters:
    """Clusters of a torus or box in n independent configurations of sites, open with probability p."""

    box: Box
    p: float
    largest: np.ndarray  # (n,) int64, sites of the largest cluster
    spanning: np.ndarray  # (n,) int64, clusters with sites on both faces across the first axis; of a torus 0
    squares: np.ndarray  # (n, 3) sum of s^2 at p, p (1 - w) and p (1 + w), w = V^(-1/3) / 2, of the same uniforms

    def mean(self, observable: str) -> Estimate:
        """Mean of "largest" or "spanning" over the configurations."""
        values = getattr(self, checks.one_of("observable", observable, ("largest", "spanning")))
        return Estimate(values.mean(), values.std(ddof=1) / np.sqrt(len(values)), f"{len(values)} configurations")

    def window(self) -> Estimate:
        """Width of the critical window, 1 / (d log <sum s^2> / d log p) at p_c; error by jackknife."""
        n, below, above = len(self.squares), self.squares[:, BELOW], self.squares[:, ABOVE]
        step = 2 * REACH * self.box.n_sites ** (-1 / 3)
        left_out = step / np.log((above.sum() - above) / (below.sum() - below))
        error = np.sqrt((n - 1) * left_out.var())
        return Estimate(step / np.log(above.sum() / below.sum()), error, f"{n} configurations")


def critical_clusters(
    box: Box, p: float, *, n_realisations: int, seed: seeds.Seed, workers: int = 1, progress: bool = True
) -> CriticalClusters:
    """Clusters of open sites at p, meant to be p_c, and just beside it.

    box: a torus, or a box whose first axis is open. n_realisations: 2 or more. Time: about 10 d ns a site of each.
    """
    if not isinstance(box, Box):
        raise ValueError(f"critical clusters are those of a torus or box of a lattice, got {type(box).__name__}")
    checks.integer("n_realisations", n_realisations, at_least=2)
    p = float(checks.probabilities(p))
    if not 0 < p <= 0.5:
        raise ValueError(f"p must lie in (0, 0.5], p_c of a lattice in high dimensions, got {p:g}")
    each = runs.seeds(seed, n_realisations)
    rows = runs.run(partial(_configuration, box, p), each, workers=workers, label=f"L = {box.L}", progress=progress)
    table = np.array(rows)
    return CriticalClusters(box, p, table[:, 0].astype(np.int64), table[:, 1].astype(np.int64), table[:, 2:])


def _configuration(box: Box, p: float, seed: np.random.SeedSequence) -> np.ndarray:
    """largest, spanning, and sum s^2 at the three p, (5,)."""
    uniforms = seeds.generator(seed).random(box.n_sites, dtype=np.float32)
    width = REACH * box.n_sites ** (-1 / 3)
    labels = clusters.label(box, uniforms < p)
    sizes = np.bincount(labels)[1:]
    squares = [float(sizes @ sizes)]
    for near in (p * (1 - width), p * (1 + width)):
        beside = np.bincount(clusters.label(box, uniforms < near))[1:]
        squares.append(float(beside @ beside))
    return np.array([sizes.max(initial=0), _n_spanning(box, labels), *squares])


def _n_spanning(box: Box, labels: np.ndarray) -> int:
    """Clusters with sites on both open faces across the first axis."""
    if box.is_periodic[0]:
        return 0
    face = box.n_sites // box.L  # cells with the first coordinate 0 come first
    both = np.intersect1d(labels[:face], labels[-face:])
    return int((both > 0).sum())


@dataclass(frozen=True)
class BoundaryExponents:
    """Exponents of the side L at p_c; of a torus "spanning" is None."""

    d: int
    periodic: bool
    sizes: tuple[int, ...]
    largest: Estimate  # 2 d / 3 on a torus, 4 in a box, above six dimensions
    window: Estimate  # -d / 3 on a torus
    spanning: Estimate | None  # d - 6 in a box


def boundary_exponents(found: Sequence[CriticalClusters]) -> BoundaryExponents:
    """From tori, or boxes, of increasing sides: powers of L by `exponent`, with its error."""
    boxes = [one.box for one in found]
    sizes = tuple(box.L for box in boxes)
    if len(sizes) < 2 or len({(box.lattice.name, box.d, box.is_periodic) for box in boxes}) > 1:
        raise ValueError(f"exponents need two or more boxes of one lattice and one boundary, got sides {sizes}")

    def power(estimates: list[Estimate]) -> Estimate:
        return exponent(sizes, [one.value for one in estimates], [one.error for one in estimates])

    periodic = boxes[0].is_periodic[0]
    return BoundaryExponents(
        d=boxes[0].d,
        periodic=periodic,
        sizes=sizes,
        largest=power([one.mean("largest") for one in found]),
        window=power([one.window() for one in found]),
        spanning=None if periodic else power([one.mean("spanning") for one in found]),
    )
