"""Thresholds p_c from theory: numerical tables, series, exact values, rigorous bounds.

Z^d is the hypercubic lattice with 2d neighbours a site, sigma = 2d - 1. Every number is a `Threshold`
with its error and source; `threshold(name, kind, d)` picks the best one known of any lattice. The formulas behind the
numbers, exact and in symbols, are in `theory.formulas`.
"""

import math

from sympy import Expr

from percolation import checks
from percolation.quantities import Threshold
from percolation.theory import formulas, lattices
from percolation.theory.bounds import WALKS, Bounds, walk_bound
from percolation.theory.formulas import KINDS, Formula
from percolation.theory.formulas import SERIES as SERIES

_JACOBSEN = "Jacobsen, J. Phys. A 48, 454003 (2015); 12 digits on which later work agrees"
_KESTEN = "proved: Kesten, Commun. Math. Phys. 74, 41 (1980)"
_XU = "Xu, Wang, Lv and Deng, Front. Phys. 9, 113 (2014)"
_MERTENS = "Mertens and Moore, Phys. Rev. E 98, 022120 (2018)"

NAMES = ("hypercubic", *lattices.LATTICES, "A", "D", "E", "n-cube", "hamming")

# d: (site p_c, error, source), (bond p_c, error, source)
_TABLE = {
    2: ((0.592746050788, 6e-12, _JACOBSEN), (0.5, 0, _KESTEN)),
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
}

# Recalled without the paper at hand, to as many digits as our own invasion confirms (32 clusters of 2^18 for each
# number, in d = 4, 5 24 of 2^20; all 20 within 1.7 errors); the error is that of this check, above the published one.
_HU = "Hu and Charbonneau, Phys. Rev. E 103, 062115 (2021), from memory; digits and error are those of our check"
_LORENZ = "Lorenz and Ziff: J. Phys. A 31, 8147 (site), Phys. Rev. E 57, 230 (bond), 1998"
_D_TABLE = {
    3: ((0.1992365, 1.0e-6, _LORENZ), (0.1201635, 1.0e-6, _LORENZ)),  # fcc
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


def threshold(lattice: str, kind: str = "site", d: int | None = None, q: int | None = None) -> Threshold:
    """The best value known for p_c of a lattice by the name that `percolation.lattices` gives it.

    d: dimension of the families "hypercubic", "A", "D", "E" and "hamming", n of "n-cube"; the others have one of their
    own. q: letters of "hamming". An error says so where nothing is published that is known here.
    """
    checks.one_of("lattice", lattice, NAMES)
    checks.kind(kind)
    if lattice in lattices.LATTICES:
        return lattices.threshold(lattice, kind)
    if d is None or (q is None) == (lattice == "hamming"):
        raise ValueError(
            f"{lattice} is a family; give its dimension d, and for hamming the letters q; got d={d}, q={q}"
        )
    if lattice == "A" and d in _SMALL_A:
        return threshold(_SMALL_A[d], kind, d)
    if lattice == "hamming" and kind == "bond" and q is not None:
        return hamming(d, q)
    known = {"hypercubic": hypercubic, "D": d_lattice, "n-cube": n_cube}
    if lattice not in known:
        raise ValueError(f"no p_c of {lattice}, d = {d}, {kind} is known here; estimate it: scaling.threshold")
    return known[lattice](d, kind)


_SMALL_A = {1: "hypercubic", 2: "triangular", 3: "fcc"}


def hypercubic(d: int, kind: str = "site") -> Threshold:
    """The best value known for p_c of Z^d: the numerical table up to d = 13, the series above; 1 in d = 1."""
    d, kind = _checked(d, kind)
    if d == 1:
        return Threshold(1.0, 0.0, "proved: one closed site cuts a line")
    return published(d, kind) if d in _TABLE else series(d, kind)


def published(d: int, kind: str = "site") -> Threshold:
    """p_c of Z^d from the literature, d = 2..13, with its one-sigma error."""
    d, kind = _checked(d, kind)
    if d not in _TABLE:
        raise ValueError(f"no published threshold for d={d}, the table has d = 2..13; use series(d, kind)")
    return Threshold(*_TABLE[d][KINDS.index(kind)])


def series(d: int, kind: str = "site", n_terms: int | None = None) -> Threshold:
    """p_c of Z^d from the expansion in 1/sigma, sigma = 2d - 1, see `formulas.hypercubic`.

    n_terms: powers kept, 1..6. The series is asymptotic: in low d its later terms grow, so that the default
    keeps min(d, 6) of them.
    Error: the first term left out; behind the sixth that is c_7/s^7 with c_7 fitted to the table at d = 13.
    """
    return series_expression(_checked(d, kind)[0], kind, n_terms).threshold()


def series_expression(d: int | Expr, kind: str = "site", n_terms: int | None = None) -> Formula:
    """The same in exact arithmetic, or with a symbol for d: expression, truncation error, standing and source."""
    return formulas.hypercubic(d, kind, n_terms)


def standing(d: int, kind: str = "site") -> str:
    """How `hypercubic(d, kind)` is known, one of `formulas.STANDINGS`."""
    best = hypercubic(d, kind)
    if best.error == 0:
        return "proved"
    return "numerical" if d in _TABLE else formulas.hypercubic(d, kind).standing


def bounds(d: int, kind: str = "site") -> Bounds:
    """Rigorous bounds on p_c of Z^d, d >= 2.

    1/(2d-1) <= p_c^bond <= p_c^site <= 1 - (1 - p_c^bond)^(2d). Above, p_c^bond(d) <= p_c^bond(2) = 1/2 and
    p_c^site(d) <= p_c^site(2) <= 1 - (1/2)^4 since Z^2 lies in Z^d.
    """
    d, kind = _checked(d, kind)
    if d == 1:
        return Bounds(1.0, 1.0, "proved: one closed site cuts a line")
    high = 1 / 2 if kind == "bond" else 1 - (1 / 2) ** 4
    source = "self-avoiding walks below (Broadbent and Hammersley 1957); Kesten 1980 and Grimmett and Stacey 1998 above"
    return Bounds(1 / (2 * d - 1), high, source)


def n_cube(n: int, kind: str = "bond") -> Threshold:
    """p_c of the n-cube {0, 1}^n, see `formulas.n_cube`."""
    return formulas.n_cube(checks.integer("n", n, at_least=2), kind).threshold()


def n_cube_bounds(n: int, kind: str = "bond") -> Bounds:
    """Rigorous bounds on the p at which the mean cluster size of the n-cube is 2^(n/3): those of H(n, 2)."""
    return hamming_bounds(checks.integer("n", n, at_least=2), 2, kind)


def hamming(d: int, q: int) -> Threshold:
    """Bond p_c of the Hamming graph H(d, q), see `formulas.hamming`."""
    return formulas.hamming(checks.integer("d", d, at_least=2), checks.integer("q", q, at_least=2)).threshold()


def hamming_bounds(d: int, q: int, kind: str = "bond") -> Bounds:
    """Rigorous bounds on the p at which the mean cluster size of an open site of H(d, q) is V^(1/3), V = q^d.

    Low: open walks that go on, as in `walk_bound`, make chi <= 1 + m p / (1 - s p), with m = d (q - 1) neighbours and
    s = m - 1 (bonds) or (d - 1)(q - 1) (sites): p >= 1/(s + m / (V^(1/3) - 1)).
    High: chi is at least what the shortest paths in alphabetical order of the letters bring, (1 + (q - 1) p)^d:
    p <= (q^(1/3) - 1) / (q - 1).
    """
    d, q = checks.integer("d", d, at_least=2), checks.integer("q", q, at_least=2)
    m = d * (q - 1)
    s = m - 1 if checks.kind(kind) == "bond" else (d - 1) * (q - 1)
    level = d * math.log(q) / 3  # log V^(1/3); V itself is no float for d in the thousands
    low = 1 / (s - m * math.exp(-level) / math.expm1(-level))
    return Bounds(low, (q ** (1 / 3) - 1) / (q - 1), WALKS + " below; one shortest path a site above")


def d_lattice(d: int, kind: str = "site") -> Threshold:
    """The best value known for p_c of the root lattice D_d, d >= 3: the table to d = 13, `formulas.d_lattice` above."""
    d, kind = checks.integer("d", d, at_least=3), checks.kind(kind)
    return Threshold(*_D_TABLE[d][KINDS.index(kind)]) if d in _D_TABLE else formulas.d_lattice(d, kind).threshold()


def d_lattice_standing(d: int, kind: str = "site") -> str:
    """How `d_lattice(d, kind)` is known, one of `formulas.STANDINGS`."""
    return "numerical" if d in _D_TABLE else formulas.d_lattice(d, kind).standing


def d_lattice_bounds(d: int, kind: str = "site") -> Bounds:
    """Rigorous bounds on p_c of D_d, d >= 3: `walk_bound`, and the triangular lattice x + y + z = 0 that lies in it."""
    d = checks.integer("d", d, at_least=3)
    low = walk_bound(2 * d * (d - 1), 4 * (d - 2), kind)
    high = 1 / 2 if kind == "site" else 2 * math.sin(math.pi / 18)
    return Bounds(low, high, WALKS + " below; triangular lattice inside, Kesten 1982 and Wierman 1981, above")


def bethe(z: int) -> Threshold:
    """p_c = 1/(z - 1) of the Bethe lattice with z neighbours a site, site and bond alike."""
    return formulas.bethe(checks.integer("z", z, at_least=2)).threshold()


def bethe_bounds(z: int) -> Bounds:
    """Both bounds are the value itself, 1/(z - 1)."""
    exact = bethe(z)
    return Bounds(exact.value, exact.value, exact.source)


def _checked(d: int, kind: str) -> tuple[int, str]:
    return checks.integer("d", d, at_least=1), checks.kind(kind)
