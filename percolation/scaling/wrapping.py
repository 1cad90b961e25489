"""p_c from clusters that wind round tori of several sizes, opened at one p close to it.

Let f be the fraction of the axes that clusters wind round. Its mean R_L(p) is a function of (p - p_c) L^(1/nu) but
for corrections, so close to p_c it is R + (p - p_c) S_L + b L^-omega, with the slope S_L = dR_L/dp that grows with L:
the coefficient of S_L is the distance from p_c, whatever the universal R. S_L is measured on the same samples by their
score; R, b and omega are left free.

In the plane f = rank - 1 is better: -1 if nothing winds, 1 if clusters wind in two independent ways, 0 between. By
duality its mean is 0 at p_c, up to corrections that fall fast, so that R is known and small tori suffice.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np

from percolation import checks, seeds, wrapping
from percolation.growth.keys import checked as checked_infinite
from percolation.lattices import Box, Lattice
from percolation.quantities import Estimate
from percolation.scaling.budget import Budget, Simulated
from percolation.scaling.fits import fits_from_each_first, model_average, power
from percolation.scaling.staged import RunsAt

SIZES = {2: (8, 16, 32, 64), 3: (8, 16, 32, 64), 4: (4, 6, 9, 13)}  # above, too few tori fit into memory
# omega of the correction; in d = 3 1.2(2), or 2 as in some wrapping probabilities, Wang et al., arXiv:1302.0421 (2013)
POWERS = {2: (2.0, 3.0, 4.0), 3: (1.2, 1.5, 2.0), 4: (0.5, 1.0, 1.5, 2.0)}
FEWEST_SIZES = 4  # for the three parameters
RUNS = 64  # if nothing else is said
FEWEST_RUNS = 32  # whose scatter gives the error
SITES_OF_A_RUN = 2**20  # opened or closed in it, if the largest torus is no larger: about 10 ms
PILOT_RUNS = 128  # they bring p to a few 10^-4
GUESS = 0.25  # mean fraction of wound axes near p_c in three and four dimensions
STEPS = (range(2, 7), range(5, 10), range(8, 13))  # powers of 1/2, for each of the smaller tori
F, SCORE, PRODUCT = 0, 1, 2  # columns of `Tori.run`


@dataclass(frozen=True, eq=False)
class Tori:
    """Tori of one lattice in several sizes, how many of each are opened in a run, and the fit that they allow."""

    kind: str
    lattices: tuple[Box, ...]
    n_samples: tuple[int, ...]  # the larger, the fewer: as 1 / sqrt(sites), so that the largest take most of the time

    @classmethod
    def of(cls, lattice: Lattice, kind: str, sizes: Sequence[int]) -> "Tori":
        tori = tuple(lattice.torus(L) for L in sizes)
        roots = np.sqrt([torus.n_sites for torus in tori])
        return cls(kind, tori, tuple(int(n) for n in np.ceil(SITES_OF_A_RUN / roots.sum() / roots)))

    @property
    def d(self) -> int:
        return self.lattices[0].d

    @property
    def sizes(self) -> np.ndarray:
        """(n_sizes,) sides in cells."""
        return np.array([torus.L for torus in self.lattices])

    @property
    def n_steps(self) -> np.ndarray:
        """(n_sizes,) sites or bonds to open."""
        return np.array([torus.n_sites if self.kind == "site" else torus.n_bonds for torus in self.lattices])

    def run(self, p: float, seed: np.random.SeedSequence) -> np.ndarray:
        """Means over the samples of a run of f, of the score and of their product, (n_sizes, 3)."""
        tori = zip(self.lattices, self.n_samples, seed.spawn(len(self.lattices)), strict=True)
        return np.array([self.means(torus, p, n, one) for torus, n, one in tori])

    def means(self, torus: Box, p: float, n: int, seed: np.random.SeedSequence) -> np.ndarray:
        """The same of n samples of one torus, (3,)."""
        found = wrapping.windings(torus, p, kind=self.kind, n_realisations=n, seed=seed)
        f = found.rank - 1.0 if self.d == 2 else found.axes.mean(axis=1)
        return np.array([f.mean(), found.score.mean(), (f * found.score).mean()])

    def estimate(self, means: np.ndarray, p: float) -> Estimate:
        """p_c from runs at p, (n_runs, n_sizes, 3), by fits of R_L averaged over omega and the smallest size.

        The score has mean zero, so what f owes to more open sites than due is taken off: S score p (1 - p) / M.
        Error, one sigma: the scatter of the runs, each put through the same linear fits, and what these are apart
        beyond chance, see `fits.model_average`. Over 300 repeats of 64 runs of a quarter of the samples it held the
        known value in 68 % (square lattice, sites) and 67 % (cubic) at one sigma, in 95 % at two.
        """
        slopes = self.slopes(means)
        R = means[:, :, F] - means[:, :, SCORE] * slopes * p * (1 - p) / self.n_steps
        one_sample = 1 / (len(R) * np.array(self.n_samples))  # the least there is to know a mean by
        deviations = np.maximum(R.std(axis=0, ddof=1) / np.sqrt(len(R)), one_sample)
        distance, error = model_average(fits_from_each_first(R, deviations, self.forms(slopes)))
        name = "rank of the windings" if self.d == 2 else "wrapped axes"
        return Estimate(p - distance, error, f"wrapping, {name}, L = {self.sizes[0]}..{self.sizes[-1]}")

    def slopes(self, means: np.ndarray) -> np.ndarray:
        """S_L = <f score> - <f> <score>, smoothed by a power of L: few samples of large tori know little."""
        of_runs = means[:, :, PRODUCT] - means[:, :, SCORE] * means[:, :, F].mean(axis=0)
        S, deviations = of_runs.mean(axis=0), of_runs.std(axis=0, ddof=1)
        return power(self.sizes / self.sizes[0], S, deviations)[0]

    def forms(self, slopes: np.ndarray) -> list[np.ndarray]:
        """Columns S_L, R and L^-omega for every omega, (n_sizes, n_parameters); in the plane without R, and plain too.

        Above the plane a correction is always there: a fit without it gains nothing in error, and until chi^2 excludes
        it, which takes 10^5 runs, it is off by 10^-5.
        """
        plain = [slopes] if self.d == 2 else [slopes, np.ones(len(slopes))]
        forms = [[*plain, (self.sizes / self.sizes[0]) ** -omega] for omega in POWERS[self.d]]
        forms += [plain] * (self.d == 2)
        return [np.array(form).T for form in forms]


@dataclass(frozen=True, eq=False)
class WrappingThreshold(Simulated):
    """p_c with the samples it came from."""

    d: int
    p: float  # at which the tori were opened
    sizes: np.ndarray  # (n_sizes,)
    means: np.ndarray  # (n_runs, n_sizes, 3), see `Tori.run`


def simulate(
    lattice: Lattice,
    kind: str,
    budget: Budget,
    seed: seeds.Seed,
    *,
    sizes: Sequence[int] | None = None,
    p: float | None = None,
) -> WrappingThreshold:
    """p_c of a lattice in two to four dimensions, from samples of its tori at one p near it; a run is of 2^20 sites.

    sizes: sides of the tori, increasing, four at least; SIZES, times the longest displacement of a bond, if
    absent. p: at which to open, near p_c; pilots find it if absent.
    Result and error: see `Tori.estimate`.
    Source: the mean of rank - 1 is the critical polynomial of Scullard and Jacobsen, J. Phys. A 45, 494004 (2012),
    arXiv:1209.1451, see also Mertens and Ziff, arXiv:1603.07289; wrapping of axes Newman and Ziff, Phys. Rev. E 64,
    016706 (2001).
    """
    tori = Tori.of(lattice, kind, _checked_sizes(sizes, lattice))
    label = f"{lattice.name}, d = {tori.d} {kind}"
    at = RunsAt(tori.run, tori.estimate, partial(_first_guess, tori), [PILOT_RUNS], label, _nearest)
    p, means = at.collect(budget, seed, p)
    found, runs = tori.estimate(means, p), (len(means), tori.d, p, tori.sizes, means)
    return WrappingThreshold(found.value, found.error, found.method, kind, seed, *runs)


def _first_guess(tori: Tori, seed: np.random.SeedSequence, n_samples: int = 256) -> float:
    """p at which the smaller tori are wound about as often as at p_c, by ever smaller steps up or down."""
    p, due = 0.5, 0.0 if tori.d == 2 else GUESS
    steps = [(torus, 2.0**-k) for torus, powers in zip(tori.lattices, STEPS, strict=False) for k in powers]
    for (torus, step), child in zip(steps, seed.spawn(len(steps)), strict=True):
        p = _nearest(p, p + math.copysign(step, due - tori.means(torus, p, n_samples, child)[F]))
    return p


def _nearest(p: float, wanted: float) -> float:
    """wanted as `wrapping.windings` can have it, not further from p than half-way to 0 or 1."""
    return round(float(np.clip(wanted, p / 2, (1 + p) / 2)) * wrapping.LEVELS) / wrapping.LEVELS


def checked(lattice: Lattice) -> Lattice:
    """The lattice, if it has tori of several sizes."""
    if checked_infinite(lattice).d not in SIZES:
        raise ValueError(
            f"wrapping is for d = {min(SIZES)} to {max(SIZES)}, where tori of several sizes fit, got d = {lattice.d}; "
            "use invasion"
        )
    return lattice


def _usual_sizes(lattice: Lattice) -> tuple[int, ...]:
    """Tori are as large beside the longest bond as those of nearest neighbours are."""
    reach = 1 if lattice.is_hypercubic else int(np.abs(lattice.displacements).max())
    return tuple(L * reach for L in SIZES[lattice.d])


def _checked_sizes(sizes: Sequence[int] | None, lattice: Lattice) -> tuple[int, ...]:
    sizes = _usual_sizes(lattice) if sizes is None else tuple(checks.integer("size", L, at_least=3) for L in sizes)
    if len(sizes) < FEWEST_SIZES or any(b <= a for a, b in zip(sizes, sizes[1:], strict=False)):
        raise ValueError(f"expected {FEWEST_SIZES} or more increasing sizes, got {sizes}")
    return sizes
