"""Which pairs of a network's inputs are to be drawn, and the error where there are none."""

from dataclasses import dataclass

from empirical.ends import modes
from percolation import checks

KINDS = ("natural-natural", "natural-adversarial", "class-optimal")  # those of the main job
MORE_KINDS = ("interpolated", "diverse")
MOST_PAIRS = 10**6  # beyond any use: a share is then known to 0.05 %
NATURAL = ("natural-natural", "natural-adversarial", "interpolated")  # made of inputs that a source holds


class NoPairs(ValueError):
    """Not one pair of low-loss inputs could be drawn."""


@dataclass(frozen=True)
class Wanted:
    """The kind of pairs, how many, and how their ends are searched."""

    kind: str
    pairs: int = 50
    label: int | None = None  # the only class that is looked at
    lower_ends: bool = False  # natural inputs that the network knows, but not surely enough, are moved downhill
    search: modes.Search = modes.Search()  # noqa: RUF009 (frozen)
    step: float = modes.CLASS_OPTIMAL.lr  # of the search for class-optimal inputs, where `search` has none

    def __post_init__(self) -> None:
        checks.one_of("pair kind", self.kind, (*KINDS, *MORE_KINDS))
        checks.integer("pairs", self.pairs, at_least=1, at_most=MOST_PAIRS)
        if self.label is not None:
            checks.integer("class", self.label, at_least=0)
        checks.positive("step", self.step)
