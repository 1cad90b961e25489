"""What sweeps and curves return: the clusters of every realisation, and means over them with their errors."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, runs
from percolation.averages import FirstSteps, canonical
from percolation.sweeps.opened import Bonds, Sites
from percolation.sweeps.recorder import AXES, TOTALS

OBSERVABLES = TOTALS + AXES
ROUNDING = 1e-12  # by which two p may differ that are meant to be one
Result = TypeVar("Result", "Sweep", "Curve")


@dataclass(frozen=True, eq=False)
class _Result:
    """What sweeps and curves have in common: observables, None if not asked for, of shape (n_realisations, n).

    n: a value after every step of a sweep, n_steps + 1 of them; at every p of a curve.
    Means and errors take p alike: of a sweep occupation probabilities in [0, 1], any shape, of which they have the
    shape; of a curve some of its own p, or None for all of them. Errors are one sigma, from the spread of the
    realisations, nan if there is only one; values at different p share realisations and are correlated.
    """

    kind: str  # "site" or "bond"
    n_sites: int
    _: KW_ONLY
    # float64, whole numbers are exact below 2^53
    largest: np.ndarray | None = None  # size of the largest cluster in sites, 0 if there is none
    second_moment: np.ndarray | None = None  # sum of s^2 over all clusters, the largest included
    n_clusters: np.ndarray | None = None
    second_largest: np.ndarray | None = None  # as large as the largest if there are two of that size
    third_moment: np.ndarray | None = None  # sum of s^3
    fourth_moment: np.ndarray | None = None  # sum of s^4
    # of a sweep (n_realisations, d) int64, first step at which it does, n_steps + 1 if it never came;
    # of a curve (n_realisations, n_p, d) bool, whether it does
    spanning: np.ndarray | None = None  # a cluster joins the two open faces across each axis
    wrapping: np.ndarray | None = None  # a cluster winds round each periodic axis
    size_edges: np.ndarray | None = None  # (n_bins + 1,) int64
    # (n_realisations, n_counted or n_p, n_bins) int64, clusters of size_edges[j] <= s < size_edges[j + 1]
    cluster_counts: np.ndarray | None = None

    def asked(self, p: ArrayLike | None) -> np.ndarray:
        """The values of p that are meant: these, or all of a curve's own."""
        raise NotImplementedError

    def samples(self, observable: str, p: ArrayLike | None = None) -> np.ndarray:
        """An observable at p in every realisation, (n_realisations,) + shape of p; see `Sweep`, `Curve`."""
        return self._at(self._valued(observable), p)

    def mean(self, observable: str, p: ArrayLike | None = None) -> np.ndarray:
        """Mean of `samples` over the realisations, of the shape of p; d or n_bins more where the observable has them.

        Source, of a sweep: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
        """
        return self.samples(observable, p).mean(axis=0)

    def error(self, observable: str, p: ArrayLike | None = None) -> np.ndarray:
        """Standard error of `mean(observable, p)`."""
        return _standard_error(self.samples(observable, p))

    def strength(self, p: ArrayLike | None = None) -> np.ndarray:
        """Percolation strength P(p) = <s_max>_p / N, the chance that a site is in the largest cluster; dimensionless.

        Finite L: P(p_c) > 0 and falls as L^(-beta/nu). Error: `strength_error(p)`.
        """
        return self.mean("largest", p) / self.n_sites

    def strength_error(self, p: ArrayLike | None = None) -> np.ndarray:
        """Standard error of `strength(p)`."""
        return self.error("largest", p) / self.n_sites

    def mean_cluster_size(self, p: ArrayLike | None = None) -> np.ndarray:
        """Mean cluster size S(p) in sites, the largest cluster left out.

        S(p) = <sum' s^2>_p / <sum' s>_p, sums over all clusters but the largest: the mean size of the cluster of an
        open site that is not in the largest one. It peaks near p_c; nan where no site is outside the largest cluster
        (p = 1, and p = 0 if sites are opened). Error: `mean_cluster_size_error(p)`.
        Source: Stauffer and Aharony, Introduction to Percolation Theory (1994), Sec. 2.2 and 3.1.
        """
        above, below = self._outside_largest(p)
        return _ratio(above.mean(axis=0), below.mean(axis=0))

    def mean_cluster_size_error(self, p: ArrayLike | None = None) -> np.ndarray:
        """Standard error of `mean_cluster_size(p)` = <A> / <B> by the delta method: of <A - B S>, over <B>."""
        above, below = self._outside_largest(p)
        return _ratio(_standard_error(above - self.mean_cluster_size(p) * below), below.mean(axis=0))

    def spanning_probability(self, p: ArrayLike | None = None, axis: int | str = "any") -> np.ndarray:
        """Probability R(p) that a cluster joins the open faces across an axis, across "any" or across "all".

        For "all", each axis by a cluster of its own or by the same. Error: `spanning_probability_error(p, axis)`.
        """
        return self._reached("spanning", axis, p).mean(axis=0)

    def spanning_probability_error(self, p: ArrayLike | None = None, axis: int | str = "any") -> np.ndarray:
        """Standard error of `spanning_probability(p, axis)`."""
        return _standard_error(self._reached("spanning", axis, p))

    def wrapping_probability(self, p: ArrayLike | None = None, axis: int | str = "any") -> np.ndarray:
        """The same for a cluster that winds round the torus along an axis.

        Source: Newman and Ziff (2001), Sec. III; the criterion: Machta et al., Phys. Rev. E 54, 1332 (1996).
        """
        return self._reached("wrapping", axis, p).mean(axis=0)

    def wrapping_probability_error(self, p: ArrayLike | None = None, axis: int | str = "any") -> np.ndarray:
        """Standard error of `wrapping_probability(p, axis)`."""
        return _standard_error(self._reached("wrapping", axis, p))

    def _outside_largest(self, p: ArrayLike | None) -> tuple[np.ndarray, np.ndarray]:
        """sum' s^2 and sum' s of every realisation at p, (n_realisations,) + shape of p."""
        largest = self._record("largest")
        squares = self._record("second_moment") - largest**2
        return self._at(squares, p), self._at(self._n_open_sites - largest, p)

    def _record(self, observable: str, among: tuple[str, ...] = OBSERVABLES + ("cluster_counts",)) -> np.ndarray:
        """One of the observables named, if it was recorded."""
        checks.one_of("observable", observable, among)
        values = getattr(self, observable)
        if values is None:
            raise ValueError(f"{observable!r} was not recorded; name it in observables")
        return values

    def _valued(self, observable: str) -> np.ndarray:
        """An observable that has a value at each n."""
        return self._record(observable)

    @property
    def _n_open_sites(self) -> np.ndarray | int:
        """Open sites at each n."""
        raise NotImplementedError

    def _at(self, values: np.ndarray, p: ArrayLike | None) -> np.ndarray:
        """At p what has a value at each n, (n_realisations, n)."""
        raise NotImplementedError

    def _reached(self, observable: str, axis: int | str, p: ArrayLike | None) -> np.ndarray:
        """Whether, or with which probability, each realisation spans or wraps at p."""
        raise NotImplementedError


@dataclass(frozen=True, eq=False)
class Sweep(_Result):
    """Clusters of every realisation after n = 0 ... n_steps opened sites or bonds.

    Row r, column n: realisation r with n sites (kind "site") or bonds (kind "bond") open. In a bond sweep all sites
    are open from the start. Memory: 8 bytes a column and observable.
    Values at p are canonical averages, sum_n Binomial(n; M, p) Q_n, M = n_steps; of first steps n_first the chance
    that n >= n_first.
    """

    n_steps: int
    n_realisations: int
    counts_at: np.ndarray | None = None  # (n_counted,) int64, values of n at which clusters are counted by size

    def asked(self, p: ArrayLike | None) -> np.ndarray:
        if p is None:
            raise ValueError("a sweep has values at every p: pass those that are wanted, got None")
        return checks.probabilities(p)

    def first_steps(self, observable: str, axis: int | str = "any") -> FirstSteps:
        """Steps at which the realisations first span or wrap along an axis, "any" or "all", for `scaling.crossing`."""
        return FirstSteps(_of_axis(self._record(observable, AXES), axis, "min", "max"), self.n_steps)

    def _valued(self, observable: str) -> np.ndarray:
        """An observable with a value at every step; what has none says which call gives its mean."""
        if observable in AXES:
            raise ValueError(f"{observable!r} holds first steps, no value a step; call {observable}_probability(p)")
        if observable == "cluster_counts":
            raise ValueError(
                "'cluster_counts' are taken at the steps counts_at, not at every step; "
                "a curve has their mean at p: curve.mean('cluster_counts')"
            )
        return self._record(observable, TOTALS)

    @property
    def _n_open_sites(self) -> np.ndarray | int:
        return np.arange(self.n_steps + 1) if self.kind == "site" else self.n_sites

    def _at(self, values: np.ndarray, p: ArrayLike | None) -> np.ndarray:
        return canonical(values, self.asked(p))

    def _reached(self, observable: str, axis: int | str, p: ArrayLike | None) -> np.ndarray:
        return self.first_steps(observable, axis).probability(self.asked(p))


@dataclass(frozen=True, eq=False)
class Curve(_Result):
    """Clusters of every realisation at given values of p, each an exact sample of percolation at that p.

    Row r, column k: realisation r at p[k]. Columns of a row share their random numbers: what is open at one p is
    open at all larger ones. Rows of several curves can be joined by np.concatenate.
    """

    p: np.ndarray  # (n_p,)
    n_open: np.ndarray  # (n_realisations, n_p) int64, sites or bonds that are open

    @property
    def n_realisations(self) -> int:
        return len(self.n_open)

    def asked(self, p: ArrayLike | None) -> np.ndarray:
        return self.p if p is None else checks.probabilities(p)

    @property
    def _n_open_sites(self) -> np.ndarray | int:
        return self.n_open if self.kind == "site" else self.n_sites

    def _at(self, values: np.ndarray, p: ArrayLike | None) -> np.ndarray:
        if p is None:
            return values
        asked = self.asked(p)
        column = np.minimum(np.searchsorted(self.p, asked - ROUNDING), len(self.p) - 1)
        if (other := np.abs(self.p[column] - asked) > ROUNDING).any():
            raise ValueError(f"a curve has values at its own p, got {asked[other].flat[0]:g}; a sweep has them at all")
        return values[:, column]

    def _reached(self, observable: str, axis: int | str, p: ArrayLike | None) -> np.ndarray:
        return self._at(_of_axis(self._record(observable), axis, "any", "all"), p)


def _of_axis(values: np.ndarray, axis: int | str, any_axis: str, all_axes: str) -> np.ndarray:
    """One axis of the last dimension of values, or all of them reduced by the method named."""
    if axis in ("any", "all"):
        return getattr(values, any_axis if axis == "any" else all_axes)(axis=-1)
    d = values.shape[-1]
    if isinstance(axis, str) or not 0 <= checks.integer("axis", axis, at_least=0) < d:
        raise ValueError(f"axis is a number in 0 ... {d - 1}, 'any' or 'all', got {axis!r}")
    return values[..., axis]


@dataclass(frozen=True, eq=False)
class Recording(Generic[Result]):
    """What is opened, and what is recorded of it."""

    opened: Sites | Bonds
    observables: tuple[str, ...]
    size_edges: ArrayLike | None

    what = "sweep"

    def realised(self, items: Sequence[Any], workers: int, progress: bool) -> Result:
        """All realisations: each a task of its own where a session keeps them, else each a row of one record."""
        how: Any = {"workers": workers, "label": f"{self.opened.kind} {self.what}", "progress": progress}
        return joined(runs.run(self.alone, items, **how)) if runs.keeps() else self.together(items, **how)

    def alone(self, item: Any) -> Result:
        """One realisation."""
        return self.together([item], progress=False)

    def together(self, items: Sequence[Any], **how: Any) -> Result:
        """Realisations in one record; how: as `runs.run` takes it."""
        raise NotImplementedError


def joined(parts: Sequence[Result]) -> Result:
    """The realisations of all parts, one part after the other."""
    rows = [name for name in ("n_open", *OBSERVABLES, "cluster_counts") if getattr(parts[0], name, None) is not None]
    arrays: dict[str, Any] = {name: np.concatenate([getattr(one, name) for one in parts]) for name in rows}
    if isinstance(parts[0], Sweep):
        arrays["n_realisations"] = sum(one.n_realisations for one in parts)
    return replace(parts[0], **arrays)


def _standard_error(samples: np.ndarray) -> np.ndarray:
    """Of the mean over the first axis; nan for a single sample."""
    n = len(samples)
    return samples.std(axis=0, ddof=1) / np.sqrt(n) if n > 1 else np.full(samples.shape[1:], np.nan)


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, nan where below is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
