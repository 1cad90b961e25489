"""Which realisations a scan needs, decided from results alone: not from who finished first."""

import math
from collections import Counter, deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from percolation.ensembles.batches import Outcome, Work, task_of
from percolation.ensembles.moments import Moments

Target = float | Mapping[str, float]
GROWTH = 4.0  # at most, from one look at the error to the next: the error itself is uncertain


@dataclass
class Point:
    """A case of the grid while it is being run."""

    parameters: Mapping[str, Any]
    wanted: int  # realisations until the next look at the error
    begun: int = 0
    settled: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    moments: dict[str, Moments] = field(default_factory=dict)

    def settle(self, outcome: Outcome) -> None:
        self.settled += 1
        k = outcome.work.realisation
        if outcome.result is None:
            self.failed[outcome.kind] += 1
        numbers = {} if outcome.result is None else {n: v for n, v in outcome.result.items() if _is_number(v)}
        for name in numbers.keys() - self.moments.keys():
            self.moments[name] = Moments()
        for name, moments in self.moments.items():
            if name in numbers:
                moments.add(k, numbers[name])
            else:
                moments.skip(k)

    def excess(self, target: Target) -> float:
        """Largest error over its target; 0 where there is no error to speak of."""
        targets = target if isinstance(target, Mapping) else dict.fromkeys(self.moments, target)
        missing = targets.keys() - self.moments.keys()
        if missing and self.moments:
            raise ValueError(
                f"no quantity {min(missing)!r} to reach an error of, the task gives {', '.join(self.moments)}"
            )
        ratios = [np.max(self.moments[name].error) / targets[name] for name in targets if name in self.moments]
        return max((float(one) for one in ratios if one == one), default=0.0)


class Plan:
    """Realisations of every case in turn, `first` of each; then, with a target, as many more as the error asks for.

    The error falls as 1 / sqrt(n): at n realisations with error e, 1.05 n (e / target)^2 are tried next.
    """

    def __init__(
        self,
        name: str,
        grid: Sequence[Mapping[str, Any]],
        first: int,
        seed: int,
        target: Target | None,
        at_most: int | None,
    ) -> None:
        self.points = [Point(parameters, first) for parameters in grid]
        self._name, self._seed, self._target, self._at_most = name, seed, target, at_most
        self._open = deque(range(len(self.points)))
        self.begun, self.wanted = 0, first * len(self.points)

    @property
    def remaining(self) -> int:
        """Realisations that are wanted and were not begun."""
        return self.wanted - self.begun

    def take(self, n: int) -> list[Work]:
        """The next n realisations, a case after the other; fewer where more results must come first."""
        taken: list[Work] = []
        while self._open and len(taken) < n:
            number = self._open.popleft()
            point = self.points[number]
            taken.append(Work(number, point.begun, task_of(self._name, point.parameters, self._seed, point.begun)))
            point.begun += 1
            if point.begun < point.wanted:
                self._open.append(number)
        self.begun += len(taken)
        return taken

    def settle(self, outcome: Outcome) -> None:
        """Count an outcome; once all that were wanted of its case are in, decide whether more are."""
        point = self.points[outcome.work.case]
        point.settle(outcome)
        if point.settled < point.wanted or self._target is None:
            return
        more = min(self._next(point), self._at_most or math.inf) - point.wanted
        if more > 0:
            point.wanted += int(more)
            self.wanted += int(more)
            self._open.append(outcome.work.case)

    def reached(self) -> bool:
        """Whether every case has the realisations that were wanted of it, and the error, if one was."""
        short = any(point.settled < point.wanted for point in self.points)
        return not short and (self._target is None or self.excess() <= 1)

    def excess(self) -> float:
        """Largest error over its target in all of the grid."""
        target = 1.0 if self._target is None else self._target
        return max((point.excess(target) for point in self.points), default=0.0)

    def _next(self, point: Point) -> int:
        assert self._target is not None
        excess = point.excess(self._target)
        return point.wanted if excess <= 1 else math.ceil(point.wanted * min(1.05 * excess**2, GROWTH))


def _is_number(value: Any) -> bool:
    return np.asarray(value).dtype.kind in "biuf"
