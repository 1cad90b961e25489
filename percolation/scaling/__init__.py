"""From runs to estimates: canonical averages of microcanonical data, thresholds with honest errors."""

from percolation.scaling.averages import canonical
from percolation.scaling.invasion import InvasionThreshold, extrapolate, invasion_threshold
from percolation.scaling.leath import LeathThreshold, leath_threshold

__all__ = [
    "InvasionThreshold",
    "LeathThreshold",
    "canonical",
    "extrapolate",
    "invasion_threshold",
    "leath_threshold",
]
