"""Sweeps against full enumeration, a slow twin, invariants and known values."""

from collections import deque
from collections.abc import Callable
from itertools import permutations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import chisquare

from percolation import graphs, lattices, sweeps
from percolation._kernels import bits
from percolation._kernels import sweep_orders as kernels
from percolation._kernels.sweep_lattices import MOST_SITES
from percolation.scaling import canonical
from percolation.sweeps import curves
from tests.compiled import compiled
from tests.statistical import assert_means

uniform = compiled(bits.uniform)
TORUS, BOX, LIEB = lattices.square.torus(3), lattices.cubic.box(2), lattices.Lieb.torus(2)
LATTICES = [
    lattices.hypercubic(1).torus(7),
    lattices.square.torus(2),
    lattices.square.torus(5),
    lattices.square.box(4),
    lattices.cubic.torus(3),
    lattices.hypercubic(4).box(2),
    lattices.hypercubic(3).torus(2),
    lattices.n_cube(6),
]


TOTALS = ("largest", "second_moment", "n_clusters", "second_largest", "third_moment", "fourth_moment")
TORI = [
    lattices.hypercubic(1).torus(5),
    lattices.square.torus(2),
    lattices.square.torus(4),
    lattices.cubic.torus(3),
    lattices.square.box(4, periodic=(False, True)),
    lattices.hypercubic(4).torus(2),
    lattices.hypercubic(2, shells=3).torus(3),
    lattices.triangular.torus(4),
    lattices.honeycomb.torus(3),
    lattices.kagome.torus(2),
    lattices.Lieb.torus(3),
    lattices.fcc.torus(2),
    lattices.root_lattice("D", 4).torus(2),
]
BOXES = [
    lattices.hypercubic(1).box(5),
    lattices.square.box(5),
    lattices.cubic.box(3),
    lattices.square.box(4, periodic=(False, True)),
    lattices.hypercubic(2, shells=2).box(5),
    lattices.kagome.box(3),
    lattices.Lieb.box(3),
    lattices.bcc.box(3),
]


# exact: every state of a small lattice, told by labels that spread along open bonds


def all_states(kind: str, lattice: lattices.FiniteGraph) -> tuple[np.ndarray, np.ndarray]:
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
@pytest.mark.parametrize("lattice", [TORUS, BOX, LIEB], ids=["3x3 torus", "2x2x2 box", "Lieb 2x2"])
def test_every_state_of_a_small_lattice(kind, lattice):
    """Every step of a sweep is in the enumeration; all states are visited, save of the bonds of tori, 18 and 16."""
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
    """All orders are like those that begin at site 0; on the torus half of them go on to a neighbour, half do not."""
    begun = [(0,)] if lattice is BOX else [(0, 1), (0, 4)]  # on the torus (1, 1) is the site 4
    rest = [[site for site in range(lattice.n_sites) if site not in first] for first in begun]
    orders = [(*first, *row) for first, others in zip(begun, rest, strict=True) for row in permutations(others)]
    sweep = sweeps.site_sweep(lattice, orders=orders)
    for values, of_state in zip((sweep.largest, sweep.second_moment), all_states("site", lattice), strict=True):
        np.testing.assert_allclose(values.mean(axis=0), microcanonical(of_state), rtol=1e-14)


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("lattice", [TORUS, BOX, LIEB], ids=["3x3 torus", "2x2x2 box", "Lieb 2x2"])
def test_drawn_orders_have_the_exact_means(kind, lattice):
    sweep = SWEEP[kind](lattice, n_realisations=6000, seed=3, progress=False)
    for values, of_state in zip((sweep.largest, sweep.second_moment), all_states(kind, lattice), strict=True):
        assert_means(values, microcanonical(of_state), false_alarm=1e-6)


def shuffled(n: int, key: np.uint64) -> np.ndarray:
    order = np.empty(n, dtype=np.int32)
    kernels.shuffle(order, np.arange(n, dtype=np.int32), key)
    return order


def test_drawn_orders_are_uniform():
    """All 24 orders of four sites are equally likely: chi-square at a false-alarm rate of 1e-6."""
    drawn = [tuple(shuffled(4, key)) for key in np.random.default_rng(4).integers(2**64, size=20_000, dtype=np.uint64)]
    counts = [drawn.count(order) for order in permutations(range(4))]
    assert sum(counts) == len(drawn)
    assert chisquare(counts).pvalue > 1e-6


def test_long_shuffles_are_permutations():
    order = shuffled(10_000, np.uint64(5))
    np.testing.assert_array_equal(np.sort(order), np.arange(len(order)))
    items = np.empty(len(order), dtype=np.int64)
    kernels.shuffle(items, -np.arange(len(order)), np.uint64(5))
    np.testing.assert_array_equal(items, -order)


# the slow twin: networkx's components after every step


def clusters(kind: str, graph: lattices.FiniteGraph, opened: list[int]) -> list[set[int]]:
    twin = nx.Graph()
    if kind == "site":
        twin.add_nodes_from(opened)
        twin.add_edges_from((i, j) for i, j in graph.bonds().tolist() if i in twin and j in twin)
    else:
        twin.add_nodes_from(range(graph.n_sites))
        twin.add_edges_from(graph.bonds()[opened].tolist())
    return list(nx.connected_components(twin))


def cluster_sizes(kind: str, graph: lattices.FiniteGraph, opened: list[int]) -> list[int]:
    return [len(cluster) for cluster in clusters(kind, graph, opened)]


def totals(sizes: list[int]) -> list[int]:
    ranked = sorted(sizes, reverse=True) + [0, 0]
    return [
        ranked[0],
        sum(s**2 for s in sizes),
        len(sizes),
        ranked[1],
        sum(s**3 for s in sizes),
        sum(s**4 for s in sizes),
    ]


def assert_equal_to_networkx(kind: str, graph: lattices.FiniteGraph, order: np.ndarray) -> None:
    edges, steps = np.array([1, 2, 3, 5, 10**9]), np.arange(len(order) + 1)
    sweep = SWEEP[kind](graph, orders=order[None], observables=TOTALS, counts_at=steps, size_edges=edges)
    sizes = [cluster_sizes(kind, graph, order[:n].tolist()) for n in steps]
    recorded = np.array([getattr(sweep, name)[0] for name in TOTALS])
    np.testing.assert_array_equal(recorded.T, [totals(s) for s in sizes])
    np.testing.assert_array_equal(sweep.cluster_counts[0], [np.histogram(s, edges)[0] for s in sizes])


@given(
    lattice=st.sampled_from(LATTICES + TORI + [lattices.hamming(2, 4), lattices.root_lattice("E", 6).box(2)]),
    kind=st.sampled_from(["site", "bond"]),
    seed=st.integers(0, 2**32 - 1),
)
@settings(max_examples=50, deadline=None)
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
@settings(max_examples=60, deadline=None)
def test_graph_sweep_equals_networkx_step_by_step(graph, kind, seed):
    M = graph.n_sites if kind == "site" else graph.n_bonds
    assert_equal_to_networkx(kind, graph, np.random.default_rng(seed).permutation(M))


@pytest.mark.parametrize(
    "lattice",
    [*LATTICES, *TORI[-6:], lattices.n_cube(9), lattices.root_lattice("E", 7).torus(2), lattices.square.torus(40)],
    ids=str,
)
def test_stored_lattice_sweeps_as_the_computed_one(lattice):
    stored = graphs.from_edges(lattice.bonds(), lattice.n_sites)
    for sweep in SWEEP.values():
        computed, twin = (sweep(graph, n_realisations=5, seed=6) for graph in (lattice, stored))
        np.testing.assert_array_equal(computed.largest, twin.largest)
        np.testing.assert_array_equal(computed.second_moment, twin.second_moment)


# small and large


@pytest.mark.parametrize("n_sites", [1, 3])
def test_sites_without_bonds(n_sites):
    graph = graphs.from_edges(np.empty((0, 2), dtype=int), n_sites)
    sites, bonds = (sweep(graph, n_realisations=2, seed=1, observables=TOTALS) for sweep in SWEEP.values())
    np.testing.assert_array_equal(sites.n_clusters, [np.arange(n_sites + 1)] * 2)
    np.testing.assert_array_equal(bonds.n_clusters, [[n_sites]] * 2)
    assert (sites.second_largest[:, -1] == (n_sites > 1)).all() and (bonds.largest == 1).all()
    for curve in CURVE.values():
        drawn = curve(graph, [0, 1], n_realisations=2, seed=1)
        assert (drawn.largest[:, -1] == 1).all() and (drawn.n_open[:, 0] == 0).all()


@pytest.mark.parametrize("sweep", SWEEP.values())
def test_components_stay_apart(sweep):
    """Components of 5, 5, 2 and 1 sites: the last record holds their sizes."""
    pieces = nx.disjoint_union_all([nx.cycle_graph(5), nx.complete_graph(5), nx.path_graph(2), nx.empty_graph(1)])
    swept = sweep(graphs.from_networkx(pieces), n_realisations=3, seed=1, observables=TOTALS)
    for name, total in zip(TOTALS, totals([5, 5, 2, 1]), strict=True):
        assert (getattr(swept, name)[:, -1] == total).all(), name


def test_parallel_bonds_of_the_shortest_torus():
    """Two sites joined by two bonds (see `lattices.Box`): one joins them, both wind round the torus."""
    lattice, p = lattices.hypercubic(1).torus(2), np.array([0.3, 0.8])
    sweep = sweeps.bond_sweep(lattice, orders=[[0, 1], [1, 0]], observables=("largest", "wrapping"))
    np.testing.assert_array_equal(sweep.largest, [[1, 2, 2]] * 2)
    np.testing.assert_array_equal(sweep.wrapping, [[2]] * 2)
    np.testing.assert_allclose(sweep.strength(p), (1 + 1 - (1 - p) ** 2) / 2)
    np.testing.assert_allclose(sweep.wrapping_probability(p), p**2)
    sites = sweeps.site_sweep(lattice, orders=[[1, 0]], observables=("largest", "wrapping"))
    assert sites.largest.tolist() == [[0, 1, 2]] and sites.wrapping.tolist() == [[2]]


@pytest.mark.parametrize(
    ("make", "way_out"),
    [
        (lambda: lattices.square.torus(46_341), "reduce L to at most 46340"),
        (lambda: lattices.hypercubic(31).torus(2), "reduce d to at most 30"),
        (lambda: lattices.n_cube(31), "reduce n to at most 30"),
        (lambda: lattices.hamming(8, 20), "reduce d or q"),
        (lambda: graphs.from_edges([[0, 1]], 2**31), "cut the graph"),
    ],
)
def test_sites_whose_numbers_are_too_wide_are_refused(make, way_out):
    """Before anything is allocated: at most MOST_SITES, whose numbers fit 32 bits."""
    with pytest.raises(ValueError, match=rf"2\*\*31.*{way_out}"):
        make()
    assert lattices.square.torus(46_340).n_sites <= MOST_SITES


def test_counts_of_sizes_come_in_the_order_asked_for():
    order = np.random.default_rng(24).permutation(16)
    asked, sorted_ = (
        sweeps.site_sweep(lattices.square.torus(4), orders=order[None], counts_at=at)
        for at in ([9, 2, 16, 2], [2, 2, 9, 16])
    )
    np.testing.assert_array_equal(asked.counts_at, [9, 2, 16, 2])
    np.testing.assert_array_equal(asked.cluster_counts[0], sorted_.cluster_counts[0][[2, 0, 3, 1]])


# spanning and wrapping


def axes_wrapped(lattice: lattices.Box, bonds: list[int]) -> np.ndarray:
    """Axes round which these bonds wind, by laying each cluster out in the plane: the slow twin of windings."""
    ways: dict[int, list[tuple[int, np.ndarray]]] = {}
    windings = np.stack([lattice.windings(tuple(axis)) for axis in np.eye(lattice.d, dtype=int).tolist()], axis=1)
    for (i, j), winding in zip(lattice.bonds()[bonds].tolist(), windings[bonds], strict=True):
        ways.setdefault(i, []).append((j, winding))
        ways.setdefault(j, []).append((i, -winding))
    copy: dict[int, np.ndarray] = {}
    wrapped = np.zeros(lattice.d, dtype=bool)
    for start in ways:
        if start not in copy:
            copy[start], todo = np.zeros(lattice.d, dtype=int), deque([start])
            while todo:
                i = todo.popleft()
                for j, winding in ways[i]:
                    if j not in copy:
                        copy[j] = copy[i] + winding
                        todo.append(j)
                    wrapped |= copy[j] != copy[i] + winding
    return wrapped


def axes_spanned(lattice: lattices.Box, clusters: list[set[int]]) -> np.ndarray:
    """Open axes with cells at both ends in one cluster."""
    ends = [lattice.coordinates(sorted(cluster)) for cluster in clusters]
    joined = [(x.min(axis=0) == 0) & (x.max(axis=0) == lattice.L - 1) for x in ends]
    return np.any(joined, axis=0) & ~np.array(lattice.is_periodic) if joined else np.zeros(lattice.d, dtype=bool)


def assert_first_steps(steps: np.ndarray, M: int, seen: Callable[[int], np.ndarray]) -> None:
    """Each axis is seen at its step and not at the one before; what is joined stays joined, so these two decide."""
    for axis, first in enumerate(steps.tolist()):
        assert first > M or seen(first)[axis]
        assert first == 0 or not seen(first - 1)[axis]


def open_bonds(kind: str, lattice: lattices.FiniteGraph, opened: list[int]) -> list[int]:
    return opened if kind == "bond" else np.flatnonzero(np.isin(lattice.bonds(), opened).all(axis=1)).tolist()


@given(lattice=st.sampled_from(TORI), kind=st.sampled_from(["site", "bond"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=30, deadline=None)
def test_wrapping_equals_laying_out_step_by_step(lattice, kind, seed):
    M = lattice.n_sites if kind == "site" else lattice.n_bonds
    order = np.random.default_rng(seed).permutation(M)
    sweep = SWEEP[kind](lattice, orders=order[None], observables=("wrapping", "largest"))
    assert_first_steps(
        sweep.wrapping[0], M, lambda n: axes_wrapped(lattice, open_bonds(kind, lattice, order[:n].tolist()))
    )
    np.testing.assert_array_equal(sweep.largest, SWEEP[kind](lattice, orders=order[None]).largest)


@given(lattice=st.sampled_from(BOXES), kind=st.sampled_from(["site", "bond"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_spanning_equals_networkx_step_by_step(lattice, kind, seed):
    M = lattice.n_sites if kind == "site" else lattice.n_bonds
    order = np.random.default_rng(seed).permutation(M)
    sweep = SWEEP[kind](lattice, orders=order[None], observables=("spanning", "largest"))
    assert_first_steps(
        sweep.spanning[0], M, lambda n: axes_spanned(lattice, clusters(kind, lattice, order[:n].tolist()))
    )
    np.testing.assert_array_equal(sweep.largest, SWEEP[kind](lattice, orders=order[None]).largest)


@pytest.mark.parametrize("kind", ["site", "bond"])
def test_followed_axes_change_no_total(kind):
    """Long after every axis has been seen, when the sweep goes on without following any."""
    for lattice, axes in ((lattices.square.torus(40), "wrapping"), (lattices.square.box(40), "spanning")):
        plain, followed = (
            SWEEP[kind](lattice, n_realisations=3, seed=15, observables=(*TOTALS, *more)) for more in ((), (axes,))
        )
        for name in TOTALS:
            np.testing.assert_array_equal(getattr(plain, name), getattr(followed, name))


def test_wrapping_of_square_bonds_at_threshold():
    """Pinson (1994): either axis 0.690473725, both 0.351642855; finite-size shift below 0.001 at L = 32."""
    sweep = sweeps.bond_sweep(lattices.square.torus(32), n_realisations=6000, seed=16, observables=("wrapping",))
    for axis, exact in (("any", 0.690473725), ("all", 0.351642855), (0, 0.521058290)):
        error = sweep.wrapping_probability_error(0.5, axis)
        assert abs(sweep.wrapping_probability(0.5, axis) - exact) < 5 * error + 0.001  # false alarm 6e-7
        assert error < 0.006


# a grid of p


CURVE = {"site": sweeps.site_curve, "bond": sweeps.bond_curve}


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize("lattice", [TORUS, BOX], ids=["3x3 torus", "2x2x2 box"])
def test_curve_has_the_exact_means(kind, lattice):
    """Every state weighted by p^n (1 - p)^(M - n); p = 0 and 1 are exact, neighbouring p are correlated."""
    p = np.array([0, 0.2, 0.2, 0.5, 0.8, 1])
    of_state = all_states(kind, lattice)
    M = len(of_state[0]).bit_length() - 1
    n = np.bitwise_count(np.arange(2**M)).astype(int)
    weight = p[:, None] ** n * (1 - p[:, None]) ** (M - n)
    curve = CURVE[kind](lattice, p, n_realisations=6000, seed=17)
    for samples, values in zip((curve.n_open, curve.largest, curve.second_moment), (n, *of_state), strict=True):
        assert_means(samples.astype(float), weight @ values, false_alarm=1e-6)
    np.testing.assert_array_equal(curve.largest[:, 1], curve.largest[:, 2])


@pytest.mark.parametrize("kind", ["site", "bond"])
def test_curve_agrees_with_the_sweep(kind):
    """Independent samples of every observable: 5 combined errors, false alarm 6e-7 each."""
    lattice, p = lattices.square.torus(8), np.array([0.3, 0.5, 0.6])
    wanted = (*TOTALS, "wrapping")
    curve = CURVE[kind](lattice, p, n_realisations=3000, seed=18, observables=wanted)
    sweep = SWEEP[kind](lattice, n_realisations=3000, seed=19, observables=wanted)
    for name in TOTALS:
        error = np.hypot(curve.error(name), sweep.error(name, p))
        assert (np.abs(curve.mean(name) - sweep.mean(name, p)) < 5 * error).all(), name
    for axis in ("any", "all", 0, 1):
        wrapped = curve.wrapping_probability(axis=axis)
        error = np.hypot(np.sqrt(wrapped * (1 - wrapped) / 3000), sweep.wrapping_probability_error(p, axis))
        assert (np.abs(wrapped - sweep.wrapping_probability(p, axis)) <= 5 * error + 1e-3).all()
    error = np.hypot(curve.mean_cluster_size_error(), sweep.mean_cluster_size_error(p))
    assert (np.abs(curve.mean_cluster_size() - sweep.mean_cluster_size(p)) < 5 * error).all()


@given(p=st.lists(st.floats(0, 1), min_size=1, max_size=40), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_bins_hold_what_opens_between_two_values(p, seed):
    """Against numpy's searchsorted over the same hashed numbers."""
    p, key, n = np.sort(p), np.uint64(seed), 300
    u = np.array([uniform(key, np.uint64(i)) for i in range(n)])
    guide, places = curves._guide(p), np.searchsorted(p, u, side="right")
    bins, ends = curves._bins(key, n, p, guide)
    np.testing.assert_array_equal(bins, places)
    np.testing.assert_array_equal(ends[1:], [(u < value).sum() for value in p])
    order = np.empty(ends[-1], dtype=np.int32)
    kernels.sort_by_bin(bins, ends.copy(), np.arange(n), order)
    np.testing.assert_array_equal(order, [i for k in range(len(p)) for i in np.flatnonzero(places == k)])


def test_hashed_numbers_are_uniform_and_independent():
    """Chi-square over 64 x 64 cells of neighbouring pairs, false alarm 1e-6."""
    u = np.array([uniform(np.uint64(20), np.uint64(i)) for i in range(80_000)]).reshape(-1, 2)
    counts, _, _ = np.histogram2d(*u.T, bins=64, range=[[0, 1], [0, 1]])
    assert chisquare(counts.ravel()).pvalue > 1e-6


def test_curves_do_not_depend_on_workers():
    one, four = (
        sweeps.site_curve(lattices.cubic.torus(6), [0.2, 0.3], n_realisations=9, seed=21, observables=TOTALS, workers=w)
        for w in (1, 4)
    )
    for name in TOTALS:
        np.testing.assert_array_equal(getattr(one, name), getattr(four, name))


def test_counts_of_sizes_add_up():
    curve = sweeps.site_curve(
        lattices.square.torus(20), [0.3, 0.6], n_realisations=5, seed=22, observables=("n_clusters", "cluster_counts")
    )
    np.testing.assert_array_equal(curve.cluster_counts.sum(axis=2), curve.n_clusters)
    assert curve.size_edges[:4].tolist() == [1, 2, 4, 8] and curve.size_edges[-1] > 400


# sites and bonds


@pytest.mark.parametrize("stored", [False, True], ids=["computed", "stored"])
def test_site_bond_percolation_has_the_exact_means(stored):
    """All orders see all states of sites; each bond between open sites is open with probability p_b."""
    p_bond, lattice = 0.6, lattices.square.box(2)
    graph = graphs.from_edges(lattice.bonds(), 4) if stored else lattice
    n_clusters = np.zeros(5)
    for sites in range(16):
        present = [i for i in range(4) if sites >> i & 1]
        inner = [bond for bond in lattice.bonds().tolist() if set(bond) <= set(present)]
        for bonds in range(2 ** len(inner)):
            twin = nx.Graph([inner[k] for k in range(len(inner)) if bonds >> k & 1])
            twin.add_nodes_from(present)
            weight = p_bond ** bonds.bit_count() * (1 - p_bond) ** (len(inner) - bonds.bit_count())
            n_clusters[len(present)] += weight * nx.number_connected_components(twin)
    sweep = sweeps.site_sweep(graph, n_realisations=6000, seed=23, observables=("n_clusters",), bond_probability=p_bond)
    assert_means(sweep.n_clusters, n_clusters / [1, 4, 6, 4, 1], false_alarm=1e-6)


@pytest.mark.parametrize(("p_bond", "clusters_left"), [(0.0, 49), (1.0, 1)])
def test_bonds_all_closed_or_all_open(p_bond, clusters_left):
    for lattice in (lattices.square.torus(7), lattices.triangular.torus(7)):
        sweep = sweeps.site_sweep(
            lattice, n_realisations=2, seed=0, observables=("n_clusters",), bond_probability=p_bond
        )
        assert (sweep.n_clusters[:, -1] == clusters_left).all()


# invariants


@given(lattice=st.sampled_from(LATTICES), kind=st.sampled_from(["site", "bond"]), seed=st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
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
    one, four = (SWEEP[kind](lattices.cubic.torus(9), n_realisations=12, seed=7, workers=w) for w in (1, 4))
    np.testing.assert_array_equal(one.largest, four.largest)
    np.testing.assert_array_equal(one.second_moment, four.second_moment)


def test_realisations_do_not_depend_on_how_many_there_are():
    few, many = (sweeps.site_sweep(lattices.square.torus(8), n_realisations=n, seed=8) for n in (2, 5))
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
    sweep = SWEEP[kind](BOX, n_realisations=6000, seed=9)
    assert abs(sweep.strength(p) - exact[0]) < 5 * sweep.strength_error(p)  # false alarm 6e-7
    assert abs(sweep.mean_cluster_size(p) - exact[1]) < 5 * sweep.mean_cluster_size_error(p)
    assert sweep.strength_error(p) < 0.004 and sweep.mean_cluster_size_error(p) < 0.04


def test_errors_are_the_spread_of_repeats():
    """200 repeats of 50 realisations: their spread is the error that each quotes, within 20 % (4 sigma)."""
    sweep = sweeps.bond_sweep(lattices.square.torus(6), n_realisations=10_000, seed=10)
    repeats = [
        sweeps.Sweep(
            "bond", 36, 72, 50, largest=sweep.largest[k : k + 50], second_moment=sweep.second_moment[k : k + 50]
        )
        for k in range(0, 10_000, 50)
    ]
    for quantity in ("strength", "mean_cluster_size"):
        values = np.array([getattr(repeat, quantity)(0.5) for repeat in repeats])
        errors = np.array([getattr(repeat, f"{quantity}_error")(0.5) for repeat in repeats])
        assert values.std(ddof=1) == pytest.approx(errors.mean(), rel=0.2), quantity


def test_largest_cluster_is_left_out_of_the_mean():
    """Two bonds on four sites in a row, clusters 3 and 1 or 2 and 2: S is 1 or 2 at n = 2."""
    chain = graphs.from_edges([[0, 1], [1, 2], [2, 3]], 4)
    sweep = sweeps.bond_sweep(chain, orders=[[0, 1, 2], [0, 2, 1]])
    squares, sites = sweep.second_moment - sweep.largest**2, 4 - sweep.largest
    assert (squares[:, 2] / sites[:, 2]).tolist() == [1, 2]


def test_mean_cluster_size_has_no_value_where_nothing_is_left():
    sweep = sweeps.site_sweep(lattices.square.torus(4), n_realisations=3, seed=11)
    assert np.isnan(sweep.mean_cluster_size([0, 1])).all()
    assert np.isfinite(sweep.mean_cluster_size([1e-6, 0.5]))[0]


def test_single_realisation_has_no_error():
    sweep = sweeps.site_sweep(lattices.square.torus(4), n_realisations=1, seed=12)
    assert np.isnan(sweep.strength_error([0.2, 0.5])).all()


# known values


def test_chain():
    """Open chain of N sites: sum s^2 over runs has mean sum_ij p^(|i - j| + 1)."""
    N, p = 60, 0.7
    sweep = sweeps.site_sweep(lattices.hypercubic(1).box(N), n_realisations=4000, seed=13)
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
        ({"n_realisations": 2}, "draws its orders, and bonds beside sites, from a seed; pass seed"),
        ({"n_realisations": 0}, "n_realisations must be at least 1"),
        ({"n_realisations": 2.0}, "n_realisations must be an integer"),
        ({"n_realisations": 2, "seed": -1}, "seed must be at least 0"),
        ({"n_realisations": 2, "seed": 1, "workers": -1}, "workers must be at least 0"),
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
        sweep(lattices.hypercubic(1).torus(4), **arguments)


@pytest.mark.parametrize("sweep", SWEEP.values())
def test_foreign_graphs_are_refused(sweep):
    with pytest.raises(ValueError, match="from_networkx"):
        sweep(nx.path_graph(3), n_realisations=1, seed=1)


@pytest.mark.parametrize("p", [-0.1, 1.1, np.nan])
def test_p_outside_its_interval_is_refused(p):
    sweep = sweeps.site_sweep(lattices.square.torus(3), n_realisations=2, seed=1)
    with pytest.raises(ValueError, match=r"p must lie in \[0, 1\]"):
        sweep.strength(p)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"observables": ("lergest",)}, "did you mean 'largest'"),
        ({"observables": "largest"}, r"pass \('largest',\)"),
        ({"observables": ("spanning", "wrapping")}, "not both"),
        ({"observables": ("spanning",)}, "needs an open axis"),
        ({"bond_probability": 1.5}, r"bond_probability must lie in \[0, 1\]"),
        ({"counts_at": [17]}, r"in 0 \.\.\. 16"),
        ({"counts_at": [0.5]}, "counts_at holds numbers"),
        ({"counts_at": [3], "size_edges": [0, 2]}, "ascending integers from 1"),
        ({"counts_at": [3], "size_edges": [2]}, "at least two"),
    ],
)
def test_bad_observables_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        sweeps.site_sweep(lattices.square.torus(4), n_realisations=1, seed=1, **arguments)


def test_axes_need_a_lattice_that_has_them():
    with pytest.raises(ValueError, match="needs a lattice with axes"):
        sweeps.site_sweep(lattices.n_cube(3), n_realisations=1, seed=1, observables=("spanning",))
    with pytest.raises(ValueError, match="needs a periodic axis"):
        sweeps.bond_curve(BOX, [0.5], n_realisations=1, seed=1, observables=("wrapping",))


@pytest.mark.parametrize("p", [0.5, [], [0.5, 0.2], [[0.5]]])
def test_curves_need_an_ascending_grid(p):
    with pytest.raises(ValueError, match="ascending array"):
        sweeps.site_curve(BOX, p, n_realisations=1, seed=1)


@pytest.mark.parametrize("recorded", [True, False])
@pytest.mark.parametrize(
    ("observable", "way_out"),
    [
        ("wrapping", r"first steps, no value a step; call wrapping_probability\(p\)"),
        ("spanning", r"first steps, no value a step; call spanning_probability\(p\)"),
        ("cluster_counts", r"at the steps counts_at, not at every step; a curve has.* curve.mean\('cluster_counts'\)"),
        ("n_open", "unknown observable 'n_open', expected one of largest"),
    ],
)
def test_only_what_has_a_value_at_every_step_has_a_canonical_mean(observable, way_out, recorded):
    lattice = BOX if observable == "spanning" else TORUS
    asked = {"observables": (observable,)} if observable in ("wrapping", "spanning") else {"counts_at": [0, 4]}
    sweep = sweeps.site_sweep(lattice, n_realisations=2, seed=1, **asked if recorded else {"observables": TOTALS})
    for average in (sweep.mean, sweep.error):
        with pytest.raises(ValueError, match=way_out):
            average(observable, 0.5)


@pytest.mark.parametrize("observable", ["largest", "cluster_counts"])
def test_only_axes_have_first_steps(observable):
    sweep = sweeps.site_sweep(BOX, n_realisations=2, seed=1, counts_at=[0, 4])
    with pytest.raises(ValueError, match=f"unknown observable '{observable}', expected one of spanning, wrapping"):
        sweep.first_steps(observable)


def test_means_of_a_curve_are_those_of_its_columns():
    """A curve has a value of every observable at every p: each mean is a fraction or a number of clusters there."""
    curve = sweeps.site_curve(TORUS, [0, 0.5, 1], n_realisations=3, seed=1, observables=("wrapping", "cluster_counts"))
    np.testing.assert_array_equal(curve.mean("wrapping")[[0, 2]], [[0, 0], [1, 1]])
    assert curve.mean("cluster_counts").shape == (3, len(curve.size_edges) - 1)
    np.testing.assert_array_equal(curve.mean("cluster_counts")[[0, 2]].sum(axis=1), [0, 1])


@pytest.mark.parametrize("sweep", [sweeps.site_sweep, sweeps.bond_sweep])
def test_sweeps_and_curves_are_asked_alike(sweep):
    """At some of its p, in any order and shape, a curve says what it says of them all; at others it says nothing."""
    curve_of = sweeps.site_curve if sweep is sweeps.site_sweep else sweeps.bond_curve
    p, asked = np.linspace(0.1, 0.9, 5), np.array([[0.9], [0.3]])
    how = {"n_realisations": 4, "seed": 1, "observables": ("largest", "second_moment", "wrapping")}
    curve, swept = curve_of(TORUS, p, **how), sweep(TORUS, **how)
    for name in ("strength", "strength_error", "mean_cluster_size", "mean_cluster_size_error"):
        np.testing.assert_array_equal(getattr(curve, name)(asked), getattr(curve, name)()[[[4], [1]]])
        assert getattr(swept, name)(asked).shape == (2, 1)
    for name in ("wrapping_probability", "wrapping_probability_error"):
        np.testing.assert_array_equal(getattr(curve, name)(asked, 0), getattr(curve, name)(axis=0)[[[4], [1]]])
        assert getattr(swept, name)(asked, 0).shape == (2, 1)
    wrapped = curve.wrapping[:, :, 0].astype(float)
    np.testing.assert_allclose(curve.wrapping_probability_error(axis=0), wrapped.std(axis=0, ddof=1) / 2)
    assert curve.samples("largest", asked).shape == swept.samples("largest", asked).shape == (4, 2, 1)
    with pytest.raises(ValueError, match="a curve has values at its own p, got 0.4"):
        curve.strength([0.1, 0.4])
    for average in (swept.strength, swept.wrapping_probability):
        with pytest.raises(ValueError, match="pass those that are wanted, got None"):
            average()


def test_what_was_not_recorded_is_named():
    sweep = sweeps.site_sweep(BOX, n_realisations=1, seed=1, observables=("largest",))
    with pytest.raises(ValueError, match="'second_moment' was not recorded"):
        sweep.mean_cluster_size(0.5)
    with pytest.raises(ValueError, match="axis is a number in 0"):
        sweeps.site_sweep(TORUS, n_realisations=1, seed=1, observables=("wrapping",)).wrapping_probability(0.5, axis=2)
