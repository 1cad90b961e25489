"""Wide networks of one activation and no biases, from order to chaos: sigma_w and depth set their correlation length.

Weights are normal of variance sigma_w^2 / fan-in in every layer, first and last included. On the sphere |x|^2 = d an
output is nearly a Gaussian field, `percolation.fields.WideLimit` its covariance and xi its correlation length in
radians. Where sigma_w^2 E phi'^2 > 1 xi shrinks with every layer (Poole et al. 2016, Schoenholz et al. 2017).
"""

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn

from percolation import checks

if TYPE_CHECKING:
    from percolation.fields import WideLimit

DEPTH, WIDTH, SIGMA_W = 8, 256, 3.0


class Activation(nn.Module):
    """A function of each unit."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self.name = name

    def forward(self, x: Tensor) -> Tensor:
        return FUNCTIONS[self.name](x)

    def extra_repr(self) -> str:
        return self.name


FUNCTIONS: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "erf": torch.erf, "sin": torch.sin}


def tanh(
    shape: tuple[int, ...], n_classes: int, width: int = WIDTH, depth: int = DEPTH, sigma_w: float = SIGMA_W
) -> nn.Module:
    """tanh: chaotic for sigma_w > 1."""
    return _network("tanh", shape, n_classes, width, depth, sigma_w)


def erf(
    shape: tuple[int, ...], n_classes: int, width: int = WIDTH, depth: int = DEPTH, sigma_w: float = SIGMA_W
) -> nn.Module:
    """The error function, steeper than tanh: chaotic for sigma_w > pi^(1/2) / 2."""
    return _network("erf", shape, n_classes, width, depth, sigma_w)


def sin(
    shape: tuple[int, ...], n_classes: int, width: int = WIDTH, depth: int = DEPTH, sigma_w: float = SIGMA_W
) -> nn.Module:
    """The sine, which never saturates: chaotic for sigma_w > 1, the more so the larger."""
    return _network("sin", shape, n_classes, width, depth, sigma_w)


def limit(activation: str, depth: int, sigma_w: float) -> "WideLimit":
    """The Gaussian limit of a network of this activation as its width grows."""
    from percolation.fields import WideLimit  # numba takes a second to load, and other networks do without

    return WideLimit(depth, checks.one_of("activation", activation, FUNCTIONS), sigma_w**2)


def _network(
    activation: str, shape: tuple[int, ...], n_classes: int, width: int, depth: int, sigma_w: float
) -> nn.Module:
    checks.positive("sigma_w", sigma_w)
    widths = [math.prod(shape)] + [checks.integer("width", width, at_least=1)] * checks.integer(
        "depth", depth, at_least=1
    )
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [_linear(fan_in, fan_out, sigma_w), Activation(activation)]
    return nn.Sequential(*layers, _linear(width, n_classes, sigma_w))


def _linear(fan_in: int, fan_out: int, sigma_w: float) -> nn.Linear:
    layer = nn.Linear(fan_in, fan_out, bias=False)
    nn.init.normal_(layer.weight, std=sigma_w / math.sqrt(fan_in))
    return layer
