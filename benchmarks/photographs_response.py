"""Linear response of photographs: rounds of each pair of EfficientNet-lite0, as published for ImageNet, d = 150,528.

    python benchmarks/photographs_response.py PAIRS [steepest|adam]

Natural pairs of the shipped photographs, ends lowered as `percolation connect` does. A line a pair: loss at the top of
the straight line; rounds, first displacement predicted from it; then what the finder did. `percolation rounds` takes no
published weights: their inputs are too few and too large to learn statistics from.
"""

import sys

import torch

from empirical.descent.rows import Descent
from empirical.ends.pairs import draw
from empirical.ends.subject import Subject, build
from empirical.finder.find import Finder, find_paths
from empirical.losses.objectives import ClassLoss, OfPairs
from empirical.prediction import responses

N_POINTS = 48  # of a line: a gradient takes 70 ms
SHARE = 0.02  # of a line: the longest step of steepest descent
LR = 0.005  # of Adam


def main(pairs: int, steps: str = "steepest") -> None:
    subject = Subject(
        "efficientnet_lite0", "pictures", "trained", "natural-natural", pairs, weights="imagenet", lower_ends=True
    )
    drawn = draw(*build(subject, seed=0), subject.wanted, stop=5e-4, generator=torch.Generator().manual_seed(1))
    objective = ClassLoss(drawn.model, drawn.labels)
    for i, (a, c) in enumerate(zip(drawn.a[:, None], drawn.c[:, None], strict=True)):
        lr = SHARE * float((c - a).norm()) if steps == "steepest" else LR
        finder = Finder(descent=Descent(steps=steps, lr=lr, iterations=400, projected=True, restarts=2))
        one = OfPairs(objective, torch.tensor([i]))
        said = responses.of_finder(one, a, c, finder, n_points=N_POINTS)
        (found,) = find_paths(one, a, c, finder)
        print(
            f"pair {i}: line {found.barriers[0]:.3g} nats; rounds {found.rounds} ({found.status}), predicted "
            f"{said.rounds[0]:.0f}; first cut {found.displacement:.3g}, predicted {said.displacement[0]:.3g}",
            flush=True,
        )


if __name__ == "__main__":
    main(int(sys.argv[1]), *sys.argv[2:])
