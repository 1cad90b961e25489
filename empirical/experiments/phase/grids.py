"""Which points of one class are connected, exactly, on grids: two cells are if cells of their class lead from one to
the other through faces.

On a torus the classes are drawn for all cells at once; in a box around a pair of the path finder they are those of the
finder's own field, which shows what it missed.
"""

import itertools
from dataclasses import dataclass

import numpy as np
import torch
from scipy import ndimage

from empirical.experiments.phase.finder import Logits
from percolation.clusters import label
from percolation.fields import gaussian_grid
from percolation.fields.classes import boundary_rate
from percolation.lattices import hypercubic
from percolation.seeds import Seed, child, generator

TRIES = 32  # times the expected number of pairs of cells, before fewer same-class pairs than asked for will do
PADDING = 4.0  # xi, of a box around the pair in it
SPACING = {2: 1 / 8, 3: 1 / 4}  # xi, of its cells, by dimension
BOX_CLASSES = 50  # C up to which a box is cut into cells: above, the cells are larger than what they should resolve
CELLS_AT_ONCE = 2**14


@dataclass(frozen=True)
class Torus:
    """A box of side^d cells, closed round in every direction; xi is that of smooth fields, in cells."""

    d: int
    side: int
    xi: int

    def reach(self, length: float) -> float:
        """The distance of pairs in xi: the length, or half the side where that is shorter."""
        return min(length, self.side / self.xi / 2)


def smooth_classes(torus: Torus, n_classes: int, seed: Seed) -> np.ndarray:
    """argmax over C independent Gaussian fields of covariance exp(-r^2 / 2 xi^2): (side,) * d, int16."""
    shape = (torus.side,) * torus.d
    largest = np.full(shape, -np.inf, dtype=np.float32)
    classes = np.zeros(shape, dtype=np.int16)
    for c in range(n_classes):
        field = gaussian_grid(shape, torus.xi, periodic=True, seed=child(seed, c))
        classes[field > largest] = c
        np.maximum(largest, field, out=largest)
    return classes


def iid_classes(torus: Torus, n_classes: int, seed: Seed) -> np.ndarray:
    """argmax over C independent fields of independent cells, that is a class drawn for each cell: int16."""
    return generator(seed).integers(n_classes, size=(torus.side,) * torus.d, dtype=np.int16)


def chord(torus: Torus, n_classes: int) -> float:
    """Mean length, in cells, of the pieces into which the classes of smooth fields cut a line.

    Where it is below 2 a grid does not resolve the classes, and tears apart what is connected.
    """
    return 1 / boundary_rate(n_classes, torus.xi)


def connected_pairs(classes: np.ndarray, length: float, n_pairs: int, seed: Seed) -> np.ndarray:
    """Whether pairs of cells of one class are connected on the torus, bool, (at most n_pairs,).

    classes: (side,) * d. length: distance of the two cells, in cells, in a random direction, up to rounding.
    Fewer pairs come back where in 32 times the expected number of throws no more have one class.
    """
    side, d = classes.shape[0], classes.ndim
    clusters = _clusters(classes).ravel()
    flat, rng = classes.ravel(), generator(seed)
    found: list[np.ndarray] = []
    left = TRIES * n_pairs * (int(flat.max()) + 1)
    while left > 0 and sum(map(len, found)) < n_pairs:
        n = min(left, 2**16)
        left -= n
        start, way = rng.integers(side, size=(n, d)), rng.standard_normal((n, d))
        way = np.rint(length * way / np.linalg.norm(way, axis=1, keepdims=True)).astype(np.int64)
        a, c = (np.ravel_multi_index(tuple(cells.T), classes.shape) for cells in (start, (start + way) % side))
        same = flat[a] == flat[c]
        found.append(clusters[a[same]] == clusters[c[same]])
    return np.concatenate(found)[:n_pairs]


def box_connected(logits: Logits, own: int, a: torch.Tensor, c: torch.Tensor) -> bool | None:
    """Whether a and c, (d,), of class `own` are connected on the cells of a box with 4 xi of room around them; xi = 1.

    An end stands for those of the 2^d cells around it that are of its class; None if there are none.
    False may be a path that leaves the box or that is narrower than the cells.
    """
    h = SPACING[len(a)]
    low = torch.minimum(a, c) - PADDING
    shape = tuple(int(n) for n in ((torch.maximum(a, c) + PADDING - low) / h).ceil() + 1)
    clusters = ndimage.label(_classes_in_box(logits, low, h, shape) == own)[0]
    ends = [_clusters_around(clusters, ((end - low) / h).numpy()) for end in (a, c)]
    return bool(ends[0] & ends[1]) if all(ends) else None


def _clusters(classes: np.ndarray) -> np.ndarray:
    """Number of the cluster of each cell of the torus, (side,) * d."""
    torus = hypercubic(classes.ndim).torus(classes.shape[0])
    i, j = torus.bonds().T
    flat = classes.ravel()
    return label(torus, open_bonds=flat[i] == flat[j])


@torch.inference_mode()
def _classes_in_box(logits: Logits, low: torch.Tensor, h: float, shape: tuple[int, ...]) -> np.ndarray:
    """Class of every cell of a box, its first centre at `low`, (d,)."""
    axes = [low[k] + h * torch.arange(n) for k, n in enumerate(shape)]
    points = torch.cartesian_prod(*axes)
    parts = [logits(part).argmax(1) for part in points.split(CELLS_AT_ONCE)]
    return torch.cat(parts).numpy().reshape(shape)


def _clusters_around(clusters: np.ndarray, place: np.ndarray) -> set[int]:
    """Clusters of the 2^d cells around a place given in cells, 0 left out."""
    below = np.floor(place).astype(int)
    corners = itertools.product(*((k, k + 1) for k in below))
    return {int(clusters[corner]) for corner in corners} - {0}
