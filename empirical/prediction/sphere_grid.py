"""Which points of the sphere S^2 or S^3 are connected within an open set, exactly, on a triangulation.

Vertices are open or closed, and joined along the edges of the triangulation. On S^2 that is site percolation which
favours neither the open nor the closed set, since of two crossings of a triangulated region exactly one exists.
"""

import math
from functools import lru_cache
from itertools import combinations

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, cKDTree
from torch import Tensor

from empirical.losses.objectives import Objective, losses
from percolation import balls, checks

VERTICES_PER_XI = 4
FEWEST, MOST = 1000, 2**18  # vertices
DIMENSIONS = (3, 4)  # of the space around the sphere


def connected(objective: Objective, a: Tensor, c: Tensor, level: float, xi: float) -> np.ndarray:
    """Whether a[i] and c[i], (n, d) each with d = 3 or 4, are joined by open vertices, float (n,): 1, 0, or nan.

    objective: of points of pair i, read on the sphere |x|^2 = d. xi: correlation length in radians; vertices lie xi / 4
    apart. An end stands for those of its d nearest vertices that are open; nan where none is.
    """
    d = a.shape[-1]
    if a.ndim != 2 or d not in DIMENSIONS or a.shape != c.shape:
        raise ValueError(
            f"a and c must be (n, 3) or (n, 4) points around the sphere, got {tuple(a.shape)} and {tuple(c.shape)}"
        )
    n = n_vertices(xi, d)
    if n > MOST:
        raise ValueError(f"a grid of the sphere takes {n} vertices at {xi=:.3g} radians, at most {MOST} are made")
    vertices, edges = triangulation(n, d)
    points = math.sqrt(d) * torch.tensor(vertices, dtype=a.dtype, device=a.device)
    tree = cKDTree(vertices)
    near = [tree.query(torch.nn.functional.normalize(end).numpy(force=True), k=d)[1] for end in (a, c)]
    found = []
    for i in range(len(a)):
        pair = torch.full((len(points),), i, device=a.device)
        is_open = (losses(objective, points, pair) <= level).numpy(force=True)
        clusters = clusters_of(is_open, edges)
        ends = [set(clusters[corners[i]]) - {-1} for corners in near]
        found.append(float(bool(ends[0] & ends[1])) if all(ends) else math.nan)
    return np.array(found)


def n_vertices(xi: float, d: int) -> int:
    """Vertices xi / 4 apart on the unit sphere of R^d, of area 2 pi^(d/2) / Gamma(d/2): area (4 / xi)^(d - 1)."""
    area = d * balls.volume(d)
    return max(math.ceil(area * (VERTICES_PER_XI / checks.positive("xi", xi)) ** (d - 1)), FEWEST)


@lru_cache(maxsize=4)
def triangulation(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """n points spread evenly over the unit sphere of R^d, (n, d), and the edges of their convex hull.

    3 n - 6 edges in d = 3; in d = 4 n more than there are tetrahedra, about 7 n, 0.15 ms a point to find.
    """
    vertices = {3: _spiral, 4: _super_spiral}[d](n)
    corners = ConvexHull(vertices).simplices
    edges = np.sort(np.concatenate([corners[:, pair] for pair in combinations(range(d), 2)]), axis=1)
    return vertices, np.unique(edges, axis=0)


def _spiral(n: int) -> np.ndarray:
    """A spiral of the golden angle on S^2."""
    k = np.arange(n) + 0.5
    height, turn = 1 - 2 * k / n, math.pi * (1 + math.sqrt(5)) * k
    radius = np.sqrt(1 - height**2)
    return np.column_stack([radius * np.cos(turn), radius * np.sin(turn), height])


def _super_spiral(n: int) -> np.ndarray:
    """The like on S^3, by two angles that go on by 1 / sqrt(2) and 1 / psi of a turn, psi^4 = psi + 4.

    Source: M. Alexa, Super-Fibonacci spirals, CVPR (2022).
    """
    k = np.arange(n) + 0.5
    one, other = 2 * math.pi * k / math.sqrt(2), 2 * math.pi * k / 1.533751168755204288118041
    r, s = np.sqrt(k / n), np.sqrt(1 - k / n)
    return np.column_stack([r * np.cos(one), r * np.sin(one), s * np.cos(other), s * np.sin(other)])


def clusters_of(is_open: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Number of the cluster of each open vertex, -1 of a closed one."""
    i, j = edges[is_open[edges].all(axis=1)].T
    n = len(is_open)
    _, labels = connected_components(coo_array((np.ones(len(i)), (i, j)), shape=(n, n)), directed=False)
    return np.where(is_open, labels, -1)
