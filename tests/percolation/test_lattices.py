import itertools
import math
from collections import Counter

import networkx as nx
import numpy as np
import pytest

from percolation import lattices
from percolation._kernels import sweep_lattices as kernels
from percolation.lattices.named import _positive_roots
from percolation.theory import thresholds

SMALL = [
    lattices.hypercubic(1).torus(5),
    lattices.hypercubic(1).box(5),
    lattices.square.torus(2),
    lattices.square.box(2),
    lattices.square.torus(4),
    lattices.cubic.box(3),
    lattices.hypercubic(4).torus(3),
    lattices.hypercubic(5).torus(2),
    lattices.n_cube(1),
    lattices.n_cube(5),
    lattices.square.box(4, periodic=(True, False)),
    lattices.hypercubic(2, shells=4).torus(3),
    lattices.hypercubic(2, shells=3).box(5),
    lattices.hypercubic(3, shells=2).box(4, periodic=(False, True, False)),
    lattices.triangular.torus(2),
    lattices.triangular.box(4),
    lattices.honeycomb.torus(3),
    lattices.honeycomb.box(3, periodic=(False, True)),
    lattices.kagome.torus(2),
    lattices.kagome.box(3),
    lattices.bcc.torus(3),
    lattices.fcc.box(3),
    lattices.Lieb.torus(3),
    lattices.Lieb.box(2),
    lattices.Lieb.box(3, periodic=(True, False)),
    lattices.root_lattice("A", 4).torus(2),
    lattices.root_lattice("D", 4).torus(2),
    lattices.root_lattice("E", 6).torus(2),
    lattices.hamming(1, 2),
    lattices.hamming(3, 4),
    lattices.hamming(2, 5),
]
BOXES = [lattice for lattice in SMALL if isinstance(lattice, lattices.Box)]
COORDINATION = [
    (lattices.square.torus(5), 4),
    (lattices.hypercubic(2, shells=2).torus(5), 8),
    (lattices.hypercubic(2, shells=5).torus(7), 24),
    (lattices.hypercubic(3, shells=3).torus(4), 26),
    (lattices.hypercubic(4, shells=2).torus(4), 32),
    (lattices.hypercubic(1, shells=3).torus(9), 6),
    (lattices.triangular.torus(4), 6),
    (lattices.honeycomb.torus(3), 3),
    (lattices.kagome.torus(3), 4),
    (lattices.bcc.torus(3), 8),
    (lattices.fcc.torus(3), 12),
    (lattices.root_lattice("A", 2).torus(3), 6),
    (lattices.root_lattice("A", 5).torus(3), 30),
    (lattices.root_lattice("D", 3).torus(3), 12),
    (lattices.root_lattice("D", 4).torus(3), 24),
    (lattices.root_lattice("D", 5).torus(3), 40),
    (lattices.root_lattice("E", 6).torus(2), 72),
    (lattices.root_lattice("E", 7).torus(2), 126),
    (lattices.root_lattice("E", 8).torus(2), 240),
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
    assert getattr(lattice, "lattice", lattice).coordination == neighbours
    assert (np.bincount(lattice.bonds().ravel(), minlength=lattice.n_sites) == neighbours).all()


@pytest.mark.parametrize("lattice", [*BOXES, lattices.hamming(3, 4), lattices.root_lattice("E", 8).torus(2)], ids=str)
def test_kernels_see_the_same_neighbours(lattice):
    form = lattice.kernel_form()
    around = np.empty(kernels.coordination(form), dtype=np.int32)
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
    lattice = getattr(lattices, name).box(4)
    vectors, basis = map(np.array, VECTORS[name])
    sites = np.arange(lattice.n_sites)
    positions = lattice.coordinates(sites) @ vectors + basis[sites % lattice.n_basis]
    distance = np.linalg.norm(positions[:, None] - positions, axis=2)
    nearest = np.argwhere(np.triu(distance < distance[distance > 0].min() * 1.001, 1))
    assert sorted(map(tuple, np.sort(lattice.bonds(), axis=1).tolist())) == sorted(map(tuple, nearest.tolist()))


@pytest.mark.parametrize(("family", "d"), [("A", 3), ("A", 4), ("D", 3), ("D", 5), ("E", 6), ("E", 7), ("E", 8)])
def test_roots_have_equal_length_and_are_all(family, d):
    """As E_8's 240 of square 2: no other integer combination of simple roots with small coefficients is as short."""
    roots = np.array(_positive_roots(family, d))
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


@pytest.mark.parametrize("lattice", BOXES, ids=str)
@pytest.mark.parametrize("axis", [0, -1])
def test_windings_close_the_displacements(lattice, axis):
    """Coordinates plus displacement are those of the other end plus L for each time round."""
    displacements = np.repeat(
        lattice.lattice.displacements,
        [int(np.prod(lattice._starts(displacement))) for *_, displacement in lattice.lattice.bonds],
        axis=0,
    )
    lower, upper = lattice.coordinates(lattice.bonds().astype(np.int64)).swapaxes(0, 1)
    windings = lattice.windings(tuple(np.eye(lattice.d, dtype=int)[axis].tolist()))
    np.testing.assert_array_equal((lower + displacements)[:, axis], upper[:, axis] + lattice.L * windings)
    assert lattice.is_periodic[axis] or (windings == 0).all()


def test_faces_are_those_of_the_open_axes():
    faces = lattices.square.box(3, periodic=(False, True)).faces(((1, 2), (4, 8)))
    assert faces.tolist() == [1, 1, 1, 0, 0, 0, 2, 2, 2]
    assert lattices.kagome.box(2).faces(((1, 2), (4, 8))).tolist() == [5] * 3 + [9] * 3 + [6] * 3 + [10] * 3


def test_hamming_graph_is_the_product_of_complete_graphs():
    twin = nx.cartesian_product(nx.complete_graph(4), nx.complete_graph(4))
    assert nx.utils.graphs_equal(nx.Graph(networkx_of(lattices.hamming(2, 4))), _numbered(twin, 4))


@pytest.mark.parametrize("n", [1, 2, 5])
def test_words_of_two_letters_are_the_n_cube(n):
    word, cube = networkx_of(lattices.hamming(n, 2)), networkx_of(lattices.n_cube(n))
    assert nx.utils.graphs_equal(nx.Graph(word), nx.Graph(cube))


@pytest.mark.parametrize("d", range(1, 7))
def test_a_ball_has_all_sites_within_its_radius(d):
    radius = {1: 5, 2: 3.7, 3: 2.9, 4: 2}.get(d, math.sqrt(3))
    around = np.array(lattices.hypercubic(d, radius=radius).displacements)
    reach = range(-math.ceil(radius), math.ceil(radius) + 1)
    all_in = {x for x in itertools.product(reach, repeat=d) if 0 < math.hypot(*x) <= radius + 1e-9}
    assert {tuple(x) for x in around.tolist()} | {tuple(x) for x in (-around).tolist()} == all_in


def test_balls_are_whole_shells():
    assert lattices.hypercubic(3, radius=1.4) == lattices.hypercubic(3)
    assert lattices.hypercubic(3, radius=math.sqrt(2)) == lattices.hypercubic(3, shells=2)
    assert lattices.hypercubic(2, radius=4) == lattices.hypercubic(2, shells=9)


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
    assert nx.utils.graphs_equal(nx.Graph(networkx_of(lattices.cubic.torus(4))), _numbered(twin, 4))


def test_box_is_the_grid():
    twin = nx.grid_graph([3, 3], periodic=False)
    assert nx.utils.graphs_equal(nx.Graph(networkx_of(lattices.square.box(3))), _numbered(twin, 3))


def test_n_cube_is_the_open_box_of_side_two():
    cube, box = networkx_of(lattices.n_cube(6)), networkx_of(lattices.hypercubic(6).box(2))
    assert nx.utils.graphs_equal(nx.Graph(cube), nx.Graph(box))


def test_torus_of_side_two_has_parallel_bonds():
    """Both ways along an axis lead to the same neighbour: twice a neighbour, two bonds."""
    torus = lattices.square.torus(2)
    assert torus.n_bonds == 8
    assert sorted(torus.neighbours(0).tolist()) == [1, 1, 2, 2]
    assert Counter(tuple(sorted(bond)) for bond in torus.bonds().tolist()) == Counter(
        {(0, 1): 2, (2, 3): 2, (0, 2): 2, (1, 3): 2}
    )


def test_sites_are_numbered_as_numpy_ravels():
    box = lattices.hypercubic(3).box(5)
    field = np.arange(125).reshape(5, 5, 5)
    assert field[tuple(box.coordinates(87))] == 87
    assert box.site([3, 2, 2]) == 87
    np.testing.assert_array_equal(box.site(box.coordinates(np.arange(125))), np.arange(125))


def test_torus_takes_coordinates_modulo_its_side():
    assert lattices.square.torus(5).site([-1, 5]) == 20


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
        lattices.hypercubic(arguments[0]).torus(arguments[1])


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: lattices.square.box(4, periodic=(True,)), "one for each of 2 axes"),
        (lambda: lattices.hypercubic(2, shells=0).torus(4), "shells must be at least 1"),
        (lambda: lattices.hypercubic(2, radius=0.9), "at least 1, the spacing of the lattice, got 0.9"),
        (lambda: lattices.hypercubic(2, radius=math.nan), "radius must be a finite number"),
        (lambda: lattices.hypercubic(2, 2, radius=2), "or the radius of a ball, not both; got 2 and 2"),
        (lambda: lattices.hypercubic(6, radius=20), "take radius <= 4.8"),
        (lambda: lattices.hypercubic(2, shells=3).torus(2), "back to its own site; take L > 2"),
        (lambda: lattices.root_lattice("F", 4).torus(3), "unknown family of root lattices 'F'"),
        (lambda: lattices.root_lattice("E", 5).torus(3), "E for 6, 7 and 8"),
        (lambda: lattices.root_lattice("E", 8).torus(15), "reduce L to at most 14"),
        (lambda: lattices.kagome.torus(30_000), "reduce L to at most 26754"),
        (lambda: lattices.hamming(0, 3), "d must be at least 1"),
        (lambda: lattices.hamming(2, 1), "q must be at least 2"),
        (lambda: lattices.hamming(20, 3), "reduce d or q"),
        (lambda: lattices.cayley_tree(1, 3), "z must be at least 2"),
        (lambda: lattices.square.box(4).site([0, 4]), "along an open axis"),
    ],
)
def test_impossible_lattices_are_refused(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize(("n", "message"), [(0, "n must be at least 1"), (31, "reduce n to at most 30")])
def test_impossible_cubes_are_refused(n, message):
    with pytest.raises(ValueError, match=message):
        lattices.n_cube(n)


def test_sites_of_different_degrees():
    assert lattices.Lieb.degrees == (4, 2, 2)
    with pytest.raises(ValueError, match=r"sites of Lieb have \(4, 2, 2\) neighbours, not one number"):
        _ = lattices.Lieb.coordination


def test_a_lattice_of_your_own():
    """Z^2 by its bonds is Z^2; d and the sites of a cell follow from the bonds."""
    own = lattices.Lattice("own", [(0, 0, [1, 0]), (0, 0, np.array([0, 1]))])
    assert own.bonds == lattices.square.bonds and own.is_hypercubic
    ladder = lattices.Lattice("ladder", [(0, 1, (0,)), (0, 0, (1,)), (1, 1, (1,))])
    assert (ladder.d, ladder.n_basis, ladder.coordination) == (1, 2, 3)
    assert nx.is_isomorphic(nx.Graph(networkx_of(ladder.box(5))), nx.ladder_graph(5))


@pytest.mark.parametrize(
    ("bonds", "message"),
    [
        ((), "a lattice needs bonds between sites"),
        (((0, 0, ()),), "in one dimension d >= 1"),
        (((0, 0, (1,)), (0, 0, (1, 0))), "in one dimension d >= 1"),
        (((0, -1, (1,)),), "between sites 0, 1, ..."),
        (((0, 0, (0, 0)),), "bonds to other sites"),
        (((0, 0, (1, 0)), (0, 0, (-1, 0))), "each listed once and one way"),
        (((0, 2, (1,)),), "no bond leads to site 1 of a cell of 3"),
        (((0, 0, (0.5,)),), "displacement. in integers"),
        ((1, 2), "displacement. in integers"),
    ],
)
def test_bonds_that_make_no_lattice_are_refused(bonds, message):
    with pytest.raises(ValueError, match=message):
        lattices.Lattice("none", bonds)


@pytest.mark.parametrize("name", lattices.NAMES)
def test_names_are_those_of_the_theory(name):
    """Each either has a published p_c there or a line that says that none is known."""
    assert name in thresholds.NAMES
    d = lattices.dimension(name) or 6
    lattice = lattices.named(name, d)
    assert lattice.d == d and lattice.name == name
    for kind in ("site", "bond"):
        if name in ("A", "E") or (name, kind) == ("Lieb", "site"):
            with pytest.raises(ValueError, match="is known here; estimate it"):
                thresholds.threshold(lattice.name, kind, lattice.d)
        else:
            assert 0 < thresholds.threshold(lattice.name, kind, lattice.d).value < 1


@pytest.mark.parametrize(
    ("name", "d", "message"),
    [
        ("kagme", 2, "did you mean 'kagome'"),
        ("fcc", 2, "the fcc lattice has 3 dimensions, got d = 2"),
        ("D", 2, "there is no root lattice D_2"),
        ("hypercubic", 0, "d must be at least 1, got 0"),
        ("A", None, "A is a family, a lattice of each dimension d; say which"),
    ],
)
def test_names_that_lead_nowhere_are_refused(name, d, message):
    with pytest.raises(ValueError, match=message):
        lattices.named(name, d)


@pytest.mark.parametrize("site", [-1, 16, 0.5])
@pytest.mark.parametrize("lattice", [lattices.square.torus(4), lattices.n_cube(4)], ids=str)
def test_sites_outside_the_lattice_are_refused(lattice, site):
    with pytest.raises(ValueError, match=r"0 \.\.\. 15"):
        lattice.neighbours(site)


def networkx_of(graph) -> nx.MultiGraph:
    twin = nx.MultiGraph()
    twin.add_nodes_from(range(graph.n_sites))
    twin.add_edges_from(graph.bonds().tolist())
    return twin


def _numbered(grid: nx.Graph, L: int) -> nx.Graph:
    """networkx's grid with the sites numbered as here, in the order of their numbers."""
    number = {x: int(np.ravel_multi_index(x, (L,) * len(x))) for x in grid}
    twin = nx.Graph()
    twin.add_nodes_from(range(len(grid)))
    twin.add_edges_from((number[x], number[y]) for x, y in grid.edges)
    return twin
