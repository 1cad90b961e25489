"""A threshold from clusters that wind round tori of several sizes, made at one density close to it.

Let f be the fraction of the axes that clusters wind round. Its mean R_L(p) is a function of (p - p_c) L^(1/nu) but
for corrections, so close to p_c it is R + (p - p_c) S_L + b L^-omega, with the slope S_L = dR_L/dp that grows with L:
the coefficient of S_L is the distance from p_c, whatever the universal R. S_L is measured on the same samples by their
score; R, b and omega are left free.

In the plane f = rank - 1 is better: -1 if nothing winds, 1 if clusters wind in two independent ways, 0 between. By
duality its mean is 0 at p_c, up to corrections that fall fast, so that R is known and small tori suffice.
"""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from percolation import checks
from percolation.quantities import Estimate
from percolation.scaling.fits import fits_from_each_first, model_average, power

# omega of the correction; in d = 3 1.2(2), or 2 as in some wrapping probabilities, Wang et al., arXiv:1302.0421 (2013)
POWERS = {2: (2.0, 3.0, 4.0), 3: (1.2, 1.5, 2.0), 4: (0.5, 1.0, 1.5, 2.0)}
FEWEST_SIZES = 4  # for the three parameters
RUNS = 64  # if nothing else is said
FEWEST_RUNS = 32  # whose scatter gives the error
GUESS = 0.25  # mean fraction of wound axes near p_c in three and four dimensions
FIRST_SAMPLES = 256  # of a step towards it, if nothing else is said
STEPS = (range(2, 7), range(5, 10), range(8, 13))  # powers of 1/2, for each of the smaller tori
F, SCORE, PRODUCT = 0, 1, 2  # columns of `Tori.run`


@dataclass(frozen=True, eq=False)
class Tori(ABC):
    """Tori in several sizes, how many samples of each make a run, and the fit that they allow."""

    d: int
    sides: tuple[int, ...]  # increasing
    n_samples: tuple[int, ...]  # of each

    @abstractmethod
    def wound(self, size: int, p: float, n: int, seed: np.random.SeedSequence) -> tuple[np.ndarray, np.ndarray]:
        """f and score (n,) of n samples of the torus of this place in sides, at p."""

    @abstractmethod
    def variances(self, p: float) -> np.ndarray:
        """(n_sizes,) of the best estimate of p that the number of open ones of a sample allows: 1 / <score^2>."""

    @property
    def sizes(self) -> np.ndarray:
        """(n_sizes,) sides."""
        return np.array(self.sides)

    def run(self, p: float, seed: np.random.SeedSequence) -> np.ndarray:
        """Means over the samples of a run of f, of the score and of their product, (n_sizes, 3)."""
        children = enumerate(seed.spawn(len(self.sides)))
        return np.array([self.means(size, p, self.n_samples[size], child) for size, child in children])

    def means(self, size: int, p: float, n: int, seed: np.random.SeedSequence) -> np.ndarray:
        """The same of n samples of one torus, (3,)."""
        f, score = self.wound(size, p, n, seed)
        return np.array([f.mean(), score.mean(), (f * score).mean()])

    def estimate(self, means: np.ndarray, p: float) -> Estimate:
        """p_c from runs at p, (n_runs, n_sizes, 3), by fits of R_L averaged over omega and the smallest size.

        The score has mean zero, so what f owes to more open sites than due is taken off: S score / <score^2>.
        Error, one sigma: the scatter of the runs, each put through the same linear fits, and what these are apart
        beyond chance, see `fits.model_average`. Over 300 repeats of 64 runs of a quarter of the samples it held the
        known value in 68 % (square lattice, sites) and 67 % (cubic) at one sigma, in 95 % at two.
        """
        slopes = self.slopes(means)
        R = means[:, :, F] - means[:, :, SCORE] * slopes * self.variances(p)
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

    def first_guess(
        self,
        seed: np.random.SeedSequence,
        begin: float,
        moved: Callable[[float, float], float],
        n_samples: int = FIRST_SAMPLES,
    ) -> float:
        """p at which the smaller tori are wound about as often as at p_c, by ever smaller steps up or down.

        moved: p, step -> the p that lies this step, 1/4 to 2^-12 of either sign, from it. n_samples: of each.
        """
        p, due = begin, 0.0 if self.d == 2 else GUESS
        steps = [(size, 2.0**-k) for size, powers in enumerate(STEPS) for k in powers]
        for (size, step), child in zip(steps, seed.spawn(len(steps)), strict=True):
            p = moved(p, math.copysign(step, due - self.means(size, p, n_samples, child)[F]))
        return p


def samples_of_a_run(n_sites: np.ndarray, all_sites: int) -> tuple[int, ...]:
    """As many of each torus of n_sites (n_sizes,) as all_sites hold in all, or one of each.

    The larger, the fewer: as 1 / sqrt(sites), so that the largest take most of the time.
    """
    roots = np.sqrt(n_sites)
    return tuple(int(n) for n in np.ceil(all_sites / roots.sum() / roots))


def f_of(axes: np.ndarray, rank: np.ndarray) -> np.ndarray:
    """(n,) from the axes (n, d) that clusters wind round and the rank (n,) of the ways."""
    return rank - 1.0 if axes.shape[1] == 2 else axes.mean(axis=1)


def checked_sizes(sizes: Sequence[int]) -> tuple[int, ...]:
    sizes = tuple(checks.integer("size", L, at_least=3) for L in sizes)
    if len(sizes) < FEWEST_SIZES or any(b <= a for a, b in zip(sizes, sizes[1:], strict=False)):
        raise ValueError(f"expected {FEWEST_SIZES} or more increasing sizes, got {sizes}")
    return sizes
