import heapq
import itertools
import math

import numpy as np
import pytest
from scipy.spatial import cKDTree

from percolation import growth, seeds
from percolation.growth import spheres
from tests.percolation.growth.coordinates import MASK, mix
from tests.statistical import assert_means

LOW = 63  # mask of a point's number within its cell
GOLDEN = 0x9E3779B97F4A7C15


def draw(hashed, i):
    return (mix((hashed + i * GOLDEN) & MASK) >> 11) * 2.0**-53


class Space:
    """All points of a box of cells around the first, by Python's integers, and which of them are near which."""

    def __init__(self, d, degree, seed, reach):
        generator = seeds.generator(seed)
        process = spheres.process(d, degree, generator)
        r, self.reach = [int(one) for one in process.r], reach
        origin = int(generator.integers(0, 2**64, 1, dtype=np.uint64)[0]) << 6 & MASK
        keys, places = [origin | 62], [self.place(origin | 62, (0,) * d)]
        for x in itertools.product(range(-reach, reach + 1), repeat=d):
            cell = (origin + sum(step * one for step, one in zip(x, r, strict=True))) & MASK
            u = draw(mix(cell | LOW), 0)
            for i in range(int((process.counts <= u).sum())):
                keys.append(cell | i)
                places.append(self.place(cell | i, x))
        self.places = np.array(places)
        self.weights = [mix(mix(key)) for key in keys]
        self.near = cKDTree(self.places).query_ball_point(self.places, 1.0)

    def place(self, key, cell):
        return [x + draw(mix(key), axis + 1) for axis, x in enumerate(cell)]

    def revealed(self, n):
        """After each of n accepted, by a heap of the whole boundary."""
        seen, boundary, counts, point = {0}, [], [], 0
        for _ in range(n):
            assert (np.abs(self.places[point] - 0.5) < self.reach - 0.5).all()  # all that is near it is in the box
            for other in self.near[point]:
                if other not in seen:
                    seen.add(other)
                    heapq.heappush(boundary, (self.weights[other], other))
            counts.append(len(seen))
            point = heapq.heappop(boundary)[1]
        return counts


# seeds whose clusters stay in the box and do not end
STEP_BY_STEP = [(2, 8, 1, 300, 22), (3, 6, 6, 100, 8), (4, 5, 2, 40, 5), (5, 4, 1, 10, 3)]


@pytest.mark.parametrize(("d", "degree", "seed", "n", "reach"), STEP_BY_STEP)
def test_every_step_equals_a_tree_of_all_points(d, degree, seed, n, reach):
    run = growth.invade_spheres(d, n, degree=degree, seed=seed, marks=np.arange(1, n + 1))
    assert run.n_revealed.tolist() == Space(d, degree, seed, reach).revealed(n)


@pytest.mark.parametrize(("d", "overlap"), [(2, 1 - 3 * math.sqrt(3) / (4 * math.pi)), (3, 15 / 32), (8, 0.1760)])
def test_first_steps_have_the_exact_means(d, overlap):
    """Poisson numbers around the first point, not 0; the second's ball overlaps the first by the share known."""
    degree, n = 5.0, 400 if d == 8 else 2000
    B = np.array([growth.invade_spheres(d, 2, degree=degree, seed=seed).n_revealed for seed in range(n)])
    first, second = B[:, 0] - 1, B[:, 1] - B[:, 0]
    mean = degree / -math.expm1(-degree)
    assert_means(
        np.column_stack([first, first**2, second]), np.array([mean, mean * (1 + degree), degree * (1 - overlap)])
    )


def test_pruning_leaves_nothing_out(monkeypatch):
    pruned = growth.invade_spheres(3, 5000, seed=1)
    monkeypatch.setattr(spheres, "PRUNE_FROM", 10**9 // 2**10)
    assert growth.invade_spheres(3, 5000, seed=1).n_revealed.tolist() == pruned.n_revealed.tolist()


def test_growth_begins_anew_where_all_points_end():
    runs = [growth.invade_spheres(2, 300, degree=4.8, seed=seed) for seed in range(30)]
    assert all(run.n_revealed[-1] > 300 for run in runs)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d": 1}, "d must be at least 2, got 1"),
        ({"d": 11}, "d must be at most 10, got 11"),
        ({"degree": 1.0}, r"degree must lie in \[2, 32\], got 1"),
        ({"n_points": 0}, "n_points must be at least 1"),
        ({"marks": np.array([2, 1])}, "marks must increase"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        growth.invade_spheres(**{"d": 3, "n_points": 100, "seed": 1} | arguments)
