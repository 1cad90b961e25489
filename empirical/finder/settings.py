"""The settings of the path finder; PRESETS holds the published ones."""

from dataclasses import dataclass, field

from empirical.descent.rows import Descent
from percolation import checks

SCANS = ("dense", "sparse")
SPLITS = ("failing", "all")
MOST = {"max_rounds": 1000, "candidates": 1000}  # beyond any use
PRECISIONS = ("float32", "bfloat16", "float16")


@dataclass(frozen=True)
class Finder:
    """The procedure's settings; PRESETS holds the published ones.

    scan="dense": a segment is scanned on `coarse` intervals, one that seems open on twice as many until there are
    `dense`, and a path whose segments are all open until there are `recheck` on it. "sparse": on `coarse` intervals and
    at random places, and beyond that only where the loss may exceed the level. The worst point is that of the grid on
    which the segment was found closed: coarse = dense finds the true one where a segment has many barriers.
    """

    level: float = 1e-3  # open: loss <= level, nats
    descent: Descent = field(default_factory=Descent)
    max_rounds: int = 8
    coarse: int = 16
    scan: str = "sparse"  # see `bisection`, which asks neither for dense nor for recheck; or "dense", the article's
    dense: int = 200
    recheck: int = 1000
    batch_size: int | None = None  # barriers optimised at a time; None: 256 on a CPU, elsewhere what keeps it busy
    split: str = "failing"  # or "all": a round cuts the open segments of an unconnected path too
    candidates: int = 1  # waypoints tried for a barrier; the one whose two segments have the lowest maximum is taken
    precision: str = "float32"  # of the coarse scan, which ranks only: every loss that is kept is in full precision
    seconds: float | None = None  # after which no pair goes on
    evaluations: int | None = None  # of points, after which no pair goes on
    memory: int | None = None  # bytes for the batch that moves; None: what the device has

    def __post_init__(self) -> None:
        checks.finite("level", self.level)
        if not self.level > self.descent.stop:
            raise ValueError(
                f"the level must lie above the optimiser's stop, got level={self.level:g}, stop={self.descent.stop:g}; "
                "raise the level or lower stop"
            )
        least = {"max_rounds": 0, "coarse": 2, "dense": self.coarse, "recheck": 1, "candidates": 1}
        for name, low in least.items():
            checks.integer(name, getattr(self, name), at_least=low, at_most=MOST.get(name))
        checks.one_of("split", self.split, SPLITS)
        checks.one_of("scan", self.scan, SCANS)
        checks.one_of("precision", self.precision, PRECISIONS)
        if self.seconds is not None:
            checks.positive("seconds", self.seconds)
        for name in ("evaluations", "memory", "batch_size"):
            if getattr(self, name) is not None:
                checks.integer(name, getattr(self, name), at_least=1)


PRESETS = {
    "default": Finder(descent=Descent(log=True)),
    # four times the step: arrives further away, takes fewer rounds
    "fast": Finder(descent=Descent(lr=0.2, log=True, patience=256)),
    # the article's sections: barriers between natural images of trained networks stay in the hyperplane, with a
    # pull towards B; those of untrained networks move freely
    "trained": Finder(
        scan="dense", descent=Descent(lr=5e-3, iterations=1024, deviation=0.1, total_variation=1e-8, projected=True)
    ),
    "untrained": Finder(scan="dense", descent=Descent(lr=0.05, iterations=4096, weight_decay=1e-7)),
}
