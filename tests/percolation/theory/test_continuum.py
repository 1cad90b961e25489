import math

import pytest
from scipy.stats import chi2

from percolation import scaling
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


def test_what_the_package_finds_agrees_with_what_is_published():
    """No deviation beyond four errors, and chi^2 of all below its upper end of 1 in 10^4; above d = 5 see `spheres`."""
    pairs = [(continuum.simulated_spheres(d), continuum.spheres(d)) for d in range(2, 6)]
    shells = continuum.SIMULATED_NEIGHBOURHOODS
    pairs += [(continuum.simulated_neighbourhood(*one), continuum.neighbourhood(*one)) for one in shells]
    z = [(ours.value - known.value) / math.hypot(ours.error, known.error) for ours, known in pairs if known]
    assert len(z) > 8 and max(map(abs, z)) < 4 and sum(one * one for one in z) < chi2.isf(1e-4, len(z))


@pytest.mark.slow
@pytest.mark.parametrize("d", continuum.SIMULATED_SPHERES)
def test_the_table_of_spheres_is_met_again(d):
    """By invasions where the table is of windings."""
    n_points = 2**14 if d <= 5 else 2**12
    found = scaling.overlapping_spheres(d, "invasion", runs=32, n_points=n_points, seed=11, progress=False)
    ours = continuum.simulated_spheres(d)
    assert abs(found.value - ours.value) < 4 * math.hypot(found.error, ours.error)


@pytest.mark.slow
@pytest.mark.parametrize(("d", "shells"), continuum.SIMULATED_NEIGHBOURHOODS)
def test_the_table_of_neighbourhoods_is_met_again(d, shells):
    how = {"method": "wrapping"} if d == 2 else {"method": "invasion", "n_sites": 2**13}
    found = scaling.threshold(hypercubic(d, shells), "site", runs=32, seed=11, progress=False, **how)
    ours = continuum.simulated_neighbourhood(d, shells)
    assert abs(found.value - ours.value) < 4 * math.hypot(found.error, ours.error)
