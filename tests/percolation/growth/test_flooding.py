import heapq

import numpy as np
import pytest
from scipy.special import ndtri

from percolation import fields, growth, runs


def waves(d, xi=1.5, n_features=50, seed=1):
    return fields.gaussian(d, fields.SquaredExponential(xi), n_features=n_features, seed=seed)


def by_heap(field, n_sites, side):
    """A flood over coordinates and the field at single points: values taken, values tested, numbers tested."""
    d = field.d
    site = (0,) * d
    seen, shore, accepted, tested, n_tested = {site}, [], [], [], []
    for n in range(n_sites + 1):
        if n:
            value, site = heapq.heappop(shore)
            accepted.append(value)
        for axis in range(d):
            for way in (1, -1):
                other = (*site[:axis], site[axis] + way, *site[axis + 1 :])
                if other not in seen:
                    seen.add(other)
                    point = (
                        side * (np.array(other) + 0.5) if isinstance(field, fields.IidField) else np.array(other) * side
                    )
                    value = field(np.asarray(point, dtype=float)[None])[0]
                    tested.append(value)
                    heapq.heappush(shore, (value, other))
        n_tested.append(len(tested))
    return np.array(accepted), np.array(tested), np.array(n_tested[1:])


@pytest.mark.parametrize("side", [1.0, 0.4])
@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_every_step_over_waves_equals_the_slow_twin(d, side):
    n = 400
    run = growth.flood(waves(d), n, side=side, marks=np.arange(1, n + 1))
    accepted, tested, n_tested = by_heap(waves(d), n, side)
    np.testing.assert_array_equal(run.n_tested, n_tested)
    np.testing.assert_allclose(run.accepted, accepted, atol=1e-12)
    np.testing.assert_allclose(run.tested, tested, atol=1e-12)


@pytest.mark.parametrize("distribution", ["uniform", "normal"])
@pytest.mark.parametrize("side", [1.0, 0.5])
@pytest.mark.parametrize("d", [1, 2, 4])
def test_every_step_over_independent_cells_equals_the_slow_twin(d, side, distribution):
    n = 1000
    field = fields.iid(d, distribution=distribution, side=side, seed=3)
    run = growth.flood(field, n, marks=np.arange(1, n + 1))
    accepted, tested, n_tested = by_heap(field, n, side)
    np.testing.assert_array_equal(run.n_tested, n_tested)
    np.testing.assert_array_equal(run.accepted, accepted)
    np.testing.assert_array_equal(run.tested, tested)


def test_all_that_lies_below_what_was_taken_last_was_taken():
    """The boundary holds nothing below the highest value taken since the one that was taken last."""
    run = growth.flood(waves(3), 5000)
    left = np.sort(run.tested)[np.searchsorted(np.sort(run.tested), run.accepted[-1])]
    assert left >= run.accepted[-1]
    assert np.isin(run.accepted, run.tested).all()
    assert len(np.unique(run.accepted)) == 5000


def test_levels_have_as_many_tested_at_or_below_as_taken():
    run = growth.flood(waves(2), 3000)
    for level, n, tested in zip(run.levels, run.n_accepted, run.n_tested, strict=True):
        assert (run.tested[:tested] <= level).sum() == n


def test_radius_is_the_distance_from_the_start():
    """On a chain of independent cells the sites taken are an interval around the start."""
    run = growth.flood(fields.iid(1, side=0.5, seed=2), 100, marks=np.arange(1, 101))
    possible = [
        sum(x * x for x in range(-low, 100 - low + 1)) / 100 for low in range(101)
    ]  # cells from -low to 100 - low, in steps
    assert np.isclose(possible, (run.radius[-1] / 0.5) ** 2).any()
    assert run.radius[0] == 0.5


def test_smooth_fields_flood_far_lower_than_independent_ones():
    """d = 3, xi = 2: last level of 2^13 sites near -1.1, against 0.49 below a median of 0 for independent values."""
    smooth = np.mean([growth.flood(waves(3, 2.0, 200, seed), 2**13).levels[-1] for seed in runs.seeds(4, 6)])
    rough = growth.flood(fields.iid(3, seed=4), 2**13).levels[-1]
    assert rough == pytest.approx(ndtri(0.3116), abs=0.1)
    assert smooth < rough - 0.3


@pytest.mark.parametrize("workers", [1, 4])
def test_bits_do_not_depend_on_workers(workers):
    def task(seed):
        return growth.flood(waves(3, seed=seed), 1000).tested

    found = runs.run(task, runs.seeds(7, 6), workers=workers, progress=False)
    for run, seed in zip(found, runs.seeds(7, 6), strict=True):
        np.testing.assert_array_equal(run, task(seed))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_sites": 0}, "n_sites must be at least 1, got 0"),
        ({"side": -1.0}, "side must be a finite number above 0, got -1"),
        ({"field": fields.iid(2, side=0.5, seed=1), "side": 1.0}, "make a lattice of steps 0.5, got side=1.0"),
        ({"field": 3}, "field must be one of `fields.iid` or `fields.gaussian`, got int"),
        ({"marks": np.array([5, 300])}, "marks must increase within 1..100"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        growth.flood(**{"field": waves(2), "n_sites": 100, **arguments})
