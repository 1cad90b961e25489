"""Rigorous bounds on p_c."""

from dataclasses import dataclass

from percolation import checks

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
