"""A network's loss cut into cells: affine slices of the input space, and the occupation of a level on them.

A `Slice` is a cube of n^k cells in the k-dimensional affine space through A, C and further directions; `cut` evaluates
an objective at their centres, and `percolation.level_sets.sweep(cut.values)` finds every level set of it.
"""

import math
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from empirical.losses.objectives import Objective, checked_points, chunk_size, losses
from empirical.losses.points import columns
from percolation import checks

MOST_AXES = 6
MOST_CELLS = 2**31 - 1
MAX_BYTES = 2**28
ROUNDING = 1e-5  # of the cube's width by which a point may lie outside
PARALLEL = 1e-6  # what is left of a direction, as a share of its length, below which it adds no axis


@dataclass(frozen=True, eq=False)
class Slice:
    """A cube of n^k cells on the affine slice origin + sum_i u_i axes[i], with coordinates u in units of the points.

    Cell (c_1, ..., c_k) is the cube lower_i + c_i side <= u_i <= lower_i + (c_i + 1) side; it is numbered in numpy's
    order. A has the coordinates 0, C has (|C - A|, 0, ..., 0).
    """

    a: Tensor  # (*shape), the origin
    c: Tensor  # (*shape)
    axes: Tensor  # (k, *shape), orthonormal, axes[0] from A to C
    n: int  # cells along each axis
    side: float  # of a cell
    lower: np.ndarray  # (k,) float64, lower corner of the cube

    @property
    def k(self) -> int:
        return len(self.axes)

    @property
    def n_cells(self) -> int:
        return self.n**self.k

    @property
    def ends(self) -> tuple[int, int]:
        """Numbers of the cells that hold A and C."""
        first, second = self.cells(torch.stack([self.a, self.c])).tolist()
        return first, second

    def points(self, coordinates: Tensor) -> Tensor:
        """Points (m, *shape) of the input space at coordinates (m, k) of the slice."""
        flat = self.a.flatten() + coordinates.to(self.axes) @ self.axes.flatten(1)
        return flat.view(-1, *self.a.shape)

    def coordinates(self, points: Tensor) -> Tensor:
        """Coordinates (m, k) on the slice of points (m, *shape), or of their nearest points on it."""
        return (points - self.a).flatten(1) @ self.axes.flatten(1).T

    def centres(self, cells: np.ndarray) -> np.ndarray:
        """Coordinates (m, k), float64, of the centres of cells (m,)."""
        places = np.stack(np.unravel_index(np.asarray(cells), (self.n,) * self.k), axis=-1)
        return self.lower + (places + 0.5) * self.side

    def points_of(self, cells: np.ndarray) -> Tensor:
        """Points (m, *shape) at the centres of cells (m,)."""
        return self.points(torch.from_numpy(self.centres(cells)))

    def cells(self, points: Tensor) -> np.ndarray:
        """Numbers (m,) of the cells above or below which points (m, *shape) lie; outside the cube is an error."""
        x = (self.coordinates(points).double().cpu().numpy() - self.lower) / self.side
        outside = ((x < -ROUNDING * self.n) | (x > self.n * (1 + ROUNDING))).any(axis=1)
        if outside.any():
            raise ValueError(f"point {int(outside.argmax())} lies outside the cube of the slice; raise its margin")
        places = np.clip(np.floor(x), 0, self.n - 1).astype(np.int64)
        return np.ravel_multi_index(tuple(places.T), (self.n,) * self.k)

    def discretisation(self, lipschitz: float) -> float:
        """How far the barrier between two cells may lie from the minimax barrier of continuous paths in the cube.

        |B_cells - B| <= K sqrt(k) side / 2, K the Lipschitz constant of the objective on the slice, for the cells of
        two points and paths between these points.
        From above: the closed cells that a path meets are joined by faces, for those that meet at one of its points
        are, and the path is connected; each centre is within half a diagonal of a point of the path. From below: the
        line through the centres of a path of cells stays within half a side of them, and its ends half a diagonal.
        """
        if not lipschitz >= 0:
            raise ValueError(f"lipschitz must be at least 0, got {lipschitz}")
        return lipschitz * math.sqrt(self.k) * self.side / 2


@dataclass(frozen=True, eq=False)
class Cut:
    """A slice and the objective at the centres of its cells."""

    slice: Slice
    values: np.ndarray  # (n,) * k, float64 if the points are, else float32


@dataclass(frozen=True)
class OnSlice:
    """An objective as a function of coordinates (m, k) of a slice: the path finder then stays on it."""

    objective: Objective
    slice: Slice
    pair: int = 0

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return self.objective(self.slice.points(points), torch.full_like(pairs, self.pair))


def affine_slice(
    a: Tensor,
    c: Tensor,
    k: int = 2,
    *,
    n: int,
    margin: float = 0.25,
    through: Tensor | None = None,
    principal_of: Tensor | None = None,
    generator: torch.Generator | None = None,
) -> Slice:
    """The k-dimensional slice through A and C, cut into n^k cubes.

    a, c: (*shape), different points. Along A to C the cube reaches margin |C - A| beyond both; its side is
    (1 + 2 margin) |C - A| along every axis, with the segment from A to C in the middle of the others.
    The further axes, orthonormal and orthogonal to A C, are in this order: through: (m, *shape), the directions from A
    to these points, so that they lie on the slice (and in the cube, if it is large enough); principal_of: (m, *shape),
    the leading principal components of these points, without their part along the axes before; then directions drawn
    uniformly from generator.
    """
    checks.integer("k", k, at_least=1)
    checks.integer("n", n, at_least=1)
    if k > MOST_AXES or n**k > MOST_CELLS:
        raise ValueError(f"a slice has at most {MOST_AXES} axes and 2^31 - 1 cells, got {n}^{k}; reduce n or k")
    if not margin >= 0:
        raise ValueError(f"margin must be at least 0, got {margin}")
    if a.shape != c.shape:
        raise ValueError(f"a and c must match in shape, got {tuple(a.shape)} and {tuple(c.shape)}")
    checked_points("a and c", torch.stack([a, c]).flatten(1))
    if k > a.numel():
        raise ValueError(f"points of {a.numel()} coordinates have no slice of {k} dimensions; reduce k")
    frame = _added(a.new_zeros(0, a.numel()), (c - a).flatten()[None], "c")
    if through is not None:
        frame = _added(frame, (checked_points("through", through) - a).flatten(1), "through")
    if len(frame) > k:
        raise ValueError(f"the points of through ask for {len(frame)} axes, got k={k}; raise k or pass fewer")
    if principal_of is not None:
        frame = _added(frame, _principal(checked_points("principal_of", principal_of), frame, k), "principal_of")
    if len(frame) < k:
        if generator is None:
            raise ValueError(f"{k - len(frame)} of {k} axes are to be drawn at random; pass a generator")
        drawn = torch.randn(k - len(frame), a.numel(), generator=generator, dtype=a.dtype).to(a.device)
        frame = _added(frame, drawn, "generator")
    length = float((c - a).norm())
    width = (1 + 2 * margin) * length
    lower = np.full(k, -width / 2)
    lower[0] = -margin * length
    return Slice(a, c, frame.view(k, *a.shape), n, width / n, lower)


def cut(objective: Objective, where: Slice, *, pair: int = 0, max_bytes: int = MAX_BYTES) -> Cut:
    """Evaluate an objective at the centres of all cells of a slice, on the device of its points: a `Cut`.

    pair: number handed to the objective with every point. max_bytes: budget for the points of a batch, which also holds
    no more than `objectives.chunk_size` of them, and at least one; what the network makes of a batch comes on top.
    Memory: a number a cell for the values.
    """
    size = where.a.numel() * where.a.element_size()
    batch = max(1, min(chunk_size(where.a[None]), checks.integer("max_bytes", max_bytes, at_least=1) // size))
    values = np.empty(where.n_cells, dtype=np.float64 if where.a.dtype == torch.float64 else np.float32)
    for first in range(0, where.n_cells, batch):
        points = where.points_of(np.arange(first, min(first + batch, where.n_cells)))
        pairs = torch.full((len(points),), pair, device=points.device)
        values[first : first + batch] = losses(objective, points, pairs).to(where.a).cpu().numpy()
    return Cut(where, values.reshape((where.n,) * where.k))


def occupation(
    objective: Objective, a: Tensor, c: Tensor, level: float, *, n_cells: int = 16, generator: torch.Generator
) -> Tensor:
    """Share p of open cells on a random square through each pair: (n,).

    The square has side |C - A|: one axis runs from A to C, the other in a direction drawn uniformly among those
    orthogonal to it, the segment in the middle; n_cells x n_cells cells, judged at their centres.
    """
    checks.integer("n_cells", n_cells, at_least=1)
    along = c - a
    across = torch.randn(a.shape, generator=generator, dtype=a.dtype).to(a.device)
    across = _orthogonal(across.flatten(1), along.flatten(1)).view_as(a)
    centres = (torch.arange(n_cells, dtype=a.dtype, device=a.device) + 0.5) / n_cells
    u, v = torch.meshgrid(centres, centres - 0.5, indexing="ij")
    shares = []
    for i in range(len(a)):
        cells = a[i] + columns(u.flatten(), a) * along[i] + columns(v.flatten(), a) * across[i]
        pairs = torch.full((len(cells),), i, device=a.device)
        shares.append((losses(objective, cells, pairs) <= level).to(a.dtype).mean())
    return torch.stack(shares)


def _orthogonal(directions: Tensor, along: Tensor) -> Tensor:
    """Directions (n, D) without their part along `along` (n, D), scaled to the length of `along`."""
    square = along.square().sum(1, keepdim=True).clamp(min=torch.finfo(along.dtype).tiny)
    across = directions - (directions * along).sum(1, keepdim=True) / square * along
    return across / across.norm(dim=1, keepdim=True).clamp(min=1e-30) * square.sqrt()


def _added(frame: Tensor, directions: Tensor, name: str) -> Tensor:
    """The orthonormal frame (k, D) with the directions (m, D) made orthonormal to it and to each other."""
    for direction in directions:
        left = direction
        for _ in range(2):  # once leaves the rounding of what was taken away
            left = left - (frame @ left) @ frame
        if not left.norm() > PARALLEL * direction.norm():
            raise ValueError(f"{name} gives a direction that is zero or lies along the axes before; take other points")
        frame = torch.cat([frame, (left / left.norm())[None]])
    return frame


def _principal(points: Tensor, frame: Tensor, k: int) -> Tensor:
    """The leading k - len(frame) principal components (m, D) of points, orthogonal to the frame; fewer if there are."""
    centred = (points - points.mean(0)).flatten(1)
    left = centred - (centred @ frame.T) @ frame
    _, sizes, components = torch.linalg.svd(left, full_matrices=False)
    present = int((sizes > PARALLEL * centred.norm()).sum())
    return components[: min(k - len(frame), present)]
