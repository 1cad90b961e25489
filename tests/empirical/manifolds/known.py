"""Networks whose class-optimal set is known, and the finder that tests send over it."""

import torch
from torch import nn

from empirical.descent.rows import Descent
from empirical.finder.settings import Finder

QUICK = Finder(coarse=8, dense=16, recheck=32, descent=Descent(lr=0.2, iterations=256, log=True, patience=64))


class Ring(nn.Module):
    """Class 0 has its low losses on a ring of radius 1 in the first two coordinates: logits (0, 40 (r - 1)^2 - 8)."""

    def forward(self, x):
        height = 40 * (x[:, :2].norm(dim=1) - 1) ** 2 - 8
        return torch.stack([torch.zeros_like(height), height], dim=1)


class Halves(nn.Module):
    """Class 0 is open where |x_0| > 1; between lies a wall that no path can cross."""

    def forward(self, x):
        return torch.stack([torch.zeros(len(x)), 10 * (1 - x[:, 0].abs()) - 8], dim=1)
