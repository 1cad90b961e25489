import pytest

from percolation import dimension_scan, scaling


def test_leath_rows_stand_beside_the_reference():
    scan = dimension_scan.scan([9, 13], method="leath", n_runs=32, seed=1, workers=1)
    table = scan.table()
    assert list(table.columns) == list(dimension_scan.COLUMNS)
    assert table.method.str.startswith("Leath").all()
    assert (table.z.abs() < 4.5).all()  # a new seed fails in fewer than 1 of 10^4
    assert (table.error < 2e-4 * table.estimate).all()
    assert all(isinstance(one, scaling.LeathThreshold) for one in scan.simulated)


def test_a_row_does_not_depend_on_the_others():
    alone, beside = (dimension_scan.scan(ds, n_runs=8, n_sites=512, seed=2, workers=1) for ds in ([3], [2, 3]))
    assert alone.estimates[0] == beside.estimates[1]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"method": "leaf"}, "did you mean 'leath'"),
        ({"method": "leath"}, "mean-field from d = 6 on, got d = 3"),
        ({"dimensions": []}, "no dimension given"),
        ({"dimensions": [8, -1]}, "d must be at least 1, got -1"),
        ({"dimensions": [4.0]}, "d must be an integer, got 4.0"),
        ({"dimensions": [13, 2], "method": "leath", "seconds": 600}, "mean-field from d = 6 on, got d = 2"),
        ({"seed": 2**70}, "seed must be below 2.63"),
    ],
)
def test_bad_input_is_refused_in_our_words(arguments, message):
    with pytest.raises(ValueError, match=message):
        dimension_scan.scan(**{"dimensions": [3], "n_sites": 512, **arguments})
