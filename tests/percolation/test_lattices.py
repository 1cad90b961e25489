from collections import Counter

import networkx as nx
import numpy as np
import pytest

from percolation import lattices
from percolation._kernels import sweep as kernels

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
    lattices.square(4, periodic=(True, False)),
    lattices.square(3, shells=4),
    lattices.square(5, periodic=False, shells=3),
    lattices.cubic(4, periodic=(False, True, False), shells=2),
    lattices.triangular(2),
    lattices.triangular(4, periodic=False),
    lattices.honeycomb(3),
    lattices.honeycomb(3, periodic=(False, True)),
    lattices.kagome(2),
    lattices.kagome(3, periodic=False),
    lattices.bcc(3),
    lattices.fcc(3, periodic=False),
    lattices.root_lattice("A", 4, 2),
    lattices.root_lattice("D", 4, 2),
    lattices.root_lattice("E", 6, 2),
    lattices.hamming(1, 2),
    lattices.hamming(3, 4),
    lattices.hamming(2, 5),
]
CRYSTALS = [lattice for lattice in SMALL if isinstance(lattice, lattices.Crystal)]
COORDINATION = [
    (lattices.square(5), 4),
    (lattices.square(5, shells=2), 8),
    (lattices.square(7, shells=5), 24),
    (lattices.cubic(4, shells=3), 26),
    (lattices.hypercubic(4, 4, shells=2), 32),
    (lattices.hypercubic(1, 9, shells=3), 6),
    (lattices.triangular(4), 6),
    (lattices.honeycomb(3), 3),
    (lattices.kagome(3), 4),
    (lattices.bcc(3), 8),
    (lattices.fcc(3), 12),
    (lattices.root_lattice("A", 2, 3), 6),
    (lattices.root_lattice("A", 5, 3), 30),
    (lattices.root_lattice("D", 3, 3), 12),
    (lattices.root_lattice("D", 4, 3), 24),
    (lattices.root_lattice("D", 5, 3), 40),
    (lattices.root_lattice("E", 6, 2), 72),
    (lattices.root_lattice("E", 7, 2), 126),
    (lattices.root_lattice("E", 8, 2), 240),
    (lattices.hamming(3, 4), 9),
    (lattices.n_cube(6), 6),
]


@pytest.mark.parametrize("lattice", SMALL, ids=str)
def test_bonds_and_neighbours_tell_the_same_graph(lattice):
    bonds = lattice.bonds()
    assert bonds.shape == (lattice.n_bonds, 2) and bonds.dtype == np.int32
    of_bonds = Counter(map(tuple, np.concatenate([bonds, bonds[:, ::-1]]).tolist()))
    of_neighbours = Counter((i, int(j)) for i in range(lattice.n_sites) for j in lattice.neighbours(i))
    assert of_bonds == of_neighbours


@pytest.mark.parametrize(("lattice", "neighbours"), COORDINATION, ids=lambda value: str(value))
def test_every_site_of_a_torus_has_the_known_number_of_neighbours(lattice, neighbours):
    assert lattice.coordination == neighbours
    assert (np.bincount(lattice.bonds().ravel(), minlength=lattice.n_sites) == neighbours).all()


@pytest.mark.parametrize("lattice", [*CRYSTALS, lattices.hamming(3, 4), lattices.root_lattice("E", 8, 2)], ids=str)
def test_kernels_see_the_same_neighbours(lattice):
    form, degree = lattice.kernel_form(), lattice.coordination
    around = np.empty(degree, dtype=np.int32)
    for site in range(min(lattice.n_sites, 100)):
        kernels.fill_neighbours(form, np.uint64(site), around, np.uint64(0))
        assert sorted(around[around < lattice.n_sites]) == sorted(lattice.neighbours(site))


# Euclidean positions: primitive vectors and basis; the bonds must be all pairs at the shortest distance
VECTORS = {
    "triangular": ([[1, 0], [0.5, 0.75**0.5]], [[0, 0]]),
    "honeycomb": ([[1.5, 0.75**0.5], [1.5, -(0.75**0.5)]], [[0, 0], [1, 0]]),
    "kagome": ([[2, 0], [1, 3**0.5]], [[0, 0], [1, 0], [0.5, 0.75**0.5]]),
    "bcc": ([[-0.5, 0.5, 0.5], [0.5, -0.5, 0.5], [0.5, 0.5, -0.5]], [[0, 0, 0]]),
}


@pytest.mark.parametrize("name", VECTORS)
def test_bonds_are_the_nearest_neighbours_in_space(name):
    lattice = getattr(lattices, name)(4, periodic=False)
    vectors, basis = map(np.array, VECTORS[name])
    sites = np.arange(lattice.n_sites)
    positions = lattice.coordinates(sites) @ vectors + basis[sites % lattice.n_basis]
    distance = np.linalg.norm(positions[:, None] - positions, axis=2)
    nearest = np.argwhere(np.triu(distance < distance[distance > 0].min() * 1.001, 1))
    assert sorted(map(tuple, np.sort(lattice.bonds(), axis=1).tolist())) == sorted(map(tuple, nearest.tolist()))


@pytest.mark.parametrize(("family", "d"), [("A", 3), ("A", 4), ("D", 3), ("D", 5), ("E", 6), ("E", 7), ("E", 8)])
def test_roots_have_equal_length_and_are_all(family, d):
    """As E_8's 240 of square 2: no other integer combination of simple roots with small coefficients is as short."""
    roots = np.array(lattices._positive_roots(family, d))
    simple = np.linalg.cholesky(_cartan(roots, d))
    assert np.allclose(((roots @ simple) ** 2).sum(axis=1), 2)
    small = np.array(np.meshgrid(*[np.arange(-1, 2)] * d)).reshape(d, -1).T
    short = small[np.isclose(((small @ simple) ** 2).sum(axis=1), 2)]
    assert {tuple(x) for x in short.tolist()} <= {tuple(x) for x in np.concatenate([roots, -roots]).tolist()}


def _cartan(roots: np.ndarray, d: int) -> np.ndarray:
    """Inner products of simple roots: -1 where their sum is a root."""
    found = {tuple(root) for root in roots.tolist()}
    one = np.eye(d, dtype=int)
    return np.array(
        [[2 if i == j else -int(tuple((one[i] + one[j]).tolist()) in found) for j in range(d)] for i in range(d)]
    )


@pytest.mark.parametrize("lattice", CRYSTALS, ids=str)
@pytest.mark.parametrize("axis", [0, -1])
def test_windings_close_the_displacements(lattice, axis):
    """Coordinates plus displacement are those of the other end plus L for each time round."""
    displacements = np.repeat(
        [step[2] for step in lattice.steps], [int(np.prod(lattice._starts(step[2]))) for step in lattice.steps], axis=0
    )
    lower, upper = lattice.coordinates(lattice.bonds().astype(np.int64)).swapaxes(0, 1)
    windings = lattice.windings(tuple(np.eye(lattice.d, dtype=int)[axis].tolist()))
    np.testing.assert_array_equal((lower + displacements)[:, axis], upper[:, axis] + lattice.L * windings)
    assert lattice.is_periodic[axis] or (windings == 0).all()


def test_faces_are_those_of_the_open_axes():
    faces = lattices.square(3, periodic=(False, True)).faces(((1, 2), (4, 8)))
    assert faces.tolist() == [1, 1, 1, 0, 0, 0, 2, 2, 2]
    assert lattices.kagome(2, periodic=False).faces(((1, 2), (4, 8))).tolist() == [5] * 3 + [9] * 3 + [6] * 3 + [10] * 3


def test_hamming_graph_is_the_product_of_complete_graphs():
    twin = nx.cartesian_product(nx.complete_graph(4), nx.complete_graph(4))
    assert nx.utils.graphs_equal(nx.Graph(lattices.hamming(2, 4).to_networkx()), _numbered(twin, 4))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_words_of_two_letters_are_the_n_cube(n):
    word, cube = lattices.hamming(n, 2).to_networkx(), lattices.n_cube(n).to_networkx()
    assert nx.utils.graphs_equal(nx.Graph(word), nx.Graph(cube))


@pytest.mark.parametrize(("z", "generations"), [(2, 3), (3, 0), (3, 4), (5, 2)])
def test_cayley_tree(z, generations):
    tree = lattices.cayley_tree(z, generations)
    twin = nx.Graph(tree.bonds().tolist())
    twin.add_node(0)
    assert nx.is_tree(twin) and len(twin) == tree.n_sites
    assert nx.single_source_shortest_path_length(twin, 0) == {
        site: distance for site, distance in enumerate(sorted(nx.single_source_shortest_path_length(twin, 0).values()))
    }
    inner = [degree for _, degree in twin.degree if degree != 1]
    assert generations == 0 or (set(inner) == {z} and nx.eccentricity(twin, 0) == generations)


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


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lattices.square(4, periodic=(True,)), "one for each of 2 axes"),
        (lambda: lattices.square(4, shells=0), "shells must be at least 1"),
        (lambda: lattices.square(2, shells=3), "back to its own site; take L > 2"),
        (lambda: lattices.root_lattice("F", 4, 3), "unknown family of root lattices 'F'"),
        (lambda: lattices.root_lattice("E", 5, 3), "E for 6, 7 and 8"),
        (lambda: lattices.root_lattice("E", 8, 15), "reduce L to at most 14"),
        (lambda: lattices.kagome(30_000), "reduce L to at most 26754"),
        (lambda: lattices.hamming(0, 3), "d must be at least 1"),
        (lambda: lattices.hamming(2, 1), "q must be at least 2"),
        (lambda: lattices.hamming(20, 3), "reduce d or q"),
        (lambda: lattices.cayley_tree(1, 3), "z must be at least 2"),
        (lambda: lattices.square(4, periodic=False).site([0, 4]), "along an open axis"),
    ],
)
def test_impossible_lattices_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


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
