from pathlib import Path

import pandas as pd
import pytest

from percolation import lattices as boxes
from percolation.checks import KINDS
from percolation.quantities import Threshold
from percolation.theory import bounds, thresholds
from percolation.theory.published import LATTICES, published


def test_triangular_bonds_solve_the_star_triangle_relation():
    """p^3 - 3 p + 1 = 0 at the threshold of the triangular lattice; the honeycomb's is its dual."""
    p = thresholds.threshold("triangular", "bond").value
    assert p**3 - 3 * p + 1 == pytest.approx(0, abs=1e-15)
    assert thresholds.threshold("honeycomb", "bond").value == pytest.approx(1 - p)
    assert thresholds.threshold("kagome", "site").value == thresholds.threshold("honeycomb", "bond").value


@pytest.mark.parametrize(("name", "z"), [("triangular", 6), ("kagome", 4), ("bcc", 8), ("fcc", 12)])
def test_bonds_percolate_before_sites_and_after_the_bethe_lattice(name, z):
    """1 / (z - 1) <= p_c(bond) <= p_c(site)."""
    bond, site = (thresholds.threshold(name, kind).value for kind in ("bond", "site"))
    assert 1 / (z - 1) < bond < site


@pytest.mark.parametrize(
    ("name", "kind"), [("kagome", "bond"), *((name, kind) for name in ("bcc", "fcc") for kind in ("site", "bond"))]
)
def test_bounds_of_the_numerical_ones(name, kind):
    ends, value = thresholds.bounds(name, kind), thresholds.threshold(name, kind).value
    assert ends.low < value < ends.high and "above" in ends.source


def test_bounds_of_the_exact_ones_are_exact():
    ends, value = thresholds.bounds("kagome", "site"), thresholds.threshold("kagome", "site").value
    assert ends.low == ends.high == value


@pytest.mark.parametrize("name", LATTICES)
def test_walk_bounds_hold(name):
    """Neighbours and those in common are counted on a box of the lattice."""
    box = getattr(boxes, name).torus(5)
    around = [set(box.neighbours(site).tolist()) for site in range(box.n_sites)]
    shared = {len(around[i] & around[j]) for i, j in box.bonds().tolist()}
    assert bounds.neighbours(name) == (max(box.lattice.degrees), *shared)
    for kind in ("site", "bond"):
        if value := published(name, kind):
            assert bounds.walk_bound(*bounds.neighbours(name), kind) < value.value


@pytest.mark.parametrize("lattice", [boxes.hypercubic(3), boxes.hypercubic(4), *(boxes.named("D", d) for d in (3, 5))])
def test_neighbours_of_families_are_counted_too(lattice):
    box = lattice.torus(5)
    around = [set(box.neighbours(site).tolist()) for site in range(box.n_sites)]
    shared = {len(around[i] & around[j]) for i, j in box.bonds()[::97].tolist()}
    assert bounds.neighbours(lattice.name, lattice.d) == (lattice.coordination, *shared)


def test_numbers_have_errors_and_sources():
    assert str(thresholds.threshold("fcc", "site")) == "0.1992352(2)"
    assert "Xu" in thresholds.threshold("bcc", "bond").source


REFERENCE = pd.read_csv(Path(__file__).parents[2] / "reference" / "lattices.csv", comment="#")


@pytest.mark.parametrize("row", REFERENCE.to_dict("records"), ids=lambda row: f"{row['lattice']} {row['kind']}")
def test_table_is_the_published_one(row):
    """And the value that it replaced is no more than two of their errors away."""
    found = thresholds.threshold(row["lattice"], row["kind"])
    assert (found.value, found.error) == (row["p_c"], row["error"])
    assert abs(found.z(Threshold(row["older"], row["older_error"], "older"))) < 2


def test_every_number_that_is_no_proof_is_in_a_reference_file_or_said_to_be_from_memory():
    of_lattices = set(zip(REFERENCE["lattice"], REFERENCE["kind"], strict=True))
    for name in LATTICES:
        for kind in KINDS:
            value = published(name, kind)
            assert value is None or value.error == 0 or (name, kind) in of_lattices
    for kind in KINDS:
        assert published("D", kind, 3) == published("fcc", kind)
        assert all("from memory" in published("D", kind, d).source for d in range(4, 14))
        assert all("this package" in published("hypercubic", kind, d).source for d in range(14, 21))
        assert all(d in range(2, 21) for d in range(2, 100) if published("hypercubic", kind, d))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [(("bcd", "site"), "did you mean 'bcc'"), (("Lieb", "site"), "no p_c of Lieb, site is known here; estimate it")],
)
def test_unknown_ones_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        thresholds.threshold(*arguments)
