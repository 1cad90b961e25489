"""What a scan has found: means with errors by case, and what was left out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd

from percolation.ensembles.moments import Moments, Value
from percolation.store import KINDS, Failure


@dataclass(frozen=True)
class Case:
    """One point of the grid."""

    parameters: Mapping[str, Any]
    n: int  # realisations with a result
    failed: Mapping[str, int]  # realisations without one, by kind of failure
    moments: Mapping[str, Moments]  # of every numeric quantity of the results

    def mean(self, name: str = "value") -> Value:
        """Mean of a quantity over the realisations that have a result, in its units."""
        return self.moments[name].mean if name in self.moments else float("nan")

    def error(self, name: str = "value") -> Value:
        """Standard error of the mean, one sigma; NaN below two realisations."""
        return self.moments[name].error if name in self.moments else float("nan")


@dataclass(frozen=True)
class Ensemble:
    """Means and errors by case.

    With a target the number of realisations is decided by the spread seen so far; that makes quoted errors a little
    too small, by a part of order 1 / n of the first look, so let that be 16 or more.
    """

    cases: tuple[Case, ...]
    failures: tuple[Failure, ...]  # the first thousand; the store has all, with their tracebacks
    status: str  # "complete", or why it is not
    n_run: int  # tasks that were run now
    n_found: int  # tasks that were in the store
    kept_apart: Mapping[str, int]  # results of the experiment by other versions of the code, left out
    code: str = ""  # the version that made these; store.with_code(code).results(experiment) gives them one by one

    def table(self) -> pd.DataFrame:
        """A row a case: parameters, n, failures by kind, mean and error of every scalar quantity."""
        quantities = list(dict.fromkeys(name for case in self.cases for name in case.moments))
        return pd.DataFrame([self._row(case, quantities) for case in self.cases])

    def _row(self, case: Case, quantities: list[str]) -> dict[str, Any]:
        row = dict(case.parameters) | {"n": case.n} | {kind: case.failed.get(kind, 0) for kind in KINDS}
        for name in quantities:
            column = name if name not in row else f"mean_{name}"
            mean, error = case.mean(name), case.error(name)
            if isinstance(mean, float):
                row |= {column: mean, f"{column}_error": error}
        return row


class Stopped(BaseException):
    """A scan that was stopped from outside; everything finished is kept, and `ensemble` is what there is of it."""

    ensemble: Ensemble


class Interrupted(Stopped, KeyboardInterrupt):
    """By Ctrl-C."""


class Terminated(Stopped, SystemExit):
    """By SIGTERM, as a batch system sends it before it kills."""
