"""Sets {value <= level} of cells or of sampled points, at every level, from one sweep in the order of the values.

`sweep` cuts a box of cells: spanning and wrapping levels, largest clusters, minimax barriers with their paths.
`mode_graph` does the same on sampled points joined by straight segments, `linear_share` says how far straight lines
alone would lead. `critical_occupation` averages over random fields.
"""

from percolation.level_sets.boxes import LevelSets, sweep
from percolation.level_sets.critical import critical_occupation
from percolation.level_sets.merge_trees import MergeTree
from percolation.level_sets.modes import ModeGraph, linear_share, mode_graph, segment_maxima

__all__ = [
    "LevelSets",
    "MergeTree",
    "ModeGraph",
    "critical_occupation",
    "linear_share",
    "mode_graph",
    "segment_maxima",
    "sweep",
]
