import numpy as np
import pytest

from percolation import graphs, lattices, plotting, scaling
from percolation.scaling.methods import METHODS, chosen
from percolation.theory import thresholds


@pytest.mark.parametrize(
    ("lattice", "kind", "method", "options"),
    [
        (lattices.triangular, "site", "auto", {"runs": 32}),
        (lattices.Lieb, "bond", "auto", {"runs": 32}),
        (lattices.square, "bond", "crossing", {"runs": 300, "sizes": (8, 16, 32)}),
        (lattices.square, "bond", "crossing", {"runs": 300, "sizes": (8, 16, 32), "periodic": False}),
        (lattices.hypercubic(6), "bond", "auto", {"time": 1.0}),
        (lattices.hypercubic(6), "site", "invasion", {"precision": 2e-3, "n_sites": 2**12}),
    ],
    ids=lambda one: getattr(one, "name", None) or str(one)[:30],
)
def test_one_call_estimates_what_is_published(lattice, kind, method, options, quarter_runs):
    """Within 4.5 errors: a new seed fails in fewer than 1 of 10^3."""
    found = scaling.threshold(lattice, kind, method, seed=1, workers=2, progress=False, **options)
    known = thresholds.threshold(lattice.name, kind, lattice.d)
    assert abs(found.z(known)) < 4.5 and found.error < 0.05 * found.value
    assert found.error <= options.get("precision", 1)
    assert found.method.split(",")[0] in plotting.METHODS  # else the figure of `percolation threshold` leaves it out


@pytest.mark.slow
@pytest.mark.parametrize(("d", "kind"), [(15, "bond"), (19, "site")])
def test_two_methods_agree_where_nothing_is_published(d, kind):
    """Invasion and Leath's clusters, with each other and with our own value: a new seed fails in fewer than 1 of 10^3.

    A bias of 2 10^-4 of p_c would be seen, in either: they share the keys of the lattice and nothing else.
    """
    lattice, how = lattices.hypercubic(d), {"seed": 2, "workers": 2, "progress": False}
    invasion = scaling.threshold(lattice, kind, "invasion", runs=32, n_sites=2**16, **how)
    leath = scaling.threshold(lattice, kind, "leath", runs=128, **how)
    known = thresholds.hypercubic(d, kind)
    assert max(abs(invasion.z(leath)), abs(invasion.z(known)), abs(leath.z(known))) < 3.9
    assert invasion.error < 5e-5 * known.value and leath.error < invasion.error


def test_it_is_the_estimate_of_the_method():
    cube = lattices.n_cube(8)
    found = scaling.threshold(cube, "bond", runs=40, seed=np.random.SeedSequence(3), progress=False)
    assert found == scaling.threshold(cube, "bond", "window", runs=40, seed=3, progress=False)
    assert found.method.split(",")[0] in plotting.METHODS and len(plotting.METHODS) == len(METHODS)


def test_a_seed_sequence_is_its_number_however_often_it_was_spawned():
    seed = np.random.SeedSequence(5)
    seed.spawn(3)
    one, two = (
        scaling.threshold(lattices.square, method="invasion", n_sites=512, runs=8, seed=s, progress=False)
        for s in (5, seed)
    )
    np.testing.assert_array_equal(one.n_revealed, two.n_revealed)


def test_a_window_within_a_time():
    found = scaling.threshold(lattices.n_cube(6), "bond", "window", time=0.5, seed=1, progress=False)
    again = scaling.threshold(lattices.n_cube(6), "bond", "window", runs=found.n_runs, seed=1, progress=False)
    assert found.n_runs >= 20 and found == again


UNEVEN = lattices.Lattice("chains", [(0, 1, (0,) * 5), *((1, 1, tuple(row)) for row in np.eye(5, dtype=int))])


@pytest.mark.parametrize(
    ("lattice", "runs", "expected"),
    [
        (lattices.hypercubic(1), None, "invasion"),
        (lattices.kagome, None, "wrapping"),
        (lattices.fcc, 31, "invasion"),
        (lattices.hypercubic(4), None, "leath"),
        (UNEVEN, None, "invasion"),
        (lattices.hamming(2, 8), None, "window"),
        (lattices.square.torus(8), None, "window"),
        (graphs.from_edges([[0, 1]], 2), None, "window"),
    ],
    ids=str,
)
def test_the_method_suits_the_lattice(lattice, runs, expected):
    assert chosen(lattice, "site", runs=runs if expected == "invasion" else None) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "leaf"}, "did you mean 'leath'"),
        ({"method": "leath"}, "tell p_c from d = 3 on, got d = 2"),
        ({"method": "leath", "lattice": UNEVEN}, r"sites of one number of neighbours, got \(1, 11\)"),
        ({"method": "wrapping", "lattice": lattices.n_cube(4)}, "an infinite lattice, such as .*, got NCube"),
        ({"method": "crossing", "lattice": lattices.hypercubic(7)}, "do not fit into d = 7; use invasion"),
        ({"method": "window"}, "a lattice's torus, graphs.from_networkx., got Lattice"),
        ({"lattice": 3}, "lattices.hypercubic.d., got int"),
        ({"runs": 64, "time": 3}, "a number of runs, or a time or a precision that sets it: not both"),
        ({"runs": 31, "method": "wrapping"}, "runs must be at least 32, got 31"),
        ({"time": 0}, "time must be a finite number above 0"),
        ({"kind": "bonds"}, "did you mean 'bond'"),
        ({"seed": "seven"}, "seed must be an integer, got 'seven'"),
    ],
)
def test_bad_input_is_refused_in_one_line(arguments, message):
    with pytest.raises(ValueError, match=message):
        scaling.threshold(**{"lattice": lattices.square, "seed": 1, "progress": False, **arguments})


def test_every_method_is_called_alike():
    import inspect

    shared = {
        tuple(
            (name, one.kind, one.default)
            for name, one in list(inspect.signature(method.simulate).parameters.items())[1:4]
        )
        for method in METHODS.values()
    }
    assert len(shared) == 1
