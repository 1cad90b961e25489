import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from empirical.data import offline
from empirical.experiments.weights import command, measure
from empirical.experiments.weights.measure import PATHS, Task
from empirical.networks import models
from empirical.networks.models import Training
from percolation import seeds

SMALL = Task(pairs=1, training=Training(epochs=30), bend=Training(epochs=20), level=0.1, points=17, side=13)


@pytest.fixture(scope="module")
def connected():
    return measure.connect(SMALL, seed=2, workers=1)


def test_rows_of_the_table(connected):
    """Measured: 0.95 nats on the straight line, 0.06 on the curves, 0.066 on the finder's path, 0.007 at the ends."""
    rows = measure.table(connected).set_index("path")
    assert tuple(rows.index) == PATHS
    assert rows["loss_a"].nunique() == rows["loss_c"].nunique() == 1  # the same two networks
    assert rows.loc["line", "barrier"] > 0.5 and not rows.loc["line", "connected"]
    bent = rows.drop("line")
    assert (bent["barrier"] < rows.loc["line", "barrier"] / 5).all() and bent["connected"].all()
    assert (bent["train_error"] < rows.loc["line", "train_error"]).all()
    assert rows.loc["finder", "status"] == "connected" and rows.loc["finder", "rounds"] >= 1
    assert rows.loc["line", "length_over_distance"] == pytest.approx(1)
    assert (bent["length_over_distance"] > 1.005).all()
    np.testing.assert_allclose(rows["gap"], rows["barrier"] - rows[["loss_a", "loss_c"]].max(axis=1))


def test_profiles_begin_and_end_at_the_networks(connected):
    """Train and test error there are those of the networks that `models.trained` makes of the seeds."""
    digits = offline.digits()
    for end, number in ((0, 0), (-1, 1)):
        model = models.trained("cnn", digits, seed=seeds.integer(seeds.child(2, number)), training=SMALL.training)
        for _, profile in connected.profiles.groupby("path"):
            at_end = profile.sort_values("share").iloc[end]
            assert at_end["share"] == -end
            error = 1 - models.accuracy(model, digits.x_test, digits.y_test)
            assert at_end["test_error"] == pytest.approx(error, abs=1e-6)
            error = 1 - models.accuracy(model, digits.x_train, digits.y_train)
            assert at_end["train_error"] == pytest.approx(error, abs=1e-6)


def test_the_plane_holds_both_networks_and_the_bend(connected):
    plane, rows = connected.plane, measure.table(connected)
    assert plane.loss.shape == (len(plane.y), len(plane.x))
    assert plane.x[0] < 0 < 1 < plane.x[-1] and plane.y[0] < 0 < plane.bend[1] < plane.y[-1]
    # on the axis through both networks the map is the profile of the straight line
    row = plane.loss[np.abs(plane.y).argmin()]
    middle = row[np.abs(plane.x - 0.5).argmin()]
    assert middle > 0.3 * rows["barrier"].max()
    near_bend = plane.loss[np.abs(plane.y - plane.bend[1]).argmin(), np.abs(plane.x - plane.bend[0]).argmin()]
    assert near_bend < middle / 5


def test_the_usual_level_is_three_times_the_largest_loss_of_a_network():
    assert measure._level(replace(SMALL, level=None), 0.003) == pytest.approx(0.009)
    assert measure._level(replace(SMALL, level=None), 1e-9) == 1e-3
    with pytest.raises(ValueError, match="level must lie above the training loss of every network, got 0.1"):
        measure._level(SMALL, 0.2)


@pytest.mark.slow
def test_the_numbers_do_not_depend_on_the_workers(connected):
    two = measure.connect(SMALL, seed=2, workers=2)
    pd.testing.assert_frame_equal(measure.table(two), measure.table(connected), check_exact=True)
    pd.testing.assert_frame_equal(two.profiles, connected.profiles, check_exact=True)


@pytest.mark.slow
def test_a_bend_removes_the_barrier():
    """Measured over three pairs, in nats: line 0.96(10), chain 0.0022, Bezier 0.0013, finder 0.0039, level 0.0041."""
    found = measure.connect(Task(), seed=0, workers=1)
    rows = measure.summary(measure.table(found)).set_index("path")
    assert rows.loc["line", "barrier"] > 0.3
    assert rows.loc[["chain", "bezier"], "barrier"].max() < rows.loc["line", "barrier"] / 100
    assert rows.loc["finder", "connected"] == 1 and rows.loc["finder", "barrier"] <= found.level
    assert (rows["test_error"] - rows["test_error_ends"])[1:].max() < 0.01


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "cnnn"}, "unknown network 'cnnn'"),
        ({"data": "none"}, "unknown data set 'none'"),
        ({"pairs": 0}, "pairs must be at least 1"),
        ({"level": 0.0}, "level must be a finite number above 0"),
        ({"max_rounds": -1}, "max_rounds must be at least 0"),
        ({"points": 1}, "points must be at least 3"),
    ],
)
def test_bad_tasks(arguments, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **arguments)


def test_a_network_that_does_not_take_the_data_is_refused_before_training():
    with pytest.raises(ValueError, match="cnn1d takes inputs of shape"):
        measure.connect(replace(SMALL, network="cnn1d"), workers=1)


def test_files_and_table_of_the_command(tmp_path: Path, capsys):
    quick = replace(SMALL, level=1.0, bend=Training(epochs=1), points=5, side=5)
    command.run(quick, 2, 1, "cpu", tmp_path)
    output = capsys.readouterr().out.splitlines()
    assert max(map(len, output[:7])) <= 80 and "Bezier" in "".join(output)
    assert len(pd.read_csv(tmp_path / "table.csv")) == len(PATHS)
    assert set(pd.read_csv(tmp_path / "profiles.csv")["path"]) == set(PATHS)
    with np.load(tmp_path / "plane.npz", allow_pickle=False) as plane:
        assert plane["loss"].shape == (len(plane["y"]), len(plane["x"])) and plane["bend"].shape == (2,)
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["seed"] == 2 and run["parameters"]["level"] == 1.0 and run["parameters"]["finder"]["max_rounds"] == 6
    for name in ("parameters.pdf", "parameters.png"):
        assert (tmp_path / name).stat().st_size > 5000
