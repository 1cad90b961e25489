"""Thresholds p_c from the literature: numerical tables with their errors, and values that are proved.

The exact ones in two dimensions follow from the star-triangle relation and from matching pairs (Sykes and Essam 1964):
with the bond threshold 2 sin(pi/18) of the triangular lattice, those of its dual, the honeycomb lattice, and of the
kagome lattice's sites, which are the honeycomb's bonds, are 1 - 2 sin(pi/18).

Every number was compared with the abstract of its paper or with a transcription of its table, but for those whose
source says "from memory". Older values that gave way to better ones, all within their errors but where said:
sites of the honeycomb lattice 0.697043(2) (Suding and Ziff, Phys. Rev. E 60, 275 (1999); 1.4 errors), bonds of kagome
0.524404998(2) (Scullard and Jacobsen, J. Phys. A 45, 494004 (2012)), bcc sites 0.2459615(10) and bonds 0.1802875(10),
fcc sites 0.1992365(10) (1.3 errors) and bonds 0.1201635(10) (Lorenz and Ziff, J. Phys. A 31, 8147 and Phys. Rev. E 57,
230 (1998)), cubic sites 0.3116077(2) and bonds 0.24881182(10) (Wang et al., Phys. Rev. E 87, 052107 (2013)). Of the
square lattice's sites four determinations of 2015 to 2024 differ beyond their errors in the twelfth digit, between
0.592746050786(3) and 0.59274605079210(2): the error here holds all of them.
"""

import math

from percolation.checks import KINDS
from percolation.quantities import Threshold

_SYKES_ESSAM = "Sykes and Essam, J. Math. Phys. 5, 1117 (1964)"
_WIERMAN = f"proved: Wierman, Adv. Appl. Probab. 13, 298 (1981); found by {_SYKES_ESSAM}"
_KESTEN = f"proved: Kesten, Percolation Theory for Mathematicians (1982); found by {_SYKES_ESSAM}"
_KESTEN_SQUARE = "proved: Kesten, Commun. Math. Phys. 74, 41 (1980)"
_TWO_IN_A_ROW = f"two bonds in a row for each of the square lattice's; {_KESTEN_SQUARE}"
_CUT = "proved: one closed site cuts a line"
_JACOBSEN = "Jacobsen, J. Phys. A 48, 454003 (2015); 12 digits on which later work agrees"
_HONEYCOMB = "Jacobsen, J. Phys. A 47, 135001 (2014)"
_SCULLARD = "Scullard and Jacobsen, Phys. Rev. Research 2, 012050 (2020); to the digits of a float"
_XU = "Xu, Wang, Lv and Deng, Front. Phys. 9, 113 (2014)"
_MERTENS = "Mertens and Moore, Phys. Rev. E 98, 022120 (2018)"
# Recalled without the paper at hand, to as many digits as our own invasion confirms (32 clusters of 2^18 for each
# number, in d = 4, 5 24 of 2^20; all 20 within 1.7 errors); the error is that of this check, above the published one.
# Leath's clusters confirm d = 5 to 8 (bonds 9) two to six times better: all within one of these errors.
_HU = "Hu and Charbonneau, Phys. Rev. E 103, 062115 (2021), from memory; digits and error are those of our check"
# Nothing is published there; thresholds_13_to_20.csv of the figures has runs, seeds and p. A row again, to all digits:
# percolation threshold --dim 20 --kind bond --method leath --p series --clusters 5000 --generations 64 --runs 5500
# Such runs in d = 13, where the value is known, lie low by 0.7 errors (sites) and 0.8 (bonds); d = 14 to 20 lie off
# `series.continued` from published values by -0.3(6) (sites) and +0.7(4) (bonds) 10^-7 of themselves, chi^2 = 3.5 and
# 15.2 for 7: benchmarks/thresholds.md.
_OWN = (
    "this package, Leath's clusters of 64 generations, 5e9 to 3.7e10 sites for site, 2e9 to 7e9 for bond percolation, "
    "SeedSequence(0), version 0.1.0; percolation threshold --method leath --p series --clusters 5000"
)
SINE = 2 * math.sin(math.pi / 18)

Entry = tuple[float, float, str]  # p_c, one-sigma error (0 only for a proof), source

Entries = tuple[Entry | None, Entry]  # site, bond

_OF_ONE_DIMENSION: dict[str, Entries] = {
    "triangular": ((0.5, 0, _KESTEN), (SINE, 0, _WIERMAN)),
    "honeycomb": ((0.697040230, 5e-9, _HONEYCOMB), (1 - SINE, 0, _WIERMAN)),
    "kagome": (
        (1 - SINE, 0, f"as the bonds of the honeycomb lattice; {_WIERMAN}"),
        (0.5244049991674482, 1e-16, _SCULLARD),
    ),
    "Lieb": (None, (math.sqrt(0.5), 0, _TWO_IN_A_ROW)),
    "bcc": ((0.2459615, 2e-7, _XU), (0.18028762, 2.0e-7, _XU)),
    "fcc": ((0.19923517, 2.0e-7, _XU), (0.12016377, 1.5e-7, _XU)),
}
_HYPERCUBIC: dict[int, Entries] = {
    1: ((1.0, 0.0, _CUT), (1.0, 0.0, _CUT)),
    2: ((0.592746050788, 6e-12, _JACOBSEN), (0.5, 0, _KESTEN_SQUARE)),
    3: ((0.31160768, 1.5e-7, _XU), (0.24881185, 1.0e-7, _XU)),
    4: ((0.19688561, 3e-8, _MERTENS), (0.16013122, 6e-8, _MERTENS)),
    5: ((0.14079633, 4e-8, _MERTENS), (0.11817145, 3e-8, _MERTENS)),
    6: ((0.109016661, 8e-9, _MERTENS), (0.09420165, 2e-8, _MERTENS)),
    7: ((0.088951121, 1e-9, _MERTENS), (0.078675230, 2e-9, _MERTENS)),
    8: ((0.075210128, 1e-9, _MERTENS), (0.0677084181, 3e-10, _MERTENS)),
    9: ((0.0652095348, 6e-10, _MERTENS), (0.0594960034, 1e-10, _MERTENS)),
    10: ((0.0575929488, 4e-10, _MERTENS), (0.0530925842, 2e-10, _MERTENS)),
    11: ((0.0515896843, 2e-10, _MERTENS), (0.04794968373, 8e-11, _MERTENS)),
    12: ((0.0467309755, 1e-10, _MERTENS), (0.04372385825, 1.0e-10, _MERTENS)),
    13: ((0.04271507960, 1.0e-10, _MERTENS), (0.04018761703, 6e-11, _MERTENS)),
    14: ((0.03933859647, 4.1e-9, _OWN), (0.03718370176, 3.7e-9, _OWN)),
    15: ((0.03645918109, 3.6e-9, _OWN), (0.03459963357, 3.3e-9, _OWN)),
    16: ((0.03397405941, 3.3e-9, _OWN), (0.03235273773, 3.2e-9, _OWN)),
    17: ((0.03180712073, 3.1e-9, _OWN), (0.03038080422, 3.0e-9, _OWN)),
    18: ((0.02990073957, 2.9e-9, _OWN), (0.02863611179, 2.5e-9, _OWN)),
    19: ((0.02821044737, 2.8e-9, _OWN), (0.02708141775, 2.5e-9, _OWN)),
    20: ((0.02670139011, 2.6e-9, _OWN), (0.02568718929, 2.1e-9, _OWN)),
}
_D: dict[int, Entries] = {
    4: ((0.08420, 2e-5, _HU), (0.04952, 2e-5, _HU)),
    5: ((0.043591, 7e-6, _HU), (0.027181, 4e-6, _HU)),
    6: ((0.026027, 5e-6, _HU), (0.0174156, 1.8e-6, _HU)),
    7: ((0.0171673, 1.5e-6, _HU), (0.0122179, 4e-7, _HU)),
    8: ((0.0121539, 6e-7, _HU), (0.0090818, 3e-7, _HU)),
    9: ((0.0090587, 5e-7, _HU), (0.00702846, 1.3e-7, _HU)),
    10: ((0.0070164, 2e-7, _HU), (0.00560558, 9e-8, _HU)),
    11: ((0.00559759, 1.4e-7, _HU), (0.00457716, 6e-8, _HU)),
    12: ((0.00457134, 9e-8, _HU), (0.00380896, 5e-8, _HU)),
    13: ((0.00380457, 7e-8, _HU), (0.00321970, 3e-8, _HU)),
}
_FAMILIES: dict[str, dict[int, Entries]] = {"hypercubic": _HYPERCUBIC, "D": {3: _OF_ONE_DIMENSION["fcc"], **_D}}
LATTICES = tuple(_OF_ONE_DIMENSION)  # that have a dimension of their own


def published(lattice: str, kind: str, d: int | None = None) -> Threshold | None:
    """p_c from the literature; None where it has none that is known here. d: of a family."""
    entries = _OF_ONE_DIMENSION.get(lattice) if d is None else _FAMILIES.get(lattice, {}).get(d)
    entry = entries[KINDS.index(kind)] if entries else None
    return Threshold(*entry) if entry else None
