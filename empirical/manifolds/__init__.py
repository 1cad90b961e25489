"""The class-optimal set of a network: the graph between its modes, walks, sheets, its spread and dimension."""

from empirical.manifolds.dimension import Cloud, Directions, cloud, isotropic_ratio, open_directions, spread
from empirical.manifolds.graphs import ModeGraph, mode_graph, walk
from empirical.manifolds.sheets import Sheet, sheet, triangle

__all__ = [
    "Cloud",
    "Directions",
    "ModeGraph",
    "Sheet",
    "cloud",
    "isotropic_ratio",
    "mode_graph",
    "open_directions",
    "sheet",
    "spread",
    "triangle",
    "walk",
]
