"""The phase diagram of networks: which share of pairs is connected, over dimension and occupation, by depth.

Outputs of random networks on the sphere are fields whose correlation length, in radians, is set by depth and sigma_w:
in one diagram they cross the thresholds of three theories, `network_fields.occupations`. Beside the finder stand exact
grids of S^2 in d = 3, and of S^3 in d = 4 where xi is not too short (sigma_w = 3: up to 5 layers).
"""

import math
from dataclasses import dataclass
from typing import Any

import pandas as pd

from empirical.experiments.rounds.measure import Case, rounds_table
from empirical.experiments.rounds.network_fields import LINES, NetworkField
from empirical.experiments.rounds.plan import walk_all
from empirical.networks import wide
from empirical.prediction import verdicts
from percolation import checks, intervals


@dataclass(frozen=True)
class NetworksPlan:
    """What to measure. networks: see `NetworkField`; None: one a pair."""

    dimensions: tuple[int, ...]
    occupations: tuple[float, ...]
    depths: tuple[int, ...] = (wide.DEPTH,)
    network: str = "tanh"
    sigma_w: float = wide.SIGMA_W
    pairs: int = 60
    networks: int | None = None

    def __post_init__(self) -> None:
        for name in ("dimensions", "occupations", "depths"):
            if not getattr(self, name):
                raise ValueError(f"{name} must hold at least one number")
        for d in self.dimensions:
            checks.integer("dim", d, at_least=3)
        self.cases()

    def cases(self) -> tuple[Case, ...]:
        return tuple(
            Case(NetworkField(self.network, d, depth, self.sigma_w, True, self.networks), self.pairs, p)
            for depth in self.depths
            for d in self.dimensions
            for p in self.occupations
        )


def measure_networks(plan: NetworksPlan, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> pd.DataFrame:
    """A row a depth, dimension and occupation: the columns of `rounds_table`, limits of success, three verdicts."""
    table = rounds_table(walk_all(plan.cases(), seed=seed, workers=workers, device=device))
    judged = [_judged(row) for row in table.to_dict("records")]
    return pd.concat([table, pd.DataFrame(judged)], axis=1)


def _judged(row: dict[str, Any]) -> dict[str, Any]:
    """Success with its limits, and how each theory fared: `verdict`; a grid decides where there is one."""
    n = int(row["pairs"])
    found = intervals.exact(round(row["measured_success"] * n) if n else 0, n)
    by_grid = row.get("grid_pairs", 0) > 0
    low, high = (row["connected_grid_low"], row["connected_grid_high"]) if by_grid else (found.low, found.high)
    judged = {f"{line}_verdict": verdict(row, line, low, high) for line in LINES if line != "finder"}
    judged["finder_verdict"] = verdict(row, "finder", found.low, found.high)
    return found.columns("found") | judged | {"decided_by": "grid" if by_grid else "finder"}


def verdict(row: dict[str, Any], line: str, low: float, high: float) -> str:
    """How a theory fared that says from which occupation on most pairs are connected: `prediction.verdicts.verdict`.

    iid and Euler speak of what is connected, where a finder that fails proves nothing ("not found"); the finder's
    theory of what is found, and is refuted either way.
    """
    threshold = row[f"{line}_threshold"]
    if math.isnan(low) or math.isnan(threshold):
        return "not measured"
    answer = verdicts.verdict(row["wanted_occupation"] > threshold, low, high)
    decisive = line == "finder" or row.get("grid_pairs", 0) > 0
    return "refuted" if answer == "not found" and decisive else answer
