from math import pi, sin

import numpy as np
import pytest

from percolation import lattices, scaling
from percolation.scaling import budget, staged, wrapping
from percolation.scaling.tori import Tori
from percolation.scaling.wrapping import LatticeTori
from percolation.theory import thresholds
from tests.statistical import assert_covers

SINE = 2 * sin(pi / 18)
KNOWN = {
    ("square", "site"): thresholds.hypercubic(2, "site").value,
    ("square", "bond"): 1 / 2,
    ("triangular", "site"): 1 / 2,
    ("triangular", "bond"): SINE,
    ("honeycomb", "bond"): 1 - SINE,
    ("kagome", "site"): 1 - SINE,
    ("Lieb", "bond"): np.sqrt(1 / 2),
    ("cubic", "site"): thresholds.hypercubic(3, "site").value,
    ("cubic", "bond"): thresholds.hypercubic(3, "bond").value,
    ("fcc", "site"): thresholds.threshold("fcc", "site").value,
    ("fcc", "bond"): thresholds.threshold("fcc", "bond").value,
    ("bcc", "site"): thresholds.threshold("bcc", "site").value,
    ("bcc", "bond"): thresholds.threshold("bcc", "bond").value,
}


def assert_met(name, kind, errors):
    """Within 4 of its errors: a new seed fails in about 1 of 10^3; errors: the most that are of use, by dimension."""
    found = scaling.threshold(getattr(lattices, name), kind, "wrapping", runs=48, seed=3, workers=2, progress=False)
    assert abs(found.value - KNOWN[name, kind]) < 4 * found.error
    assert found.error < errors[found.d]
    assert found.means.shape == (48, len(found.sizes), 3)


@pytest.mark.parametrize(("name", "kind"), [("square", "bond"), ("triangular", "site"), ("cubic", "site")])
def test_known_thresholds_are_met(name, kind, quarter_runs):
    """One of each dimension and kind."""
    assert_met(name, kind, {2: 1e-3, 3: 6e-3})


@pytest.mark.slow
@pytest.mark.parametrize(("name", "kind"), KNOWN)
def test_known_thresholds_are_met_in_whole_runs(name, kind):
    assert_met(name, kind, {2: 5e-4, 3: 3e-3})


def invented(tori, p, p_c, n_runs, rng, *, correction=0.0, nu=0.9, R=0.25):
    """Runs whose R_L is R + (p - p_c) S_L + correction L^-2, with the scatter of so many samples of variance 1/10."""
    slopes = 0.7 * tori.sizes ** (1 / nu)
    f = R + (p - p_c) * slopes + correction * tori.sizes**-2.0
    f = f + rng.normal(size=(n_runs, len(tori.sizes))) * np.sqrt(0.1 / np.array(tori.n_samples))
    score = np.zeros_like(f)
    return np.stack([f, score, slopes + 0.01 * slopes * rng.normal(size=f.shape)], axis=2)


@pytest.mark.parametrize("correction", [0.0, 0.3])
def test_error_covers_where_the_law_is_known(correction):
    """300 invented sets of runs, with and without a correction."""
    tori = LatticeTori.of(lattices.cubic, "site", (6, 12, 32, 64))
    rng = np.random.default_rng(5)
    z = []
    for _ in range(300):
        found = tori.estimate(invented(tori, 0.312, 0.3116, 128, rng, correction=correction), 0.312)
        z.append((found.value - 0.3116) / found.error)
    assert_covers(z)


def test_bits_do_not_depend_on_workers_and_a_time_can_be_repeated(quarter_runs):
    one = scaling.threshold(lattices.square, method="wrapping", time=0.3, seed=3, workers=1, progress=False)
    two = scaling.threshold(
        lattices.square, method="wrapping", runs=one.n_runs, p=one.p, seed=3, workers=2, progress=False
    )
    np.testing.assert_array_equal(one.means, two.means)
    assert one == two and one.p == two.p


def test_time_with_a_precision_is_one_time(monkeypatch):
    """Pilots and runs share it, by a clock on which a run, here slopes and noise, takes 10 ms and all else nothing."""
    runs = []

    def run(tori, p, seed):
        runs.append(p)
        f, score, noise = 0.1 * np.random.default_rng(seed).normal(size=(3, len(tori.sizes)))
        return np.array([f, score, tori.sizes**0.75 + noise]).T

    monkeypatch.setattr(Tori, "run", run)
    monkeypatch.setattr(Tori, "first_guess", lambda tori, seed, begin, moved: 0.59)
    for module in (staged, budget):
        monkeypatch.setattr(module, "monotonic", lambda: 0.01 * len(runs))
    found = scaling.threshold(lattices.square, method="wrapping", time=10, precision=1e-9, seed=3, progress=False)
    assert len(runs) > found.n_runs + 64  # there were pilots
    assert 990 <= len(runs) <= 1000


def test_precision_is_reached(quarter_runs):
    """By more runs than there are at least; 4.5 errors."""
    found = scaling.threshold(lattices.square, "bond", "wrapping", precision=2e-4, seed=4, workers=2, progress=False)
    assert 1e-4 < found.error <= 2e-4 and found.n_runs > wrapping.FEWEST_RUNS
    assert abs(found.value - 0.5) < 9e-4


@pytest.mark.parametrize(
    ("lattice", "arguments", "message"),
    [
        (lattices.square, {"kind": "sites"}, "did you mean 'site'"),
        (lattices.square, {"runs": 8}, "runs must be at least 32, got 8"),
        (lattices.square, {"precision": 0.0}, "precision must be a finite number above 0"),
        (lattices.square.torus(8), {}, "an infinite lattice, such as .*, got Box"),
        (lattices.square, {"sizes": (8, 16)}, "4 or more increasing sizes"),
        (lattices.square, {"sizes": (8, 16, 16, 32)}, "4 or more increasing sizes"),
        (lattices.square, {"sizes": (2, 8, 16, 32)}, "size must be at least 3, got 2"),
        (lattices.hypercubic(5), {}, "for d = 2 to 4, where tori of several sizes fit, got d = 5"),
    ],
)
def test_bad_input_is_refused_in_our_words(lattice, arguments, message):
    with pytest.raises(ValueError, match=message):
        scaling.threshold(lattice, method="wrapping", **{"seed": 1, "progress": False, **arguments})


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "kind"), [("square", "site"), ("kagome", "site"), ("cubic", "site"), ("cubic", "bond")]
)
def test_error_covers_the_known_value(name, kind, quarter_runs):
    """300 repeats of 64 runs, a quarter as large as usual."""
    known, how = KNOWN[name, kind], {"runs": 64, "workers": 2, "progress": False}
    repeats = [scaling.threshold(getattr(lattices, name), kind, "wrapping", seed=seed, **how) for seed in range(300)]
    assert_covers([(found.value - known) / found.error for found in repeats])
