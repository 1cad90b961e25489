"""How many runs: a number, as many as a given time affords, or enough for a given error."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from percolation import checks
from percolation.quantities import Estimate

SAFETY = 1.1  # more runs than the error so far asks for, since it is an estimate too
PILOT_PRECISION = 10  # so near p_c what is nonlinear in p is far below the precision
PILOT_SHARE, MOMENT = 0.1, 1e-3  # of the time; seconds
GROWTH = 4  # largest factor by which the number of runs grows at once


@dataclass(frozen=True)
class Budget:
    """n_runs; or instead seconds, or the precision that the error shall reach, or both: then whichever comes first.

    With precision alone the number of runs follows from the data, so the same seed makes the same runs. With seconds
    it depends on the machine; the number made, given as n_runs, and the p at which they were made, repeat them.
    """

    n_runs: int
    seconds: float | None = None
    precision: float | None = None
    at_least: int = 1  # runs, whose scatter gives the error

    def __post_init__(self) -> None:
        checks.integer("n_runs", self.n_runs, at_least=self.at_least)
        for name, value in (("seconds", self.seconds), ("precision", self.precision)):
            if value is not None:
                checks.positive(name, value)

    @property
    def is_open(self) -> bool:
        """Whether the number of runs is not known beforehand."""
        return self.seconds is not None or self.precision is not None

    def pilot(self) -> "Budget":
        """For a pilot that brings p near p_c: a tenth of the time, PILOT_PRECISION times the precision."""
        seconds = None if self.seconds is None else PILOT_SHARE * self.seconds
        precision = None if self.precision is None else PILOT_PRECISION * self.precision
        return Budget(self.at_least, seconds, precision, self.at_least)

    def after(self, spent: float) -> "Budget":
        """What is left of it after so many seconds."""
        return self if self.seconds is None else replace(self, seconds=max(self.seconds - spent, MOMENT))

    def collect(
        self,
        parent: np.random.SeedSequence,
        runs: Callable[[list[np.random.SeedSequence]], list[np.ndarray]],
        estimate: Callable[[np.ndarray], Estimate],
    ) -> np.ndarray:
        """Runs of the parent's children in turn, one to a row of the result."""
        begun = time.monotonic()
        done = runs(parent.spawn(self.at_least if self.is_open else self.n_runs))
        while self.is_open:
            more = min(self._affordable(len(done), time.monotonic() - begun), self._needed(done, estimate))
            if more < 1:
                break
            done += runs(parent.spawn(int(more)))
        return np.array(done)

    def _affordable(self, n_done: int, spent: float) -> float:
        """At most as many as are done: the rate of the first runs is uncertain."""
        return math.inf if self.seconds is None else min(n_done * (self.seconds / spent - 1), n_done)

    def _needed(self, done: list[np.ndarray], estimate: Callable[[np.ndarray], Estimate]) -> float:
        if self.precision is None:
            return math.inf
        return more_runs(len(done), estimate(np.array(done)).error, self.precision)


def more_runs(n_done: int, error: float, precision: float) -> float:
    """How many more bring the error, which falls as 1 / sqrt(runs), down to the precision."""
    excess = (error / precision) ** 2
    return 0 if excess <= 1 else max(n_done * (min(SAFETY * excess, GROWTH) - 1), 1)
