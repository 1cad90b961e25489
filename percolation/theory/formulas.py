"""Formulas for p_c, exact, with their truncation error, how they are known, and source.

Each function takes whole numbers, and gives a number; or symbols, and gives the expression in them:
hypercubic(Symbol("d"), "bond").p_c. What `theory.thresholds` returns as floats is computed here.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from sympy import Abs, Expr, Float, Integer, Rational, sympify

from percolation import checks
from percolation.quantities import Threshold

STANDINGS = ("proved", "series", "numerical", "conjecture", "estimate")


@dataclass(frozen=True)
class Formula:
    """A formula for p_c and what is known of it.

    text: the formula in the lattice's own letters.
    standing: "proved", exactly or to the order given; "series", coefficients derived but not proved; "numerical",
    measured; "conjecture"; "estimate", a rule without a proof or a known error.
    """

    p_c: Expr
    error: Expr  # size of what is left out, one sigma; 0 if exact
    text: str
    standing: str
    source: str

    def threshold(self) -> Threshold:
        """The numbers, once no symbol is left in them."""
        free = self.p_c.free_symbols | self.error.free_symbols
        if free:
            raise ValueError(f"no number while {', '.join(sorted(map(str, free)))} is a symbol; give it a value first")
        return Threshold(float(self.p_c), float(self.error), self.source)


@dataclass(frozen=True)
class Series:
    """An asymptotic series p_c = sum_k c_k / sigma^k, k = 1, 2, ..."""

    coefficients: tuple[Fraction, ...]  # c_1, c_2, ...
    next_coefficient: float  # stands for all unknown ones at d = 13: the size of the error; c_7 `series.continued` has
    source: str


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
_PROVED_TERMS = 3  # Hara and Slade 1995 (bond), Heydenreich and Matzke 2022 (site)


def hypercubic(d: int | Expr, kind: str = "site", n_terms: int | None = None) -> Formula:
    """Z^d: expansion in 1/s, s = 2d - 1.

    site: 1/s + (3/2)/s^2 + (15/4)/s^3 + (83/4)/s^4 + (6577/48)/s^5 + (119077/96)/s^6
    bond: 1/s + (5/2)/s^3 + (15/2)/s^4 + 57/s^5 + (4855/12)/s^6

    n_terms: powers kept, 1..6; by default min(d, 6), and 6 for a symbol.
    Error: the first term left out; behind the sixth that is c_7/s^7, c_7 fitted at d = 13. To three terms it is proved.
    """
    d = _parameter("d", d, at_least=1)
    expansion = SERIES[checks.kind(kind)]
    known = len(expansion.coefficients)
    if n_terms is None:
        n_terms = min(int(d), known) if d.is_Integer else known
    if checks.integer("n_terms", n_terms, at_least=1) > known:
        raise ValueError(f"{known} terms of the {kind} series are known, got n_terms={n_terms}")
    sigma = 2 * d - 1
    terms: tuple[Fraction | float, ...] = (*expansion.coefficients, expansion.next_coefficient)
    # a vanishing coefficient says nothing about the size of what is left out: look one further
    omitted = n_terms if terms[n_terms] else n_terms + 1
    return Formula(
        _powers(expansion.coefficients[:n_terms], sigma),
        Abs(_number(terms[omitted])) / sigma ** (omitted + 1),
        "series in 1/(2d-1)",
        "proved" if n_terms <= _PROVED_TERMS else "series",
        f"series in 1/(2d-1) to order {n_terms}: {expansion.source}",
    )


def n_cube(n: int | Expr, kind: str = "bond") -> Formula:
    """The n-cube {0, 1}^n, for the middle of its critical window of relative width 2^(-n/3).

    bond: 1/n + 1/n^2 + (7/2)/n^3 + O(n^-4), proved. site: 1/n + (5/2)/n^2 + (31/4)/n^3, a conjecture:
    only the first term is proved, the others are those of Z^d at the same degree.
    Error: the fourth term of Z^d at the same degree, 16/n^4 or (75/2)/n^4, an order of magnitude.
    """
    n = _parameter("n", n, at_least=2)
    if checks.kind(kind) == "bond":
        source = "van der Hofstad and Slade, Combin. Probab. Comput. 15, 197 (2006)"
        return Formula(_powers((1, 1, Fraction(7, 2)), n), 16 / n**4, "1/n + 1/n^2 + (7/2)/n^3", "proved", source)
    p_c, error = _powers((1, Fraction(5, 2), Fraction(31, 4)), n), Rational(75, 2) / n**4
    source = "1/n: Bollobas, Kohayakawa and Luczak 1994; further terms conjectured from Z^d"
    return Formula(p_c, error, "1/n + (5/2)/n^2 + (31/4)/n^3", "conjecture", source)


def hamming(d: int | Expr, q: int | Expr) -> Formula:
    """Bonds of the Hamming graph H(d, q), sites of which are words of d letters from q, joined if one letter differs.

    1/m + (2 d^2 - 1) / (2 (d - 1)^2) / m^2 + O(m^-3) + O(m^-1 V^(-1/3)), m = d (q - 1) neighbours, V = q^d sites;
    proved for fixed d >= 2 and q -> infinity. For q = 2 `n_cube` knows more.
    Error: (7/2)/m^3, the n-cube's next term, an order of magnitude, and the critical window V^(-1/3)/m.
    """
    d, q = _parameter("d", d, at_least=2), _parameter("q", q, at_least=2)
    m = d * (q - 1)
    return Formula(
        1 / m + (2 * d**2 - 1) / (2 * (d - 1) ** 2) / m**2,
        Rational(7, 2) / m**3 + (q**d) ** Rational(-1, 3) / m,
        "1/m + (2d^2-1)/(2(d-1)^2)/m^2, m = d(q-1)",
        "proved",
        "Federico, van der Hofstad, den Hollander and Hulshof, Combin. Probab. Comput. (2020), arXiv:1701.02099",
    )


def d_lattice(d: int | Expr, kind: str = "site") -> Formula:
    """The root lattice D_d, d >= 3 (D_3 is fcc): expansion in 1/s, s = z - 1, with z = 2 d (d - 1) neighbours a site.

    site: 1/(s - t); bond: 1/s + 2 t / s^3; t = 4 (d - 2) are the neighbours that two neighbouring sites share.
    A walk of n steps that goes on has z s^(n - 1) ways. For sites one leaves out the t that the site before touches
    as well, so that s - t remain. For bonds a triangle takes away z t ways of three steps that close it and, as it
    joins two sites in two ways, z t more: s - 2 t / s remain. t / s ~ 1/d, hence the slow approach in d of site p_c.
    Error: the remainder, of order 1/(s (s - t)) for sites and 1/s^3 for bonds, with the coefficient that the published
    values have at d = 13; at d = 4 ... 12 it is up to 1.4 times as large for sites, 1.7 times for bonds.
    """
    d = _parameter("d", d, at_least=3)
    s, t = 2 * d * (d - 1) - 1, 4 * (d - 2)
    source = "loops of three bonds in the series of the mean cluster size, leading order; derived for this package"
    if checks.kind(kind) == "bond":
        return Formula(1 / s + 2 * t / s**3, Integer(_D_REMAINDER["bond"]) / s**3, "1/s + 2t/s^3", "series", source)
    text = "1/(s-t), s = 2d(d-1)-1, t = 4(d-2)"
    return Formula(1 / (s - t), Integer(_D_REMAINDER["site"]) / (s * (s - t)), text, "series", source)


_D_REMAINDER = {"site": 5, "bond": 40}  # rounded


def bethe(z: int | Expr) -> Formula:
    """The Bethe lattice of z neighbours a site: 1/(z - 1), site and bond alike."""
    z = _parameter("z", z, at_least=2)
    source = "proved: branching process with z - 1 children; Fisher and Essam 1961"
    return Formula(1 / (z - 1), Integer(0), "1/(z - 1)", "proved", source)


def formula(lattice: str, kind: str, d: int | Expr | None, q: int | Expr | None = None) -> Formula | None:
    """The formula of a lattice by its name, see `thresholds.threshold`; None where there is none."""
    if lattice == "bethe" and d is not None:
        return bethe(d)
    if lattice == "hamming" and kind == "bond" and d is not None and q is not None:
        return hamming(d, q)
    of: dict[str, Callable[..., Formula]] = {"hypercubic": hypercubic, "n-cube": n_cube, "D": d_lattice}
    return of[lattice](d, kind) if lattice in of else None


def _parameter(name: str, value: int | Expr, *, at_least: int) -> Expr:
    """A whole number in range, or an expression with symbols as it is."""
    if isinstance(value, Expr) and value.free_symbols:
        return value
    return Integer(checks.integer(name, int(value) if isinstance(value, Integer) else value, at_least=at_least))


def _powers(coefficients: Sequence[Fraction | int], x: int | Expr) -> Expr:
    """sum_k c_k / x^k, k = 1, 2, ..."""
    return sum((_number(c) / sympify(x) ** k for k, c in enumerate(coefficients, start=1)), Integer(0))


def _number(value: Fraction | float) -> Expr:
    if isinstance(value, float):
        return Float(value)
    return Rational(value.numerator, value.denominator)
