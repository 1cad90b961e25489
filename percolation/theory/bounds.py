"""Rigorous bounds on p_c."""

import math
from dataclasses import dataclass

from percolation import checks
from percolation.theory.published import SINE

WALKS = "open paths that go on (Broadbent and Hammersley 1957; for sites shortest ones)"


@dataclass(frozen=True)
class Bounds:
    """A rigorous interval: low <= p_c <= high."""

    low: float
    high: float
    source: str


def walk_bound(z: int, shared: int = 0, kind: str = "bond") -> float:
    """Proved lower bound on p_c of an infinite graph: 1/(z - 1) for bonds, 1/(z - 1 - shared) for sites.

    z: neighbours of a site, at most. shared: neighbours that two neighbouring sites have in common, at least.
    An infinite cluster holds an infinite open path, and of n steps there are at most z (z - 1)^(n - 1). Where sites
    are open or closed it may be a shortest path, which never steps to what the site before touches: `shared` ways less.
    """
    z, shared = checks.integer("z", z, at_least=2), checks.integer("shared", shared, at_least=0)
    ways = z - 1 - (shared if checks.kind(kind) == "site" else 0)
    return 1 / max(ways, 1)


def neighbours(lattice: str, d: int | None = None) -> tuple[int, int]:
    """Neighbours of a site, and those that two neighbouring sites have in common."""
    if lattice in _NEIGHBOURS:
        return _NEIGHBOURS[lattice]
    d = checks.integer("d", d, at_least=3 if lattice == "D" else 1)
    return (2 * d, 0) if lattice == "hypercubic" else (2 * d * (d - 1), 4 * (d - 2))


def of_lattice(lattice: str, kind: str, d: int | None = None) -> Bounds:
    """Bounds on p_c of Z^d, d >= 2, of D_d, d >= 3, or of a lattice by name: `walk_bound` below.

    Above, p_c is at most that of a plane inside: Z^2 in Z^d and, along (1, 1, 1) and (1, 1, -1), in bcc; the triangular
    lattice x + y + z = 0 in fcc and D_d.
    """
    high, why = _ABOVE[lattice, kind]
    return Bounds(walk_bound(*neighbours(lattice, d), kind), high, f"{WALKS} below; {why} above")


def hamming(d: int, q: int, kind: str = "bond") -> Bounds:
    """Rigorous bounds on the p at which the mean cluster size of an open site of H(d, q) is V^(1/3), V = q^d.

    Low: open walks that go on, as in `walk_bound`, make chi <= 1 + m p / (1 - s p), with m = d (q - 1) neighbours and
    s = m - 1 (bonds) or (d - 1)(q - 1) (sites): p >= 1/(s + m / (V^(1/3) - 1)).
    High: chi is at least what the shortest paths in alphabetical order of the letters bring, (1 + (q - 1) p)^d:
    p <= (q^(1/3) - 1) / (q - 1). The n-cube is H(n, 2).
    """
    d, q = checks.integer("d", d, at_least=2), checks.integer("q", q, at_least=2)
    m = d * (q - 1)
    s = m - 1 if checks.kind(kind) == "bond" else (d - 1) * (q - 1)
    level = d * math.log(q) / 3  # log V^(1/3); V itself is no float for d in the thousands
    low = 1 / (s - m * math.exp(-level) / math.expm1(-level))
    return Bounds(low, (q ** (1 / 3) - 1) / (q - 1), WALKS + " below; one shortest path a site above")


_NEIGHBOURS = {
    "triangular": (6, 2),
    "honeycomb": (3, 0),
    "kagome": (4, 1),
    "Lieb": (4, 0),
    "bcc": (8, 0),
    "fcc": (12, 4),
}
_TRIANGULAR_INSIDE = {
    "site": (1 / 2, "p_c of a plane inside, Kesten 1982,"),
    "bond": (SINE, "p_c of a plane inside, Wierman 1981,"),
}
_SQUARE_INSIDE = {  # for sites 1 - (1 - p_c of its bonds)^4, Grimmett and Stacey 1998
    "site": (1 - (1 / 2) ** 4, "p_c of a plane inside, Kesten 1980, Grimmett and Stacey 1998,"),
    "bond": (1 / 2, "p_c of a plane inside, Kesten 1980,"),
}
_ABOVE = {
    ("honeycomb", "site"): (1 - SINE**3, "1 - (1 - p_c of the bonds)^3, Grimmett and Stacey 1998,"),
    ("kagome", "bond"): (1 - SINE, "p_c of the sites, Hammersley 1961,"),
    **{(lattice, kind): above for lattice in ("hypercubic", "bcc") for kind, above in _SQUARE_INSIDE.items()},
    **{(lattice, kind): above for lattice in ("fcc", "D") for kind, above in _TRIANGULAR_INSIDE.items()},
}
