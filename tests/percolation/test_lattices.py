from collections import Counter

import networkx as nx
import numpy as np
import pytest

from percolation import lattices

SMALL = [
    lattices.hypercubic(1, 5),
    lattices.hypercubic(1, 5, periodic=False),
    lattices.square(2),
    lattices.square(2, periodic=False),
    lattices.square(4),
    lattices.cubic(3, periodic=False),
    lattices.hypercubic(4, 3),
    lattices.hypercubic(5, 2),
    lattices.n_cube(1),
    lattices.n_cube(5),
]


@pytest.mark.parametrize("lattice", SMALL, ids=str)
def test_bonds_and_neighbours_tell_the_same_graph(lattice):
    bonds = lattice.bonds()
    assert bonds.shape == (lattice.n_bonds, 2) and bonds.dtype == np.int32
    of_bonds = Counter(map(tuple, np.concatenate([bonds, bonds[:, ::-1]]).tolist()))
    of_neighbours = Counter((i, int(j)) for i in range(lattice.n_sites) for j in lattice.neighbours(i))
    assert of_bonds == of_neighbours


def test_torus_is_the_product_of_cycles():
    twin = nx.grid_graph([4, 4, 4], periodic=True)
    assert nx.utils.graphs_equal(nx.Graph(lattices.cubic(4).to_networkx()), _numbered(twin, 4))


def test_box_is_the_grid():
    twin = nx.grid_graph([3, 3], periodic=False)
    assert nx.utils.graphs_equal(nx.Graph(lattices.square(3, periodic=False).to_networkx()), _numbered(twin, 3))


def test_n_cube_is_the_open_box_of_side_two():
    cube, box = lattices.n_cube(6).to_networkx(), lattices.hypercubic(6, 2, periodic=False).to_networkx()
    assert nx.utils.graphs_equal(nx.Graph(cube), nx.Graph(box))


def test_torus_of_side_two_has_parallel_bonds():
    """Both ways along an axis lead to the same neighbour: twice a neighbour, two bonds."""
    torus = lattices.square(2)
    assert torus.n_bonds == 8
    assert sorted(torus.neighbours(0).tolist()) == [1, 1, 2, 2]
    assert Counter(tuple(sorted(bond)) for bond in torus.bonds().tolist()) == Counter(
        {(0, 1): 2, (2, 3): 2, (0, 2): 2, (1, 3): 2}
    )


def test_sites_are_numbered_as_numpy_ravels():
    box = lattices.hypercubic(3, 5, periodic=False)
    field = np.arange(125).reshape(5, 5, 5)
    assert field[tuple(box.coordinates(87))] == 87
    assert box.site([3, 2, 2]) == 87
    np.testing.assert_array_equal(box.site(box.coordinates(np.arange(125))), np.arange(125))


def test_torus_takes_coordinates_modulo_its_side():
    assert lattices.square(5).site([-1, 5]) == 20


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 4), "d must be at least 1"),
        ((2, 0), "L must be at least 1"),
        ((2, 1), "L >= 2, or leave the axis out"),
        ((2.0, 4), "d must be an integer"),
        ((3, 2000), "reduce L to at most 1290"),
        ((40, 2), "reduce d to at most 30"),
        ((400, 1000), "reduce d"),
    ],
)
def test_impossible_boxes_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        lattices.hypercubic(*arguments)


@pytest.mark.parametrize(("n", "message"), [(0, "n must be at least 1"), (31, "reduce n to at most 30")])
def test_impossible_cubes_are_refused(n, message):
    with pytest.raises(ValueError, match=message):
        lattices.n_cube(n)


@pytest.mark.parametrize("site", [-1, 16, 0.5])
@pytest.mark.parametrize("lattice", [lattices.square(4), lattices.n_cube(4)], ids=str)
def test_sites_outside_the_lattice_are_refused(lattice, site):
    with pytest.raises(ValueError, match=r"0 \.\.\. 15"):
        lattice.neighbours(site)


def _numbered(grid: nx.Graph, L: int) -> nx.Graph:
    """networkx's grid with the sites numbered as here, in the order of their numbers."""
    number = {x: int(np.ravel_multi_index(x, (L,) * len(x))) for x in grid}
    twin = nx.Graph()
    twin.add_nodes_from(range(len(grid)))
    twin.add_edges_from((number[x], number[y]) for x, y in grid.edges)
    return twin
