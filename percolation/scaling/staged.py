"""Thresholds from runs at one p near p_c: pilots, each from the estimate of the one before, then those that count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from percolation import runs
from percolation.quantities import Estimate
from percolation.scaling.budget import Budget


@dataclass(frozen=True)
class RunsAt:
    """Runs at a p, as many as a budget has, and the estimate of p_c that they allow."""

    run: Callable[[float, np.random.SeedSequence], np.ndarray]  # p, seed -> the sums of a run
    estimate: Callable[[np.ndarray, float], Estimate]  # sums (n_runs, ...), p -> p_c
    workers: int
    label: str  # of the progress bar
    progress: bool

    def collect(self, p: float, budget: Budget, parent: np.random.SeedSequence) -> np.ndarray:
        """Sums of the runs at p, (n_runs, ...)."""
        how: Any = {"workers": self.workers, "label": self.label, "progress": self.progress}
        return budget.collect(parent, partial(self.run, p), lambda done: self.estimate(done, p), **how)

    def pilot(
        self,
        seed: np.random.SeedSequence,
        begin: Callable[[np.random.SeedSequence], float],
        stages: Sequence[Budget],
        near: Callable[[float, float], float] = lambda p, wanted: wanted,
    ) -> float:
        """p near p_c: that of begin, then the estimate of each of at most two stages; near(p, wanted): as it can be."""
        first, *later = seed.spawn(3)
        p = begin(first)
        for stage, child in zip(stages, later, strict=False):
            with runs.pilots():
                p = near(p, self.estimate(self.collect(p, stage, child), p).value)
        return p
