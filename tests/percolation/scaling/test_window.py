"""The level N^(1/3) of the mean cluster size: against exact curves, invariants, coverage of its error."""

from itertools import product

import networkx as nx
import numpy as np
import pytest
from scipy.optimize import brentq

from percolation import graphs, lattices, random_graphs, scaling
from percolation.scaling import window


def found(graph, kind="bond", **options):
    return scaling.threshold(graph, kind, "window", **({"runs": 60, "seed": 1, "progress": False} | options))


def exact(graph, kind):
    """The p with chi(p) = N^(1/3), every state of a small lattice enumerated."""
    bonds, N = graph.bonds().tolist(), graph.n_sites
    what = range(N) if kind == "site" else bonds
    squares, n_open = np.zeros(len(what) + 1), np.zeros(len(what) + 1)  # by the number open
    for state in product([False, True], repeat=len(what)):
        chosen = [one for one, is_open in zip(what, state, strict=True) if is_open]
        twin = nx.Graph([pair for pair in bonds if set(pair) <= set(chosen)] if kind == "site" else chosen)
        twin.add_nodes_from(chosen if kind == "site" else range(N))
        squares[len(chosen)] += sum(len(cluster) ** 2 for cluster in nx.connected_components(twin))
        n_open[len(chosen)] += len(twin)
    n = np.arange(len(what) + 1)

    def above(p):
        weights = p**n * (1 - p) ** (n[-1] - n)
        return weights @ squares / (weights @ n_open) - N ** (1 / 3)

    return brentq(above, 1e-9, 1)


@pytest.mark.parametrize(
    ("graph", "kind"),
    [(lattices.n_cube(3), "bond"), (lattices.square.box(3), "site"), (lattices.square.box(3), "bond")],
    ids=str,
)
def test_level_of_small_lattices(graph, kind):
    """Against every state; the parabola is off by up to 0.01 here, where chi grows from 1 to N in one step of y."""
    estimate = found(graph, kind, runs=1500)
    assert abs(estimate.value - exact(graph, kind)) < 5 * estimate.error + 0.01  # false alarm 6e-7
    assert estimate.error < 0.015


def coverage(graph, kind, n_realisations, n_repeats):
    """How many of the repeats lie within one and two errors of a value from 5000 realisations, known ten times as well.

    It moves all z by the same 0.1, which takes 0.5 % of them at most from the middle.
    """
    reference = found(graph, kind, runs=5000, seed=10**6).value
    repeats = [found(graph, kind, runs=n_realisations, seed=seed) for seed in range(n_repeats)]
    z = np.abs([(one.value - reference) / one.error for one in repeats])
    return int((z < 1).sum()), int((z < 2).sum())


@pytest.mark.parametrize("kind", ["bond", pytest.param("site", marks=pytest.mark.slow)])
def test_error_covers(kind):
    """200 repeats of 60 realisations on the 10-cube: 60 ... 76 % within one error, at least 92 % within two.

    At the 70 and 96 % of 500 repeats that the method quotes (sites 73 %) a new seed fails with a probability of
    5 % (sites 20 %) and 1 %; errors 0.7 times as large fail it.
    """
    one, two = coverage(lattices.n_cube(10), kind, 60, 200)
    assert 0.60 <= one / 200 <= 0.76 and two / 200 >= 0.92


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("graph", [lattices.hamming(2, 24), lattices.hypercubic(7).torus(3)], ids=str)
def test_error_covers_on_other_graphs(graph, kind):
    """600 repeats, 60 ... 76 %, at least 92 %: at the 68 to 74 % and 93 to 97 % quoted 1 seed in 6 fails."""
    one, two = coverage(graph, kind, 60, 600)
    assert 0.60 <= one / 600 <= 0.76 and two / 600 >= 0.92


def test_workers_and_stored_graphs_do_not_change_a_bit():
    cube = lattices.n_cube(9)
    once = found(cube)
    assert found(cube, workers=3) == once
    assert found(graphs.from_edges(cube.bonds(), cube.n_sites)) == once
    assert found(cube, seed=2) != once


def test_error_falls_as_the_root_of_the_realisations():
    """Four times as many: half the error, within 25 % (the jackknife of 400 and 1600 is known to 5 %)."""
    few, many = (found(lattices.n_cube(8), runs=n).error for n in (400, 1600))
    assert many / few == pytest.approx(0.5, rel=0.25)


@pytest.mark.parametrize("n", [20, 400])
def test_error_is_that_of_the_mean_and_a_part_for_the_tail(n):
    """Straight lines that cross 0 at a_r: the mean of a, its jackknife error s / sqrt(n), times 1 + 4 / n."""
    p, own = np.linspace(0.4, 0.6, 65), 0.5 + 0.01 * np.random.default_rng(1).standard_normal(n)
    others = (own.sum() - own) / (n - 1)
    value, error = window._at_level(p, 5 * (p - own.mean()), 5 * (p - others[:, None]))
    assert value == pytest.approx(own.mean(), rel=1e-9)
    assert error == pytest.approx((1 + 4 / n) * own.std(ddof=1) / np.sqrt(n), rel=1e-6)


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize(
    "graph",
    [
        graphs.from_edges([[0, 1]], 2),
        graphs.from_edges([[0, 1], [0, 1], [1, 2], [2, 2]], 3),
        lattices.hypercubic(1).box(64),
        lattices.cayley_tree(3, 6),
        graphs.from_edges([[0, k] for k in range(1, 200)], 200),
        random_graphs.gnm(3000, 9000, seed=1),
        lattices.hamming(1, 80),
        lattices.square.torus(2),
    ],
    ids=lambda graph: f"{graph.n_sites} sites",
)
def test_any_graph_has_a_level_between_none_and_all(graph, kind):
    estimate = found(graph, kind)
    assert 0 < estimate.value < 1 and 0 < estimate.error < 0.3


def test_two_sites_by_hand():
    """chi = 1 + p for one bond, so that p_c = 2^(1/3) - 1; the same for sites, of which one is open."""
    for kind in ("site", "bond"):
        estimate = found(graphs.from_edges([[0, 1]], 2), kind, runs=1000)
        assert abs(estimate.value - (2 ** (1 / 3) - 1)) < 5 * estimate.error + 0.002


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: found(lattices.n_cube(5), "bnd"), "did you mean 'bond'"),
        (lambda: found(lattices.n_cube(5), runs=19), "runs must be at least 20, got 19"),
        (lambda: found(lattices.n_cube(5), seed=-1), "seed must be at least 0"),
        (lambda: found(graphs.from_edges([], 5)), "without bonds never grow, got 5 sites"),
        (lambda: found(graphs.from_edges([[2 * k, 2 * k + 1] for k in range(50)], 100)), "in small pieces; pass one"),
        (lambda: found(nx.path_graph(3)), "from_networkx"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
