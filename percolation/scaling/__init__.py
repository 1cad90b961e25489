"""From runs to estimates: canonical averages of microcanonical data, thresholds with honest errors."""

from percolation.scaling.averages import canonical
from percolation.scaling.invasion import InvasionThreshold, extrapolate, invasion_threshold

__all__ = ["InvasionThreshold", "canonical", "extrapolate", "invasion_threshold"]
