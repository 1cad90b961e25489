"""What realisations have in common: means with errors by case, and what was left out."""

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from numbers import Number, Real
from typing import TYPE_CHECKING, Any

import numpy as np

from percolation.runs.moments import Moments, Value
from percolation.runs.tasks import KINDS, Outcome, canonical

if TYPE_CHECKING:
    import pandas as pd

    from percolation.runs.store import Store

AFTER = 2**40  # numbers for results whose number of a realisation is taken


@dataclass
class Case:
    """One point of the grid."""

    parameters: Mapping[str, Any]
    n: int = 0  # realisations with a result
    failed: Counter[str] = field(default_factory=Counter)  # realisations without one, by kind of failure
    moments: dict[str, Moments] = field(default_factory=dict)  # of every numeric quantity of the results

    def settle(self, realisation: int, outcome: Outcome) -> None:
        """Count a result or a failure."""
        self.failed.update([outcome.kind] if outcome.kind else [])
        self.n += not outcome.kind
        numbers = {} if outcome.kind else _numbers(outcome.value)
        for name in numbers.keys() - self.moments.keys():
            self.moments[name] = Moments()
        for name, moments in self.moments.items():
            if name in numbers:
                moments.add(realisation, numbers[name])
            else:
                moments.skip(realisation)

    def mean(self, name: str = "value") -> Value:
        """Mean of a quantity over the realisations that have a result, in its units."""
        return self.moments[name].mean if name in self.moments else float("nan")

    def error(self, name: str = "value") -> Value:
        """Standard error of the mean, one sigma; NaN where nothing tells it: below two results, or all of them equal.

        Of equal results `bound` says what they allow.
        """
        error = self.moments[name].error if name in self.moments else float("nan")
        if isinstance(error, np.ndarray):
            return np.where(error > 0, error, np.nan)
        return error if error > 0 else float("nan")

    def bound(self, name: str = "value") -> float:
        """Chance, at 95 % confidence at most, of another value where n results are equal: 1 - .05^(1/n).

        About 3 / n. NaN where results differ, or there are none: `error` says what they allow.
        """
        moments = self.moments.get(name)
        return 1 - 0.05 ** (1 / moments.n) if moments and moments.n and not np.any(moments.total().M2) else float("nan")


@dataclass(frozen=True)
class Ensemble:
    """Means and errors by case.

    With a target the number of realisations is decided by the spread seen so far; that makes quoted errors a little
    too small, by a part of order 1 / n of the first look, so let that be 16 or more.
    """

    cases: tuple[Case, ...]
    failures: tuple[Outcome, ...]  # the first thousand; the store has all, with their tracebacks
    status: str  # "complete", or why it is not
    n_run: int  # tasks that were run now
    n_found: int  # tasks that were in the store
    kept_apart: Mapping[str, int]  # results of the experiment by other versions of the code, left out
    code: str = ""  # the version that made these; store.with_code(code).outcomes(experiment) gives them one by one

    def table(self) -> "pd.DataFrame":
        """A row a case: parameters, n, failures by kind, mean and error of every scalar quantity."""
        import pandas as pd

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


def from_store(store: "Store", experiment: str = "") -> Ensemble:
    """The experiment's outcomes by this code, by case: for those of `run_until` the same bits as it gave."""
    cases: dict[tuple[str, str], Case] = {}
    taken: defaultdict[tuple[str, str], set[int]] = defaultdict(set)
    failures: list[Outcome] = []
    for outcome in store.outcomes(experiment):
        task = outcome.task
        place, number = (task.function, canonical(task.parameters)), task.realisation
        if number in taken[place] or number >= AFTER:
            number = AFTER + len(taken[place])
        taken[place].add(number)
        cases.setdefault(place, Case(task.parameters)).settle(number, outcome)
        failures += [outcome] if outcome.kind else []
    n = sum(case.n for case in cases.values())
    ordered = tuple(case for _, case in sorted(cases.items(), key=lambda one: one[0]))
    return Ensemble(ordered, tuple(failures), "stored", 0, n, store.other_codes(experiment), store.code)


def by_name(result: Any) -> Mapping[str, Any]:
    """The quantities of a result: those of a mapping; a number or an array as `value`; none of anything else."""
    if isinstance(result, Mapping):
        return result
    return {"value": result} if isinstance(result, Number | np.bool_ | np.ndarray) else {}


def _numbers(result: Any) -> dict[str, Value]:
    """Those of its quantities that are real numbers, or arrays of them."""
    real = (Real, np.bool_, np.ndarray)
    found: dict[str, Any] = {name: one for name, one in by_name(result).items() if isinstance(one, real)}
    return {name: one for name, one in found.items() if np.asarray(one).dtype.kind in "biuf"}
