"""Two-dimensional sheets: the triangle of three modes, and the same with every point moved into the open set."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from empirical.descent.rows import Descent, descend
from empirical.losses.objectives import Objective, losses
from percolation import checks


@dataclass(frozen=True)
class Sheet:
    """A triangular lattice of points between three modes, flat and relaxed.

    The relaxed sheet is the surface of small triangles between neighbours; its corners are the modes themselves.
    """

    weights: np.ndarray  # (n, 3) of the three modes, rows sum to 1
    plane: np.ndarray  # (n, 2) coordinates in the plane of the modes, in units of the inputs
    triangles: np.ndarray  # (m, 3) int64, of neighbouring points
    flat: Tensor  # (n, *shape)
    relaxed: Tensor  # (n, *shape)
    loss_flat: np.ndarray  # (n,) nats
    loss_relaxed: np.ndarray  # (n,) nats
    between_flat: np.ndarray  # (m, 4) nats: in the middle of the sides of each triangle, and of itself
    between_relaxed: np.ndarray  # (m, 4) nats
    stretch: np.ndarray  # (m, 3) lengths of the sides of the relaxed triangles over those of the flat ones
    displacement: np.ndarray  # (n,) how far the points moved, in units of the inputs

    def open_share(self, level: float, *, relaxed: bool) -> float:
        """Share of all points that were looked at, lattice and between, whose loss is at most the level."""
        at = self.loss_relaxed if relaxed else self.loss_flat
        between = self.between_relaxed if relaxed else self.between_flat
        return float((np.concatenate([at, between.ravel()]) <= level).mean())


def sheet(objective: Objective, corners: Tensor, rule: Descent, *, n: int = 16) -> Sheet:
    """The sheet that three modes (3, *shape) span, n intervals a side, before and after it is relaxed.

    objective: the loss of pair 0 is what is lowered. rule: of the descent; a point ends at the first loss <= stop, one
    that is there already stays. Every point moves by itself, so that neighbours may part: see `stretch`.
    """
    if len(corners) != 3:
        raise ValueError(f"a sheet is spanned by three modes, got {len(corners)}")
    weights, triangles = triangle(n)
    barycentric = torch.as_tensor(weights, dtype=corners.dtype, device=corners.device)
    flat = torch.einsum("nk,k...->n...", barycentric, corners)
    tips = [int(weights[:, k].argmax()) for k in range(3)]
    flat[tips] = corners
    pairs = torch.zeros(len(flat), dtype=torch.long, device=flat.device)
    moved = descend(objective, flat, pairs, rule)
    relaxed = moved.points.index_copy(0, torch.tensor(tips, device=flat.device), corners)
    return Sheet(
        weights,
        plane=weights @ _coordinates(corners),
        triangles=triangles,
        flat=flat,
        relaxed=relaxed,
        loss_flat=_losses(objective, flat),
        loss_relaxed=_losses(objective, relaxed),
        between_flat=_losses(objective, _between(flat, triangles)).reshape(4, -1).T,
        between_relaxed=_losses(objective, _between(relaxed, triangles)).reshape(4, -1).T,
        stretch=_sides(relaxed, triangles) / _sides(flat, triangles).clip(min=1e-300),
        displacement=(relaxed - flat).flatten(1).norm(dim=1).double().cpu().numpy(),
    )


def triangle(n: int) -> tuple[np.ndarray, np.ndarray]:
    """Barycentric weights ((n + 1)(n + 2) / 2, 3) of a triangular lattice of n intervals a side, its n^2 triangles."""
    checks.integer("n", n, at_least=1)
    steps = [(i, j) for i in range(n + 1) for j in range(n + 1 - i)]
    place = {step: k for k, step in enumerate(steps)}
    weights = np.array([(n - i - j, i, j) for i, j in steps]) / n
    up = [(place[i, j], place[i + 1, j], place[i, j + 1]) for i, j in steps if i + j < n]
    down = [(place[i + 1, j], place[i + 1, j + 1], place[i, j + 1]) for i, j in steps if i + j < n - 1]
    return weights, np.array(up + down, dtype=np.int64)


def _coordinates(corners: Tensor) -> np.ndarray:
    """The modes (3, 2) in their own plane, distances kept, the first at the origin."""
    flat = corners.flatten(1).double().cpu().numpy()
    along, other = flat[1] - flat[0], flat[2] - flat[0]
    length = max(float(np.linalg.norm(along)), 1e-300)
    x = float(other @ along) / length
    y = float(np.sqrt(max(float(other @ other) - x * x, 0.0)))
    return np.array([[0.0, 0.0], [length, 0.0], [x, y]])


def _between(x: Tensor, triangles: np.ndarray) -> Tensor:
    """Middles of the sides and of the triangles themselves: (4 m, *shape)."""
    a, b, c = (x[torch.as_tensor(triangles[:, k], device=x.device)] for k in range(3))
    return torch.cat([(a + b) / 2, (b + c) / 2, (c + a) / 2, (a + b + c) / 3])


def _losses(objective: Objective, x: Tensor) -> np.ndarray:
    return losses(objective, x, torch.zeros(len(x), dtype=torch.long, device=x.device)).double().cpu().numpy()


def _sides(x: Tensor, triangles: np.ndarray) -> np.ndarray:
    corners = torch.as_tensor(triangles, device=x.device)
    sides = [x[corners[:, k]] - x[corners[:, (k + 1) % 3]] for k in range(3)]
    return torch.stack([side.flatten(1).norm(dim=1) for side in sides], dim=1).double().cpu().numpy()
