"""Critical exponents of percolation on d-dimensional lattices.

Two of them, 1/nu and d_f, are taken from the literature with their errors; the others follow by scaling,
with errors propagated as if the two were independent. d = 2 is exact (Nienhuis; den Nijs), d >= 6 mean field,
with logarithmic corrections at d = 6 that are not in this table. Each number was compared with the abstract of its
paper; d_min in d = 3 was 1.3756(6) before (Zhou, Yang, Deng and Ziff 2012).
"""

import math
from dataclasses import dataclass

from percolation import checks
from percolation.quantities import Published

_EXACT_2D = "exact: den Nijs 1979, Nienhuis 1982; proved on the triangular lattice by Smirnov and Werner 2001"
_WANG = "Wang, Zhou, Zhang, Garoni and Deng, Phys. Rev. E 87, 052107 (2013)"
_ZHANG = "Zhang, Hou, Fang, Hu and Deng, Physica A 580, 126124 (2021)"
_ZHOU = "Zhou, Yang, Deng and Ziff, Phys. Rev. E 86, 061101 (2012)"
_MEAN_FIELD = "mean field: Hara and Slade 1990 (proved for d >= 11, Fitzner and van der Hofstad 2017)"


@dataclass(frozen=True)
class Exponents:
    """Exponents in d dimensions; y_t = 1/nu and the fractal dimensions are given, the rest derived.

    For d > 6 hyperscaling (beta = nu (d - d_f)) fails: there the mean-field values stand, as at d = 6.
    """

    d: int
    y_t: Published  # 1/nu
    d_f: Published  # fractal dimension of the incipient infinite cluster
    d_min: Published  # shortest paths: length ~ r^d_min

    @property
    def nu(self) -> Published:
        """Correlation length xi ~ |p - p_c|^-nu."""
        return Published(1 / self.y_t.value, self.y_t.error / self.y_t.value**2, self.y_t.source)

    @property
    def beta(self) -> Published:
        """Percolation probability ~ (p - p_c)^beta; beta = nu (d - d_f)."""
        return self._nu_times(self._d_hyper - self.d_f.value, 1)

    @property
    def gamma(self) -> Published:
        """Mean cluster size ~ |p - p_c|^-gamma; gamma = nu (2 d_f - d)."""
        return self._nu_times(2 * self.d_f.value - self._d_hyper, 2)

    @property
    def tau(self) -> Published:
        """Cluster numbers n_s ~ s^-tau at p_c; tau = 1 + d / d_f."""
        error = self._d_hyper * self.d_f.error / self.d_f.value**2
        return Published(1 + self._d_hyper / self.d_f.value, error, self.d_f.source)

    @property
    def sigma(self) -> Published:
        """Largest cluster below p_c ~ |p - p_c|^(-1/sigma); sigma = 1 / (nu d_f)."""
        value = self.y_t.value / self.d_f.value
        error = value * math.hypot(self.y_t.error / self.y_t.value, self.d_f.error / self.d_f.value)
        return Published(value, error, f"{self.y_t.source}; {self.d_f.source}")

    @property
    def _d_hyper(self) -> int:
        return min(self.d, 6)  # the upper critical dimension

    def _nu_times(self, factor: float, weight: int) -> Published:
        """nu * factor, where factor is linear in d_f with slope +-weight."""
        error = math.hypot(factor * self.nu.error, self.nu.value * weight * self.d_f.error)
        return Published(self.nu.value * factor, error, f"{self.y_t.source}; {self.d_f.source}")


_TABLE = {
    2: ((3 / 4, 0, _EXACT_2D), (91 / 48, 0, _EXACT_2D), (1.13077, 2e-5, _ZHOU)),
    3: ((1.1410, 0.0015, _WANG), (2.52295, 0.00015, _WANG), (1.3756, 0.0003, _WANG)),
    4: ((1.461, 0.005, _ZHANG), (3.0446, 0.0007, _ZHANG), (1.6042, 0.0005, _ZHANG)),
    5: ((1.743, 0.010, _ZHANG), (3.5260, 0.0014, _ZHANG), (1.8137, 0.0016, _ZHANG)),
    6: ((2.0, 0, _MEAN_FIELD), (4.0, 0, _MEAN_FIELD), (2.0, 0, _MEAN_FIELD)),
}


def exponents(d: int) -> Exponents:
    """Critical exponents in d >= 2 dimensions; mean-field values from d = 6 on."""
    d = checks.integer("d", d, at_least=2)
    return Exponents(d, *(Published(*entry) for entry in _TABLE[min(d, 6)]))
