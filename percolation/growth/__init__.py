"""Clusters grown on an infinite lattice, Z^d for any d or another: invasion percolation, and Leath's clusters at p."""

from percolation.growth.invasion import Invasion, doubling_marks, invade
from percolation.growth.keys import KINDS, InfiniteLattice, Keys, dimension, keys
from percolation.growth.leath import EXCESS, Leath, leath

__all__ = [
    "EXCESS",
    "KINDS",
    "InfiniteLattice",
    "Invasion",
    "Keys",
    "Leath",
    "dimension",
    "doubling_marks",
    "invade",
    "keys",
    "leath",
]
