"""Sweeps against full enumeration, a slow twin, invariants and known values."""

from itertools import permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from percolation import graphs, lattices, sweeps
from percolation.scaling import canonical
from tests.statistical import assert_means

TORUS, BOX = lattices.square(3), lattices.cubic(2, periodic=False)
LATTICES = [
    lattices.hypercubic(1, 7),
    lattices.square(2),
    lattices.square(5),
    lattices.square(4, periodic=False),
    lattices.cubic(3),
    lattices.hypercubic(4, 2, periodic=False),
    lattices.hypercubic(3, 2),
    lattices.n_cube(4),
]


# exact: every state of a small lattice, told by labels that spread along open bonds


def all_states(kind: str, lattice: lattices.Lattice) -> tuple[np.ndarray, np.ndarray]:
    """Largest cluster and sum s^2 of every state, indexed by the bits of its open sites or bonds."""
    M = lattice.n_sites if kind == "site" else lattice.n_bonds
    opened = (np.arange(2**M)[:, None] >> np.arange(M) & 1).astype(bool)
    sites = opened if kind == "site" else np.ones((2**M, lattice.n_sites), dtype=bool)
    labels = np.tile(np.arange(lattice.n_sites, dtype=np.int8), (2**M, 1))
    for _ in range(lattice.n_sites):
        for k, (i, j) in enumerate(lattice.bonds()):
            joined = sites[:, i] & sites[:, j] if kind == "site" else opened[:, k]
            lower = np.minimum(labels[:, i], labels[:, j])
            labels[:, i], labels[:, j] = np.where(joined, (lower, lower), (labels[:, i], labels[:, j]))
    sizes = np.stack([((labels == site) & sites).sum(axis=1) for site in range(lattice.n_sites)], axis=1)
    return sizes.max(axis=1), (sizes**2).sum(axis=1)


def states_passed(orders: np.ndarray) -> np.ndarray:
    """The state after each step of each order, as the number that all_states is indexed by."""
    return np.pad(np.cumsum(1 << orders, axis=1), ((0, 0), (1, 0)))


def every_state_in_turn(M: int) -> np.ndarray:
    """2**M orders; order s begins with the members of subset s."""
    closed = ~np.arange(2**M)[:, None] >> np.arange(M) & 1
    return np.argsort(closed, axis=1, kind="stable")


def random_orders(n: int, M: int) -> np.ndarray:
    return np.random.default_rng(1).permuted(np.tile(np.arange(M), (n, 1)), axis=1)


def microcanonical(of_state: np.ndarray) -> np.ndarray:
    """Mean over the states with n members, n = 0 ... M."""
    n = np.bitwise_count(np.arange(len(of_state)))
    return np.bincount(n, of_state) / np.bincount(n)


SWEEP = {"site": sweeps.site_sweep, "bond": sweeps.bond_sweep}


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("lattice", [TORUS, BOX], ids=["3x3 torus", "2x2x2 box"])
def test_every_state_of_a_small_lattice(kind, lattice):
    """Every step of a sweep is in the enumeration; all states are visited, save of the torus's 18 bonds."""
    largest, squares = all_states(kind, lattice)
    M = len(largest).bit_length() - 1
    all_visited = M <= 12
    orders = every_state_in_turn(M) if all_visited else random_orders(3000, M)
    sweep = SWEEP[kind](lattice, orders=orders)
    np.testing.assert_array_equal(sweep.largest, largest[states_passed(orders)])
    np.testing.assert_array_equal(sweep.second_moment, squares[states_passed(orders)])
    assert not all_visited or len(np.unique(states_passed(orders))) == 2**M


@pytest.mark.parametrize("kind", ["site", "bond"])
def test_enumeration_agrees_with_networkx(kind):
    largest, squares = all_states(kind, BOX)
    M = len(largest).bit_length() - 1
    for state in np.random.default_rng(2).integers(2**M, size=100):
        sizes = cluster_sizes(kind, BOX, [k for k in range(M) if state >> k & 1])
        assert (largest[state], squares[state]) == (max(sizes, default=0), sum(s * s for s in sizes))


@pytest.mark.parametrize("lattice", [TORUS, BOX], ids=["3x3 torus", "2x2x2 box"])
def test_mean_over_all_orders_is_the_enumeration(lattice):
    """All orders of the eight sites of the box; on the torus, where sites are equivalent, all that begin at site 0."""
    orders = np.array(list(permutations(range(8))))
    if lattice is TORUS:
        orders = np.pad(orders + 1, ((0, 0), (1, 0)))
    sweep = sweeps.site_sweep(lattice, orders=orders)
    for values, of_state in zip((sweep.largest, sweep.second_moment), all_states("site", lattice), strict=True):
        np.testing.assert_allclose(values.mean(axis=0), microcanonical(of_state), rtol=1e-14)


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("lattice", [TORUS, BOX], ids=["3x3 torus", "2x2x2 box"])
def test_drawn_orders_have_the_exact_means(kind, lattice):
    sweep = SWEEP[kind](lattice, n_realisations=20_000, seed=3, progress=False)
    for values, of_state in zip((sweep.largest, sweep.second_moment), all_states(kind, lattice), strict=True):
        assert_means(values, microcanonical(of_state), false_alarm=1e-6)


def test_drawn_orders_are_uniform():
    """All 24 orders of four sites are equally likely: chi-square at a false-alarm rate of 1e-6."""
    seeds = np.random.SeedSequence(4).spawn(20_000)
    drawn = [tuple(sweeps._shuffled(4, seed)) for seed in seeds]
    counts = [drawn.count(order) for order in permutations(range(4))]
    assert sum(counts) == len(drawn)
    assert chisquare(counts).pvalue > 1e-6


def test_long_shuffles_are_permutations():
    n = 2 * sweeps.BLOCK + 17
    seed = np.random.SeedSequence(5)
    np.testing.assert_array_equal(np.sort(sweeps._shuffled(n, seed)), np.arange(n))
    pairs = sweeps._shuffled_pairs(np.stack([np.arange(n), -np.arange(n)], axis=1).astype(np.int32), seed)
    np.testing.assert_array_equal(pairs[:, 0], sweeps._shuffled(n, seed))
    np.testing.assert_array_equal(pairs[:, 1], -pairs[:, 0])


# the slow twin: networkx's components after every step


def cluster_sizes(kind: str, graph: graphs.Graph | lattices.Lattice, opened: list[int]) -> list[int]:
    twin = nx.Graph()
    if kind == "site":
        twin.add_nodes_from(opened)
        twin.add_edges_from((i, j) for i, j in graph.bonds().tolist() if i in twin and j in twin)
    else:
        twin.add_nodes_from(range(graph.n_sites))
        twin.add_edges_from(graph.bonds()[opened].tolist())
    return [len(cluster) for cluster in nx.connected_components(twin)]


def assert_equal_to_networkx(kind: str, graph: graphs.Graph | lattices.Lattice, order: np.ndarray) -> None:
    sweep = SWEEP[kind](graph, orders=order[None])
    sizes = [cluster_sizes(kind, graph, order[:n].tolist()) for n in range(len(order) + 1)]
    assert sweep.largest[0].tolist() == [max(s, default=0) for s in sizes]
    assert sweep.second_moment[0].tolist() == [sum(size**2 for size in s) for s in sizes]


@given(lattice=st.sampled_from(LATTICES), kind=st.sampled_from(["site", "bond"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_lattice_sweep_equals_networkx_step_by_step(lattice, kind, seed):
    M = lattice.n_sites if kind == "site" else lattice.n_bonds
    assert_equal_to_networkx(kind, lattice, np.random.default_rng(seed).permutation(M))


@st.composite
def random_graphs(draw):
    """Up to 14 sites; parallel edges, self-loops and lonely sites included."""
    n_sites = draw(st.integers(1, 14))
    site = st.integers(0, n_sites - 1)
    return graphs.from_edges(draw(st.lists(st.tuples(site, site), max_size=25)), n_sites)


@given(graph=random_graphs(), kind=st.sampled_from(["site", "bond"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=150, deadline=None)
def test_graph_sweep_equals_networkx_step_by_step(graph, kind, seed):
    M = graph.n_sites if kind == "site" else graph.n_bonds
    assert_equal_to_networkx(kind, graph, np.random.default_rng(seed).permutation(M))


@pytest.mark.parametrize("lattice", [*LATTICES, lattices.square(40), lattices.n_cube(11)], ids=str)
def test_stored_lattice_sweeps_as_the_computed_one(lattice):
    stored = graphs.from_edges(lattice.bonds(), lattice.n_sites)
    for sweep in SWEEP.values():
        computed, twin = (sweep(graph, n_realisations=5, seed=6) for graph in (lattice, stored))
        np.testing.assert_array_equal(computed.largest, twin.largest)
        np.testing.assert_array_equal(computed.second_moment, twin.second_moment)


# invariants


@given(lattice=st.sampled_from(LATTICES), kind=st.sampled_from(["site", "bond"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=60, deadline=None)
def test_clusters_only_grow(lattice, kind, seed):
    sweep = SWEEP[kind](lattice, n_realisations=2, seed=seed)
    N, first = lattice.n_sites, 0 if kind == "site" else 1
    assert (np.diff(sweep.largest) >= 0).all() and (np.diff(sweep.second_moment) >= 0).all()
    assert (sweep.largest[:, 0] == first).all() and (sweep.second_moment[:, 0] == first * N).all()
    assert (sweep.largest[:, -1] == N).all() and (sweep.second_moment[:, -1] == N**2).all()
    np.testing.assert_allclose(sweep.strength([0, 1]), [first / N, 1])


@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_names_of_sites_do_not_matter(seed):
    rng = np.random.default_rng(seed)
    edges, order, name = rng.integers(30, size=(40, 2)), rng.permutation(30), rng.permutation(30)
    sweep = sweeps.site_sweep(graphs.from_edges(edges, 30), orders=order[None])
    renamed = sweeps.site_sweep(graphs.from_edges(name[edges], 30), orders=name[order][None])
    np.testing.assert_array_equal(sweep.largest, renamed.largest)
    np.testing.assert_array_equal(sweep.second_moment, renamed.second_moment)


@pytest.mark.parametrize("kind", ["site", "bond"])
def test_workers_do_not_change_a_bit(kind):
    one, four = (SWEEP[kind](lattices.cubic(9), n_realisations=12, seed=7, workers=w) for w in (1, 4))
    np.testing.assert_array_equal(one.largest, four.largest)
    np.testing.assert_array_equal(one.second_moment, four.second_moment)


def test_realisations_do_not_depend_on_how_many_there_are():
    few, many = (sweeps.site_sweep(lattices.square(8), n_realisations=n, seed=8) for n in (2, 5))
    np.testing.assert_array_equal(few.largest, many.largest[:2])


# canonical averages and their errors


@pytest.mark.parametrize("kind", ["site", "bond"])
def test_canonical_averages_are_those_of_the_enumeration(kind):
    """Over all states of the box with weight p^n (1 - p)^(M - n); the sweep sees each state in turn, weighted back."""
    largest, squares = all_states(kind, BOX)
    M, p = len(largest).bit_length() - 1, 0.37
    n = np.bitwise_count(np.arange(2**M)).astype(int)
    weight = p**n * (1 - p) ** (M - n)
    outside = (n if kind == "site" else 8) - largest
    exact = weight @ largest / 8, (weight @ (squares - largest**2)) / (weight @ outside)
    mean = [microcanonical(values)[None] for values in (largest, squares, largest**2)]
    assert canonical(mean[0], p)[0] / 8 == pytest.approx(exact[0], rel=1e-13)
    sweep = SWEEP[kind](BOX, n_realisations=20_000, seed=9)
    assert abs(sweep.strength(p) - exact[0]) < 5 * sweep.strength_error(p)  # false alarm 6e-7
    assert abs(sweep.mean_cluster_size(p) - exact[1]) < 5 * sweep.mean_cluster_size_error(p)
    assert sweep.strength_error(p) < 0.002 and sweep.mean_cluster_size_error(p) < 0.02


@pytest.mark.parametrize("quantity", ["strength", "mean_cluster_size"])
def test_errors_are_the_spread_of_repeats(quantity):
    """200 repeats of 50 realisations: their spread is the error that each quotes, within 20 % (4 sigma)."""
    sweep = sweeps.bond_sweep(lattices.square(6), n_realisations=10_000, seed=10)
    repeats = [
        sweeps.Sweep("bond", 36, 72, sweep.largest[k : k + 50], sweep.second_moment[k : k + 50])
        for k in range(0, 10_000, 50)
    ]
    values = np.array([getattr(repeat, quantity)(0.5) for repeat in repeats])
    errors = np.array([getattr(repeat, f"{quantity}_error")(0.5) for repeat in repeats])
    assert values.std(ddof=1) == pytest.approx(errors.mean(), rel=0.2)


def test_largest_cluster_is_left_out_of_the_mean():
    """Two bonds on four sites in a row, clusters 3 and 1 or 2 and 2: S is 1 or 2 at n = 2."""
    chain = graphs.from_edges([[0, 1], [1, 2], [2, 3]], 4)
    sweep = sweeps.bond_sweep(chain, orders=[[0, 1, 2], [0, 2, 1]])
    squares, sites = sweep.second_moment - sweep.largest**2, 4 - sweep.largest
    assert (squares[:, 2] / sites[:, 2]).tolist() == [1, 2]


def test_mean_cluster_size_has_no_value_where_nothing_is_left():
    sweep = sweeps.site_sweep(lattices.square(4), n_realisations=3, seed=11)
    assert np.isnan(sweep.mean_cluster_size([0, 1])).all()
    assert np.isfinite(sweep.mean_cluster_size([1e-6, 0.5]))[0]


def test_single_realisation_has_no_error():
    sweep = sweeps.site_sweep(lattices.square(4), n_realisations=1, seed=12)
    assert np.isnan(sweep.strength_error([0.2, 0.5])).all()


# known values


def test_chain():
    """Open chain of N sites: sum s^2 over runs has mean sum_ij p^(|i - j| + 1)."""
    N, p = 60, 0.7
    sweep = sweeps.site_sweep(lattices.hypercubic(1, N, periodic=False), n_realisations=4000, seed=13)
    distance = np.abs(np.subtract.outer(np.arange(N), np.arange(N)))
    assert_means(canonical(sweep.second_moment, [p]), np.array([(p ** (distance + 1)).sum()]))


def test_square_bonds_are_self_dual():
    """Crossing an L x (L + 1) box of bonds has probability 1/2 at p = 1/2; either face is merged to one site."""
    L, n = 8, 4000
    rows, ends = np.arange(L * (L + 1)).reshape(L, L + 1), (L * (L + 1), L * (L + 1) + 1)
    right = np.stack([rows[:, :-1].ravel(), rows[:, 1:].ravel()], axis=1)
    down = np.stack([rows[:-1, 1:-1].ravel(), rows[1:, 1:-1].ravel()], axis=1)
    merged = np.where(np.isin(edges := np.concatenate([right, down]), rows[:, 0]), ends[0], edges)
    merged = np.where(np.isin(merged, rows[:, -1]), ends[1], merged)
    # two heavy tails of 200 sites each: the largest cluster exceeds 300 if and only if both sides are joined
    tails = np.concatenate([[(end, 1000 * (k + 1) + i) for i in range(200)] for k, end in enumerate(ends)])
    names, numbered = np.unique(np.concatenate([merged, tails]), return_inverse=True)
    numbered = numbered.reshape(-1, 2)
    rng, M = np.random.default_rng(14), len(edges)
    orders = np.array([np.concatenate([M + np.arange(400), rng.permutation(M)]) for _ in range(n)])
    crossed = sweeps.bond_sweep(graphs.from_edges(numbered, len(names)), orders=orders).largest[:, 400:] > 300
    assert_means(canonical(crossed.astype(float), [0.5]), np.array([0.5]))


# bad input


@pytest.mark.parametrize("sweep", SWEEP.values())
@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "needs n_realisations, or orders"),
        ({"n_realisations": 0}, "n_realisations must be at least 1"),
        ({"n_realisations": 2.0}, "n_realisations must be an integer"),
        ({"n_realisations": 2, "seed": -1}, "seed must be at least 0"),
        ({"n_realisations": 2, "workers": -1}, "workers must be at least 0"),
        ({"n_realisations": 10**12}, "reduce n_realisations"),
        ({"orders": [0, 1, 2, 3]}, r"order\[None\]"),
        ({"orders": [[0, 1]]}, r"shape \(n_realisations, 4\)"),
        ({"orders": [[0.0, 1, 2, 3]]}, "integers"),
        ({"orders": np.empty((0, 4), dtype=int)}, r"shape \(n_realisations, 4\)"),
        ({"orders": [[0, 1, 2, 3], [0, 1, 1, 3]]}, r"orders\[1\] .* exactly once; (site|bond) 2 is missing"),
        ({"orders": [[0, 1, 2, 4]]}, "3 is missing"),
        ({"orders": [[-1, 1, 2, 3]]}, "0 is missing"),
        ({"orders": [[0, 1, 2, 3]], "n_realisations": 2}, "leave one of them out"),
    ],
)
def test_bad_arguments_are_refused(sweep, arguments, message):
    with pytest.raises(ValueError, match=message):
        sweep(lattices.hypercubic(1, 4), **arguments)


@pytest.mark.parametrize("sweep", SWEEP.values())
def test_foreign_graphs_are_refused(sweep):
    with pytest.raises(ValueError, match="from_networkx"):
        sweep(nx.path_graph(3), n_realisations=1)


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_p_outside_its_interval_is_refused(p):
    sweep = sweeps.site_sweep(lattices.square(3), n_realisations=2, seed=1)
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
        sweep.strength(p)
