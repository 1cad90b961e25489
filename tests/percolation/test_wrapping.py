"""Windings of clusters against a search of the universal cover in plain Python, and against the sweeps."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from percolation import lattices, sweeps, wrapping
from tests.statistical import assert_means

TORI = [
    lattices.square.torus(2),
    lattices.square.torus(3),
    lattices.square.box(4, periodic=(True, False)),
    lattices.hypercubic(2, shells=2).torus(5),
    lattices.triangular.torus(3),
    lattices.honeycomb.torus(3),
    lattices.kagome.torus(2),
    lattices.cubic.torus(3),
    lattices.cubic.box(3, periodic=(False, True, True)),
    lattices.bcc.torus(3),
    lattices.fcc.torus(3),
    lattices.hypercubic(4).torus(3),
    lattices.root_lattice("D", 4).torus(3),
    # the Lieb lattice: sites with two and with four neighbours
    lattices.Lieb.torus(4),
]


def by_search(lattice, opened, kind):
    """Axes and rank from loops of each cluster, found by a depth-first search that keeps the cell it is in."""
    bonds = lattice.bonds()
    crossed = np.stack([lattice.windings(tuple(int(i == axis) for i in range(lattice.d))) for axis in range(lattice.d)])
    open_sites = set(np.flatnonzero(opened)) if kind == "site" else set(range(lattice.n_sites))
    is_open = (lambda k: {*bonds[k]} <= open_sites) if kind == "site" else (lambda k: opened[k])
    ways = {site: [] for site in open_sites}
    for k, (i, j) in enumerate(bonds.tolist()):
        if is_open(k):
            ways[i].append((j, crossed[:, k]))
            ways[j].append((i, -crossed[:, k]))
    loops, seen = [], {}
    for start in open_sites:
        if start not in seen:
            seen[start] = np.zeros(lattice.d, dtype=int)
            stack = [start]
            while stack:
                site = stack.pop()
                for other, step in ways[site]:
                    if other in seen:
                        loops.append(seen[site] + step - seen[other])
                    else:
                        seen[other] = seen[site] + step
                        stack.append(other)
    loops = np.array(loops).reshape(-1, lattice.d)
    return (loops != 0).any(axis=0), min(np.linalg.matrix_rank(loops) if len(loops) else 0, 2)


@settings(max_examples=120, deadline=None)
@given(st.sampled_from(TORI), st.sampled_from(wrapping.KINDS), st.floats(0.1, 0.8), st.integers(0, 2**32))
def test_windings_are_those_of_a_search(lattice, kind, p, seed):
    n = lattice.n_sites if kind == "site" else lattice.n_bonds
    opened = np.random.default_rng(seed).random((2, n)) < p
    axes, rank = wrapping.windings_of(lattice, opened, kind=kind)
    for row in range(2):
        expected_axes, expected_rank = by_search(lattice, opened[row], kind)
        np.testing.assert_array_equal(axes[row], expected_axes)
        assert rank[row] == expected_rank


@pytest.mark.parametrize("kind", wrapping.KINDS)
@pytest.mark.parametrize(
    "lattice",
    [lattices.square.torus(16), lattices.kagome.torus(8), lattices.cubic.torus(8)],
    ids=lambda x: x.lattice.name,
)
def test_windings_are_those_of_a_sweep(lattice, kind):
    """The sweeps follow windings by another kernel: the first step at which it winds must be the same."""
    n = lattice.n_sites if kind == "site" else lattice.n_bonds
    order = np.random.default_rng(1).permutation(n)
    sweep = sweeps.site_sweep if kind == "site" else sweeps.bond_sweep
    first = sweep(lattice, orders=order[None], observables=("wrapping",), progress=False).wrapping[0]
    n_open = np.arange(n + 1)
    opened = np.argsort(order)[None] < n_open[:, None]
    axes, _ = wrapping.windings_of(lattice, opened, kind=kind)
    np.testing.assert_array_equal(axes, n_open[:, None] >= first)


@pytest.mark.parametrize("kind", wrapping.KINDS)
def test_means_and_slopes_are_those_of_all_configurations(kind):
    """Every configuration of a small torus; a correct sampler fails for fewer than 1 seed in 10^6."""
    lattice, p, n = lattices.square.torus(3 if kind == "site" else 2), 0.5 + 1 / 16, 40_000
    n_steps = lattice.n_sites if kind == "site" else lattice.n_bonds
    every = np.array(list(product([False, True], repeat=n_steps)))
    axes, rank = wrapping.windings_of(lattice, every, kind=kind)
    n_open = every.sum(axis=1)
    odds = p**n_open * (1 - p) ** (n_steps - n_open)
    f = np.column_stack([axes, rank == 0, rank == 2])
    score = (n_open - n_steps * p) / (p * (1 - p))
    found = wrapping.windings(lattice, p, kind=kind, n_realisations=n, seed=2)
    sampled = np.column_stack([found.axes, found.rank == 0, found.rank == 2])
    assert found.p == p
    assert_means(
        np.column_stack([sampled, found.score, sampled * found.score[:, None]]),
        np.concatenate([odds @ f, [0], (odds * score) @ f]),
    )


def test_empty_and_full_tori():
    assert not wrapping.windings(lattices.cubic.torus(4), 0, n_realisations=3, seed=1).axes.any()
    full = wrapping.windings(
        lattices.cubic.box(4, periodic=(True, False, True)), 1, kind="bond", n_realisations=3, seed=1
    )
    np.testing.assert_array_equal(full.axes, [[True, False, True]] * 3)
    assert (full.rank == 2).all() and (full.n_open == full.n_steps).all()


def test_a_list_of_axes_is_as_good_as_a_tuple():
    one, two = (
        wrapping.windings(lattices.square.box(4, periodic=periodic), 0.6, n_realisations=9, seed=1)
        for periodic in ([True, False], (True, False))
    )
    np.testing.assert_array_equal(one.axes, two.axes)


def test_certain_samples_have_no_score():
    with pytest.raises(ValueError, match="say nothing about other p"):
        _ = wrapping.windings(lattices.square.torus(4), 1e-6, n_realisations=2, seed=1).score


def test_p_is_the_nearest_that_is_drawn():
    found = wrapping.windings(lattices.square.torus(4), 0.3, n_realisations=10, seed=1)
    assert found.p == round(0.3 * 2**16) / 2**16


@pytest.mark.parametrize("level", [0, 1, 2, 38_000, 2**16 - 1, 2**16])
def test_exactly_level_of_all_numbers_open_a_site(level):
    """Each of the 2^16 numbers drawn once: p is level / 2^16 itself, not one part in 65,536 beside it."""

    class EveryNumberOnce:
        def random_raw(self, n):
            return np.arange(4 * n, dtype=np.uint16).view(np.uint64)

    opened = wrapping._opened(EveryNumberOnce(), level, (2**8, 2**8))
    assert opened.shape == (2**8, 2**8)
    assert opened.sum() == level


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"kind": "sites"}, "did you mean 'site'"),
        ({"p": 1.5}, r"p must lie in \[0, 1\], got 1.5"),
        ({"n_realisations": 0}, "n_realisations must be at least 1"),
        ({"seed": -1}, "seed must be at least 0"),
        ({"lattice": lattices.square.box(4)}, "take periodic=True"),
        ({"lattice": lattices.n_cube(4)}, "take periodic=True"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    good = {"lattice": lattices.square.torus(4), "p": 0.5, "n_realisations": 1, "seed": 1}
    with pytest.raises(ValueError, match=message):
        wrapping.windings(**(good | arguments))


@pytest.mark.parametrize("opened", [np.ones((2, 15), dtype=bool), np.ones((2, 16), dtype=int), np.ones(16, dtype=bool)])
def test_samples_of_another_shape_or_type_are_refused(opened):
    with pytest.raises(ValueError, match=r"opened must be bool of shape \(n, 16\)"):
        wrapping.windings_of(lattices.square.torus(4), opened)
