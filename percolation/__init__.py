"""Percolation in high dimension, theory and simulation.

The modules are the namespaces: `theory.thresholds`, `lattices`, `sweeps`, `growth`, `scaling`, `runs`.
`Estimate` is a number that was simulated, `Threshold` one that was published; both know their error.
"""

from percolation.quantities import Estimate, Threshold

__all__ = ["Estimate", "Threshold"]
