import pytest

from percolation.checks import KINDS
from percolation.theory import thresholds
from percolation.theory.formulas import STANDINGS
from percolation.theory.known import NAMES, known

SIZES = {"hypercubic": (13,), "n-cube": (20,), "bethe": (3,), "hamming": (3, 20), "D": (5,), "gaussian": (5,)}
EVERY_KIND = (*KINDS, "level", "class")


@pytest.mark.parametrize("lattice", NAMES)
def test_every_statement_has_value_source_and_standing(lattice):
    statements = known(lattice, *SIZES.get(lattice, ()))
    assert statements
    for one in statements:
        assert one.kind in EVERY_KIND and one.standing in STANDINGS and one.value.source
        assert 0 < one.value.value <= 1 and one.value.error >= 0


def test_statements_about_z13():
    by = {(one.kind, one.what): one for one in known("hypercubic", 13)}
    assert by["site", "best known"].value == thresholds.hypercubic(13)
    assert by["site", "best known"].standing == "numerical"
    assert by["bond", "at least"].value.value == 1 / 25
    for kind in KINDS:
        low, high = by[kind, "at least"].value.value, by[kind, "at most"].value.value
        assert low <= by[kind, "series in 1/(2d-1)"].value.value <= high


@pytest.mark.parametrize("lattice", NAMES)
def test_values_lie_within_the_bounds_beside_them(lattice):
    """All but the trivial ones of exact thresholds have bounds; kinds without a value have them alone."""
    statements = known(lattice, *SIZES.get(lattice, ()))
    for kind in KINDS:
        of_kind = [one for one in statements if one.kind == kind]
        low = [one.value.value for one in of_kind if one.what == "at least"]
        high = [one.value.value for one in of_kind if one.what == "at most"]
        assert len(low) == len(high) <= 1
        for one in of_kind:
            if low:
                assert low[0] <= one.value.value <= high[0]
            else:
                assert one.value.error == 0


@pytest.mark.parametrize(
    ("lattice", "size"),
    [("hypercubic", 2), ("hypercubic", 30), ("n-cube", 2), ("n-cube", 10_000), ("bethe", 2), ("D", 3), ("D", 40)],
)
def test_small_and_large_sizes(lattice, size):
    assert len({(one.kind, one.what) for one in known(lattice, size)}) == len(known(lattice, size))


def test_statements_about_smooth_fields():
    level, simulated, of_class = known("gaussian", 5)
    assert simulated.what.endswith("u = 2.76(9)") and simulated.standing == "numerical"
    assert level.what == "1 - Phi(u), u = 2.33441 the largest zero of H_4" and level.standing == "estimate"
    assert level.value.value == pytest.approx(0.009787, rel=1e-4)
    assert of_class.value.value == pytest.approx(1 / 173.19, rel=1e-4)
    assert [one.kind for one in known("gaussian", 30)] == ["level"]
    assert [one.standing for one in known("hypercubic", 3) if "binom" in one.what] == ["estimate"]


def test_beyond_the_published_values_the_series_goes_on():
    by = {(one.kind, one.what): one for one in known("hypercubic", 17)}
    for kind in KINDS:
        continued = by[kind, "series, next terms fitted"].value
        assert abs(continued.z(by[kind, "best known"].value)) < 3 and continued.error < 5e-9
    assert not [one for one in known("hypercubic", 13) if "fitted" in one.what]


def test_statements_about_h_3_20():
    by = {(one.kind, one.what): one for one in known("hamming", 3, q=20)}
    (formula,) = (one for one in by.values() if one.what.startswith("1/m"))
    assert formula.kind == "bond" and formula.value == thresholds.threshold("hamming", "bond", 3, 20)
    assert ("site", "at least") in by


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("hypercube", 3), "did you mean 'hypercubic'"),
        (("hypercubic",), "hypercubic needs a size"),
        (("kagome", 2), "leave --dim out"),
        (("bethe", 1), "z must be at least 2"),
        (("hamming", 3), "hamming needs the number of letters q of H.*give --q"),
        (("hamming", None, 3), "hamming needs a size"),
        (("hamming", 1, 3), "d must be at least 2"),
        (("bethe", 3, 3), "got q=3 for bethe; leave --q out"),
        (("D", 2), "d must be at least 3"),
        (("E", 8), "unknown lattice 'E'"),
    ],
)
def test_bad_input(arguments, message):
    with pytest.raises(ValueError, match=message):
        known(*arguments)
