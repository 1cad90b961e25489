"""Thresholds from runs at one p near p_c: pilots, each from the estimate of the one before, then those that count."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from time import monotonic

import numpy as np

from percolation import runs, seeds
from percolation.quantities import Estimate
from percolation.scaling.budget import Budget


@dataclass(frozen=True)
class RunsAt:
    """Runs at a p, as many as a budget has, and the estimate of p_c that they allow."""

    run: Callable[[float, np.random.SeedSequence], np.ndarray]  # p, seed -> the sums of a run
    estimate: Callable[[np.ndarray, float], Estimate]  # sums (n_runs, ...), p -> p_c
    begin: Callable[[np.random.SeedSequence], float]  # a first p
    stages: Sequence[int]  # runs of pilots; at most one stage
    label: str  # of the progress bar
    near: Callable[[float, float], float] = lambda p, wanted: wanted  # p, wanted -> what p can be

    def collect(self, budget: Budget, seed: seeds.Seed, p: float | None) -> tuple[float, np.ndarray]:
        """p near p_c, by pilots if there is none yet, and the sums of the runs at it, (n_runs, ...)."""
        begun = monotonic()
        pilots, parent = runs.seeds(seed, 2)
        p = self._pilot(budget, pilots) if p is None else self.near(p, p)
        return p, self._runs(p, budget.after(monotonic() - begun), parent)

    def _pilot(self, budget: Budget, seed: np.random.SeedSequence) -> float:
        """That of begin, then the estimate of each stage; where a time or a precision is asked for, of one more."""
        first, *later = seed.spawn(3)
        p = self.begin(first)
        stages = [budget.fixed(n) for n in self.stages] + [budget.pilot()] * budget.is_open
        for stage, child in zip(stages, later, strict=False):
            with runs.pilots():
                p = self.near(p, self.estimate(self._runs(p, stage, child), p).value)
        return p

    def _runs(self, p: float, budget: Budget, parent: np.random.SeedSequence) -> np.ndarray:
        return budget.collect(parent, partial(self.run, p), lambda done: self.estimate(done, p), self.label)
