import pytest

from percolation.theory import lattices


def test_triangular_bonds_solve_the_star_triangle_relation():
    """p^3 - 3 p + 1 = 0 at the threshold of the triangular lattice; the honeycomb's is its dual."""
    p = lattices.threshold("triangular", "bond").value
    assert p**3 - 3 * p + 1 == pytest.approx(0, abs=1e-15)
    assert lattices.threshold("honeycomb", "bond").value == pytest.approx(1 - p)
    assert lattices.threshold("kagome", "site").value == lattices.threshold("honeycomb", "bond").value


@pytest.mark.parametrize(("name", "z"), [("triangular", 6), ("bcc", 8), ("fcc", 12)])
def test_bonds_percolate_before_sites_and_after_the_bethe_lattice(name, z):
    """1 / (z - 1) <= p_c(bond) <= p_c(site)."""
    bond, site = (lattices.threshold(name, kind).value for kind in ("bond", "site"))
    assert 1 / (z - 1) < bond < site


def test_numbers_have_errors_and_sources():
    assert str(lattices.threshold("fcc", "site")) == "0.1992365(10)"
    assert "Lorenz" in lattices.threshold("bcc", "bond").source


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("bcd", "site"), "did you mean 'bcc'"), (("kagome", "bond"), "unknown kind of threshold")],
)
def test_unknown_ones_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        lattices.threshold(*arguments)
