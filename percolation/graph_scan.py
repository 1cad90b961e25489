"""One graph: its largest cluster by simulation beside the giant component by theory. A place where the two meet."""

import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd

from percolation import checks, seeds, sweeps
from percolation.graphs import Graph
from percolation.theory import message_passing, random_graphs

MOST_BONDS = 10_000  # up to here messages take seconds, beyond this theory goes by the degrees
POINTS = 21  # of p, evenly; as many again where the giant component emerges
COLUMNS = ("p", "strength", "strength_error", "mean_cluster_size", "mean_cluster_size_error", "giant")


@dataclass(frozen=True)
class GraphScan:
    """Strength P(p), mean cluster size S(p) and the giant component by theory, at each p of a grid."""

    kind: str
    theory: str  # how `giant` was computed
    p_c: float  # where by that theory a giant component emerges; above 1 it never does
    table: pd.DataFrame  # columns COLUMNS

    @property
    def peak(self) -> float:
        """p of the largest mean cluster size, to the spacing of the grid."""
        return float(self.table["p"][self.table["mean_cluster_size"].idxmax()])


def scan(graph: Graph, kind: str = "bond", *, n_realisations: int, seed: seeds.Seed, workers: int = 1) -> GraphScan:
    """Curves of a graph, and theory: messages along its bonds, or beyond MOST_BONDS the random graph of its degrees.

    Messages are exact on trees and too high on graphs of many short loops; a random graph of the same degrees
    knows nothing of clustering or communities. p_c: 1/largest_eigenvalue of the messages, a lower bound for infinite
    graphs, or <k> / <k (k - 1)>.
    """
    checks.kind(kind)
    by_messages = graph.n_bonds <= MOST_BONDS
    degrees = random_graphs.degree_sequence(np.diff(graph.indptr))
    if by_messages:
        p_c = float(message_passing.bounds(graph.bonds(), graph.n_sites).low)
    else:
        p_c = random_graphs.threshold(degrees).value
    p = np.unique(np.concatenate([np.linspace(0, 1, POINTS), np.linspace(0, min(3 * p_c, 1), POINTS)]))
    if by_messages:
        with warnings.catch_warnings():  # at p_c itself messages do not settle, where the giant component is 0 anyway
            warnings.simplefilter("ignore", RuntimeWarning)
            giant = message_passing.giant_component(graph.bonds(), graph.n_sites, p, kind)
    else:
        giant = random_graphs.giant_component(degrees, p, kind)
    curve = (sweeps.bond_curve if kind == "bond" else sweeps.site_curve)(
        graph, p, n_realisations=checks.integer("runs", n_realisations, at_least=1), seed=seed, workers=workers
    )
    strengths = curve.strength(), curve.strength_error()
    sizes = curve.mean_cluster_size(), curve.mean_cluster_size_error()
    table = pd.DataFrame(dict(zip(COLUMNS, (p, *strengths, *sizes, giant), strict=True)))
    return GraphScan(kind, "message passing" if by_messages else "random graph of its degrees", p_c, table)
