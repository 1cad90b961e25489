"""What is being connected: a batched loss on a vector space.

An objective maps points (n, *shape) and the pair that each belongs to, (n,), to losses (n,): one path finder
serves inputs of a network, parameters of a network, and random fields.
"""

from collections.abc import Callable
from copy import copy, deepcopy
from dataclasses import dataclass, is_dataclass
from functools import partial
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from empirical.losses.outputs import logits_in
from empirical.losses.scales import Scale, log_odds, log_odds_of_loss, scale_of
from percolation import checks

ASKED_TWICE = 8  # points at which it is seen whether a loss is a function
REPEATED, NEGLIGIBLE = 1e-3, 1e-6  # difference of two answers, relative and in nats: kernels may add in another order


class Objective(Protocol):
    """Losses (n,) of points (n, *shape); pairs (n,) long says which pair each point belongs to."""

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor: ...


@dataclass(frozen=True)
class ClassLoss:
    """Cross-entropy, in nats, of a fixed network's output against the label of the pair.

    L(x) = -log softmax(model(x))[label]. labels: (n_pairs,) long.
    """

    model: nn.Module
    labels: Tensor

    def __post_init__(self) -> None:
        if any(part.training for part in self.model.modules()):
            raise ValueError("the model is in training mode, where a loss depends on the batch; call model.eval()")
        if not isinstance(self.labels, Tensor) or self.labels.ndim != 1 or self.labels.dtype != torch.long:
            raise ValueError(f"labels must be a tensor (n_pairs,) of dtype long, got {self.labels!r}")
        if not len(self.labels) or self.labels.min() < 0:
            raise ValueError(f"labels must be at least one class, counted from 0, got {self.labels.tolist()}")

    @property
    def bounds(self) -> tuple[float, float] | None:
        """What the coordinates of a point must lie in: the model's own word, [0, 1] of pictures; None: anything."""
        return getattr(self.model, "bounds", None)

    @property
    def scale(self) -> Scale:
        """Log-odds, z = log(exp(L) - 1)."""
        return Scale("log-odds", lambda points, pairs: self._of(log_odds, points, pairs), log_odds_of_loss)

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return self._of(partial(nn.functional.cross_entropy, reduction="none"), points, pairs)

    def _of(self, function: Callable[[Tensor, Tensor], Tensor], points: Tensor, pairs: Tensor) -> Tensor:
        """A function (n,) of the outputs (n, classes) and labels (n,)."""
        try:
            outputs = logits_in(self.model(points))
            if outputs.ndim > 1 and outputs.shape[1] < 2:
                raise ValueError(
                    f"a class loss needs a network of at least 2 outputs, got {outputs.shape[1]}: "
                    "the softmax of one is 1, its loss 0 everywhere"
                )
            return function(outputs, self.labels[pairs])
        except (RuntimeError, IndexError) as error:  # torch's own checks of shapes and of labels
            if out_of_memory(error):
                raise
            reason = str(error).splitlines()[0]
            raise ValueError(
                f"the model cannot take points of shape {tuple(points.shape[1:])} with labels "
                f"{int(self.labels.min())}..{int(self.labels.max())} for {len(self.labels)} pairs: {reason}"
            ) from error


@dataclass(frozen=True)
class Field:
    """A scalar field on R^d as an objective, the same for every pair: function maps (n, d) to (n,)."""

    function: Callable[[Tensor], Tensor]

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return self.function(points)


@dataclass(frozen=True, eq=False)
class OfPairs:
    """The objective of some of the pairs, counted anew: pair i is pair rows[i] of the other."""

    objective: Objective
    rows: Tensor  # (n,) long

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        return self.objective(points, self.rows[pairs])

    @property
    def scale(self) -> Scale:
        """That of the other."""
        other = scale_of(self.objective)
        return Scale(other.name, OfPairs(other.of_points, self.rows), other.of_loss)


@dataclass(frozen=True)
class InPrecision:
    """An objective in lower precision ("autocast"), for what only has to be ranked."""

    objective: Objective
    dtype: torch.dtype

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        with torch.autocast(points.device.type, self.dtype):
            return self.objective(points, pairs).to(points.dtype)


def bounds_of(objective: Objective) -> tuple[float, float] | None:
    """What the objective says that coordinates must lie in, looked for behind its wrappers; None: anything."""
    while hasattr(objective, "objective"):
        objective = objective.objective
    return getattr(objective, "bounds", None)


def total_variation(points: Tensor) -> Tensor:
    """Sum over space of |x_i - x_j| for neighbours i, j along each axis: (n, channels, *space) -> (n,).

    Points without space, (n, d), have none.
    """
    variation = points.new_zeros(len(points))
    for axis in range(2, points.ndim):
        variation = variation + points.diff(dim=axis).abs().flatten(1).sum(1)
    return variation


@torch.inference_mode()
def losses(objective: Objective, points: Tensor, pairs: Tensor | None = None) -> Tensor:
    """Losses (n,) without gradients, in chunks; pairs default to 0..n-1."""
    pairs = torch.arange(len(points), device=points.device) if pairs is None else pairs
    chunk = chunk_size(points)
    parts = zip(points.split(chunk), pairs.split(chunk), strict=True)
    return torch.cat([objective(part, pair) for part, pair in parts] or [points.new_zeros(0)])


def gradient_of(losses: Tensor, points: Tensor) -> Tensor:
    """Gradient of the sum of losses (n,) at the points they were computed from; where none leads back, one line."""
    found = torch.autograd.grad(losses.sum(), points, allow_unused=True)[0] if losses.requires_grad else None
    if found is None:
        raise ValueError(
            "the loss has no gradient, so that no point can be moved downhill; take torch.no_grad(), detach() or numpy "
            "out of the network's forward"
        )
    return found


@torch.inference_mode()
def checked_function(objective: Objective, points: Tensor, pairs: Tensor) -> None:
    """Nothing, if the objective gives the same losses of some points when it is asked twice.

    ASKED_TWICE of them, fewer points several times: small noise may leave one of them as it was.
    """
    rows = torch.arange(ASKED_TWICE, device=points.device) % len(points)
    first, second = (objective(points[rows], pairs[rows]) for _ in range(2))
    away = (first - second).abs() > REPEATED * torch.maximum(first.abs(), second.abs()) + NEGLIGIBLE
    if away.any():  # not where a loss is not a number
        row = int(away.nonzero()[0])
        raise ValueError(
            f"the loss of one point is {first[row]:.6g} and, asked again, {second[row]:.6g}: dropout is left on, or "
            "noise; take it out, for a path is open only where the loss is a function"
        )


def chunk_size(points: Tensor) -> int:
    """Points evaluated at once: about 2^20 input numbers, between 16 and 4096 points."""
    return min(max(2**20 // max(points[:1].numel(), 1), 16), 4096)


def out_of_memory(error: Exception) -> bool:
    """Whether torch could not allocate; on a CPU it says so in words only."""
    return isinstance(error, torch.OutOfMemoryError) or "can't allocate memory" in str(error)


def checked_points(name: str, points: Tensor) -> Tensor:
    """points (n, *shape), n >= 1, floating and finite; the error names the first that is not."""
    if not isinstance(points, Tensor) or points.ndim < 2 or not points.is_floating_point():
        got = f"{tuple(points.shape)} {points.dtype}" if isinstance(points, Tensor) else type(points).__name__
        raise ValueError(f"{name} must be a floating tensor (n, *shape), got {got}")
    if len(points) == 0:
        raise ValueError(f"{name} is empty, at least one point is needed")
    finite = points.flatten(1).isfinite().all(1)
    if not finite.all():
        raise ValueError(f"{name} holds NaN or infinite values at index {int((~finite).nonzero()[0])}")
    return points


def checked_bounds(name: str, points: Tensor, bounds: tuple[float, float]) -> Tensor:
    """points (n, *shape), if every coordinate lies within the bounds; the error names the first that does not."""
    inside = ((points >= bounds[0]) & (points <= bounds[1])).flatten(1).all(1)
    if not inside.all():
        row = int((~inside).nonzero()[0])
        raise ValueError(
            f"{name} must lie in [{bounds[0]:g}, {bounds[1]:g}], got {points[row].min():.3g} to "
            f"{points[row].max():.3g} at index {row}; scale them, the network's normalisation is its own"
        )
    return points


def device(name: str) -> torch.device:
    """The device by name ('cpu', 'cuda', 'cuda:1', 'mps'); an error says which ones are here."""
    present = ["cpu"]
    present += [f"cuda:{i}" for i in range(torch.cuda.device_count())] + ["cuda"] * torch.cuda.is_available()
    present += ["mps"] * torch.backends.mps.is_available()
    return torch.device(checks.one_of("device", name, present))


def moved(what: Any, device: torch.device) -> Any:
    """An objective, or a part of one, with its tensors and networks on the device; what is there already stays."""
    if isinstance(what, Tensor):
        return what.to(device)
    if isinstance(what, nn.Module):
        return what if device_of(what) == device else deepcopy(what).to(device)
    if is_dataclass(what) and not isinstance(what, type):
        there = copy(what)
        for name, part in vars(what).items():
            object.__setattr__(there, name, moved(part, device))  # what was checked once is not asked for its values
        return there
    return type(what)(moved(one, device) for one in what) if isinstance(what, list | tuple) else what


def device_of(model: nn.Module) -> torch.device:
    """Where a network's parameters are; the CPU for one without parameters."""
    return next((one.device for one in model.parameters()), torch.device("cpu"))
