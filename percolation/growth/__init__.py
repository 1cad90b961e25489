"""Clusters grown on an infinite lattice of any dimension: invasion percolation, Leath's clusters at p, floods.

`invade` and `leath` have independent weights; `flood` grows a level set of a random field.
"""

from percolation.growth.flooding import Flood, LatticeField, flood
from percolation.growth.invasion import Invasion, doubling_marks, invade
from percolation.growth.keys import Keys, keys
from percolation.growth.leath import EXCESS, Leath, leath

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
    "keys",
    "leath",
]
