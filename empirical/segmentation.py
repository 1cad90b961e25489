"""A network's loss cut into cells: the occupation of a level on two-dimensional slices through pairs."""

import torch
from torch import Tensor

from empirical.objectives import Objective, losses
from percolation import checks


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
        columns = (-1, *[1] * (a.ndim - 1))
        cells = a[i] + u.reshape(columns) * along[i] + v.reshape(columns) * across[i]
        pairs = torch.full((len(cells),), i, device=a.device)
        shares.append((losses(objective, cells, pairs) <= level).to(a.dtype).mean())
    return torch.stack(shares)


def _orthogonal(directions: Tensor, along: Tensor) -> Tensor:
    """Directions (n, D) without their part along `along` (n, D), scaled to the length of `along`."""
    square = along.square().sum(1, keepdim=True).clamp(min=torch.finfo(along.dtype).tiny)
    across = directions - (directions * along).sum(1, keepdim=True) / square * along
    return across / across.norm(dim=1, keepdim=True).clamp(min=1e-30) * square.sqrt()
