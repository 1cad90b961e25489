import pytest

from percolation.theory import thresholds
from percolation.theory.formulas import STANDINGS
from percolation.theory.known import NAMES, known

SIZES = {"hypercubic": 13, "n-cube": 20, "bethe": 3}


@pytest.mark.parametrize("lattice", NAMES)
def test_every_statement_has_value_source_and_standing(lattice):
    statements = known(lattice, SIZES.get(lattice))
    assert statements
    for one in statements:
        assert one.kind in thresholds.KINDS and one.standing in STANDINGS and one.value.source
        assert 0 < one.value.value <= 1 and one.value.error >= 0


def test_statements_about_z13():
    by = {(one.kind, one.what): one for one in known("hypercubic", 13)}
    assert by["site", "best known"].value == thresholds.published(13)
    assert by["site", "best known"].standing == "numerical"
    assert by["bond", "at least"].value.value == 1 / 25
    for kind in thresholds.KINDS:
        low, high = by[kind, "at least"].value.value, by[kind, "at most"].value.value
        assert low <= by[kind, "series in 1/(2d-1)"].value.value <= high


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hypercube", 3), "did you mean 'hypercubic'"),
        (("hypercubic",), "hypercubic needs a size"),
        (("kagome", 2), "leave --dim out"),
        (("bethe", 1), "z must be at least 2"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        known(*arguments)
