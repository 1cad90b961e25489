import networkx as nx
import numpy as np
import pytest

from percolation import lattices, scaling, seeds
from percolation.scaling import critical_boxes
from percolation.theory import thresholds


@pytest.mark.parametrize(("d", "L", "periodic"), [(2, 8, False), (2, 8, True), (3, 4, False), (4, 3, True)])
def test_a_configuration_has_the_clusters_of_its_graph(d, L, periodic):
    """Largest, spanning and sum s^2 by networkx, of the sites whose uniforms are below p."""
    box, p = lattices.hypercubic(d).box(L, periodic), 0.45
    found = scaling.critical_clusters(box, p, n_realisations=5, seed=3, progress=False)
    step = critical_boxes.REACH * box.n_sites ** (-1 / 3)
    for row, child in enumerate(seeds.sequence(3).spawn(5)):
        uniforms = seeds.generator(child).random(box.n_sites, dtype=np.float32)
        for column, near in enumerate((p, p * (1 - step), p * (1 + step))):
            graph = nx.Graph(box.bonds().tolist())
            parts = list(nx.connected_components(graph.subgraph(np.flatnonzero(uniforms < near).tolist())))
            assert found.squares[row, column] == sum(len(part) ** 2 for part in parts)
            if column == 0:
                x = [{int(box.coordinates(site)[0]) for site in part} for part in parts]
                assert found.largest[row] == max(map(len, parts))
                assert found.spanning[row] == (0 if periodic else sum({0, L - 1} <= one for one in x))
    if not periodic and d == 2:
        assert found.spanning.sum() > 0


def test_exponents_above_six_dimensions():
    """Torus 14/3 and -7/3, box 4 and 1: within four errors, which tell 14/3 from 4."""
    lattice, p_c = lattices.hypercubic(7), thresholds.hypercubic(7).value
    found = {
        periodic: scaling.boundary_exponents(
            [
                scaling.critical_clusters(lattice.box(L, periodic), p_c, n_realisations=150, seed=L, progress=False)
                for L in (3, 4, 5)
            ]
        )
        for periodic in (True, False)
    }
    torus, box = found[True], found[False]
    assert abs(torus.largest.value - 14 / 3) < 4 * torus.largest.error and torus.spanning is None
    assert abs(torus.window.value + 7 / 3) < 4 * torus.window.error
    assert abs(box.largest.value - 4) < 4 * box.largest.error
    assert abs(box.spanning.value - 1) < 4 * box.spanning.error
    assert torus.largest.value > box.largest.value + 0.3


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: scaling.critical_clusters(lattices.n_cube(4), 0.1, n_realisations=4, seed=1), "got NCube"),
        (lambda: scaling.critical_clusters(lattices.square.box(4), 0.8, n_realisations=4, seed=1), "got 0.8"),
        (lambda: scaling.critical_clusters(lattices.square.box(4), 0.4, n_realisations=1, seed=1), "at least 2"),
        (lambda: scaling.boundary_exponents([]), r"got sides \(\)"),
    ],
)
def test_bad_arguments_are_refused(call, message):
    with pytest.raises(ValueError, match=message):
        call()
