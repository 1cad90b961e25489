from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from percolation import dimension_scan, scaling
from percolation.theory import formulas
from percolation.theory.published import published

BEYOND = Path(__file__).parents[2] / "papers" / "dimension_scaling" / "thresholds_13_to_20.csv"


def test_leath_rows_stand_beside_the_reference():
    scan = dimension_scan.scan([9, 13], method="leath", runs=32, seed=1, workers=1)
    table = scan.table()
    assert list(table.columns) == list(dimension_scan.COLUMNS)
    assert table.method.str.startswith("Leath").all()
    assert (table.z.abs() < 4.5).all()  # a new seed fails in fewer than 1 of 10^4
    assert (table.error < 2e-4 * table.estimate).all()
    assert all(isinstance(one, scaling.LeathThreshold) for one in scan.simulated)


def test_auto_takes_the_most_precise_method_that_the_runs_allow(quarter_runs):
    few, many = (dimension_scan.scan([2, 8], method="auto", runs=n, n_sites=512, seed=1) for n in (8, 32))
    assert {type(one) for one in few.simulated} == {scaling.InvasionThreshold}
    assert [type(one) for one in many.simulated] == [
        scaling.WrappingThreshold,
        scaling.LeathThreshold,
    ]


@pytest.mark.parametrize(
    ("lattice", "d"),
    [
        ("triangular", 2),
        ("fcc", 3),
        pytest.param("D", 4, marks=pytest.mark.slow),
        pytest.param("D", 8, marks=pytest.mark.slow),
    ],
)
def test_other_lattices_stand_beside_their_references(lattice, d, quarter_runs):
    """Within 4.5 errors: a new seed fails in fewer than 1 of 10^4."""
    scan = dimension_scan.scan([d], lattice=lattice, method="auto", runs=32, n_sites=2**14, seed=1)
    assert abs(scan.z[0]) < 4.5 and scan.simulated[0].error < 0.02 * scan.simulated[0].value
    assert scan.references[0].source != "none" and scan.series == ()


def test_the_first_of_the_A_lattices_have_other_names():
    for d, name in ((2, "triangular"), (3, "fcc")):
        assert dimension_scan.reference("A", d, "site") == dimension_scan.reference(name, d, "site")


def test_where_nothing_is_known_there_is_no_reference():
    scan = dimension_scan.scan([6], lattice="E", runs=8, n_sites=512, seed=1)
    assert scan.references[0].source == "none" and np.isnan(scan.z[0])


def test_a_row_does_not_depend_on_the_others():
    alone, beside = (dimension_scan.scan(ds, runs=8, n_sites=512, seed=2, workers=1) for ds in ([3], [2, 3]))
    assert alone.simulated[0] == beside.simulated[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "leaf"}, "did you mean 'leath'"),
        ({"method": "leath", "dimensions": [2]}, "tell p_c from d = 3 on, got d = 2"),
        (
            {"method": "wrapping", "dimensions": [3, 5]},
            "wrapping is for d = 2 to 4, where tori of several sizes fit, got d = 5",
        ),
        ({"lattice": "kagome"}, "the kagome lattice has 2 dimensions, got d = 3"),
        (
            {"lattice": "n-cube", "method": "leath", "dimensions": [8]},
            "an infinite lattice, such as .*, got NCube",
        ),
        ({"method": "leath", "p": 0.5}, "p must lie near p_c, 0.31160768.15., got 0.5"),
        ({"method": "leath", "p": float("nan")}, "p must be a finite number above 0"),
        ({"method": "leath", "p": "best"}, "p must be a number, got 'best'"),
        ({"lattice": "A", "dimensions": [5], "method": "leath", "p": 2.0}, "between 0 and 1, got 2"),
        ({"lattice": "fcc", "method": "leath", "p": "series"}, "p = series is for Z.d, got the lattice fcc"),
        ({"method": "invasion", "n_clusters": 5}, "invasion, .* in d = 3, has no n_clusters; .* has it: leath"),
        ({"method": "leath", "n_generations": 4}, "n_generations must be at least 16, got 4"),
        ({"relative": True}, "give a precision, or leave it out"),
        ({"precision": -1.0}, "precision must be a finite number above 0"),
        ({"dimensions": []}, "no dimension given"),
        ({"dimensions": [8, -1]}, "d must be at least 1, got -1"),
        ({"dimensions": [4.0]}, "d must be an integer, got 4.0"),
        ({"dimensions": [13, 2], "method": "leath", "time": 600}, "tell p_c from d = 3 on, got d = 2"),
        ({"seed": 2**70}, "seed must be below 2.63"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        dimension_scan.scan(**{"dimensions": [3], "n_sites": 512, "seed": 1, **arguments})


def test_the_command_of_the_thresholds_beyond_13_has_their_p_and_seeds():
    for row in pd.read_csv(BEYOND, comment="#").itertuples():
        plan = dimension_scan.Plan([row.d], row.kind, method="leath", p="series", n_clusters=row.clusters_a_run)
        assert plan.options(row.d) == {"p": row.p, "n_clusters": 5000}
        assert plan.seed_of(row.d, 0) == row.seed
        if row.d > 13:
            kept = published("hypercubic", row.kind, row.d)
            assert kept.value == pytest.approx(row.p_c, abs=6e-11) and kept.error == row.error


def assert_made_again(row, **how):
    """The same number as the row of a table, to what another processor's least squares may change."""
    (found,) = dimension_scan.scan([int(row.d)], row.kind, seed=0, **how).simulated
    assert found.value == pytest.approx(row.p_c, abs=0.01 * row.error)
    assert found.error == pytest.approx(row.error, rel=0.02)


@pytest.mark.slow
def test_a_threshold_beyond_13_again():
    """The cheapest, six core-minutes."""
    row = pd.read_csv(BEYOND, comment="#").iloc[-1]
    how = dict(method="leath", p="series", n_clusters=5000, n_generations=64, runs=int(row.runs))
    assert_made_again(row, **how)


def test_the_table_of_root_lattices_stands_beside_the_reference():
    """Within 3 errors of both; a value off by as much is the fault of one of them."""
    rows = pd.read_csv(BEYOND.with_name("root_lattices_d_5_to_10.csv"), comment="#")
    assert [*zip(rows.kind, rows.d, strict=True)] == [(kind, d) for kind in ("site", "bond") for d in range(5, 11)]
    for row in rows.itertuples():
        kept = published("D", row.kind, row.d)
        assert (row.reference, row.reference_error) == (kept.value, kept.error)
        assert abs(row.p_c - kept.value) < 3 * np.hypot(row.error, kept.error)


@pytest.mark.slow
def test_a_threshold_of_the_root_lattices_again():
    row = pd.read_csv(BEYOND.with_name("root_lattices_d_5_to_10.csv"), comment="#").iloc[-1]
    assert_made_again(row, lattice="D", method="leath", runs=int(row.runs))


def test_a_relative_precision_of_windows_and_clusters():
    for how in ({"lattice": "n-cube", "dimensions": [8]}, {"dimensions": [14], "p": "series", "n_clusters": 20}):
        (found,) = dimension_scan.scan(kind="bond", precision=5e-3, relative=True, seed=1, **how).simulated
        assert 0 < found.error <= 5e-3 * found.value < 1e-3


def test_wide_neighbourhoods_stand_beside_theirs():
    """Sites of two shells in d = 3, 4 within 4 errors; bonds have no reference."""
    scan = dimension_scan.scan([3, 4], shells=2, method="invasion", runs=16, n_sites=2**12, seed=1)
    assert set(scan.table()["lattice"]) == {"hypercubic, 2 shells"} and scan.series == ()
    assert np.all(abs(scan.z) < 4) and np.all(scan.table()["error"] < 0.02 * scan.table()["estimate"])
    assert dimension_scan.reference("hypercubic", 3, "bond", 2).source == "none"


@pytest.mark.parametrize("kind", ["site", "bond"])
def test_thresholds_of_the_n_cube_again(kind):
    """The shipped row of the least cube, made anew; and all rows near the series of the n-cube beside them."""
    rows = pd.read_csv(BEYOND.with_name("n_cube_10_to_24.csv"), comment="#")
    rows = rows[rows.kind == kind]
    assert rows.n.tolist() == list(range(10, 25))
    (found,) = dimension_scan.scan([10], kind, lattice="n-cube", runs=200, seed=0).simulated
    assert found.value == pytest.approx(rows.p_c.iloc[0], rel=1e-5) and found.error == pytest.approx(
        rows.error.iloc[0], 1e-3
    )
    for row in rows.itertuples():
        assert row.series == pytest.approx(formulas.n_cube(row.n, kind).threshold().value, rel=1e-6)
        assert abs(row.p_c - row.series) < 3 * row.window + 3 * row.error
