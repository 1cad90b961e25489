"""Random fields, and networks as fields, as objectives of the path finder, each pair with one of its own."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.function import once_differentiable

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
        return cls.drawn(fields.__getitem__, len(fields), dtype)

    @classmethod
    def drawn(cls, draw: Callable[[int], FourierField], n: int, dtype: torch.dtype = torch.float32) -> "FourierFields":
        """The fields draw(0), ..., draw(n - 1), one of them at a time in double precision."""
        first = draw(0)
        turns = torch.empty(n, first.n_features, first.d, dtype=dtype)
        offsets = torch.empty(n, first.n_features, dtype=dtype)
        for i in range(n):
            one = draw(i) if i else first
            turns[i], offsets[i] = torch.as_tensor(one.turns.T), torch.as_tensor(one.offsets)
        return cls(turns, offsets)

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return _gathered(points, pairs, self._of_pair)

    def _of_pair(self, points: Tensor, i: int) -> Tensor:
        phases = torch.addmm(self.offsets[i], points, self.turns[i].T)
        return math.sqrt(2 / phases.shape[1]) * torch.cos(2 * math.pi * phases).sum(1)


@dataclass(frozen=True, eq=False)
class FieldsDrawnAnew:
    """The same, each drawn when points of its pair come, and only the last kept: the memory of one.

    For points pair by pair, which come once or twice; a draw takes as long as some 50 points.
    """

    draw: Callable[[int], FourierField]
    last: dict[int, FourierFields] = field(default_factory=dict)

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return _gathered(points, pairs, self._of_pair)

    def _of_pair(self, points: Tensor, i: int) -> Tensor:
        if i not in self.last:
            self.last.clear()
            self.last[i] = FourierFields.of([self.draw(i)], points.dtype)
        one = self.last[i]
        return FourierFields(one.turns.to(points), one.offsets.to(points))._of_pair(points, 0)


@dataclass(frozen=True, eq=False)
class Fields:
    """Smooth fields of `percolation.fields`, evaluated there in double precision: field i for the points of pair i."""

    fields: Sequence[SmoothField]

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return _gathered(points, pairs, lambda some, i: _Evaluated.apply(some, self.fields[i]))


@dataclass(frozen=True, eq=False)
class Outputs:
    """First outputs of networks, (z - mean) / deviation: pair i's of network i, counted round where pairs are more."""

    networks: Sequence[nn.Module]
    means: Tensor  # (n_networks,)
    deviations: Tensor  # (n_networks,)

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return _gathered(points, pairs % len(self.networks), self._of_network)

    def _of_network(self, points: Tensor, i: int) -> Tensor:
        return (self.networks[i](points)[:, 0] - self.means[i]) / self.deviations[i]


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
    @once_differentiable
    def backward(ctx: Any, slope: Tensor) -> tuple[Tensor, None]:
        (gradient,) = ctx.saved_tensors
        return slope[:, None] * gradient, None


def _gathered(points: Tensor, pairs: Tensor, of_pair: Callable[[Tensor, int], Tensor]) -> Tensor:
    """of_pair(points of the pair, pair) for every pair that occurs, in the order of the points."""
    if not len(points):
        return points.new_zeros(0)
    found, counts = pairs.unique(return_counts=True)
    order = pairs.argsort(stable=True)
    values = [of_pair(points[rows], i) for i, rows in zip(found.tolist(), order.split(counts.tolist()), strict=True)]
    return torch.cat(values)[order.argsort()]
