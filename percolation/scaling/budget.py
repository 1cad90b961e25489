"""How many runs: a number, as many as a given time affords, or enough for a given error."""

import math
import warnings
from collections.abc import Callable
from dataclasses import dataclass, replace
from time import monotonic
from typing import Any

import numpy as np

from percolation import checks, seeds
from percolation.quantities import Estimate
from percolation.runs import run as run_all

SAFETY = 1.1  # more runs than the error so far asks for, since it is an estimate too
PILOT_PRECISION = 10  # so near p_c what is nonlinear in p is far below the precision
PILOT_SHARE, MOMENT = 0.1, 1e-3  # of the time; seconds
GROWTH = 4  # largest factor by which the number of runs grows at once
DAY = 86400.0  # seconds
LONGEST, FINEST = 1e8, 1e-12  # seconds, three years; error of p_c


@dataclass(frozen=True, eq=False)
class Simulated(Estimate):
    """p_c with the runs it came from: enough to repeat it or to fit it otherwise. Equal are those of equal numbers."""

    kind: str
    seed: seeds.Seed
    n_runs: int


@dataclass(frozen=True)
class Budget:
    """So many runs; or instead the time in seconds, or the precision that the error shall reach: whichever comes first.

    The precision is one sigma of the estimate; relative: in units of the estimate itself.
    With precision alone the number of runs follows from the data, so the same seed makes the same runs. With time it
    depends on the machine; the number made, given as n_runs, and the p at which they were made, repeat them.
    """

    runs: int
    time: float | None = None
    precision: float | None = None
    at_least: int = 1  # runs, whose scatter gives the error
    workers: int = 1  # threads
    progress: bool = True  # whether a bar shows it
    relative: bool = False  # whether the precision is one of the estimate as 1

    def __post_init__(self) -> None:
        checks.integer("runs", self.runs, at_least=self.at_least)
        checks.memory(f"{self.runs} runs", seeds.BYTES * self.runs, "reduce the number of runs")
        for name, value in (("time", self.time), ("precision", self.precision)):
            if value is not None:
                checks.positive(name, value)
        if self.time is not None and self.time > LONGEST:
            raise ValueError(f"time must be at most {LONGEST:g} seconds, three years, got {self.time:g}")
        if self.precision is not None and self.precision < FINEST:
            raise ValueError(f"precision must be at least {FINEST:g}, which no runs reach, got {self.precision:g}")
        if self.relative and self.precision is None:
            raise ValueError("relative says in which units the precision is: give a precision, or leave it out")

    @classmethod
    def asked(
        cls, runs: int | None, time: float | None, precision: float | None, *, usual: int, at_least: int, **how: Any
    ) -> "Budget":
        """What a user asked for, or else the usual runs; how: workers, progress."""
        if runs is not None and (time is not None or precision is not None):
            raise ValueError("give a number of runs, or a time or a precision that sets it: not both")
        return cls(usual if runs is None else runs, time, precision, at_least, **how)

    @property
    def is_open(self) -> bool:
        """Whether the number of runs is not known beforehand."""
        return self.time is not None or self.precision is not None

    def unit(self, value: float) -> float:
        """Of the precision, for an estimate of this value."""
        return abs(value) if self.relative else 1.0

    def pilot(self) -> "Budget":
        """For a pilot that brings p near p_c: a tenth of the time, PILOT_PRECISION times the precision."""
        time = None if self.time is None else PILOT_SHARE * self.time
        precision = None if self.precision is None else PILOT_PRECISION * self.precision
        return replace(self, runs=self.at_least, time=time, precision=precision)

    def fixed(self, runs: int) -> "Budget":
        """So many runs, of the same workers."""
        return Budget(runs, workers=self.workers, progress=self.progress)

    def after(self, spent: float) -> "Budget":
        """What is left of it after so many seconds."""
        return self if self.time is None else replace(self, time=max(self.time - spent, MOMENT))

    def collect(
        self,
        parent: np.random.SeedSequence,
        run: Callable[[np.random.SeedSequence], np.ndarray],
        estimate: Callable[[np.ndarray], Estimate],
        label: str = "runs",
    ) -> np.ndarray:
        """Runs of the parent's children in turn, one to a row of the result; label: of the progress bar."""
        how: dict[str, Any] = {"workers": self.workers, "label": label, "progress": self.progress}
        begun = monotonic()
        done = run_all(run, parent.spawn(self.at_least if self.is_open else self.runs), **how)
        while self.is_open:
            spent = monotonic() - begun
            more = min(self._affordable(len(done), spent), self._needed(done, estimate, spent))
            if more < 1:
                break
            done += run_all(run, parent.spawn(int(more)), **how)
        return np.array(done)

    def _affordable(self, n_done: int, spent: float) -> float:
        """At most as many as are done: the rate of the first runs is uncertain."""
        return math.inf if self.time is None else min(n_done * (self.time / spent - 1), n_done)

    def _needed(self, done: list[np.ndarray], estimate: Callable[[np.ndarray], Estimate], spent: float) -> float:
        if self.precision is None:
            return math.inf
        found = estimate(np.array(done))
        asked = self.precision * self.unit(found.value)
        if self.time is None and math.isfinite(found.error):
            _foretell(asked, spent * (found.error / asked) ** 2)
        return more_runs(len(done), found.error, asked)


def _foretell(precision: float, seconds: float) -> None:
    """Warn of more than a day, as soon as the first runs tell."""
    if seconds > DAY:
        warnings.warn(
            f"an error of {precision:g} takes about {seconds / DAY:.1g} days here, by the first runs; "
            "a time ends it sooner",
            UserWarning,
            stacklevel=2,
        )


def more_runs(n_done: int, error: float, precision: float) -> float:
    """How many more bring the error, which falls as 1 / sqrt(runs), down to the precision."""
    excess = min(error / precision, 1e150) ** 2  # a float holds it
    return 0 if excess <= 1 else max(n_done * (min(SAFETY * excess, GROWTH) - 1), 1)
