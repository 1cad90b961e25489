"""Clusters grown on an infinite lattice of any dimension: invasion percolation, Leath's clusters at p, floods.

`invade` and `leath` have independent weights; `flood` grows a level set of a random field; `invade_spheres` grows on
points of a Poisson process in space.
"""

from percolation.growth.flooding import Flood, LatticeField, flood
from percolation.growth.invasion import Invasion, doubling_marks, invade
from percolation.growth.keys import Keys, keys
from percolation.growth.leath import EXCESS, Leath, leath
from percolation.growth.spheres import invade_spheres

__all__ = [
    "EXCESS",
    "Flood",
    "Invasion",
    "Keys",
    "LatticeField",
    "Leath",
    "doubling_marks",
    "flood",
    "invade",
    "invade_spheres",
    "keys",
    "leath",
]
