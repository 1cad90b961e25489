"""Thresholds p_c from theory: numerical tables, series in 1/(2d-1), exact values, rigorous bounds.

Z^d is the hypercubic lattice with 2d neighbours a site, sigma = 2d - 1. Every number is a `Threshold`
with its error and source; `threshold(d, kind)` picks the best one known. The formulas behind the numbers, exact and in
symbols, are in `theory.formulas`.
"""

from dataclasses import dataclass

from sympy import Expr

from percolation import checks
from percolation.quantities import Threshold
from percolation.theory import formulas
from percolation.theory.formulas import KINDS, Formula
from percolation.theory.formulas import SERIES as SERIES

_JACOBSEN = "Jacobsen, J. Phys. A 48, 454003 (2015); 12 digits on which later work agrees"
_KESTEN = "proved: Kesten, Commun. Math. Phys. 74, 41 (1980)"
_XU = "Xu, Wang, Lv and Deng, Front. Phys. 9, 113 (2014)"
_MERTENS = "Mertens and Moore, Phys. Rev. E 98, 022120 (2018)"

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


@dataclass(frozen=True)
class Bounds:
    """A rigorous interval: low <= p_c <= high."""

    low: float
    high: float
    source: str


def threshold(d: int, kind: str = "site") -> Threshold:
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
    """How `threshold(d, kind)` is known, one of `formulas.STANDINGS`."""
    best = threshold(d, kind)
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


def hamming(d: int, q: int) -> Threshold:
    """Bond p_c of the Hamming graph H(d, q), see `formulas.hamming`."""
    return formulas.hamming(checks.integer("d", d, at_least=2), checks.integer("q", q, at_least=2)).threshold()


def bethe(z: int) -> Threshold:
    """p_c = 1/(z - 1) of the Bethe lattice with z neighbours a site, site and bond alike."""
    return formulas.bethe(checks.integer("z", z, at_least=2)).threshold()


def _checked(d: int, kind: str) -> tuple[int, str]:
    return checks.integer("d", d, at_least=1), checks.one_of("kind", kind, KINDS)
