import itertools
import math

import networkx as nx
import numpy as np
import pytest

from percolation.sphere_windings import mean_number, sphere_windings, sphere_windings_of

ETA = 1.12808737  # eta_c of disks: Mertens and Moore, Phys. Rev. E 86, 061109 (2012)


def wound(x, L):
    """Axes and rank by laying out each cluster: a pair of ways to a sphere that differ is a loop that winds."""
    graph = nx.Graph()
    graph.add_nodes_from(range(len(x)))
    for i, j in itertools.combinations(range(len(x)), 2):
        way = (x[j] - x[i] + L / 2) % L - L / 2
        if way @ way < 1:
            graph.add_edge(i, j, i=i, way=way)
    loops = []
    for cluster in nx.connected_components(graph):
        place = {min(cluster): x[min(cluster)]}
        for i, j in nx.bfs_edges(graph, min(cluster)):
            place[j] = place[i] + graph[i][j]["way"] * (1 if graph[i][j]["i"] == i else -1)
        for i, j, bond in graph.subgraph(cluster).edges(data=True):
            to = {i, j} - {bond["i"]}
            loops.append(np.rint((place[bond["i"]] + bond["way"] - place[to.pop()]) / L))
    loops = np.array([loop for loop in loops if loop.any()]).reshape(-1, x.shape[1])
    return loops.any(axis=0), min(int(np.linalg.matrix_rank(loops)), 2) if len(loops) else 0


@pytest.mark.parametrize(("d", "L", "eta"), [(2, 3, 0.9), (2, 7, 1.1), (3, 3, 0.4), (3, 5, 0.34), (4, 3, 0.15)])
def test_windings_equal_laying_out(d, L, eta):
    """40 samples near the threshold, of which some wind one way, some two and some not."""
    rng, ranks = np.random.default_rng(d * L), []
    for _ in range(40):
        x = rng.uniform(-L, 2 * L, (rng.poisson(mean_number(d, L, eta)), d))  # taken modulo L
        axes, rank = sphere_windings_of(x, L)
        known_axes, known_rank = wound(x % L, L)
        np.testing.assert_array_equal(axes, known_axes)
        assert rank == known_rank
        ranks.append(rank)
    assert {0, 1, 2} == set(ranks)


def test_chance_to_wind_is_that_of_the_plane():
    """At eta_c rank - 1 has mean 0, by duality, and a cluster winds with 0.690473725 (Pinson 1994); within 4 errors."""
    found = sphere_windings(2, 32, ETA, n_realisations=3000, seed=1)
    f = found.rank - 1.0
    assert abs(f.mean()) < 4 * f.std() / math.sqrt(3000) < 0.07
    p = 0.690473725
    assert abs(found.axes.any(axis=1).mean() - p) < 4 * math.sqrt(p * (1 - p) / 3000)


def test_numbers_are_of_poisson_and_their_score_is_the_slope():
    """Mean and variance within 4 errors; the slope against a difference of two densities."""
    found = sphere_windings(3, 4, 0.34, n_realisations=20_000, seed=2)
    n, expected = found.n_spheres, 0.34 * 4**3 / (math.pi / 6)
    assert found.expected == pytest.approx(expected)
    assert abs(n.mean() - expected) < 4 * math.sqrt(expected / 20_000)
    assert n.var() == pytest.approx(expected, rel=4 * math.sqrt(2 / 20_000))
    less, more = (sphere_windings(3, 4, eta, n_realisations=20_000, seed=3).axes.mean() for eta in (0.30, 0.38))
    of_samples = found.axes.mean(axis=1) * found.score
    assert abs(of_samples.mean() - (more - less) / 0.08) < 4 * of_samples.std() / math.sqrt(20_000) + 0.2


def test_samples_do_not_depend_on_how_many_follow():
    few, many = (sphere_windings(2, 8, 1.1, n_realisations=n, seed=4) for n in (1000, 1500))
    np.testing.assert_array_equal(few.n_spheres[:300], many.n_spheres[:300])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"d": 5}, "d must be at most 4, got 5"),
        ({"L": 2}, "L must be at least 3, got 2"),
        ({"eta": 0.0}, "eta must be a finite number above 0"),
        ({"eta": 1e12}, "take a smaller torus or density"),
        ({"n_realisations": 0}, "n_realisations must be at least 1"),
    ],
)
def test_bad_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sphere_windings(**{"d": 2, "L": 8, "eta": 1.1, "n_realisations": 1, "seed": 1} | arguments)


def test_a_centre_a_hair_below_zero_lies_at_the_far_side():
    """-1e-20 modulo 3 is 3.0 as a float; here it closes a chain of four round the torus."""
    axes, rank = sphere_windings_of([[-1e-20, 0.5], [0.8, 0.5], [1.6, 0.5], [2.3, 0.5]], 3)
    assert axes.tolist() == [True, False] and rank == 1


@pytest.mark.parametrize("centres", [[[0.5, np.nan]], [0.5, 1.0], [[0.5]]])
def test_bad_centres_are_refused(centres):
    with pytest.raises(ValueError, match=r"centres must be finite numbers of shape \(n, d\) with d = 2 to 4"):
        sphere_windings_of(centres, 8)
