"""Thresholds p_c from theory: the best value known of each lattice, series, rigorous bounds.

Every number is a `Threshold` with its error and source. Numbers from the literature are in `theory.published`, the
formulas behind the others, exact and in symbols, in `theory.formulas`; `theory.known` puts all side by side.
"""

from percolation import checks
from percolation.quantities import Threshold
from percolation.theory import bounds as rigorous
from percolation.theory import formulas
from percolation.theory.bounds import Bounds
from percolation.theory.published import LATTICES, published

NAMES = ("hypercubic", *LATTICES, "A", "D", "E", "n-cube", "hamming", "bethe")


def threshold(lattice: str, kind: str = "site", d: int | None = None, q: int | None = None) -> Threshold:
    """The best value known for p_c of a lattice by the name that `percolation.lattices` gives it, or of "bethe".

    d: dimension of the families "hypercubic", "A", "D", "E" and "hamming", n of "n-cube", neighbours z of "bethe"; the
    others have one of their own. q: letters of "hamming". An error says so where nothing is published that is known
    here.
    """
    return best(lattice, kind, d, q)[0]


def best(lattice: str, kind: str = "site", d: int | None = None, q: int | None = None) -> tuple[Threshold, str]:
    """The same, and how it is known, one of `formulas.STANDINGS`: from the literature, else by `formulas.formula`."""
    checks.kind(kind)
    lattice, d = _checked(lattice, d, q)
    if value := published(lattice, kind, d):
        return value, "numerical" if value.error else "proved"
    if formula := formulas.formula(lattice, kind, d, q):
        return formula.threshold(), formula.standing
    where = lattice if d is None else f"{lattice}, d = {d}"
    raise ValueError(f"no p_c of {where}, {kind} is known here; estimate it: scaling.threshold")


def hypercubic(d: int, kind: str = "site") -> Threshold:
    """The best value known for p_c of Z^d: the table up to d = 13, our own simulation up to 20, the series above."""
    return threshold("hypercubic", kind, d)


def series(d: int, kind: str = "site", n_terms: int | None = None) -> Threshold:
    """p_c of Z^d from the expansion in 1/sigma, sigma = 2d - 1, see `formulas.hypercubic`.

    n_terms: powers kept, 1..6. The series is asymptotic: in low d its later terms grow, so that the default
    keeps min(d, 6) of them.
    Error: the first term left out; behind the sixth that is c_7/s^7 with c_7 fitted to the table at d = 13.
    Six terms are within 10^-3, 10^-4, 10^-5 of p_c from d = 8, 13, 18 on (sites) and 8, 11, 15 (bonds), always below;
    `series.continued` goes on from there.
    """
    return formulas.hypercubic(d, kind, n_terms).threshold()


def bounds(lattice: str, kind: str = "site", d: int | None = None, q: int | None = None) -> Bounds:
    """Rigorous bounds on p_c, arguments as of `threshold`; where p_c is proved both are p_c.

    Of n-cube and Hamming graph on the p at which the mean cluster size is V^(1/3), V sites, see `bounds.hamming`; of
    infinite lattices see `bounds.of_lattice`.
    """
    lattice, d = _checked(lattice, d, q)
    q = 2 if lattice == "n-cube" else q
    if d is not None and q is not None:
        return rigorous.hamming(d, q, kind)
    value, _ = best(lattice, kind, d)
    if value.error == 0:
        return Bounds(value.value, value.value, value.source)
    return rigorous.of_lattice(lattice, kind, d)


_SMALL_A = {1: ("hypercubic", 1), 2: ("triangular", None), 3: ("fcc", None)}


def _checked(lattice: str, d: int | None, q: int | None) -> tuple[str, int | None]:
    """The lattice and its dimension; None for one that has its own."""
    checks.one_of("lattice", lattice, NAMES)
    if lattice in LATTICES:
        return lattice, None
    if d is None or (q is None) == (lattice == "hamming"):
        raise ValueError(
            f"{lattice} is a family; give its dimension d, and for hamming the letters q; got d={d}, q={q}"
        )
    d = checks.integer("d", d, at_least=1)
    return _SMALL_A.get(d, (lattice, d)) if lattice == "A" else (lattice, d)
