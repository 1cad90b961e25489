"""Curves with one bend between two trained networks, and the training of the bend.

Source: Garipov et al., Loss surfaces, mode connectivity, and fast ensembling of DNNs, arXiv:1802.10026 (2018).
"""

import math
from dataclasses import dataclass

import torch
from scipy.integrate import quad
from torch import Tensor

from empirical.finder.paths import Path
from empirical.losses.weights import TrainingLoss
from empirical.networks.models import Training
from percolation import checks

KINDS = ("chain", "bezier")
BEND_TRAINING = Training(epochs=200)  # digits, cnn: a chain's barrier falls to 0.009 nats in 60, to 0.002 in 200


@dataclass(frozen=True)
class Curve:
    """From a through, or towards, a bend to c: points (n_parameters,), t in [0, 1].

    chain:  a + 2 t (b - a) for t < 1/2, then c - 2 (1 - t) (c - b), which passes through the bend b.
    bezier: (1 - t)^2 a + 2 t (1 - t) b + t^2 c, which b draws to its side.
    """

    kind: str
    a: Tensor
    bend: Tensor
    c: Tensor

    def __post_init__(self) -> None:
        checks.one_of("curve", self.kind, KINDS)
        if not self.a.shape == self.bend.shape == self.c.shape:
            shapes = [tuple(point.shape) for point in (self.a, self.bend, self.c)]
            raise ValueError(f"both ends and the bend must have one shape, got {shapes}")

    def __call__(self, t: Tensor) -> Tensor:
        """Points (n, n_parameters) at t (n,); the ends come back bit for bit."""
        if self.kind == "chain":
            return Path(torch.stack([self.a, self.bend, self.c]))(2 * t)
        t = t.to(self.a)[:, None]
        return (1 - t) ** 2 * self.a + 2 * t * (1 - t) * self.bend + t**2 * self.c

    @property
    def length(self) -> float:
        """Euclidean length; of a Bezier curve by quadrature of |dx/dt|, to 1e-8 of it."""
        first, last = ((end - start).cpu().double() for start, end in ((self.a, self.bend), (self.bend, self.c)))
        if self.kind == "chain":
            return float(first.norm() + last.norm())
        uu, uv, vv = (float(one @ other) for one, other in ((first, first), (first, last), (last, last)))
        return quad(lambda t: 2 * math.sqrt(max((1 - t) ** 2 * uu + 2 * t * (1 - t) * uv + t**2 * vv, 0)), 0, 1)[0]


@dataclass(frozen=True)
class TrainedCurve:
    """A curve and the loss along it on all the data."""

    curve: Curve
    t: Tensor  # (n_t,) even in [0, 1]
    losses: Tensor  # (n_t,) nats


def train_bend(
    objective: TrainingLoss,
    a: Tensor,
    c: Tensor,
    kind: str = "chain",
    training: Training = BEND_TRAINING,
    *,
    generator: torch.Generator,
    n_t: int = 65,
) -> TrainedCurve:
    """Move the bend, from halfway between a and c (n_parameters,), to where the curve's mean loss is least.

    Minimises the mean over t ~ U(0, 1) of L(x(t)), one t a step and a batch of the data each, by Adam as networks are
    trained. The mean is over t, not over length.
    """
    bend = ((a + c) / 2).clone().requires_grad_()
    optimiser = torch.optim.Adam([bend], lr=training.lr)
    n, size = len(objective.x), training.batch_size
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, training.epochs * math.ceil(n / size))
    for _ in range(training.epochs):
        for batch in torch.randperm(n, generator=generator).to(a.device).split(size):
            point = Curve(kind, a, bend, c)(torch.rand(1, generator=generator))[0]
            optimiser.zero_grad()
            objective.of(point, objective.x[batch], objective.y[batch]).backward()
            optimiser.step()
            schedule.step()
    curve = Curve(kind, a, bend.detach(), c)
    t = torch.linspace(0, 1, checks.integer("n_t", n_t, at_least=2), dtype=torch.float64)
    return TrainedCurve(curve, t, losses_along(objective, curve, t))


@torch.no_grad()
def losses_along(objective: TrainingLoss, curve: Curve, t: Tensor) -> Tensor:
    """Losses (n,) at t (n,), point by point, as a thousand networks would not fit the memory."""
    return torch.cat([objective(curve(one), one.long()) for one in t.split(1)])
