"""Why linear response is off under Adam: where first cuts go, and what they do to their line.

    python benchmarks/first_cuts.py NETWORK DIMENSION PAIRS [DATA]      resnet18 3072 4; mlp 100 20; cnn1d 40 30 mnist1d

Of an untrained network between class-optimal inputs, or of one trained on DATA between natural ones.

Each pair's worst point B is moved down to B' by the default finder's descent, across the line; its halves are carried
along (tent). Printed: medians over the pairs, standard errors of their means in brackets, of

    stretch      |B' - B| over that which linear response says, for the value really reached
    cosine       of B' - B and the direction of that response
    norm         |B'| / |B|
    fall         mean fall of closed points more than 0.1 of the line away from B, over linear response
    along way    the same over the first-order response to B' - B itself: 1 if there is no curvature on the way
    by norm      share of that fall which scaling the same points by as much as their norms grew makes alone
    open, said   share of these points that are open after the cut, and that linear response says
"""

import sys
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from empirical.descent.rows import descend
from empirical.ends.pairs import draw
from empirical.ends.subject import Subject, build
from empirical.finder.find import PRESETS, Finder
from empirical.finder.paths import between
from empirical.losses.evaluation import Evaluator
from empirical.losses.objectives import ClassLoss, Objective
from empirical.losses.scales import scale_of
from empirical.prediction.responses import across

N_POINTS = 41  # of a line
FAR = 0.1  # of a line


class Cut(NamedTuple):
    """One pair's; fall and what follows are nan where no closed point is far."""

    stretch: float
    cosine: float
    norm: float
    fall: float
    along_way: float
    by_norm: float
    open: float
    said: float


def first_cut(objective: Objective, a: Tensor, c: Tensor, pair: int, finder: Finder) -> Cut | None:
    """The first cut of the line from a to c (*shape); None where it is open, or the descent stalls."""
    scale, t = scale_of(objective), torch.linspace(0, 1, N_POINTS)
    high, _ = scale.levels(finder.level, finder.descent.stop)
    x = between(a[None], c[None], t.view(-1, *[1] * a.ndim))
    rows, along = torch.full((N_POINTS,), pair), (c - a).flatten()[None]
    z, gradients = Evaluator(scale.of_points, x).slopes(x, rows)
    g, worst = across(gradients.flatten(1)[None], along)[0], int(z.argmax())
    if z[worst] <= high or worst in (0, N_POINTS - 1):
        return None
    moved = descend(objective, x[worst][None], rows[:1], finder.descent, normals=(c - a)[None])
    if not moved.reached[0]:
        return None
    way = moved.points[0] - x[worst]
    tent = torch.minimum(t / t[worst], (1 - t) / (1 - t[worst]))
    carried = x + tent.view(-1, *[1] * a.ndim) * way
    growth = carried.flatten(1).norm(dim=1) / x.flatten(1).norm(dim=1)
    with torch.no_grad():
        after, scaled = (scale.of_points(points, rows) for points in (carried, x * growth.view(-1, *[1] * a.ndim)))
    expected = across(-g[worst].sign()[None, None], along)[0, 0]  # of Adam's first steps
    steps = (after[worst] - z[worst]) / (g[worst] @ expected)
    w, far = way.flatten(), (z > high) & ((t - t[worst]).abs() > FAR)
    fall, response = (after - z)[far].mean(), steps * tent * (g @ expected)
    values = (
        w.norm() / (steps * expected.norm()),
        torch.cosine_similarity(w, expected, dim=0),
        growth[worst],
        fall / response[far].mean(),
        fall / (tent * (g @ w))[far].mean(),
        (scaled - z)[far].mean() / fall,
        (after <= high)[far].float().mean(),
        (z + response <= high)[far].float().mean(),
    )
    return Cut(*map(float, values))


def main(network: str, dimension: int, pairs: int, data: str = "none") -> None:
    training, kind = ("untrained", "class-optimal") if data == "none" else ("trained", "natural-natural")
    subject = Subject(network, data, training, kind, pairs, dimension)
    finder, generator = PRESETS["default"], torch.Generator().manual_seed(1)
    drawn = draw(*build(subject, seed=0), subject.wanted, stop=finder.descent.stop, generator=generator)
    objective = ClassLoss(drawn.model, drawn.labels)
    ends = enumerate(zip(drawn.a, drawn.c, strict=True))
    cuts = np.array([cut for i, (a, c) in ends if (cut := first_cut(objective, a, c, i, finder))])
    print(f"{network}, d = {dimension}: {len(cuts)} first cuts of {len(drawn.a)} pairs")
    for name, column in zip(Cut._fields, cuts.T, strict=True):
        known = column[np.isfinite(column)]
        print(f"{name:>10} {np.median(known):6.3f} ({known.std(ddof=1) / np.sqrt(len(known)):.3f})")


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), *sys.argv[4:])
