"""One door for all attacks: by name, checked before, and not trusted after."""

import importlib.util
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from empirical.attacks import auto_attack, libraries, targeted
from empirical.losses.objectives import checked_bounds, checked_points, chunk_size
from empirical.losses.points import columns
from percolation import checks

NORMS = ("linf", "l2")
ROUNDING = 1e-5  # by which a perturbation may exceed epsilon, of epsilon


@dataclass(frozen=True)
class Attack:
    """How to call an attack: make(model, x, y, *, epsilon, norm, bounds, generator) -> x_adv, all (n, *shape)."""

    label: str
    make: Callable[..., Tensor]
    norms: tuple[str, ...]  # the first is the usual one
    needs_epsilon: bool  # or looks for the smallest perturbation
    package: str | None = None  # that it imports
    extra: str | None = None  # of pip, that brings it


@dataclass(frozen=True)
class Attacked:
    """What an attack returned, and what it is worth."""

    points: Tensor  # (n, *shape); rows without success are not adversarial
    success: Tensor  # (n,) bool: within bounds and epsilon, and not taken for its class
    predicted: Tensor  # (n,) long
    distances: Tensor  # (n,) from the source in the norm, units of x
    norm: str

    @property
    def rate(self) -> float:
        """Share of the sources for which it succeeded."""
        return self.success.float().mean().item()


def _targeted_descent(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float | None,
    norm: str,
    bounds: tuple[float, float],
    **rest: Any,
) -> Tensor:
    """Its perturbation is held small by a penalty, not by epsilon."""
    return targeted.another_class(model, x, y, **rest).clamp(*bounds)


ATTACKS = {
    "targeted": Attack("targeted", _targeted_descent, ("l2", "linf"), False),
    "fgsm": Attack("FGSM", libraries.fast_gradient, NORMS, True, "foolbox", "detect"),
    "bim": Attack("BIM", libraries.basic_iterative, NORMS, True, "foolbox", "detect"),
    "pgd": Attack("PGD", libraries.projected_gradient, NORMS, True, "foolbox", "detect"),
    "deepfool": Attack("DeepFool", libraries.deepfool, ("l2", "linf"), False, "foolbox", "detect"),
    "cw": Attack("C&W", libraries.carlini_wagner, ("l2",), False, "foolbox", "detect"),
    "autoattack": Attack("AutoAttack", auto_attack.ensemble, NORMS, True, "art", "autoattack"),
}


def find(name: str) -> Attack:
    """The attack of this name, if what it imports is installed."""
    found = ATTACKS[checks.one_of("attack", name, ATTACKS)]
    if not installed(found):
        raise ValueError(libraries.missing(name, str(found.package), str(found.extra)))
    return found


def installed(attack: Attack) -> bool:
    return attack.package is None or importlib.util.find_spec(attack.package) is not None


def attack(
    name: str,
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    *,
    epsilon: float | None = None,
    norm: str | None = None,
    bounds: tuple[float, float],
    generator: torch.Generator,
    **options: Any,
) -> Attacked:
    """Attack the inputs x (n, *shape) of classes y (n,), and see for oneself what came of it.

    epsilon: largest perturbation in the norm, units of x; attacks that look for the smallest one may go without.
    norm: linf or l2; None: the attack's usual one. bounds: (low, high) of every coordinate. options: of the attack.
    A row succeeds if the network does not take it for y, it is finite and within the bounds, and no farther than
    epsilon (1 + 1e-5) from x. Rows that the network does not know at the start have no success to speak of: leave
    them out.
    """
    found = find(name)
    checked_points("x", x)
    if y.shape != (len(x),):
        raise ValueError(f"y must be ({len(x)},), one class for each input, got {tuple(y.shape)}")
    if not bounds[0] < bounds[1]:
        raise ValueError(f"bounds must be (low, high) with low below high, got {bounds}")
    checked_bounds("x", x, bounds)
    norm = found.norms[0] if norm is None else checks.one_of(f"norm of {name}", norm, found.norms)
    if epsilon is None and found.needs_epsilon:
        raise ValueError(f"{name} needs epsilon, its largest perturbation in units of x")
    if epsilon is not None:
        epsilon = checks.positive("epsilon", epsilon)
    make = partial(found.make, **options)
    points = make(model, x, y, epsilon=epsilon, norm=norm, bounds=bounds, generator=generator).detach()
    return judged(model, x, y, points, epsilon=epsilon, norm=norm, bounds=bounds)


def judged(
    model: nn.Module,
    x: Tensor,
    y: Tensor,
    points: Tensor,
    *,
    epsilon: float | None,
    norm: str,
    bounds: tuple[float, float],
) -> Attacked:
    """What the points (n, *shape), said to be adversarial to x, are worth."""
    if points.shape != x.shape:
        raise ValueError(f"the attack must return points of shape {tuple(x.shape)}, got {tuple(points.shape)}")
    valid = points.isfinite().flatten(1).all(1)
    points = torch.where(columns(valid, x), points, x)
    inside = ((points >= bounds[0]) & (points <= bounds[1])).flatten(1).all(1)
    far = (points - x).flatten(1).norm(dim=1, p=math.inf if norm == "linf" else 2)
    near = far <= (math.inf if epsilon is None else epsilon * (1 + ROUNDING))
    predicted = predictions(model, points)
    return Attacked(points, valid & inside & near & (predicted != y), predicted, far, norm)


@torch.inference_mode()
def predictions(model: nn.Module, x: Tensor) -> Tensor:
    """The class (n,) of the largest logit, in chunks."""
    return torch.cat([model(part).argmax(1) for part in x.split(chunk_size(x))] or [x.new_zeros(0).long()]).clone()
