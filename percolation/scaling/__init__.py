"""From runs to estimates: canonical averages of microcanonical data, thresholds and exponents with honest errors."""

from percolation.averages import FirstSteps, canonical
from percolation.scaling.budget import Simulated
from percolation.scaling.collapse import Collapse, collapse
from percolation.scaling.critical_boxes import (
    BoundaryExponents,
    CriticalClusters,
    boundary_exponents,
    critical_clusters,
)
from percolation.scaling.critical_levels import CriticalLevel, boxed_level, finest, grown_level
from percolation.scaling.crossings import CrossingThreshold, crossing, last_crossing
from percolation.scaling.curves import Curve, scaled, strength_curve
from percolation.scaling.flooding import CriticalOccupation, critical_occupation
from percolation.scaling.growth_exponents import chemical_dimension, fractal_dimension, size_exponent
from percolation.scaling.invasion import InvasionThreshold, extrapolate
from percolation.scaling.leath import LeathThreshold
from percolation.scaling.methods import METHODS, threshold
from percolation.scaling.powers import effective_length, exponent
from percolation.scaling.quality import quality, quality_band
from percolation.scaling.spheres import InvadedSpheres, SpheresThreshold, WoundSpheres, overlapping_spheres
from percolation.scaling.wrapping import WrappingThreshold

__all__ = [
    "BoundaryExponents",
    "Collapse",
    "CriticalClusters",
    "CriticalLevel",
    "CriticalOccupation",
    "CrossingThreshold",
    "Curve",
    "FirstSteps",
    "InvadedSpheres",
    "InvasionThreshold",
    "LeathThreshold",
    "METHODS",
    "Simulated",
    "SpheresThreshold",
    "WoundSpheres",
    "WrappingThreshold",
    "boundary_exponents",
    "boxed_level",
    "canonical",
    "chemical_dimension",
    "collapse",
    "critical_clusters",
    "critical_occupation",
    "crossing",
    "effective_length",
    "exponent",
    "extrapolate",
    "finest",
    "fractal_dimension",
    "grown_level",
    "last_crossing",
    "overlapping_spheres",
    "quality",
    "quality_band",
    "scaled",
    "size_exponent",
    "strength_curve",
    "threshold",
]
