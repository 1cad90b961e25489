"""Figures of a theory paper on percolation over the dimension."""

TITLE = "Percolation and the connectivity of low-loss inputs over the dimension"
FIGURES = (
    "thresholds",
    "series",
    "neighbourhoods",
    "collapse",
    "above_six",
    "occupation",
    "smooth_levels",
    "barriers",
    "rounds",
    "each_pair",
    "planned_path",
    "phase",
    "network_phase",
    "networks",
    "training",
)
