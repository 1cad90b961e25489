"""Analytic fields whose minimax barrier is known, and the finders that tests send over them."""

from dataclasses import replace

import numpy as np
import torch

from empirical.descent.rows import Descent
from empirical.finder.find import Finder

LEFT, RIGHT = [-3.0, 0.0], [3.0, 0.0]
PROJECTED = Finder(scan="dense", level=0.11, descent=Descent(lr=0.02, stop=0.1, projected=True))
FREE = replace(PROJECTED, descent=replace(PROJECTED.descent, projected=False))


def ends(n=1):
    """LEFT and RIGHT n times, (n, 2) float64 each."""
    return torch.tensor([LEFT] * n, dtype=torch.float64), torch.tensor([RIGHT] * n, dtype=torch.float64)


def ridge_with_pass(height, xp=torch):
    """A ridge along x = 0 with a pass of the given height at y = 1; 0 far from the ridge.

    f(x, y) = exp(-2 x^2) (1 - (1 - height) exp(-(y - 1)^2 / 2)). On the line x = 0, f >= height with equality at y = 1,
    and every path from x < 0 to x > 0 crosses that line: the minimax barrier between LEFT and RIGHT is height.
    """

    def field(points):
        x, y = points[..., 0], points[..., 1]
        return xp.exp(-2 * x**2) * (1 - (1 - height) * xp.exp(-((y - 1) ** 2) / 2))

    return field


def in_numpy(height):
    return ridge_with_pass(height, np)
