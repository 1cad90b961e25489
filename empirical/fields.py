"""Known random fields as objectives of the path finder, each pair with a field of its own."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from percolation.fields import FourierField, SmoothField


@dataclass(frozen=True, eq=False)
class FourierFields:
    """f_i(x) = sqrt(2 / M) sum_j cos(2 pi (turns_ij . x + offsets_ij)) for a point of pair i.

    The fields of `percolation.fields.gaussian`, in torch and in the precision of the points: in single precision a
    value is known to about 10^-6 |x| / xi.
    """

    turns: Tensor  # (n_pairs, M, d), frequencies / 2 pi
    offsets: Tensor  # (n_pairs, M), phases / 2 pi

    @classmethod
    def of(cls, fields: Sequence[FourierField], dtype: torch.dtype = torch.float32) -> "FourierFields":
        """The fields of pairs 0, 1, ..., all of one d and M."""
        turns = np.stack([field.turns.T for field in fields])
        return cls(torch.tensor(turns, dtype=dtype), torch.tensor(np.stack([f.offsets for f in fields]), dtype=dtype))

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        values = [self._of_pair(points[rows], i) for i, rows in _by_pair(pairs)]
        order = pairs.argsort(stable=True)
        return torch.cat(values)[order.argsort()] if len(values) != 1 else values[0]

    def _of_pair(self, points: Tensor, i: int) -> Tensor:
        phases = torch.addmm(self.offsets[i], points, self.turns[i].T)
        return math.sqrt(2 / phases.shape[1]) * torch.cos(2 * math.pi * phases).sum(1)


@dataclass(frozen=True, eq=False)
class Fields:
    """Smooth fields of `percolation.fields`, evaluated there in double precision: field i for the points of pair i."""

    fields: Sequence[SmoothField]

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        values = [_Evaluated.apply(points[rows], self.fields[i]) for i, rows in _by_pair(pairs)]
        order = pairs.argsort(stable=True)
        return torch.cat(values)[order.argsort()]


class _Evaluated(torch.autograd.Function):
    """field(points), differentiated by field.with_gradient."""

    @staticmethod
    def forward(ctx: Any, points: Tensor, field: SmoothField) -> Tensor:
        if not ctx.needs_input_grad[0]:
            return torch.as_tensor(field(points.numpy(force=True))).to(points)
        values, gradient = field.with_gradient(points.numpy(force=True))
        ctx.save_for_backward(torch.as_tensor(gradient).to(points))
        return torch.as_tensor(values).to(points)

    @staticmethod
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return slope[:, None] * gradient, None


def _by_pair(pairs: Tensor) -> Iterator[tuple[int, Tensor]]:
    """Each pair that occurs, in increasing order, and its rows."""
    found, counts = pairs.unique(return_counts=True)
    rows = pairs.argsort(stable=True).split(counts.tolist())
    yield from zip(found.tolist(), rows, strict=True)
