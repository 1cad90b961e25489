"""From runs to estimates: canonical averages of microcanonical data, thresholds and exponents with honest errors."""

from percolation.scaling.averages import canonical
from percolation.scaling.collapse import Curve, quality
from percolation.scaling.crossing import FirstSteps, crossing, crossing_threshold
from percolation.scaling.invasion import InvasionThreshold, extrapolate, invasion_threshold
from percolation.scaling.leath import LeathThreshold, leath_threshold
from percolation.scaling.powers import effective_length, exponent

__all__ = [
    "Curve",
    "FirstSteps",
    "InvasionThreshold",
    "LeathThreshold",
    "canonical",
    "crossing",
    "crossing_threshold",
    "effective_length",
    "exponent",
    "extrapolate",
    "invasion_threshold",
    "leath_threshold",
    "quality",
]
