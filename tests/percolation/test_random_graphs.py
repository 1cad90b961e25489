"""Generators by exact comparison and by the laws they promise; giant components against theory.

Rates of false alarm are per test and for a new seed; the seeds are fixed.
"""

import time
import tracemalloc
from collections import Counter
from math import comb

import networkx as nx
import numpy as np
import pytest
from scipy.stats import binom, chisquare, poisson, t

from percolation import graphs, random_graphs, sweeps
from percolation.theory import message_passing
from percolation.theory import random_graphs as theory

RATE = 1e-6


def degrees(graph):
    """Half-bonds of each site; a self-loop counts twice."""
    return np.bincount(graph.bonds().ravel(), minlength=graph.n_sites)


def pairs(graph):
    return set(map(tuple, np.sort(graph.bonds(), axis=1).tolist()))


def is_simple(graph):
    return len(pairs(graph)) == graph.n_bonds and (graph.bonds()[:, 0] != graph.bonds()[:, 1]).all()


def assert_law(counts, expected):
    """Chi-square over the cells expected at least 10 times, the rest taken together; alarm rate RATE."""
    counts, expected = np.asarray(counts, dtype=float), np.asarray(expected, dtype=float)
    often = expected >= 10
    observed = np.append(counts[often], counts[~often].sum())
    wanted = np.append(expected[often], counts.sum() - expected[often].sum())
    if wanted[-1] < 10:  # too rare for a cell of its own
        observed, wanted = (np.append(cells[:-2], cells[-2:].sum()) for cells in (observed, wanted))
    assert chisquare(observed, wanted).pvalue > RATE


def assert_means(samples, exact):
    """Column means of few samples (n, m) by Student's t; alarm rate RATE over the m columns together."""
    n, m = samples.shape
    z = (samples.mean(axis=0) - exact) / (samples.std(axis=0, ddof=1) / np.sqrt(n))
    assert np.abs(z).max() < t.isf(RATE / (2 * m), n - 1), z


GENERATORS = {
    "gnp": lambda seed: random_graphs.gnp(200, 0.02, seed=seed),
    "gnm": lambda seed: random_graphs.gnm(200, 300, seed=seed),
    "configuration_model": lambda seed: random_graphs.configuration_model([1, 2, 3] * 20, seed=seed),
    "regular": lambda seed: random_graphs.regular(100, 3, seed=seed),
    "geometric": lambda seed: random_graphs.geometric(200, 3, mean_degree=4, seed=seed),
    "nearest_neighbours": lambda seed: random_graphs.nearest_neighbours(200, 3, 2, seed=seed),
}


@pytest.mark.parametrize("name", GENERATORS)
def test_seed_fixes_the_graph(name):
    np.testing.assert_array_equal(GENERATORS[name](1).bonds(), GENERATORS[name](1).bonds())
    assert pairs(GENERATORS[name](1)) != pairs(GENERATORS[name](2))


SLOW = pytest.mark.slow
LARGE = {
    "gnp": lambda n: random_graphs.gnp(n, 4 / n, seed=1),
    "gnm": lambda n: random_graphs.gnm(n, 2 * n, seed=1),
    "configuration_model": lambda n: random_graphs.configuration_model(np.tile([1, 3, 8, 2], n // 4), seed=1),
    "simple configuration_model": lambda n: random_graphs.configuration_model(
        np.tile([1, 3, 8, 2], n // 4), seed=1, simple=True
    ),
    "regular": lambda n: random_graphs.regular(n, 3, seed=1),
    "geometric, d = 2": lambda n: random_graphs.geometric(n, 2, mean_degree=4.5, seed=1),
    "geometric, d = 3": lambda n: random_graphs.geometric(n, 3, mean_degree=2.7, seed=1),
    "nearest_neighbours": lambda n: random_graphs.nearest_neighbours(n, 2, 3, seed=1),
}


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=SLOW if name[:3] in ("geo", "nea") else ()) for name in LARGE]
)
def test_time_and_memory_grow_with_the_number_of_bonds(name):
    """3 10^4 and 3 10^5 sites: ten times the processor's time and memory; measured 12 to 19 and 10.

    Quadratic growth would be 100. Memory: the highest sum of numpy's arrays, 24 to 77 bytes a site and bond.
    """
    seconds, n_bytes = np.empty((2, 2))
    LARGE[name](1000)
    for k, n_sites in enumerate((3 * 10**4, 3 * 10**5)):
        began = time.process_time()
        graph = LARGE[name](n_sites)
        seconds[k] = time.process_time() - began
        tracemalloc.start()
        LARGE[name](n_sites)
        n_bytes[k] = tracemalloc.get_traced_memory()[1] / (graph.n_sites + graph.n_bonds)
        tracemalloc.stop()
    assert seconds[1] < 50 * seconds[0]
    assert n_bytes[1] < 1.2 * n_bytes[0] and n_bytes[1] < 100


# G(n, m), G(n, p)


@pytest.mark.parametrize(("n_sites", "n_bonds"), [(1, 0), (2, 1), (5, 3), (6, 15), (7, 20), (50, 1200), (1000, 0)])
def test_gnm_has_that_many_different_pairs(n_sites, n_bonds):
    graph = random_graphs.gnm(n_sites, n_bonds, seed=3)
    assert (graph.n_sites, graph.n_bonds) == (n_sites, n_bonds)
    assert is_simple(graph)


@pytest.mark.parametrize(("n_sites", "n_bonds"), [(4, 2), (4, 4), (5, 1), (5, 2)])
def test_gnm_every_graph_is_equally_likely(n_sites, n_bonds):
    seen = Counter(frozenset(pairs(random_graphs.gnm(n_sites, n_bonds, seed=seed))) for seed in range(4000))
    n_graphs = comb(n_sites * (n_sites - 1) // 2, n_bonds)
    assert len(seen) == n_graphs
    assert_law(list(seen.values()), np.full(n_graphs, 4000 / n_graphs))


def test_gnp_degrees_are_binomial():
    """Degrees of one graph are correlated, weakly: each bond is in two of them. Every 100th site of it is counted."""
    n_sites, c = 10**6, 4.0
    counted = np.bincount(degrees(random_graphs.gnp(n_sites, c / (n_sites - 1), seed=1))[::100], minlength=40)[:40]
    assert_law(counted, poisson.pmf(np.arange(40), c) * n_sites / 100)


def test_gnp_bonds_are_independent():
    """Four sites, six pairs: the 64 graphs have probability p^m (1 - p)^(6 - m)."""
    p, n = 0.3, 6000
    seen = Counter(frozenset(pairs(random_graphs.gnp(4, p, seed=seed))) for seed in range(n))
    sizes = np.array([len(graph) for graph in seen])
    expected = n * p**sizes * (1 - p) ** (6 - sizes)
    assert len(seen) <= 64
    assert_law([*seen.values(), 0], [*expected, max(n - expected.sum(), 0)])


@pytest.mark.parametrize(("p", "n_bonds"), [(0, 0), (1, 45)])
def test_gnp_without_chance(p, n_bonds):
    assert random_graphs.gnp(10, p, seed=1).n_bonds == n_bonds


# given degrees


def test_configuration_model_has_the_degrees():
    wanted = np.random.default_rng(1).geometric(0.3, 1000)
    wanted[0] += wanted.sum() % 2
    np.testing.assert_array_equal(degrees(random_graphs.configuration_model(wanted, seed=2)), wanted)


def test_configuration_model_without_loops_and_repeats():
    wanted = [30] * 40
    kept, simple = (random_graphs.configuration_model(wanted, seed=2, simple=simple) for simple in (False, True))
    assert not is_simple(kept) and is_simple(simple)
    assert pairs(simple) == {pair for pair in pairs(kept) if pair[0] != pair[1]}
    assert (degrees(simple) <= 30).all()


def test_configuration_model_every_pairing_is_equally_likely():
    """Degrees 2, 1, 1: of the three pairings one is a loop and a bond, two are the path."""
    seen = Counter(frozenset(pairs(random_graphs.configuration_model([2, 1, 1], seed=seed))) for seed in range(3000))
    assert_law([seen[frozenset({(0, 0), (1, 2)})], seen[frozenset({(0, 1), (0, 2)})]], [1000, 2000])


def test_numbers_of_loops_and_of_parallel_bonds():
    """Poisson with means nu / 2 and nu^2 / 4, nu = z - 1, in large z-regular pairings."""
    z, n = 4, 1000
    loops, parallel = np.zeros((2, n), dtype=int)
    for seed in range(n):
        graph = random_graphs.configuration_model([z] * 300, seed=seed)
        loops[seed] = (graph.bonds()[:, 0] == graph.bonds()[:, 1]).sum()
        parallel[seed] = graph.n_bonds - len(pairs(graph))
    for found, mean in ((loops, (z - 1) / 2), (parallel, (z - 1) ** 2 / 4)):
        assert_law(np.bincount(found, minlength=16)[:16], n * poisson.pmf(np.arange(16), mean))


@pytest.mark.parametrize(
    ("n_sites", "z"),
    [(1, 0), (2, 1), (5, 2), (5, 4), (6, 3), (9, 4), (20, 9), (20, 10), (50, 24), (1000, 3), (500, 11)],
)
def test_regular_graphs_are_regular_and_simple(n_sites, z):
    graph = random_graphs.regular(n_sites, z, seed=1)
    assert is_simple(graph)
    np.testing.assert_array_equal(degrees(graph), z)


def test_triangles_of_cubic_graphs():
    """Their number is Poisson with mean (z - 1)^3 / 6 in large graphs (Bollobas 1980): no short cycle is favoured."""
    n = 500
    found = np.zeros(n, dtype=int)
    for seed in range(n):
        twin = nx.from_edgelist(random_graphs.regular(400, 3, seed=seed).bonds().tolist())
        found[seed] = sum(nx.triangles(twin).values()) // 3
    assert_law(np.bincount(found, minlength=12)[:12], n * poisson.pmf(np.arange(12), 8 / 6))


# points


def distances(points, periodic):
    """All distances, from the definition."""
    apart = np.abs(points[:, None] - points[None])
    return np.sqrt((np.minimum(apart, 1 - apart) if periodic else apart) ** 2 @ np.ones(points.shape[1]))


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("d", "radius"), [(1, 0.02), (2, 0.1), (2, 0.6), (3, 0.2), (5, 0.4), (9, 0.7)])
def test_bonds_within_a_radius_are_those_of_all_pairs(d, radius, periodic):
    points = random_graphs.uniform_points(150, d, seed=4)
    near = np.argwhere(np.triu(distances(points, periodic) <= radius, k=1))
    graph = random_graphs.within_radius(points, radius, periodic=periodic)
    assert pairs(graph) == set(map(tuple, near.tolist()))
    assert graph.n_bonds == len(near)


@pytest.mark.parametrize("periodic", [False, True])
@pytest.mark.parametrize(("d", "k"), [(1, 1), (2, 3), (3, 1), (6, 10), (2, 149)])
def test_bonds_to_the_nearest_are_those_of_all_pairs(d, k, periodic):
    points = random_graphs.uniform_points(150, d, seed=5)
    nearest = np.argsort(distances(points, periodic) + np.diag(np.full(150, np.inf)), axis=1)[:, :k]
    wanted = {(min(i, j), max(i, j)) for i in range(150) for j in nearest[i].tolist()}
    graph = random_graphs.to_nearest(points, k, periodic=periodic)
    assert pairs(graph) == wanted
    assert graph.n_bonds == len(wanted)


def test_points_in_the_same_place():
    points = np.zeros((6, 2))
    graph = random_graphs.to_nearest(points, 2)
    assert is_simple(graph) and degrees(graph).min() >= 2
    assert random_graphs.within_radius(points, 0.1).n_bonds == 15


def test_faces_of_the_box_are_neighbours_on_the_torus():
    points = [[0.01], [0.99], [1.0], [0.5]]
    assert pairs(random_graphs.within_radius(points, 0.05)) == {(0, 1), (0, 2), (1, 2)}
    assert pairs(random_graphs.within_radius(points, 0.05, periodic=False)) == {(1, 2)}


@pytest.mark.parametrize("d", [1, 2, 3, 5])
def test_degrees_of_geometric_graphs(d):
    """On the torus the degree of a site is binomial, n - 1 and V_d r^d: one site of each of many graphs is counted."""
    n, n_sites, c = 1000, 300, 3.0
    counted = [degrees(random_graphs.geometric(n_sites, d, mean_degree=c, seed=seed))[0] for seed in range(n)]
    k = np.arange(15)
    assert_law(np.bincount(counted, minlength=15)[:15], n * binom.pmf(k, n_sites - 1, c / (n_sites - 1)))


# giant components


def test_giant_component_of_erdos_renyi_graphs():
    """S = 1 - exp(-c S): 20 graphs of 10^5 sites at each c; the theory's own error, O(1/n), is below theirs."""
    n_sites, c = 10**5, np.array([1.5, 2.0, 3.0])
    found = [
        [largest_component(random_graphs.gnp(n_sites, one / n_sites, seed=1000 * k + row)) for k, one in enumerate(c)]
        for row in range(20)
    ]
    assert_means(np.array(found), theory.erdos_renyi(c))


def largest_component(graph):
    """Share of the sites in the largest cluster once all bonds are open."""
    return sweeps.bond_sweep(graph, n_realisations=1, seed=1, progress=False).largest[0, -1] / graph.n_sites


@pytest.mark.parametrize("kind", ["bond", "site"])
def test_giant_component_of_the_configuration_model(kind):
    """Degrees 1, 3 and 8: 40 graphs of 3 10^4 sites, each swept once, at p from 1.5 p_c to 1."""
    wanted = np.repeat([1, 3, 8], 10_000)
    law = theory.degree_sequence(wanted)
    p = np.linspace(1.5 * theory.threshold(law).value, 0.95, 5)
    found = [strength(random_graphs.configuration_model(wanted, seed=seed), p, kind, 1, seed) for seed in range(40)]
    assert_means(np.array(found), theory.giant_component(law, p, kind))


def strength(graph, p, kind, n_realisations, seed):
    sweep = sweeps.bond_sweep if kind == "bond" else sweeps.site_sweep
    return sweep(graph, n_realisations=n_realisations, seed=seed, progress=False).strength(p)


@pytest.mark.parametrize("kind", ["bond", "site"])
def test_messages_on_one_large_random_graph(kind):
    """Locally a tree, so that messages know the giant component of this very graph, up to O(1/n)."""
    graph = random_graphs.configuration_model(np.repeat([1, 3, 8], 10_000), seed=5)
    p = np.array([0.3, 0.5, 0.9])
    found = np.array([strength(graph, p, kind, 1, seed) for seed in range(40)])
    assert_means(found, message_passing.giant_component(graph.bonds(), graph.n_sites, p, kind))


REAL = {  # farthest from the simulation, for bonds and for sites, from twice the threshold on
    "karate club": (nx.karate_club_graph(), {"bond": 0.029, "site": 0.039}),
    "southern women": (nx.davis_southern_women_graph(), {"bond": 0.013, "site": 0.013}),
    "les miserables": (nx.les_miserables_graph(), {"bond": 0.052, "site": 0.049}),
}


@pytest.mark.parametrize("kind", ["bond", "site"])
@pytest.mark.parametrize("name", REAL)
def test_messages_on_real_networks(name, kind):
    """34 to 77 sites with many triangles: messages are approximate, but no farther off than when this was written.

    4000 realisations, standard error below 0.005 and 0.025 allowed for it: alarm rate below RATE.
    """
    twin, farthest = REAL[name]
    graph = graphs.from_networkx(twin)
    p = np.linspace(2 * message_passing.bounds(graph.bonds(), graph.n_sites).low, 1, 10)
    found = strength(graph, p, kind, 4000, 1)
    messages = message_passing.giant_component(graph.bonds(), graph.n_sites, p, kind)
    np.testing.assert_allclose(messages, found, rtol=0, atol=farthest[kind] + 0.025)


@pytest.mark.parametrize("d", [2, 3])
def test_geometric_graphs_percolate_at_the_published_degree(d):
    """Largest cluster of 3 10^4 points: below 5 % of them at 0.8 of the critical degree, above 50 % at 1.25 of it."""
    k_c = theory.geometric_critical_degree(d).value
    for factor, low, high in ((0.8, 0, 0.05), (1.25, 0.5, 1)):
        share = largest_component(random_graphs.geometric(30_000, d, mean_degree=factor * k_c, seed=1))
        assert low < share < high


# bad input


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: random_graphs.gnp(0, 0.5, seed=1), "n_sites must be at least 1"),
        (lambda: random_graphs.gnp(2.5, 0.5, seed=1), "n_sites must be an integer"),
        (lambda: random_graphs.gnp(10, 1.5, seed=1), r"p must lie in \[0, 1\]"),
        (lambda: random_graphs.gnp(10, float("nan"), seed=1), r"p must lie in \[0, 1\]"),
        (lambda: random_graphs.gnp(10, 0.5, seed=-1), "seed must be at least 0"),
        (lambda: random_graphs.gnm(4, 7, seed=1), "4 sites make 6 pairs, got n_bonds=7"),
        (lambda: random_graphs.gnm(4, -1, seed=1), "n_bonds must be at least 0"),
        (lambda: random_graphs.gnm(2**31, 1, seed=1), r"n_sites must be below 2\*\*31"),
        (lambda: random_graphs.configuration_model([1, 2], seed=1), "even sum"),
        (lambda: random_graphs.configuration_model([1, -1], seed=1), "at least 0, got -1 at index 1"),
        (lambda: random_graphs.configuration_model([1.0, 1.0], seed=1), "degrees must be integers"),
        (lambda: random_graphs.configuration_model([], seed=1), "degrees must be integers"),
        (lambda: random_graphs.regular(5, 3, seed=1), "must be even"),
        (lambda: random_graphs.regular(4, 4, seed=1), "z below n_sites"),
        (lambda: random_graphs.geometric(100, 2, mean_degree=0, seed=1), "mean_degree must be a finite number above 0"),
        (lambda: random_graphs.geometric(100, 2, mean_degree=90, seed=1), "above half the box"),
        (lambda: random_graphs.geometric(1, 2, mean_degree=1, seed=1), "n_sites must be at least 2"),
        (lambda: random_graphs.geometric(100, 0, mean_degree=1, seed=1), "d must be at least 1"),
        (
            lambda: random_graphs.nearest_neighbours(10, 2, 10, seed=1),
            "k must be below the number of points, 10, got 10",
        ),
        (lambda: random_graphs.nearest_neighbours(10, 2, 0, seed=1), "k must be at least 1"),
        (lambda: random_graphs.within_radius([[0.5, 1.5]], 0.1), "unit box"),
        (lambda: random_graphs.within_radius([[0.5, float("nan")]], 0.1), "unit box"),
        (lambda: random_graphs.within_radius([0.5], 0.1), r"shape \(n_sites, d\)"),
        (lambda: random_graphs.within_radius([[0.5]], -1), "radius must be a finite number above 0"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
