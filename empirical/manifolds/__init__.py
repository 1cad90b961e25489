"""The class-optimal set of a network: its modes, the graph between them, walks, sheets, its spread and dimension.

found = explore(Plan("cnn", "digits", label=3), seed=0)
found.row                                    # one row of a table
found.graph.connected                        # which pairs of modes a path connects
"""

from empirical.manifolds.dimension import Cloud, Directions, cloud, isotropic_ratio, open_directions, spread
from empirical.manifolds.explore import Explored, Plan, explore
from empirical.manifolds.graphs import ModeGraph, mode_graph, walk
from empirical.manifolds.sheets import Sheet, sheet, triangle

__all__ = [
    "Cloud",
    "Directions",
    "Explored",
    "ModeGraph",
    "Plan",
    "Sheet",
    "cloud",
    "explore",
    "isotropic_ratio",
    "mode_graph",
    "open_directions",
    "sheet",
    "spread",
    "triangle",
    "walk",
]
