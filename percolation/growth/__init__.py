"""Clusters grown on the infinite lattice Z^d, for any d: invasion percolation, and Leath's clusters at a given p."""

from percolation.growth.invasion import Invasion, doubling_marks, invade
from percolation.growth.keys import KINDS, keys, steps
from percolation.growth.leath import EXCESS, Leath, leath

__all__ = ["EXCESS", "KINDS", "Invasion", "Leath", "doubling_marks", "invade", "keys", "leath", "steps"]
