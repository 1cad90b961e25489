"""Thresholds p_c of lattices other than Z^d: exact ones in two dimensions, published numbers for bcc and fcc.

The exact ones follow from the star-triangle relation and from matching pairs (Sykes and Essam 1964): with the bond
threshold 2 sin(pi/18) of the triangular lattice, those of its dual, the honeycomb lattice, and of the kagome
lattice's sites, which are the honeycomb's bonds, are 1 - 2 sin(pi/18).
"""

import math

from percolation import checks
from percolation.quantities import Threshold
from percolation.theory.bounds import Bounds, walk_bound

_SYKES_ESSAM = "Sykes and Essam, J. Math. Phys. 5, 1117 (1964)"
_WIERMAN = f"proved: Wierman, Adv. Appl. Probab. 13, 298 (1981); found by {_SYKES_ESSAM}"
_KESTEN = f"proved: Kesten, Percolation Theory for Mathematicians (1982); found by {_SYKES_ESSAM}"
_KESTEN_SQUARE = "proved: Kesten, Commun. Math. Phys. 74, 41 (1980)"
_LORENZ_ZIFF_SITE = "Lorenz and Ziff, J. Phys. A 31, 8147 (1998)"
_LORENZ_ZIFF_BOND = "Lorenz and Ziff, Phys. Rev. E 57, 230 (1998)"
_SUDING_ZIFF = "Suding and Ziff, Phys. Rev. E 60, 275 (1999)"
_SCULLARD = "Scullard and Jacobsen, J. Phys. A 45, 494004 (2012), arXiv:1209.1451"
_SINE = 2 * math.sin(math.pi / 18)

_THRESHOLDS = {
    ("triangular", "site"): Threshold(0.5, 0, _KESTEN),
    ("triangular", "bond"): Threshold(_SINE, 0, _WIERMAN),
    ("honeycomb", "site"): Threshold(0.697043, 2e-6, _SUDING_ZIFF),
    ("honeycomb", "bond"): Threshold(1 - _SINE, 0, _WIERMAN),
    ("kagome", "site"): Threshold(1 - _SINE, 0, f"as the bonds of the honeycomb lattice; {_WIERMAN}"),
    ("kagome", "bond"): Threshold(0.524404998, 2e-9, _SCULLARD),
    ("Lieb", "bond"): Threshold(
        math.sqrt(0.5), 0, f"two bonds in a row for each of the square lattice's; {_KESTEN_SQUARE}"
    ),
    ("bcc", "site"): Threshold(0.2459615, 1.0e-6, _LORENZ_ZIFF_SITE),
    ("bcc", "bond"): Threshold(0.1802875, 1.0e-6, _LORENZ_ZIFF_BOND),
    ("fcc", "site"): Threshold(0.1992365, 1.0e-6, _LORENZ_ZIFF_SITE),
    ("fcc", "bond"): Threshold(0.1201635, 1.0e-6, _LORENZ_ZIFF_BOND),
}
# neighbours of a site, and those that two neighbouring sites have in common
_NEIGHBOURS = {
    "triangular": (6, 2),
    "honeycomb": (3, 0),
    "kagome": (4, 1),
    "Lieb": (4, 0),
    "bcc": (8, 0),
    "fcc": (12, 4),
}
# what p_c is at most: that of a plane inside, where the bonds along (1, 1, 1) and (1, 1, -1) of bcc make Z^2 and those
# of fcc in x + y + z = 0 the triangular lattice; for bonds that of the sites (Hammersley 1961)
_ABOVE = {
    ("honeycomb", "site"): (1 - _SINE**3, "1 - (1 - p_c of the bonds)^3, Grimmett and Stacey 1998,"),
    ("kagome", "bond"): (1 - _SINE, "p_c of the sites, Hammersley 1961,"),
    ("bcc", "site"): (1 - (1 / 2) ** 4, "p_c of a plane inside, Kesten 1980,"),
    ("bcc", "bond"): (1 / 2, "p_c of a plane inside, Kesten 1980,"),
    ("fcc", "site"): (1 / 2, "p_c of a plane inside, Kesten 1982,"),
    ("fcc", "bond"): (_SINE, "p_c of a plane inside, Wierman 1981,"),
}
LATTICES = tuple(dict.fromkeys(lattice for lattice, _ in _THRESHOLDS))


def threshold(lattice: str, kind: str = "site") -> Threshold:
    """p_c of a lattice by name: error 0 where it is proved, one sigma where it was simulated.

    lattice: one of LATTICES. kind: "site" or "bond".
    """
    checks.one_of("lattice", lattice, LATTICES)
    if (lattice, checks.kind(kind)) not in _THRESHOLDS:
        raise ValueError(f"no p_c of {lattice}, {kind} is known here; estimate it: scaling.threshold")
    return _THRESHOLDS[lattice, kind]


def bounds(lattice: str, kind: str = "site") -> Bounds:
    """Rigorous bounds on p_c of a lattice by name, `thresholds.walk_bound` below; where p_c is proved both are p_c."""
    known = threshold(lattice, kind)
    if known.error == 0:
        return Bounds(known.value, known.value, known.source)
    high, why = _ABOVE[lattice, kind]
    return Bounds(walk_bound(*_NEIGHBOURS[lattice], kind), high, f"open walks below; {why} above")
