"""What sweeps and curves return: the clusters of every realisation, and means over them with their errors."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, runs
from percolation.averages import FirstSteps, canonical
from percolation.recorder import AXES, TOTALS
from percolation.sweeps.opened import Bonds, Sites

OBSERVABLES = TOTALS + AXES
Result = TypeVar("Result", "Sweep", "Curve")


@dataclass(frozen=True, eq=False, kw_only=True)
class _Result:
    """What sweeps and curves have in common: observables, None if not asked for, of shape (n_realisations, n).

    n: a value after every step of a sweep, n_steps + 1 of them; at every p of a curve.
    """

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

    def _record(self, observable: str, among: tuple[str, ...] = OBSERVABLES + ("cluster_counts",)) -> np.ndarray:
        """One of the observables named, if it was recorded."""
        checks.one_of("observable", observable, among)
        values = getattr(self, observable)
        if values is None:
            raise ValueError(f"{observable!r} was not recorded; name it in observables")
        return values


@dataclass(frozen=True, eq=False)
class Sweep(_Result):
    """Clusters of every realisation after n = 0 ... n_steps opened sites or bonds.

    Row r, column n: realisation r with n sites (kind "site") or bonds (kind "bond") open. In a bond sweep all sites
    are open from the start. Memory: 8 bytes a column and observable.
    """

    kind: str  # "site" or "bond"
    n_sites: int
    n_steps: int
    n_realisations: int
    counts_at: np.ndarray | None = None  # (n_counted,) int64, values of n at which clusters are counted by size

    def mean(self, observable: str, p: ArrayLike) -> np.ndarray:
        """Canonical mean of one of the totals, sum_n Binomial(n; M, p) <Q>_n: an array of the shape of p.

        Observables without a value at every step are refused: axes have probabilities, counts of sizes a curve.

        Error: one sigma from `error(observable, p)`; values at different p share realisations and are correlated.
        Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
        """
        return canonical(self._total(observable), p).mean(axis=0)

    def error(self, observable: str, p: ArrayLike) -> np.ndarray:
        """Standard error of `mean(observable, p)`, one sigma, from the spread of realisations; nan if only one."""
        return _standard_error(canonical(self._total(observable), p))

    def strength(self, p: ArrayLike) -> np.ndarray:
        """Canonical percolation strength P(p): chance that a site is in the largest cluster.

        P(p) = sum_n Binomial(n; M, p) <s_max>_n / N, with M sites or bonds to open and N sites.

        p: occupation probability in [0, 1], any shape.
        Returns an array of the shape of p, dimensionless. Finite L: P(p_c) > 0 and falls as L**(-beta/nu).
        Error: standard error over realisations, one sigma, from `strength_error(p)`; values at
        different p share realisations and are correlated.
        Source: Newman and Ziff, Phys. Rev. E 64, 016706 (2001), Sec. II.
        """
        return self.mean("largest", p) / self.n_sites

    def strength_error(self, p: ArrayLike) -> np.ndarray:
        """Standard error of `strength(p)`, one sigma, from the spread of the realisations; nan if there is only one."""
        return self.error("largest", p) / self.n_sites

    def mean_cluster_size(self, p: ArrayLike) -> np.ndarray:
        """Canonical mean cluster size S(p), the largest cluster left out.

        S(p) = <sum' s^2>_p / <sum' s>_p, sums over all clusters but the largest: the mean size of the cluster of an
        open site that is not in the largest one.

        p: occupation probability in [0, 1], any shape.
        Returns an array of the shape of p, in sites; nan where no site is outside the largest cluster (p = 1, and p = 0
        if sites are opened). It peaks near p_c.
        Error: one sigma from `mean_cluster_size_error(p)`, correlated between different p.
        Source: Stauffer and Aharony, Introduction to Percolation Theory (1994), Sec. 2.2 and 3.1.
        """
        return _ratio_of_means(*self._outside_largest(p))

    def mean_cluster_size_error(self, p: ArrayLike) -> np.ndarray:
        """Standard error of `mean_cluster_size(p)`, one sigma, by the delta method for a ratio of means."""
        return _error_of_ratio(*self._outside_largest(p))

    def spanning_probability(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """Canonical probability that a cluster joins the open faces across an axis, across "any" or across "all".

        R(p) = <P(Binomial(M, p) >= n_first)>, n_first the first step at which it does; for "all", each axis by a
        cluster of its own or by the same.

        p: occupation probability in [0, 1], any shape. Returns an array of the shape of p.
        Error: one sigma from `spanning_probability_error(p, axis)`.
        """
        return self._reached("spanning", axis, p).mean(axis=0)

    def spanning_probability_error(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """Standard error of `spanning_probability(p, axis)`, one sigma."""
        return _standard_error(self._reached("spanning", axis, p))

    def wrapping_probability(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """The same for a cluster that winds round the torus along an axis.

        Source: Newman and Ziff (2001), Sec. III; the criterion: Machta et al., Phys. Rev. E 54, 1332 (1996).
        """
        return self._reached("wrapping", axis, p).mean(axis=0)

    def wrapping_probability_error(self, p: ArrayLike, axis: int | str = "any") -> np.ndarray:
        """Standard error of `wrapping_probability(p, axis)`, one sigma."""
        return _standard_error(self._reached("wrapping", axis, p))

    def first_steps(self, observable: str, axis: int | str = "any") -> FirstSteps:
        """Steps at which the realisations first span or wrap along an axis, "any" or "all", for `scaling.crossing`."""
        return FirstSteps(_of_axis(self._record(observable, AXES), axis, "min", "max"), self.n_steps)

    def _total(self, observable: str) -> np.ndarray:
        """An observable with a value at every step; what has none says which call gives its mean."""
        if observable in AXES:
            raise ValueError(f"{observable!r} holds first steps, no value a step; call {observable}_probability(p)")
        if observable == "cluster_counts":
            raise ValueError(
                "'cluster_counts' are taken at the steps counts_at, not at every step; "
                "a curve has their mean at p: curve.mean('cluster_counts')"
            )
        return self._record(observable, TOTALS)

    def _reached(self, observable: str, axis: int | str, p: ArrayLike) -> np.ndarray:
        return self.first_steps(observable, axis).probability(p)

    def _outside_largest(self, p: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """Canonical sum' s^2 and sum' s of every realisation, (n_realisations,) + shape of p."""
        n_open = np.arange(self.n_steps + 1) if self.kind == "site" else self.n_sites
        largest = self._record("largest")
        squares = self._record("second_moment") - largest**2
        return canonical(squares, p), canonical(n_open - largest, p)


@dataclass(frozen=True, eq=False)
class Curve(_Result):
    """Clusters of every realisation at given values of p, each an exact sample of percolation at that p.

    Row r, column k: realisation r at p[k]. Columns of a row share their random numbers: what is open at one p is
    open at all larger ones. Rows of several curves can be joined by np.concatenate.
    """

    kind: str  # "site" or "bond"
    n_sites: int
    p: np.ndarray  # (n_p,)
    n_open: np.ndarray  # (n_realisations, n_p) int64, sites or bonds that are open

    @property
    def n_realisations(self) -> int:
        return len(self.n_open)

    def mean(self, observable: str) -> np.ndarray:
        """Mean over realisations: (n_p,), and d or n_bins more where the observable has them."""
        return self._record(observable).mean(axis=0)

    def error(self, observable: str) -> np.ndarray:
        """Standard error of `mean(observable)`, one sigma; nan if there is only one realisation."""
        return _standard_error(self._record(observable))

    def strength(self) -> np.ndarray:
        """Percolation strength P(p) = <s_max> / N, (n_p,); see `Sweep.strength`."""
        return self.mean("largest") / self.n_sites

    def strength_error(self) -> np.ndarray:
        """Standard error of `strength()`, one sigma."""
        return self.error("largest") / self.n_sites

    def mean_cluster_size(self) -> np.ndarray:
        """Mean cluster size S(p), the largest cluster left out, (n_p,); see `Sweep.mean_cluster_size`."""
        return _ratio_of_means(*self._outside_largest())

    def mean_cluster_size_error(self) -> np.ndarray:
        """Standard error of `mean_cluster_size()`, one sigma, by the delta method for a ratio of means."""
        return _error_of_ratio(*self._outside_largest())

    def spanning_probability(self, axis: int | str = "any") -> np.ndarray:
        """Fraction of realisations in which a cluster joins the open faces across an axis, across "any" or "all"."""
        return _of_axis(self._record("spanning"), axis, "any", "all").mean(axis=0)

    def wrapping_probability(self, axis: int | str = "any") -> np.ndarray:
        """Fraction of realisations in which a cluster winds round the torus along an axis, along "any" or "all"."""
        return _of_axis(self._record("wrapping"), axis, "any", "all").mean(axis=0)

    def _outside_largest(self) -> tuple[np.ndarray, np.ndarray]:
        """sum' s^2 and sum' s of every realisation, (n_realisations, n_p)."""
        n_open = self.n_open if self.kind == "site" else self.n_sites
        largest = self._record("largest")
        return self._record("second_moment") - largest**2, n_open - largest


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


def _ratio_of_means(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """<A> / <B> over the first axis, nan where <B> is 0."""
    return _ratio(above.mean(axis=0), below.mean(axis=0))


def _error_of_ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """Standard error of <A> / <B> by the delta method: that of the mean of A - B <A> / <B>, over <B>."""
    return _ratio(_standard_error(above - _ratio_of_means(above, below) * below), below.mean(axis=0))


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    """above / below, nan where below is 0."""
    return np.divide(above, below, out=np.full(np.shape(above), np.nan), where=below > 0)
