"""Which points of the sphere S^2 are connected within an open set, exactly, on a triangulation.

Vertices are open or closed, and joined along the edges of the triangulation: site percolation that favours neither the
open nor the closed set, since of two crossings of a triangulated region exactly one exists.
"""

import math
from functools import lru_cache

import numpy as np
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import ConvexHull, cKDTree
from torch import Tensor

from empirical.losses.objectives import Objective, losses
from percolation import checks

VERTICES_PER_XI = 4
FEWEST, MOST = 1000, 2**18  # vertices
CORNERS = 3  # vertices that stand for a point


def connected(objective: Objective, a: Tensor, c: Tensor, level: float, xi: float) -> np.ndarray:
    """Whether a[i] and c[i], (n, 3) each, are joined by open vertices, float (n,): 1, 0, or nan.

    objective: of points of pair i, read on the sphere |x|^2 = 3. xi: correlation length in radians; vertices lie xi / 4
    apart. An end stands for those of its three nearest vertices that are open; nan where none is.
    """
    if a.shape[1:] != (3,) or a.shape != c.shape:
        raise ValueError(f"a and c must be (n, 3) points around the sphere, got {tuple(a.shape)} and {tuple(c.shape)}")
    vertices, edges = triangulation(n_vertices(xi))
    points = math.sqrt(3) * torch.tensor(vertices, dtype=a.dtype, device=a.device)
    tree = cKDTree(vertices)
    near = [tree.query(torch.nn.functional.normalize(end).numpy(force=True), k=CORNERS)[1] for end in (a, c)]
    found = []
    for i in range(len(a)):
        pair = torch.full((len(points),), i, device=a.device)
        is_open = (losses(objective, points, pair) <= level).numpy(force=True)
        clusters = clusters_of(is_open, edges)
        ends = [set(clusters[corners[i]]) - {-1} for corners in near]
        found.append(float(bool(ends[0] & ends[1])) if all(ends) else math.nan)
    return np.array(found)


def n_vertices(xi: float) -> int:
    """Vertices xi / 4 apart: 4 pi (4 / xi)^2."""
    n = math.ceil(4 * math.pi * (VERTICES_PER_XI / checks.positive("xi", xi)) ** 2)
    if n > MOST:
        raise ValueError(f"a grid of the sphere takes {n} vertices at {xi=:.3g} radians, at most {MOST} are made")
    return max(n, FEWEST)


@lru_cache(maxsize=4)
def triangulation(n: int) -> tuple[np.ndarray, np.ndarray]:
    """n points spread evenly over the unit sphere, (n, 3), and the edges between them, (3 n - 6, 2).

    A spiral of the golden angle, triangulated by its convex hull.
    """
    k = np.arange(n) + 0.5
    height, turn = 1 - 2 * k / n, math.pi * (1 + math.sqrt(5)) * k
    radius = np.sqrt(1 - height**2)
    vertices = np.column_stack([radius * np.cos(turn), radius * np.sin(turn), height])
    corners = ConvexHull(vertices).simplices
    edges = np.sort(np.concatenate([corners[:, [0, 1]], corners[:, [1, 2]], corners[:, [2, 0]]]), axis=1)
    return vertices, np.unique(edges, axis=0)


def clusters_of(is_open: np.ndarray, edges: np.ndarray) -> np.ndarray:
    """Number of the cluster of each open vertex, -1 of a closed one."""
    i, j = edges[is_open[edges].all(axis=1)].T
    n = len(is_open)
    _, labels = connected_components(coo_array((np.ones(len(i)), (i, j)), shape=(n, n)), directed=False)
    return np.where(is_open, labels, -1)
