"""The mode graph: sampled points in the full dimension, joined by straight segments that stay below a level."""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, random_graphs, seeds
from percolation._kernels import level_sets as kernels
from percolation.level_sets.merge_trees import MergeTree, empty_links
from percolation.level_sets.orders import checked_values, stable_order
from percolation.quantities import Estimate

PointField = Callable[[np.ndarray], np.ndarray]  # points (m, D) to values (m,)
MAX_BYTES = 2**28


@dataclass(frozen=True, eq=False)
class ModeGraph:
    """Points joined to others nearby; an edge is open at a level if the field on its segment is at or below it.

    The value of an edge is the largest of n_along points of its segment, both ends among them. With K the field's
    Lipschitz constant it is at most K length / (2 (n_along - 1)) below the maximum of the whole segment.
    """

    point_values: np.ndarray  # (n_points,) float64
    edges: np.ndarray  # (n_edges, 2) int32, by rising value
    edge_values: np.ndarray  # (n_edges,) float64, never below those of its points
    merges: MergeTree  # how rising edge values merge the points
    largest_after: np.ndarray  # (n_edges + 1,) int32, size of the largest component with 0 ... n_edges edges open

    @property
    def n_points(self) -> int:
        return len(self.point_values)

    def occupation(self, level: float) -> float:
        """Share of the points that are open."""
        return float((self.point_values <= checks.finite("level", level)).mean())

    def giant_share(self, level: float) -> float:
        """Points of the largest component of open edges, as a share of the open points; nan if no point is open."""
        n_open = np.count_nonzero(self.point_values <= level)
        if not n_open:
            return math.nan
        return float(self.largest_after[np.searchsorted(self.edge_values, level, side="right")] / n_open)

    def barrier(self, i: ArrayLike, j: ArrayLike) -> np.ndarray:
        """Minimax barrier over the graph: the lowest level at which open edges join i and j; inf if none does.

        i, j: numbers of points, shapes that broadcast; a point and itself have the point's value. It is the largest
        edge on the way between them in a minimum spanning tree.
        """
        steps = self.merges.steps(i, j)
        reached = np.append(self.edge_values, np.inf)[np.clip(steps, 0, len(self.edges))]
        return np.where(steps < 0, self.point_values[np.broadcast_to(np.asarray(i), steps.shape)], reached)


def mode_graph(
    points: ArrayLike,
    field: PointField,
    *,
    k: int | None = None,
    radius: float | None = None,
    n_along: int = 33,
    max_bytes: int = MAX_BYTES,
) -> ModeGraph:
    """Join sampled points by straight segments and find the largest value of a field along each: a `ModeGraph`.

    points: (n, D). field: maps points (m, D) to values (m,), without NaN. Candidates: the k nearest of each point, or
    all pairs within a radius in the units of the points; give one of the two. n_along: points a segment, both ends
    among them, evaluated in batches of at most max_bytes of coordinates (one segment at least).
    Cost: n_along evaluations an edge, and the search for neighbours, n^2 D beyond D ~ 8.
    """
    x = _checked(points)
    n_along = checks.integer("n_along", n_along, at_least=2)
    edges = _candidates(x, k, radius)
    point_values = _values(field, x)
    along = segment_maxima(x[edges[:, 0]], x[edges[:, 1]], field, n_along=n_along, max_bytes=max_bytes)
    edge_values = np.maximum(along, point_values[edges].max(axis=1, initial=-np.inf))
    order = stable_order(edge_values)
    links, parent = empty_links(len(x)), np.full(len(x), kernels.OPEN)
    largest = np.empty(len(edges) + 1, dtype=np.int32)
    kernels.sweep_pairs(order, edges, parent, links, largest)
    return ModeGraph(point_values, edges[order], edge_values[order], MergeTree(links), largest)


def linear_share(
    points: ArrayLike,
    field: PointField,
    level: float,
    *,
    n_pairs: int = 1000,
    n_along: int = 33,
    max_bytes: int = MAX_BYTES,
    seed: seeds.Seed,
) -> Estimate:
    """Share of pairs of open points whose straight segment is open: what the giant share is to be set beside.

    n_pairs: pairs of different open points, drawn independently. n_along, max_bytes: as in `mode_graph`.
    Error: sqrt(q (1 - q) / n_pairs) with q = (hits + 1) / (n_pairs + 2), so that it is never 0.
    """
    x = _checked(points)
    opened = np.flatnonzero(_values(field, x) <= checks.finite("level", level))
    if len(opened) < 2:
        raise ValueError(f"a pair needs two open points, got {len(opened)} at level {level:g}; raise the level")
    n = checks.integer("n_pairs", n_pairs, at_least=1)
    rng = seeds.generator(seed)
    first = rng.integers(len(opened), size=n)
    second = (first + rng.integers(1, len(opened), size=n)) % len(opened)
    maxima = segment_maxima(x[opened[first]], x[opened[second]], field, n_along=n_along, max_bytes=max_bytes)
    hits = int((maxima <= level).sum())
    q = (hits + 1) / (n + 2)
    return Estimate(hits / n, math.sqrt(q * (1 - q) / n), f"{n} straight segments of {n_along} points")


def segment_maxima(
    start: np.ndarray, end: np.ndarray, field: PointField, *, n_along: int, max_bytes: int = MAX_BYTES
) -> np.ndarray:
    """Largest value of the field on n_along points of each segment start[i] to end[i], (m, D) each: (m,) float64."""
    n_along = checks.integer("n_along", n_along, at_least=2)
    t = np.linspace(0, 1, n_along)[:, None]
    rows = max(1, checks.integer("max_bytes", max_bytes, at_least=1) // (8 * n_along * start.shape[1]))
    maxima = np.empty(len(start))
    for first in range(0, len(start), rows):
        a, c = start[first : first + rows, None], end[first : first + rows, None]
        values = _values(field, (a * (1 - t) + c * t).reshape(-1, start.shape[1]))
        maxima[first : first + rows] = values.reshape(-1, n_along).max(axis=1)
    return maxima


def _values(field: PointField, points: np.ndarray) -> np.ndarray:
    """The field at points (m, D), (m,) float64 without NaN."""
    values = checked_values("values of the field", field(points)).astype(np.float64)
    if values.shape != (len(points),):
        raise ValueError(f"the field must map points ({len(points)}, D) to ({len(points)},), got {values.shape}")
    return values


def _checked(points: ArrayLike) -> np.ndarray:
    x = np.asarray(points, dtype=np.float64)
    if x.ndim != 2 or len(x) < 2 or x.shape[1] < 1:
        raise ValueError(f"points must be of shape (n, D) with n >= 2, got {x.shape}")
    if not np.isfinite(x).all():
        raise ValueError(f"points must be finite, got another in row {int((~np.isfinite(x)).any(axis=1).argmax())}")
    return x


def _candidates(x: np.ndarray, k: int | None, radius: float | None) -> np.ndarray:
    """Pairs of points that may be joined, (n_edges, 2): neighbours are sought in the unit box."""
    low = x.min(axis=0)
    scale = float((x - low).max()) or 1.0
    unit = np.minimum((x - low) / scale, 1.0)
    if k is not None and radius is None:
        return random_graphs.to_nearest(unit, k, periodic=False).edges
    if radius is not None and k is None:
        return random_graphs.within_radius(unit, checks.positive("radius", radius) / scale, periodic=False).edges
    raise ValueError(f"give k, the number of nearest points, or a radius, not both; got k={k}, radius={radius}")
