"""How wide the set of modes is: their distances, the dimension of their neighbourhoods, directions that stay open."""

from dataclasses import dataclass

import numpy as np
import torch
from scipy.spatial.distance import cdist, pdist
from torch import Tensor, nn

from empirical.losses.objectives import ClassLoss, losses
from percolation import checks

VARIANCE = 0.95  # of the neighbours, that so many components hold
RANK = 1e-3  # of the largest singular value: what counts as above zero
MOST_DIRECTIONS = 256  # that are tried at a mode


def spread(points: Tensor) -> float:
    """Diversity: mean distance of two modes (n, *shape) over their mean norm.

    sqrt(2) for independent directions in high dimension, 0 for equal points. NaN for fewer than two.
    """
    flat = points.flatten(1).double().cpu().numpy()
    if len(flat) < 2:
        return float("nan")
    return float(pdist(flat).mean() / max(np.linalg.norm(flat, axis=1).mean(), 1e-300))


@dataclass(frozen=True)
class Cloud:
    """PCA of each mode's nearest neighbours, means over the modes."""

    neighbours: int
    ratio: float  # participation ratio (sum s)^2 / sum s^2 of the variances s, 1 to neighbours
    components: float  # that hold VARIANCE of the variance
    isotropic: float  # what ratio is for so many points of an isotropic Gaussian


def cloud(points: Tensor, neighbours: int = 12) -> Cloud:
    """The local dimension of modes (n, *shape), from the `neighbours` nearest of each, itself among them.

    Few points cannot span many dimensions: compare the ratio with `isotropic`, which has the same limit.
    """
    checks.integer("neighbours", neighbours, at_least=3)
    flat = points.flatten(1).double().cpu().numpy()
    k = min(neighbours, len(flat))
    if k < 3:
        return Cloud(k, np.nan, np.nan, np.nan)
    ratios, counts = [], []
    for row in cdist(flat, flat):
        near = flat[np.argsort(row, kind="stable")[:k]]
        variances = np.linalg.svd(near - near.mean(0), compute_uv=False) ** 2
        if variances.sum() > 0:
            ratios.append(variances.sum() ** 2 / (variances**2).sum())
            counts.append(int(np.searchsorted(variances.cumsum() / variances.sum(), VARIANCE - 1e-12)) + 1)
    if not ratios:
        return Cloud(k, 0.0, 0.0, isotropic_ratio(k, flat.shape[1]))  # all modes are one point
    return Cloud(k, float(np.mean(ratios)), float(np.mean(counts)), isotropic_ratio(k, flat.shape[1]))


def isotropic_ratio(n: int, d: int) -> float:
    """Participation ratio of n points of an isotropic Gaussian in d dimensions: (d v + 2) / (v + d + 1), v = n - 1.

    E (tr S)^2 / E tr S^2 of a Wishart matrix S with v degrees of freedom; the ratio of means, not the mean ratio.
    Source: E (tr S)^2 = d v (d v + 2), E tr S^2 = d v (v + d + 1); Muirhead, Aspects of
    Multivariate Statistical Theory (1982).
    """
    v = n - 1
    return (d * v + 2) / (v + d + 1)


@dataclass(frozen=True)
class Directions:
    """What changes the network's answer at a mode, and what does not."""

    rank: int  # of the Jacobian of the margins z_k - z_label, k != label
    tried: int  # directions orthogonal to that Jacobian and to each other
    open: float  # share of these along which the loss stays at or below the level on both sides
    open_across: float  # the same along the directions that the Jacobian has


def open_directions(
    model: nn.Module, mode: Tensor, label: int, *, level: float, step: float, generator: torch.Generator
) -> Directions:
    """Steps of +-`step` (units of the inputs) from one mode (*shape), along and across its gradient-null directions."""
    checks.positive("step", step)
    jacobian = _margins(model, mode, label)
    _, values, vectors = torch.linalg.svd(jacobian, full_matrices=False)
    rank = int((values > RANK * values.max()).sum()) if values.numel() and values.max() > 0 else 0
    across = vectors[:rank]
    n = min(mode.numel() - rank, MOST_DIRECTIONS)
    null = _orthogonal_to(across, n, generator)
    return Directions(rank, n, *(_open_share(model, mode, label, x, level, step) for x in (null, across)))


def _margins(model: nn.Module, mode: Tensor, label: int) -> Tensor:
    """Jacobian (classes - 1, D) of the logits minus that of the label, in double precision."""

    def margins(x: Tensor) -> Tensor:
        z = model(x[None])[0]
        return torch.cat([z[:label], z[label + 1 :]]) - z[label]

    with torch.enable_grad():
        found = torch.autograd.functional.jacobian(margins, mode)
    return found.flatten(1).double()


def _orthogonal_to(rows: Tensor, n: int, generator: torch.Generator) -> Tensor:
    """n random orthonormal directions (n, D) orthogonal to orthonormal rows (m, D)."""
    drawn = torch.randn(n, rows.shape[1], generator=generator, dtype=torch.float64).to(rows)
    drawn = drawn - (drawn @ rows.T) @ rows
    return torch.linalg.qr(drawn.T)[0].T


def _open_share(model: nn.Module, mode: Tensor, label: int, rows: Tensor, level: float, step: float) -> float:
    if not len(rows):
        return float("nan")
    moves = step * rows.to(mode.dtype).view(-1, *mode.shape)
    points = torch.cat([mode + moves, mode - moves])
    objective = ClassLoss(model, torch.tensor([label], device=mode.device))
    high = losses(objective, points, torch.zeros(len(points), dtype=torch.long, device=mode.device))
    return float((high.view(2, -1).max(0).values <= level).double().mean())
