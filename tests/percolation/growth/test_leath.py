import itertools
import sys

import networkx as nx
import numpy as np
import pytest

from percolation import checks, growth, lattices
from tests.percolation.growth.coordinates import LATTICES, Infinite, Weights
from tests.statistical import assert_means


class Twin:
    """One Leath cluster over coordinates, with the kernel's weights."""

    def __init__(self, lattice, p, kind, seed, cluster, max_size, max_generations):
        self.lattice, self.weights = Infinite(lattice), Weights(lattice, seed, cluster)
        self.kind, self.cutoff = kind, int(p * 2.0**64)
        origin = self.lattice.origin
        self.seen, self.order, self.opened, self.tested, self.excess = (
            {origin},
            [origin],
            [1],
            [0],
            [np.zeros(len(growth.EXCESS))],
        )
        self.spread, self.steps = [0], {}
        generation = {origin: (None, None)}  # site: its parent and the step from it
        while generation and len(self.order) < max_size and len(self.opened) <= max_generations:
            generation = self.next_generation(generation, p)
        self.truncated = bool(generation)

    def next_generation(self, generation, p):
        """Sites opened around the generation, with their parents and steps; appends to the sums."""
        new, n_tested, excess = {}, 0, dict.fromkeys(growth.EXCESS, 0.0)
        steps_of = {}  # a parent: the steps to all that it opened
        for parent, step in generation.values():
            steps_of.setdefault(parent, []).append(step)
        elders, along = {None: set()}, {None: set()}  # a parent: steps to, and from, its children that had their turn
        for site, (parent, ahead) in generation.items():
            tested, opened = [], []
            for other, bond, up in self.lattice.neighbours(site):
                if other in self.seen:
                    continue
                tested.append((bond[1], up))
                is_open = self.is_open(other, bond)
                if is_open or self.kind == "site":
                    self.seen.add(other)
                if is_open:
                    opened.append((bond[1], up))
                    new[other] = (site, opened[-1])
                    self.order.append(other)
            k, T = len(opened), len(tested)
            excess["pairs"] += k * (k - 1) - p**2 * T * (T - 1)
            excess["crowding"] += T * (k - p * T)
            if self.lattice.n_basis == 1 and parent is not None:
                siblings, aunts, behind = set(steps_of[parent]), self.aunts(parent), self.behind(parent)
                before, theirs = elders.setdefault(parent, set()), along.setdefault(parent, set())
                sets = {"straight": {ahead}, "aside": siblings - {ahead}, "elder": before, "above": aunts}
                sets |= {"along": theirs, "back": behind, "around": self.behind(self.steps[parent][0])}
                for name, steps in sets.items():
                    excess[name] += known(opened, steps) - p * known(tested, steps)
                excess["shared"] += (k - p * T) * known([ahead], aunts)
                excess["adopted"] += (k - p * T) * known([ahead], theirs)
                before.add(ahead)
                theirs.update(opened)
            if self.lattice.n_basis == 1:
                excess["opposite"] += opposite(opened) - p**2 * opposite(tested)
            n_tested += T
        self.steps |= {site: (parent, step, steps_of[parent]) for site, (parent, step) in generation.items()}
        self.opened.append(len(new))
        self.tested.append(n_tested)
        self.excess.append(np.array(list(excess.values())))
        self.spread.append(sum(x * x for cell, _ in new for x in cell[:4]))
        return new

    def aunts(self, parent):
        """Steps to the siblings of a site."""
        _, step, siblings = self.steps[parent]
        return set(siblings) - {step}

    def behind(self, parent):
        """The opposite of the step to a site, if there is one."""
        step = None if parent is None else self.steps[parent][1]
        return set() if step is None else {(step[0], not step[1])}

    def is_open(self, site, bond):
        return (self.weights.site(site) if self.kind == "site" else self.weights.bond(bond)) < self.cutoff

    def graph(self):
        """The cluster with all its bonds, those that close loops included."""
        graph, cluster = nx.Graph(), set(self.order)
        graph.add_nodes_from(cluster)
        for site in cluster:
            for other, bond, _ in self.lattice.neighbours(site):
                if other in cluster and (self.kind == "site" or self.is_open(other, bond)):
                    graph.add_edge(site, other)
        return graph


def known(steps, among):
    """How many of the steps are among others; steps from the 64th on are not known."""
    return sum(number < 32 and (number, up) in among for number, up in steps)


def opposite(steps):
    """Number of pairs of a step and its opposite."""
    return sum(known([(number, False)], steps) for number, up in steps if up)


def assert_equals_twins(lattice, p, kind, seed, n, limits):
    run = growth.leath(lattice, p, kind=kind, n_clusters=n, seed=seed, kin=True, **limits)
    twins = [Twin(lattice, p, kind, seed, c, **limits) for c in range(n)]
    np.testing.assert_array_equal(run.size, [len(twin.order) for twin in twins])
    np.testing.assert_array_equal(run.perimeter, [sum(t.tested) - len(t.order) + 1 for t in twins])
    np.testing.assert_array_equal(run.generations, [np.flatnonzero(twin.opened)[-1] for twin in twins])
    np.testing.assert_array_equal(run.truncated, [twin.truncated for twin in twins])
    for t in range(limits["max_generations"] + 1):
        with_t = [twin for twin in twins if len(twin.opened) > t]
        assert run.opened[t] == sum(twin.opened[t] for twin in with_t)
        assert run.tested[t] == sum(twin.tested[t] for twin in with_t)
        assert run.spread[t] == sum(twin.spread[t] for twin in with_t)
        np.testing.assert_allclose(run.excess[t], sum(twin.excess[t] for twin in with_t), rtol=1e-9, atol=1e-9)
    return run


NEAR_CRITICAL = {1: 0.9, 2: 0.5, 3: 0.3, 4: 0.19, 5: 0.14, 14: 0.0393, 20: 0.0267}
LIMITS = {"max_size": 600, "max_generations": 30}


@pytest.mark.parametrize("kind", checks.KINDS)
@pytest.mark.parametrize("d", NEAR_CRITICAL)
def test_every_cluster_equals_the_slow_twin(d, kind):
    assert_equals_twins(lattices.hypercubic(d), NEAR_CRITICAL[d], kind, 1, 60, LIMITS)


NEAR_CRITICAL_ON = {
    "Lieb": 0.7,
    "triangular": 0.45,
    "honeycomb": 0.66,
    "kagome": 0.58,
    "bcc": 0.22,
    "fcc": 0.16,
    "D_4": 0.07,
    "square, 2 shells": 0.35,
    "D_7": 0.018,
}


@pytest.mark.parametrize("kind", checks.KINDS)
@pytest.mark.parametrize("name", NEAR_CRITICAL_ON)
def test_every_cluster_on_a_lattice_equals_the_slow_twin(name, kind):
    run = assert_equals_twins(LATTICES[name], NEAR_CRITICAL_ON[name], kind, 2, 20, LIMITS)
    assert (run.lattice, run.d) == (LATTICES[name].name, LATTICES[name].d)
    assert run.size.max() > 20


def test_places_far_out():
    """At p = 1 generation t is a sphere of the taxicab metric; its |x|^2 in the plane sum to 4 sum_x x^2 + (t-x)^2."""
    run = growth.leath(lattices.hypercubic(2), 1.0, seed=1, max_generations=200, max_size=10**6)
    t = 200
    assert run.spread[t] == sum(4 * (x**2 + (t - x) ** 2) for x in range(t))
    chain = growth.leath(lattices.hypercubic(1), 1.0, seed=1, max_generations=2**15, max_size=10**6)
    assert chain.spread[2**15 - 1] == 2 * (2**15 - 1) ** 2
    assert np.isnan(chain.spread[2**15])  # no longer fits


@pytest.mark.parametrize("kind", checks.KINDS)
@pytest.mark.parametrize("d", NEAR_CRITICAL)
def test_generations_are_chemical_shells(d, kind):
    """Distances in the whole cluster, loops included, by networkx."""
    run = growth.leath(lattices.hypercubic(d), NEAR_CRITICAL[d], kind=kind, n_clusters=20, seed=2, max_size=300)
    for c in range(20):
        twin = Twin(lattices.hypercubic(d), NEAR_CRITICAL[d], kind, 2, c, 300, 1000)
        distances = nx.single_source_shortest_path_length(twin.graph(), twin.lattice.origin)
        assert run.generations[c] == max(distances.values())
        np.testing.assert_array_equal(np.bincount(list(distances.values())), twin.opened[: run.generations[c] + 1])


SQUARE = Infinite(lattices.square)


def animals(size, lattice=SQUARE):
    """All connected sets of so many sites that hold the origin."""
    found = {frozenset([lattice.origin])}
    for _ in range(size - 1):
        found = {animal | {other} for animal in found for site in animal for other, _, _ in lattice.neighbours(site)}
        found = {animal for animal in found if len(animal) > 1}
        found = {animal for animal in found if len(animal) == max(map(len, found))}
    return found


def chance_of_animal(animal, p, kind, lattice):
    """That the cluster of an open origin is this set of sites."""
    around = [(site, other) for site in animal for other, _, _ in lattice.neighbours(site)]
    outside = [other for _, other in around if other not in animal]
    if kind == "site":
        return p ** (len(animal) - 1) * (1 - p) ** len(set(outside))
    inside = {frozenset(pair) for pair in around if pair[1] in animal}
    connected = 0.0
    for n in range(len(inside) + 1):
        for bonds in itertools.combinations(inside, n):
            graph = nx.Graph([tuple(bond) for bond in bonds])
            graph.add_nodes_from(animal)
            connected += nx.is_connected(graph) * p**n * (1 - p) ** (len(inside) - n)
    return connected * (1 - p) ** len(outside)


def size_distribution(p, kind, n=4, lattice=SQUARE):
    sizes = range(1, n + 1)
    return np.array([sum(chance_of_animal(a, p, kind, lattice) for a in animals(size, lattice)) for size in sizes])


def test_enumerator_knows_the_smallest_animals():
    p = 0.3
    assert [len(animals(size)) for size in (1, 2, 3, 4)] == [1, 2 * 2, 6 * 3, 19 * 4]
    np.testing.assert_allclose(size_distribution(p, "site", 2), [(1 - p) ** 4, 4 * p * (1 - p) ** 6])
    np.testing.assert_allclose(size_distribution(p, "bond", 2), [(1 - p) ** 4, 4 * p * (1 - p) ** 6])


@pytest.mark.parametrize("kind", checks.KINDS)
def test_sizes_against_lattice_animals(kind):
    """False alarms: 1e-6 a kind."""
    run = growth.leath(lattices.hypercubic(2), 0.4, kind=kind, n_clusters=200_000, seed=3, max_size=100)
    found = run.size[:, None] == np.arange(1, 5)
    assert_means(found.astype(float), size_distribution(0.4, kind))


@pytest.mark.parametrize("kind", checks.KINDS)
@pytest.mark.parametrize("name", ["triangular", "honeycomb", "kagome"])
def test_sizes_against_animals_of_crystals(name, kind):
    """False alarms: 1e-6 a case."""
    run = growth.leath(LATTICES[name], 0.4, kind=kind, n_clusters=100_000, seed=3, max_size=100)
    found = run.size[:, None] == np.arange(1, 4)
    assert_means(found.astype(float), size_distribution(0.4, kind, 3, Infinite(LATTICES[name])))


@pytest.mark.parametrize("kind", checks.KINDS)
@pytest.mark.parametrize(
    ("lattice", "p"),
    [
        (lattices.cubic, 0.3),
        (lattices.triangular, 0.45),
        (lattices.kagome, 0.58),
        (lattices.Lieb, 0.7),
        (lattices.fcc, 0.16),
    ],
)
def test_excess_has_mean_zero(lattice, p, kind):
    """False alarms: 1e-6 a case."""
    limits = {"n_clusters": 100, "max_generations": 12}
    runs = [growth.leath(lattice, p, kind=kind, kin=True, seed=seed, **limits) for seed in range(200)]
    excess = np.array([np.column_stack([run.excess, run.opened - run.p * run.tested])[1:] for run in runs])
    assert_means(excess.reshape(200, -1), np.zeros(12 * (1 + len(growth.EXCESS))))
    np.testing.assert_array_equal(excess[:, 0, 2:-2], 0)  # the origin has no step ahead and no sibling


@pytest.mark.parametrize("kind", checks.KINDS)
def test_chain(kind):
    """d = 1: P(s) = s p^(s-1) (1 - p)^2, and two closed ends. False alarms: 1e-6 a kind."""
    run = growth.leath(lattices.hypercubic(1), 0.6, kind=kind, n_clusters=50_000, seed=6)
    s = np.arange(1, 8)
    assert_means((run.size[:, None] == s).astype(float), s * 0.6 ** (s - 1) * 0.4**2)
    assert (run.perimeter == 2).all()


@pytest.mark.parametrize("kind", checks.KINDS)
def test_tree_limit_in_high_dimension(kind):
    """Mean size (1 + p) / (1 - (2d - 1) p) of the Bethe lattice up to 1/d; 1.5 % statistics, 3 % allowed."""
    d, p = 300, 0.5 / 599
    run = growth.leath(lattices.hypercubic(d), p, kind=kind, n_clusters=20_000, seed=7)
    assert run.size.mean() == pytest.approx((1 + p) / (1 - (2 * d - 1) * p), rel=0.03)


def test_ends_of_p():
    closed = growth.leath(lattices.hypercubic(5), 0.0, n_clusters=3, seed=8)
    np.testing.assert_array_equal([closed.size, closed.perimeter, closed.generations], [[1] * 3, [10] * 3, [0] * 3])
    diamond = growth.leath(lattices.hypercubic(2), 1.0, n_clusters=2, seed=8, max_generations=5)
    np.testing.assert_array_equal(diamond.size, 61)
    np.testing.assert_array_equal(diamond.opened, 2 * np.array([1, 4, 8, 12, 16, 20]))
    assert diamond.truncated.all()


@pytest.mark.parametrize("kind", checks.KINDS)
def test_room_grows_without_a_trace(kind, monkeypatch):
    roomy = growth.leath(lattices.hypercubic(3), 0.5, kind=kind, n_clusters=20, seed=9, max_size=20_000)
    module = sys.modules["percolation.growth.leath"]  # the function of the same name hides it
    monkeypatch.setitem(module.FEWEST_OF_LONG, kind, 64)
    tight = growth.leath(lattices.hypercubic(3), 0.5, kind=kind, n_clusters=20, seed=9, max_size=20_000)
    for name in ("size", "perimeter", "generations", "truncated", "opened", "tested", "excess", "spread"):
        np.testing.assert_array_equal(getattr(tight, name), getattr(roomy, name))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"lattice": 3}, "grow on an infinite lattice, such as lattices.hypercubic\\(d\\), got int"),
        ({"p": 1.5}, r"p must lie in \[0, 1\], got 1.5"),
        ({"p": float("nan")}, r"p must lie in \[0, 1\], got nan"),
        ({"kind": "sites"}, "did you mean 'site'"),
        ({"n_clusters": 0}, "n_clusters must be at least 1, got 0"),
        ({"max_size": 0}, "max_size must be at least 1, got 0"),
        ({"max_generations": 2.0}, "max_generations must be an integer, got 2.0"),
        ({"seed": None}, "seed must be an integer, got None"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        growth.leath(**{"lattice": lattices.cubic, "p": 0.2, "seed": 1, **arguments})
