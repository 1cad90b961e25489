"""Euler-characteristic zeros: quoted digits, identities between the formulas, and simulated mean characteristics.

Simulations have fixed seeds and say how often another seed would fail.
"""

import math
import re
from itertools import combinations, pairwise, permutations, product

import numpy as np
import pytest
from scipy.stats import norm

from percolation.theory import level_sets, thresholds

ZEROS = {2: 0, 3: 1, 4: 1.732, 5: 2.334, 6: 2.857, 7: 3.324}
OCCUPATIONS = {2: 0.5, 3: 0.1587, 4: 0.0416, 5: 0.00979, 6: 0.00214, 7: 0.000443}


@pytest.mark.parametrize("d", ZEROS)
def test_zeros_on_space_to_four_digits(d):
    assert level_sets.gaussian_level(d) == pytest.approx(ZEROS[d], abs=5e-4)
    assert level_sets.gaussian(d).value == pytest.approx(OCCUPATIONS[d], rel=4e-3)
    assert abs(level_sets.gaussian_density(d, level_sets.gaussian_level(d))) < 1e-12
    assert level_sets.gaussian_density(d, level_sets.gaussian_level(d) + 0.1) > 0


def test_zeros_in_closed_form_and_in_high_dimension():
    assert level_sets.gaussian_level(5) == pytest.approx(math.sqrt(3 + math.sqrt(6)), rel=1e-12)
    assert level_sets.gaussian_level(1024) / (2 * math.sqrt(1024)) == pytest.approx(1, abs=0.02)


@pytest.mark.parametrize("d", level_sets.SIMULATED)
def test_simulated_levels_lie_beyond_the_zero_and_within_its_error(d):
    estimate, simulated = level_sets.gaussian(d), level_sets.simulated(d)
    assert estimate.value - estimate.error <= simulated.value < estimate.value
    assert "estimate" in estimate.source and re.search(r"percolation figures|scaling\.grown_level", simulated.source)
    level = level_sets.simulated_level(d)
    assert simulated.value == pytest.approx(norm.sf(level.value), rel=1e-12)
    assert simulated.error == pytest.approx(level.error * norm.pdf(level.value), rel=1e-12)


def test_what_was_not_simulated_is_said():
    assert level_sets.gaussian(2).error == 0
    for d in (2, 8):
        with pytest.raises(ValueError, match="scaling.grown_level"):
            level_sets.simulated_level(d)


@pytest.mark.parametrize("C", [2, 3, 5, 10, 40])
def test_conic_volumes_are_a_distribution(C):
    """They sum to 1, with alternating signs to 0 (Gauss and Bonnet); the cone is 1 of C that are alike."""
    v = np.array([level_sets.conic_volume(C, m) for m in range(C)])
    assert v.sum() == pytest.approx(1, abs=1e-9) and v[0] == pytest.approx(1 / C)
    assert (v * (-1.0) ** np.arange(C)).sum() == pytest.approx(0, abs=1e-9)
    assert level_sets.conic_volume(C, C) == 0


@pytest.mark.parametrize("d", range(2, 13))
def test_two_classes_are_level_zero(d):
    scale = abs(level_sets.gaussian_density(d, 1.0))
    expected = level_sets.gaussian_density(d, 0.0)
    assert level_sets.classes_density(d, 2) == pytest.approx(expected, rel=1e-9, abs=1e-12 * scale)


def test_numbers_of_classes():
    assert level_sets.classes_number(2) == 2
    for d, C in {3: 7.522, 4: 34.44, 5: 173.2, 6: 919.3, 7: 5055}.items():
        assert level_sets.classes_number(d) == pytest.approx(C, rel=1e-3)
        assert level_sets.classes_density(d, 1.01 * C) > 0 > level_sets.classes_density(d, 0.99 * C)
    ratio = [level_sets.classes(d).value / level_sets.gaussian(d).value for d in range(3, 8)]
    assert ratio == sorted(ratio, reverse=True)  # a class needs less of the space than a level set, ever less


def test_sphere_is_flat_for_short_correlations_and_whole_for_low_levels():
    for d in range(3, 9):
        assert level_sets.sphere_level(d, 1e-3) == pytest.approx(level_sets.gaussian_level(d - 1), abs=1e-5)
        whole = 1 + (-1) ** (d - 1)
        assert level_sets.sphere_characteristic(d, 0.5, -30.0) == pytest.approx(whole, abs=1e-9)
        assert level_sets.sphere(d, 0.2).value > level_sets.sphere(d, 0.1).value
    circle = 2 * math.pi * math.exp(-0.5) / (2 * math.pi * 0.3)  # Rice: up-crossings on a circle
    assert level_sets.sphere_characteristic(2, 0.3, 1.0) == pytest.approx(circle)


@pytest.mark.parametrize(("d", "L"), [(1, 6), (2, 3), (3, 2)])
def test_characteristic_of_cells_by_enumeration(d, L):
    """Mean over all 2^N states of a torus; for L = 2 each pair of neighbours has two edges."""
    sites = list(product(range(L), repeat=d))
    number = {site: i for i, site in enumerate(sites)}
    cubes = []
    for site, k in product(sites, range(d + 1)):
        for axes in combinations(range(d), k):
            corners = [
                tuple((x + (i in some)) % L for i, x in enumerate(site))
                for size in range(k + 1)
                for some in combinations(axes, size)
            ]
            cubes.append((k, sum({1 << number[corner] for corner in corners})))
    N, p = len(sites), 0.37
    state = np.arange(2**N)
    n_open = sum((state >> i) & 1 for i in range(N))
    chance = p**n_open * (1 - p) ** (N - n_open)
    chi = sum((-1) ** k * ((state & mask) == mask) for k, mask in cubes)
    assert chance @ chi == pytest.approx(N * level_sets.cells_density(d, p), rel=1e-12)


def test_zeros_of_cells_against_thresholds():
    for d, p in {2: (math.sqrt(5) - 1) / 2, 3: 0.39401, 4: 0.28433, 7: 0.15375}.items():
        assert level_sets.cells(d).value == pytest.approx(p, abs=1e-5)
    ratio = [level_sets.cells(d).value / thresholds.hypercubic(d).value for d in range(2, 14)]
    assert ratio == sorted(ratio) and ratio[0] == pytest.approx(1.043, abs=1e-3) and ratio[-1] < 2
    for d in range(2, 14):
        estimate = level_sets.cells(d)
        assert estimate.value - estimate.error <= thresholds.hypercubic(d).value < estimate.value
    assert level_sets.cells(1000).value == pytest.approx(1e-3, rel=0.01)


def torus_fields(d, n, xi, count, rng):
    """(count, n, ..., n) Gaussian fields exp(-r^2 / 2 xi^2), xi in cells, on a torus of many xi."""
    k = 2 * np.pi * np.fft.fftfreq(n)
    spectrum = np.exp(-(xi**2) * sum(one**2 for one in np.meshgrid(*[k] * d, indexing="ij")) / 2)
    amplitude = np.sqrt(spectrum / spectrum.mean())
    axes = tuple(range(1, d + 1))
    return np.fft.ifftn(np.fft.fftn(rng.standard_normal((count, *[n] * d)), axes=axes) * amplitude, axes=axes).real


def characteristics(inside):
    """Euler characteristic of each set (count, n, ..., n) of corners of the triangulated torus (Freudenthal's)."""
    d = inside.ndim - 1
    total = np.zeros(len(inside))
    for k in range(d + 1):
        for corners in chains(d, k):
            whole = np.ones_like(inside)
            for corner in corners:
                whole &= np.roll(inside, [-x for x in corner], axis=tuple(range(1, d + 1)))
            total += (-1) ** k * whole.reshape(len(inside), -1).sum(axis=1)
    return total


def chains(d, k):
    """0 = c_0 < c_1 < ... < c_k among the corners of the cube: the k-simplices that begin at a site."""
    corners = sorted(product((0, 1), repeat=d), key=sum)
    for some in combinations(corners[1:], k):
        chain = (corners[0], *some)
        if all(all(a <= b for a, b in zip(x, y, strict=True)) and x != y for x, y in pairwise(chain)):
            yield chain


def assert_mean(samples, exact, discretisation, false_alarm=1e-4 / 20):
    """The mean within its error and what the spacing changes; 20 comparisons fail for 1e-4 of seeds."""
    error = samples.std(ddof=1) / math.sqrt(len(samples))
    assert abs(samples.mean() - exact) < norm.isf(false_alarm / 2) * error + discretisation, (samples.mean(), exact)


@pytest.mark.parametrize(("d", "n", "xi", "count"), [(2, 96, 6.0, 150), (3, 40, 5.0, 24)])
def test_simulated_characteristic_of_level_sets_and_classes(d, n, xi, count):
    """Means over tori, within 4 errors and 3 % of the largest density for the spacing of xi/6 and xi/5."""
    fields = [torus_fields(d, n, xi, count, np.random.default_rng(i)) for i in range(8)]
    volume = (n / xi) ** d
    scale = 0.03 * volume * max(abs(level_sets.gaussian_density(d, u)) for u in (0.0, 1.0, 2.0))
    for u in (-0.5, 0.5, 1.0, 1.5):
        assert_mean(characteristics(fields[0] >= u), volume * level_sets.gaussian_density(d, u), scale)
    for C in (3, 5, 8):
        inside = fields[0] >= np.maximum.reduce(fields[1:C])
        assert_mean(characteristics(inside), volume * level_sets.classes_density(d, C), scale)


def icosphere(refinements):
    """Points and triangles of an icosahedron whose faces are cut in four again and again."""
    golden = (1 + math.sqrt(5)) / 2
    even = [p for p in permutations(range(3)) if p in ((0, 1, 2), (1, 2, 0), (2, 0, 1))]
    points = [tuple(np.array((0, a, b * golden))[list(p)]) for p in even for a in (-1, 1) for b in (-1, 1)]
    points = [np.array(one) / np.linalg.norm(one) for one in points]
    near = 1.01 * min(np.linalg.norm(points[0] - other) for other in points[1:])
    faces = [
        f
        for f in combinations(range(12), 3)
        if all(np.linalg.norm(points[i] - points[j]) < near for i, j in combinations(f, 2))
    ]
    for _ in range(refinements):
        middle, finer = {}, []
        for f in faces:
            for edge in combinations(sorted(f), 2):
                if edge not in middle:
                    middle[edge] = len(points)
                    points.append(
                        (points[edge[0]] + points[edge[1]]) / np.linalg.norm(points[edge[0]] + points[edge[1]])
                    )
            a, b, c = (middle[edge] for edge in combinations(sorted(f), 2))  # of 01, 02, 12
            i, j, k = sorted(f)
            finer += [(i, a, b), (j, a, c), (k, b, c), (a, b, c)]
        faces = finer
    return np.array(points), np.array(faces)


def test_simulated_characteristic_on_the_sphere():
    """exp(-r^2 / 2 xi^2) of R^3 on the sphere, xi = 0.4, at 2562 points: within 4 errors and 0.15 of about 5."""
    xi, count = 0.4, 300
    x, faces = icosphere(4)
    assert (len(x), len(faces)) == (2562, 5120)
    edges = np.unique(np.sort(np.concatenate([faces[:, [0, 1]], faces[:, [0, 2]], faces[:, [1, 2]]]), axis=1), axis=0)
    covariance = np.exp(-np.square(x[:, None] - x).sum(axis=2) / (2 * xi**2))
    root = np.linalg.cholesky(covariance + 1e-8 * np.eye(len(x)))  # it is of finite rank but for 1e-8
    f = np.random.default_rng(3).standard_normal((count, len(x))) @ root.T
    of_edges, of_faces = f[:, edges].min(axis=2), f[:, faces].min(axis=2)
    for u in (-1.5, -0.5, 0.0, 0.5, 1.0, 2.0):
        chi = (f >= u).sum(axis=1) - (of_edges >= u).sum(axis=1) + (of_faces >= u).sum(axis=1)
        assert_mean(chi, level_sets.sphere_characteristic(3, xi, u), 0.15)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda: level_sets.gaussian(1), "d must be at least 2, got 1"),
        (lambda: level_sets.gaussian(10**6), "d must be at most 10000"),
        (lambda: level_sets.gaussian_density(3, math.nan), "u must be a finite number"),
        (lambda: level_sets.sphere(2, 0.1), "d must be at least 3"),
        (lambda: level_sets.sphere(4, -1), "xi must be a finite number above 0"),
        (lambda: level_sets.sphere(4, 2.0), "does not change sign on S.3 at xi=2"),
        (lambda: level_sets.classes(13), "d must be at most 12"),
        (lambda: level_sets.classes_density(3, 1.5), "C must be at least 2 classes"),
        (lambda: level_sets.cells_density(3, 1.5), "p must lie in"),
        (lambda: level_sets.cells(1), "d must be at least 2"),
    ],
)
def test_bad_input(call, words):
    with pytest.raises(ValueError, match=words):
        call()
