"""The path finder's twin on Z^d: two open cells, the others open with probability p, and a path by rounds of bisection.

The straight line between the cells is a digital segment, cells that follow one another through faces. A round cuts
every segment that is not open: its worst cell, the closed one of highest value, is replaced by the nearest open cell
that the hyperplane through it, orthogonal to the segment, meets; then both halves are looked at. A cell's value is a
hash of its coordinates: nothing is stored and there is no box.

The rule, in full:
- a cell has a uniform value and is open if that is below p; the two ends are open;
- the segment leaves each cell through the face that the line between the two centres crosses next; where it leaves
  through an edge or a corner, of the cells that it might enter next the one of lower value is next. Its two ends decide
  a segment, but from end to start it may pass through other cells;
- a cell x is met by the hyperplane through the worst cell b if that passes through the inside of its cube,
  |v.(x - b)| < sum_i |v_i| / 2 with v the segment's end minus its start;
- nearest is by the distance of centres; cells equally near stand in the order of their coordinates, or with
  ties="drawn" in an order drawn for each pair, which prefers no direction and finds more;
- a bypass that is an end of its own segment would come up again in every round: the search ends there.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np
from scipy.stats import beta

from percolation import checks, runs
from percolation._kernels import lattice_finder as kernels
from percolation.quantities import Estimate

# why a search ended, by the number in `Found.status`
ENDINGS = (
    "connected: all segments are open",
    "rounds: a segment is still closed after max_rounds; raise it",
    "stalled: a bypass was an end of its own segment; raise look_ahead",
    "candidates: no open cell among those that are looked through; see `offsets_by_distance`",
    "segments: more than 2^17 of them; lower max_rounds",
)
TIES = ("coordinates", "drawn")  # order of cells equally near the worst: of their coordinates, or drawn for each pair
MOST_OFFSETS, LARGEST_RADIUS = 2**16, 64  # candidates looked through for one bypass, whole shells within so many cells
MOST_VERTICES = 2**17 + 1


@dataclass(frozen=True)
class Found:
    """What the finder found for pairs of cells of the same displacement, each pair among cells drawn for it."""

    start: np.ndarray  # (d,) int64, A
    end: np.ndarray  # (d,) int64, C
    p: float
    look_ahead: int
    max_rounds: int
    ties: str
    seed: int
    status: np.ndarray  # (n_pairs,) int64, into ENDINGS; 0 is connected
    rounds: np.ndarray  # (n_pairs,) int64, completed
    segments: np.ndarray  # (n_pairs,) int64, after these rounds
    short: np.ndarray  # (n_pairs,) int64, bypasses chosen from fewer candidates than look_ahead, for want of room
    paths: tuple[np.ndarray, ...]  # (n_cells, d) int64 from A to C, empty if not connected

    @property
    def connected(self) -> np.ndarray:
        """(n_pairs,) bool. Not connected means not found: there may be a path."""
        return self.status == 0

    @property
    def success(self) -> Estimate:
        """Share of pairs connected; error: standard deviation of Beta(k + 1/2, n - k + 1/2), not 0 for none or all."""
        k, n = int(self.connected.sum()), len(self.status)
        return Estimate(k / n, float(beta.std(k + 0.5, n - k + 0.5)), "share of pairs connected")

    @cached_property
    def mean_rounds(self) -> Estimate:
        """Mean over connected pairs; nan if there is none, error nan if there is one."""
        return self._mean(self.rounds, "rounds of connected pairs")

    @cached_property
    def mean_segments(self) -> Estimate:
        """Mean over connected pairs, as `mean_rounds`."""
        return self._mean(self.segments, "segments of connected pairs")

    def endings(self) -> dict[str, int]:
        """Number of pairs by the way their search ended."""
        counts = np.bincount(self.status, minlength=len(ENDINGS))
        return {ending.split(":")[0]: int(count) for ending, count in zip(ENDINGS, counts, strict=True)}

    def _mean(self, numbers: np.ndarray, method: str) -> Estimate:
        kept = numbers[self.connected]
        value = float(kept.mean()) if len(kept) else np.nan
        error = float(kept.std(ddof=1) / np.sqrt(len(kept))) if len(kept) > 1 else np.nan
        return Estimate(value, error, method)


def find(d: int, L: int, p: float, **options: Any) -> Found:
    """Look for paths between A = 0 and C = L e_1 in Z^d; options: as of `between`, of which seed must be given."""
    d, L = checks.integer("d", d, at_least=2), checks.integer("L", L, at_least=1)
    return between([0] * d, [L] + [0] * (d - 1), p, **options)


def between(
    start: Sequence[int] | np.ndarray,
    end: Sequence[int] | np.ndarray,
    p: float,
    *,
    n_pairs: int = 200,
    look_ahead: int = 1,
    max_rounds: int = 16,
    ties: str = "coordinates",
    seed: int,
    workers: int = 1,
    progress: bool = False,
) -> Found:
    """Look for paths of open cells from start to end by rounds of bisection; the rule is at the head of this module.

    start, end: cells of Z^d, (d,) integers, d >= 2. p: chance that a cell is open. n_pairs: each has cells of its own.
    look_ahead: k; of the first k open candidates by distance take the one that leaves the fewest closed cells on the
    two new segments, the nearest of several; 1 is the faithful finder.
    max_rounds: a pair that needs more is not connected, nor is one whose search ends otherwise, see `ENDINGS`.
    ties: which of equally near cells comes first, see `TIES`.
    workers: threads; the result does not depend on it.
    Cost: see benchmarks/lattice_finder.md.
    """
    cells = _checked_ends(start, end)
    p = float(checks.probabilities(p))
    look_ahead = checks.integer("look_ahead", look_ahead, at_least=1)
    max_rounds = checks.integer("max_rounds", max_rounds, at_least=0)
    checks.one_of("ties", ties, TIES)
    search = kernels.Search(offsets_by_distance(cells.shape[1]), look_ahead, max_rounds)
    one = partial(_connect, cells[1] - cells[0], p, search, ties)
    children = runs.seeds(seed, checks.integer("n_pairs", n_pairs, at_least=1))
    found = runs.run(one, children, workers=workers, label="pairs of cells", progress=progress)
    *numbers, paths = zip(*found, strict=True)
    status, rounds, segments, short = (np.array(of_pairs, dtype=np.int64) for of_pairs in numbers)
    shifted = tuple(path + cells[0] for path in paths)
    return Found(cells[0], cells[1], p, look_ahead, max_rounds, ties, seed, status, rounds, segments, short, shifted)


def environment(way: np.ndarray, p: float, seed: np.random.SeedSequence) -> kernels.Cells:
    """The cells of one pair, counted from its start: keys start + x.r mod 2^64, open if their hash is below p 2^64."""
    numbers = np.random.Generator(np.random.PCG64(seed)).integers(0, 2**64, len(way) + 1, dtype=np.uint64)
    start, r = numbers[:1], numbers[1:] | np.uint64(1)  # an array of one number wraps round without a warning
    cutoff = np.uint64(max(int(p * 2.0**64), 1)) if p < 1 else np.uint64(2**64 - 1)
    return kernels.Cells(r, start[0], (start + way.astype(np.uint64) @ r)[0], cutoff)


def offsets_by_distance(d: int) -> np.ndarray:
    """Displacements of Z^d by distance from 0, equal ones in the order of coordinates, (n, d) int64.

    All within some radius, the largest up to 64 for which they are at most 2^16, but at least those to neighbours.
    """
    roots = np.arange(1, LARGEST_RADIUS + 1)
    counts = np.zeros(LARGEST_RADIUS**2 + 1)  # of displacements by their square, one axis after the other
    counts[0] = 1
    for _ in range(d):
        longer = counts.copy()
        for root in roots:
            longer[root**2 :] += 2 * counts[: len(counts) - root**2]
        counts = np.minimum(longer, 2.0 * MOST_OFFSETS)  # more need not be told apart
    largest = max(int(np.searchsorted(counts.cumsum(), MOST_OFFSETS, side="right")) - 1, 1)
    cells, squares = np.zeros((1, 0), dtype=np.int64), np.zeros(1, dtype=np.int64)
    along = np.arange(-int(np.sqrt(largest)), int(np.sqrt(largest)) + 1)
    for _ in range(d):
        row, x = np.nonzero(squares[:, None] + along**2 <= largest)
        cells, squares = np.column_stack([cells[row], along[x]]), squares[row] + along[x] ** 2
    return np.ascontiguousarray(cells[np.argsort(squares, kind="stable")])


def shuffled(offsets: np.ndarray, seed: np.random.SeedSequence) -> np.ndarray:
    """The offsets with those of the same length in a drawn order."""
    drawn = np.random.Generator(np.random.PCG64(seed).jumped()).random(len(offsets))
    return offsets[np.lexsort((drawn, (offsets**2).sum(axis=1)))]


def _connect(
    way: np.ndarray, p: float, search: kernels.Search, ties: str, seed: np.random.SeedSequence
) -> tuple[int, int, int, int, np.ndarray]:
    """One pair, with an order of equally near cells of its own if that is drawn.

    Returns (status, rounds, segments, short bypasses, path).
    """
    if ties == "drawn":
        search = search._replace(offsets=shuffled(search.offsets, seed))
    cells, d = environment(way, p, seed), len(way)
    room = min(2**search.max_rounds + 1, MOST_VERTICES) + 2
    chain = kernels.Chain(np.empty((2, room, d), dtype=np.int64), np.empty((2, room), dtype=np.bool_))
    chain.vertices[0, 0], chain.vertices[0, 1], chain.is_open[0, 0] = 0, way, False
    walk = kernels.Walk(*np.zeros((6, d), dtype=np.int64))
    status, rounds, row, n_vertices, short = kernels.connect(cells, search, chain, walk)
    path = np.empty((0, d), dtype=np.int64)
    if status == kernels.CONNECTED:
        vertices = chain.vertices[row, :n_vertices]
        path = np.empty((1 + int(np.abs(np.diff(vertices, axis=0)).sum()), d), dtype=np.int64)
        kernels.trace(vertices, cells, walk, path)
    return status, rounds, n_vertices - 1, short, path


def _checked_ends(start: Sequence[int] | np.ndarray, end: Sequence[int] | np.ndarray) -> np.ndarray:
    """Both cells as (2, d) int64."""
    cells = [np.asarray(cell) for cell in (start, end)]
    for name, cell in zip(("start", "end"), cells, strict=True):
        if cell.ndim != 1 or not np.issubdtype(cell.dtype, np.integer) or len(cell) < 2:
            raise ValueError(f"{name} must be a cell, d >= 2 integers in a row, got {cell.dtype} of shape {cell.shape}")
    if len(cells[0]) != len(cells[1]):
        raise ValueError(f"start and end must have one dimension, got {len(cells[0])} and {len(cells[1])}")
    both = np.stack(cells).astype(np.int64)
    if (both[0] == both[1]).all():
        raise ValueError(f"start and end must be two cells, got {both[0].tolist()} twice")
    if np.abs(both).max() >= 2**20:
        raise ValueError(f"cells must lie within 2^20 of the origin, got {both.tolist()}; shift them or shorten L")
    return both
