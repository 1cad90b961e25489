"""The mode graph: which modes of a class the path finder connects; and walks along its paths."""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np
import pandas as pd
import torch
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from empirical.finder.connections import Connections
from empirical.finder.find import Finder, find_paths
from empirical.finder.paths import Path
from empirical.losses.objectives import ClassLoss


@dataclass(frozen=True)
class ModeGraph:
    """Modes as nodes; an edge where a path was found. No edge is no proof that there is no path."""

    n_modes: int
    pairs: np.ndarray  # (n_pairs, 2) int64, those that were tried
    connections: Connections  # one a pair

    @property
    def connected(self) -> np.ndarray:
        """Which pairs (n_pairs,) a path connects."""
        return np.array([one.connected for one in self.connections], dtype=bool)

    @property
    def components(self) -> np.ndarray:
        """Number of the component of each mode, (n_modes,)."""
        edges = self.pairs[self.connected]
        graph = coo_array((np.ones(len(edges)), (edges[:, 0], edges[:, 1])), shape=(self.n_modes,) * 2)
        return connected_components(graph, directed=False)[1]

    def matrix(self, name: str) -> np.ndarray:
        """A column of the table between all modes, (n_modes, n_modes), symmetric; NaN where nothing was found."""
        found = np.full((self.n_modes, self.n_modes), np.nan)
        column = self.table()[name].to_numpy(dtype=float)
        found[self.pairs[:, 0], self.pairs[:, 1]] = found[self.pairs[:, 1], self.pairs[:, 0]] = column
        return found

    def table(self) -> pd.DataFrame:
        """One row a pair of modes i < j: barrier and gap of the straight line (nats), rounds (NaN: no path), length."""
        rows = [
            {
                "i": int(i),
                "j": int(j),
                "status": one.status,
                "barrier": one.barrier,
                "gap": one.gap,
                "rounds": one.rounds if one.connected else np.nan,
                "segments": one.path.n_segments,
                "excess_length": one.path.excess_length,
            }
            for (i, j), one in zip(self.pairs, self.connections, strict=True)
        ]
        return pd.DataFrame(rows)

    def longest(self) -> int | None:
        """The connected pair of most rounds, the highest barrier among equals; None if nothing is connected."""
        found = self.connections
        rows: list[int] = self.connected.nonzero()[0].tolist()
        return max(rows, key=lambda i: (found[i].rounds, found[i].barrier), default=None)


def mode_graph(
    model: nn.Module,
    points: Tensor,
    label: int,
    finder: Finder,
    *,
    report: Callable[[object], None] | None = None,
) -> ModeGraph:
    """Every pair of the points (n, *shape), modes of one class, given to the path finder."""
    if len(points) < 2:
        raise ValueError(
            f"a graph needs at least two modes of the class, got {len(points)}; ask for more, or raise stop"
        )
    pairs = torch.tensor(list(combinations(range(len(points)), 2)), device=points.device)
    objective = ClassLoss(model, torch.full((len(pairs),), label, device=points.device))
    found = find_paths(objective, points[pairs[:, 0]], points[pairs[:, 1]], finder, report=report)
    return ModeGraph(len(points), pairs.cpu().numpy(), found)


def walk(path: Path, n: int) -> Tensor:
    """n points (n, *shape) along a path, evenly spaced in its length, both ends among them."""
    lengths = path.segment_lengths.double().cpu()
    before = torch.cat([lengths.new_zeros(1), lengths.cumsum(0)])
    at = torch.linspace(0, 1, n, dtype=torch.float64) * before[-1]
    segment = (torch.searchsorted(before, at, right=True) - 1).clamp(0, path.n_segments - 1)
    share = (at - before[segment]) / lengths[segment].clamp(min=1e-300)
    return path((segment + share.clamp(0, 1)).clamp(max=path.n_segments))
