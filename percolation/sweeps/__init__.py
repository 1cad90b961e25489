"""Open sites or bonds one by one in a given order, and record the clusters after each step or on a grid of p.

The order is data: a random permutation gives Bernoulli percolation at every p from one sweep (Newman and Ziff
2001); sites sorted by a field give the level sets of that field. `site_sweep` and `bond_sweep` record every step;
`site_curve` and `bond_curve` draw exact samples at the values of p that are asked for, in less memory and time.
"""

from percolation.sweeps.curves import bond_curve, site_curve
from percolation.sweeps.every_step import DEFAULT, bond_sweep, site_sweep
from percolation.sweeps.results import AXES, OBSERVABLES, TOTALS, Curve, Sweep

__all__ = [
    "AXES",
    "DEFAULT",
    "OBSERVABLES",
    "TOTALS",
    "Curve",
    "Sweep",
    "bond_curve",
    "bond_sweep",
    "site_curve",
    "site_sweep",
]
