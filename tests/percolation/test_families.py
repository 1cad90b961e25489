import pytest

from percolation import families, lattices


@pytest.mark.parametrize(
    ("name", "d", "expected"),
    [
        ("hypercubic", 5, lattices.hypercubic(5, 4)),
        ("kagome", 2, lattices.kagome(4)),
        ("fcc", 3, lattices.fcc(4)),
        ("D", 4, lattices.root_lattice("D", 4, 4)),
        ("E", 6, lattices.root_lattice("E", 6, 4)),
    ],
)
def test_names_lead_to_boxes(name, d, expected):
    assert families.box(name, d)(4) == expected
    assert families.dimension(name) == (d if name in ("kagome", "fcc") else None)


def test_the_infinite_lattice_has_the_same_steps():
    assert families.infinite("hypercubic", 13) == 13
    assert families.infinite("D", 5).steps == lattices.root_lattice("D", 5, 4).steps


@pytest.mark.parametrize(
    ("name", "d", "message"),
    [
        ("kagme", 2, "did you mean 'kagome'"),
        ("fcc", 2, "the fcc lattice has 3 dimensions, got d = 2"),
        ("D", 2, "there is no root lattice D_2"),
        ("hypercubic", 0, "d must be at least 1, got 0"),
    ],
)
def test_bad_input_is_refused_in_our_words(name, d, message):
    with pytest.raises(ValueError, match=message):
        families.box(name, d)
