"""From runs to estimates: canonical averages of microcanonical data, thresholds and exponents with honest errors."""

from percolation.averages import FirstSteps, canonical
from percolation.scaling.collapse import Collapse, collapse
from percolation.scaling.critical_levels import CriticalLevel, boxed_level, finest, grown_level
from percolation.scaling.crossings import CrossingThreshold, crossing, crossing_threshold, last_crossing
from percolation.scaling.curves import Curve, scaled, strength_curve
from percolation.scaling.flooding import CriticalOccupation, critical_occupation
from percolation.scaling.growth_exponents import chemical_dimension, fractal_dimension, size_exponent
from percolation.scaling.invasion import InvasionThreshold, extrapolate, invasion_threshold
from percolation.scaling.leath import LeathThreshold, leath_threshold
from percolation.scaling.methods import threshold
from percolation.scaling.powers import effective_length, exponent
from percolation.scaling.quality import quality, quality_band
from percolation.scaling.window import WindowThreshold, window_threshold
from percolation.scaling.wrapping import WrappingThreshold, wrapping_threshold

__all__ = [
    "Collapse",
    "CriticalLevel",
    "CriticalOccupation",
    "CrossingThreshold",
    "Curve",
    "FirstSteps",
    "InvasionThreshold",
    "LeathThreshold",
    "WindowThreshold",
    "WrappingThreshold",
    "boxed_level",
    "canonical",
    "critical_occupation",
    "chemical_dimension",
    "collapse",
    "crossing",
    "crossing_threshold",
    "effective_length",
    "exponent",
    "extrapolate",
    "finest",
    "fractal_dimension",
    "grown_level",
    "invasion_threshold",
    "last_crossing",
    "leath_threshold",
    "quality",
    "quality_band",
    "scaled",
    "size_exponent",
    "strength_curve",
    "threshold",
    "window_threshold",
    "wrapping_threshold",
]
