import numpy as np
import pytest

from percolation import scaling
from percolation.scaling import spheres
from tests.statistical import assert_covers

# eta_c of d = 2: Mertens and Moore, Phys. Rev. E 86, 061109 (2012); 3: Lorenz and Ziff, J. Chem. Phys. 114, 3659 (2001)
KNOWN = {2: 1.12808737, 3: 0.341889}


@pytest.fixture
def small_runs(monkeypatch):
    """An eighth of the spheres, on small tori."""
    monkeypatch.setattr(spheres, "SPHERES_OF_A_RUN", 2**14)
    monkeypatch.setattr(spheres, "SIZES", {2: (8, 12, 19, 30), 3: (4, 6, 9, 13)})


def test_critical_density_of_invasions():
    found = scaling.overlapping_spheres(3, "invasion", runs=16, n_points=2**13, seed=1, progress=False)
    assert abs(found.value - KNOWN[3]) < 4 * found.error < 0.05 * KNOWN[3]
    assert found.mean_degree == 8 * found.value


@pytest.mark.parametrize(("d", "relative"), [(2, 0.01), (3, 0.02)])
def test_critical_density_of_windings(d, relative, small_runs):
    """Within 4 errors, which are of use."""
    found = scaling.overlapping_spheres(d, "wrapping", runs=32, seed=1, progress=False)
    assert abs(found.value - KNOWN[d]) < 4 * found.error < 4 * relative * KNOWN[d]
    assert found.means.shape == (32, 4, 3) and found.mean_degree == 2**d * found.value


def test_bits_do_not_depend_on_workers(small_runs):
    one, two = (scaling.overlapping_spheres(2, runs=32, seed=3, workers=n, progress=False) for n in (1, 2))
    np.testing.assert_array_equal(one.means, two.means)
    assert one == two


def test_the_method_is_the_better_one_unless_said():
    """By windings in d = 2, but where invasions are described."""
    how = {"runs": 32, "seed": 1, "progress": False}
    invaded = scaling.overlapping_spheres(2, n_points=512, **how)
    assert isinstance(invaded, scaling.InvadedSpheres)
    assert isinstance(scaling.overlapping_spheres(5, **how | {"runs": 8, "n_points": 512}), scaling.InvadedSpheres)


def test_the_density_of_all_points_does_not_matter():
    """p_c goes as one over it, eta_c stays."""
    runs = [scaling.overlapping_spheres(4, degree=k, runs=12, n_points=2**11, seed=2) for k in (4.0, 10.0)]
    assert abs(runs[0].value - runs[1].value) < 4 * np.hypot(runs[0].error, runs[1].error)


@pytest.mark.slow
@pytest.mark.parametrize("d", [2, 3])
def test_errors_hold_the_truth(d):
    found = [
        scaling.overlapping_spheres(d, runs=24, n_points=2**12, seed=900 + seed, progress=False) for seed in range(200)
    ]
    assert_covers([(one.value - KNOWN[d]) / one.error for one in found])


@pytest.mark.slow
@pytest.mark.parametrize("d", KNOWN)
def test_errors_of_windings_hold_the_truth(d, small_runs):
    """200 repeats of 32 runs of an eighth."""
    how = {"runs": 32, "workers": 2, "progress": False}
    found = [scaling.overlapping_spheres(d, "wrapping", seed=seed, **how) for seed in range(200)]
    assert_covers([(one.value - KNOWN[d]) / one.error for one in found])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d": 1}, "d must be at least 2"),
        ({"method": "windings"}, "did you mean 'wrapping'"),
        ({"d": 5, "method": "wrapping"}, "wrapping is for d = 2 to 4"),
        ({"method": "wrapping", "n_points": 1024}, "which invasions have"),
        ({"d": 2, "runs": 8}, "runs must be at least 32"),
        ({"n_points": 100}, "n_points must be at least 512"),
        ({"runs": 16, "time": 1.0}, "not both"),
        ({"precision": -1.0}, "precision must be a finite number above 0"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaling.overlapping_spheres(**{"d": 3, "seed": 1} | arguments)
