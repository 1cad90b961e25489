"""Count, mean and spread of a quantity, the same bits in whatever order the realisations arrive."""

from dataclasses import dataclass, field

import numpy as np

Value = float | np.ndarray


@dataclass(frozen=True)
class Part:
    """Moments of some realisations; M2 is the sum of (x - mean)^2."""

    n: int
    mean: Value
    M2: Value


NONE = Part(0, 0.0, 0.0)  # a realisation that failed: it has its place in the tree, and no weight


@dataclass
class Moments:
    """Moments by pairwise merging in the binary tree over the numbers of the realisations.

    Realisations 0 and 1 make one part, 2 and 3 another, these two the part 0..3, and so on; two parts are joined the
    moment both are complete. Which parts are joined depends on the numbers alone, hence so do the bits; rounding grows
    with log2(n); the memory is that of the parts waiting for their neighbour, log2(n) where few are outstanding.
    Source of the formula: Chan, Golub and LeVeque, The American Statistician 37, 242 (1983).
    """

    parts: dict[tuple[int, int], Part] = field(default_factory=dict)  # by level and number: realisations k 2^l ...

    def add(self, realisation: int, value: Value) -> None:
        """The value of one realisation: a number, or an array of the same shape every time."""
        if isinstance(value, np.ndarray):
            value = value.astype(float)
            self._insert(0, realisation, Part(1, value, np.zeros_like(value)))
        else:
            self._insert(0, realisation, Part(1, float(value), 0.0))

    def skip(self, realisation: int) -> None:
        """A realisation without a value."""
        self._insert(0, realisation, NONE)

    def total(self) -> Part:
        """All realisations, joined as the tree has it, with nothing in the places of those that are not there."""
        waiting = dict(self.parts)
        while len(waiting) > 1:
            level, number = min(waiting)
            pair = [waiting.pop((level, child), NONE) for child in (number & ~1, number | 1)]
            above = (level + 1, number // 2)
            waiting[above] = joined(*pair)
        return next(iter(waiting.values()), NONE)

    @property
    def n(self) -> int:
        return sum(part.n for part in self.parts.values())

    @property
    def mean(self) -> Value:
        """Mean, in the units of the quantity; NaN without a realisation."""
        whole = self.total()
        return whole.mean if whole.n else float("nan")

    @property
    def error(self) -> Value:
        """Standard error of the mean, sqrt(M2 / (n (n - 1))), one sigma; NaN below two realisations."""
        whole = self.total()
        if whole.n < 2:
            return float("nan")
        squared = whole.M2 / (whole.n * (whole.n - 1))
        return np.sqrt(squared) if isinstance(squared, np.ndarray) else squared**0.5

    def _insert(self, level: int, number: int, part: Part) -> None:
        if (level, number) in self.parts:
            raise ValueError(f"realisations {number << level} to {((number + 1) << level) - 1} are there already")
        while (neighbour := self.parts.pop((level, number ^ 1), None)) is not None:
            part = joined(neighbour, part) if number % 2 else joined(part, neighbour)
            level, number = level + 1, number // 2
        self.parts[level, number] = part


def joined(a: Part, b: Part) -> Part:
    """The part of all realisations of a and b, a being the one with the lower numbers."""
    if not a.n or not b.n:
        return a if a.n else b
    if np.shape(a.mean) != np.shape(b.mean):
        raise ValueError(
            f"an array must have the same shape in every realisation, got {np.shape(a.mean)} and {np.shape(b.mean)}"
        )
    n, apart = a.n + b.n, b.mean - a.mean
    return Part(n, a.mean + apart * (b.n / n), a.M2 + b.M2 + apart * apart * (a.n * b.n / n))
