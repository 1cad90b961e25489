"""Thresholds p_c from theory: numerical tables, series in 1/(2d-1), exact values, rigorous bounds.

Z^d is the hypercubic lattice with 2d neighbours a site, sigma = 2d - 1. Every number is a `Threshold`
with its error and source; `threshold(d, kind)` picks the best one known.
"""

from dataclasses import dataclass
from fractions import Fraction

from percolation import checks
from percolation.quantities import Threshold

KINDS = ("site", "bond")

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
class Series:
    """An asymptotic series p_c = sum_k c_k / sigma^k, k = 1, 2, ..."""

    coefficients: tuple[Fraction, ...]  # c_1, c_2, ...
    next_coefficient: float  # the first unknown one, fitted to the table at d = 13: the size of the error
    source: str

    def sum(self, sigma: int, n_terms: int) -> float:
        """The first n_terms powers, summed exactly."""
        terms = (c / sigma**k for k, c in enumerate(self.coefficients[:n_terms], start=1))
        return float(sum(terms, Fraction(0)))

    def omitted(self, sigma: int, n_terms: int) -> float:
        """The first term left out, |c_{n+1}| / sigma^{n+1}."""
        known: tuple[Fraction | float, ...] = (*self.coefficients, self.next_coefficient)
        # a vanishing coefficient says nothing about the size of what is left out: look one further
        k = n_terms + 1 if known[n_terms] else n_terms + 2
        return abs(float(known[k - 1])) / sigma**k


SERIES = {
    "site": Series(
        (Fraction(1), Fraction(3, 2), Fraction(15, 4), Fraction(83, 4), Fraction(6577, 48), Fraction(119077, 96)),
        next_coefficient=17383,
        source="Gaunt, Sykes and Ruskin, J. Phys. A 9, 1899 (1976); Mertens and Moore, arXiv:1805.02701 (2018)",
    ),
    "bond": Series(
        (Fraction(1), Fraction(0), Fraction(5, 2), Fraction(15, 2), Fraction(57), Fraction(4855, 12)),
        next_coefficient=5634,
        source="Gaunt and Ruskin, J. Phys. A 11, 1369 (1978)",
    ),
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
    """p_c of Z^d from the expansion in 1/sigma, sigma = 2d - 1.

    site: 1/s + (3/2)/s^2 + (15/4)/s^3 + (83/4)/s^4 + (6577/48)/s^5 + (119077/96)/s^6
    bond: 1/s + (5/2)/s^3 + (15/2)/s^4 + 57/s^5 + (4855/12)/s^6

    n_terms: powers kept, 1..6. The series is asymptotic: in low d its later terms grow, so that the default
    keeps min(d, 6) of them.
    Error: the first term left out; behind the sixth that is c_7/s^7 with c_7 fitted to the table at d = 13.
    """
    d, kind = _checked(d, kind)
    expansion = SERIES[kind]
    known = len(expansion.coefficients)
    n_terms = min(d, known) if n_terms is None else checks.integer("n_terms", n_terms, at_least=1)
    if n_terms > known:
        raise ValueError(f"{known} terms of the {kind} series are known, got n_terms={n_terms}")
    sigma = 2 * d - 1
    return Threshold(
        expansion.sum(sigma, n_terms),
        expansion.omitted(sigma, n_terms),
        f"series in 1/(2d-1) to order {n_terms}: {expansion.source}",
    )


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
    """p_c of the n-cube {0, 1}^n, for the middle of its critical window of relative width 2^(-n/3).

    bond: 1/n + 1/n^2 + (7/2)/n^3 + O(n^-4), proved. site: 1/n + (5/2)/n^2 + (31/4)/n^3, a conjecture:
    only the first term is proved, the others are those of Z^d at the same degree.
    Error: the fourth term of Z^d at the same degree, 16/n^4 or (75/2)/n^4, an order of magnitude.
    """
    n = checks.integer("n", n, at_least=2)
    if checks.one_of("kind", kind, KINDS) == "bond":
        coefficients, omitted = (1.0, 1.0, 7 / 2), 16.0
        source = "van der Hofstad and Slade, Combin. Probab. Comput. 15, 197 (2006)"
    else:
        coefficients, omitted = (1.0, 5 / 2, 31 / 4), 75 / 2
        source = "1/n: Bollobas, Kohayakawa and Luczak 1994; further terms conjectured from Z^d"
    return Threshold(sum(c / n**k for k, c in enumerate(coefficients, start=1)), omitted / n**4, source)


def bethe(z: int) -> Threshold:
    """p_c = 1/(z - 1) of the Bethe lattice with z neighbours a site, site and bond alike."""
    z = checks.integer("z", z, at_least=2)
    return Threshold(1 / (z - 1), 0.0, "proved: branching process with z - 1 children; Fisher and Essam 1961")


def _checked(d: int, kind: str) -> tuple[int, str]:
    return checks.integer("d", d, at_least=1), checks.one_of("kind", kind, KINDS)
