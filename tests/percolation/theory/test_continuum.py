import pytest

from percolation.lattices import hypercubic
from percolation.theory import continuum, thresholds


def test_volume_fractions_are_those_published():
    """phi_c = 1 - exp(-eta_c): disks 0.67634831, spheres 0.2895."""
    phi = {d: 1 - 2.718281828459045 ** -continuum.spheres(d).value for d in (2, 3, 4)}
    assert phi == pytest.approx({2: 0.67634831, 3: 0.289573, 4: 0.1210268}, abs=2e-6)


def test_critical_degrees_fall_towards_one():
    degrees = [2**d * continuum.spheres(d).value for d in range(2, 12)]
    assert all(a > b > 1 for a, b in zip(degrees, degrees[1:], strict=False))
    assert continuum.spheres(12) is None and continuum.spheres(1) is None


@pytest.mark.parametrize("d", [2, 3, 4])
def test_thresholds_are_those_of_spheres_but_for_a_few_neighbours(d):
    """p_c = 2^d eta_c / (z + b), b = 0.6 to 3.6: an entry that is off by a twentieth stands out."""
    entries = {shells: continuum.neighbourhood(d, shells) for shells in range(2, 12)}
    known = {1: thresholds.hypercubic(d).value} | {shells: one.value for shells, one in entries.items() if one}
    b = [2**d * continuum.spheres(d).value / p - hypercubic(d, shells).coordination for shells, p in known.items()]
    assert len(b) > 2 and min(b) > 0.5 and max(b) < 3.7


def test_the_square_lattice_with_diagonals_is_its_matching_lattice():
    assert continuum.neighbourhood(2, 2).value == pytest.approx(1 - thresholds.hypercubic(2).value, abs=1e-11)
    assert continuum.neighbourhood(2, 1) is None and continuum.neighbourhood(6, 2) is None
