"""Paths written down before any descent: the vertices that linear response of the straight line says, for the finder.

`find_paths(objective, a, c, finder, planned=plan.vertices)` moves them downhill all at once and goes on from there.
"""

import time
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from empirical.finder.connections import Cost
from empirical.finder.paths import between
from empirical.finder.settings import Finder
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import Objective
from empirical.losses.scales import scale_of
from empirical.prediction.responses import across, look
from percolation import checks
from percolation.theory import rounds
from percolation.theory.rounds.response import PLACE, Response

# of a line; 96 leave .57 instead of .56 of the paths of a trained 1-D CNN open at once, at four times the gradients
N_POINTS = 24
LOWER = 0.5  # below stop, in log-odds: at 0, .50 are, and at 1.5, .63, but fewer after the descent


@dataclass(frozen=True)
class Plan:
    """Vertices of each pair's path between its ends, and what it took to find them."""

    vertices: list[Tensor]  # (k_i, *shape), in order; k_i = 0 where the line is open, or nothing is known of it
    cost: Cost  # seconds under "plan"


def planned(
    objective: Objective, a: Tensor, c: Tensor, finder: Finder, *, n_points: int = N_POINTS, lower: float = LOWER
) -> Plan:
    """Plan the path of each pair from a[i] to c[i], (n, *shape), for the finder's level and stop.

    n_points: of a line, 3 or more; a gradient each, and one more for each vertex. lower: aim so far below stop, on the
    objective's own scale (log-odds of a class loss).
    """
    checks.finite("lower", lower)
    began = time.monotonic()
    scale = scale_of(objective)
    high, low = scale.levels(finder.level, finder.descent.stop)
    seen = look(scale.of_points, a, c, n_points=n_points)
    rows = seen.finite.nonzero()[0]
    vertices, n_gradient = [a[:0]] * len(a), len(a) * n_points
    if len(rows):
        found = rounds.respond(seen.z[rows], seen.gram[rows], seen.shares, level=high, stop=low - lower)
        cut = [(int(row), line) for line, row in enumerate(rows) if found.n_cuts[line]]
        gradients = _at_cuts(scale.of_points, a, c, found, cut)
        for (row, line), g in zip(cut, gradients, strict=True):
            vertices[row] = _vertices(found, line, a[row], c[row], g)
            n_gradient += len(g)
    return Plan(vertices, Cost(0, n_gradient, {"plan": time.monotonic() - began}))


def _at_cuts(objective: Objective, a: Tensor, c: Tensor, found: Response, cut: list[tuple[int, int]]) -> list[Tensor]:
    """Gradients across the line (k, D) at the cuts of each line that has some, in the order of their places."""
    if not cut:
        return []
    counts = [int(found.n_cuts[line]) for _, line in cut]
    places = np.concatenate([np.sort(found.cuts_of(line)[0][:, PLACE]) for _, line in cut])
    rows = torch.tensor([row for row, _ in cut], device=a.device).repeat_interleave(torch.tensor(counts).to(a.device))
    t = torch.as_tensor(found.positions[places]).to(a).view(-1, *[1] * (a.ndim - 1))
    _, gradient = Evaluator(objective, a).slopes(between(a[rows], c[rows], t), rows)
    return list(across(gradient.flatten(1)[:, None], (c - a)[rows].flatten(1)).squeeze(1).split(counts))


def _vertices(found: Response, line: int, a: Tensor, c: Tensor, g: Tensor) -> Tensor:
    """Inner vertices (k, *shape) of one line's predicted path, from the gradients g (k, D) at its cuts."""
    path = found.path(line)
    inner = slice(1, -1)
    on_a, on_c, on_g = (
        torch.as_tensor(some[inner]).to(a) for some in (path.on_a, path.on_c, path.on_gradients[:, path.places[inner]])
    )
    flat = on_a[:, None] * a.flatten() + on_c[:, None] * c.flatten() + on_g @ g
    return flat.view(-1, *a.shape)
