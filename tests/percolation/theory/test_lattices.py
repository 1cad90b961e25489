import pytest

from percolation import lattices as boxes
from percolation.theory import lattices
from percolation.theory.thresholds import walk_bound


def test_triangular_bonds_solve_the_star_triangle_relation():
    """p^3 - 3 p + 1 = 0 at the threshold of the triangular lattice; the honeycomb's is its dual."""
    p = lattices.threshold("triangular", "bond").value
    assert p**3 - 3 * p + 1 == pytest.approx(0, abs=1e-15)
    assert lattices.threshold("honeycomb", "bond").value == pytest.approx(1 - p)
    assert lattices.threshold("kagome", "site").value == lattices.threshold("honeycomb", "bond").value


@pytest.mark.parametrize(("name", "z"), [("triangular", 6), ("kagome", 4), ("bcc", 8), ("fcc", 12)])
def test_bonds_percolate_before_sites_and_after_the_bethe_lattice(name, z):
    """1 / (z - 1) <= p_c(bond) <= p_c(site)."""
    bond, site = (lattices.threshold(name, kind).value for kind in ("bond", "site"))
    assert 1 / (z - 1) < bond < site


@pytest.mark.parametrize(
    ("name", "kind"), [("kagome", "bond"), *((name, kind) for name in ("bcc", "fcc") for kind in ("site", "bond"))]
)
def test_bounds_of_the_numerical_ones(name, kind):
    bounds, value = lattices.bounds(name, kind), lattices.threshold(name, kind).value
    assert bounds.low < value < bounds.high and "above" in bounds.source


def test_bounds_of_the_exact_ones_are_exact():
    bounds, value = lattices.bounds("kagome", "site"), lattices.threshold("kagome", "site").value
    assert bounds.low == bounds.high == value


@pytest.mark.parametrize("name", lattices.LATTICES)
def test_walk_bounds_hold(name):
    """Neighbours and those in common are counted on a box of the lattice."""
    box = getattr(boxes, name).torus(5)
    around = [set(box.neighbours(site).tolist()) for site in range(box.n_sites)]
    shared = {len(around[i] & around[j]) for i, j in box.bonds().tolist()}
    assert lattices._NEIGHBOURS[name] == (max(box.lattice.degrees), *shared)
    for kind in ("site", "bond"):
        if (name, kind) in lattices._THRESHOLDS:
            assert walk_bound(*lattices._NEIGHBOURS[name], kind) < lattices.threshold(name, kind).value


def test_numbers_have_errors_and_sources():
    assert str(lattices.threshold("fcc", "site")) == "0.1992365(10)"
    assert "Lorenz" in lattices.threshold("bcc", "bond").source


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("bcd", "site"), "did you mean 'bcc'"), (("Lieb", "site"), "no p_c of Lieb, site is known here; estimate it")],
)
def test_unknown_ones_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        lattices.threshold(*arguments)
