import json
import math
from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
import torch

from empirical.data import offline
from empirical.descent.rows import Descent
from empirical.ends.modes import Modes
from empirical.experiments.training import measure
from empirical.experiments.training.measure import KINDS, Task, log_spaced, trained_checkpoints
from empirical.finder.find import Finder, find_paths
from empirical.losses.objectives import ClassLoss, Field
from empirical.networks import models
from empirical.networks.models import Training

SHALLOW = Finder(level=0.2, descent=Descent(stop=0.1))  # reached soon
SMALL = Task("cnn", "digits", pairs=3, checkpoints=3, training=Training(epochs=9), finder=SHALLOW, iterations=500)


@pytest.fixture(scope="module")
def watched():
    return measure.watch(SMALL, seed=1, workers=1)


@pytest.mark.parametrize(
    ("last", "n", "expected"),
    [
        (60, 8, [0, 1, 2, 4, 8, 15, 30, 60]),
        (60, 2, [0, 60]),
        (9, 3, [0, 1, 9]),
        (3, 9, [0, 1, 2, 3]),
        (1, 5, [0, 1]),
    ],
)
def test_epochs_are_log_spaced(last, n, expected):
    assert log_spaced(last, n) == expected


def test_checkpoints_are_those_of_the_networks_training():
    """The last is `models.trained`, the first what it starts from, bit for bit; looking changes nothing."""
    digits, training = offline.digits(), Training(epochs=3)
    found = list(trained_checkpoints("cnn", digits, training=training, kept_at=[0, 1, 3], seed=4))
    assert [one.epoch for one in found] == [0, 1, 3]
    untrained = models.untrained("cnn", digits.shape, seed=4, initialisation="pytorch")
    trained = models.trained("cnn", digits, seed=4, training=training)
    for checkpoint, model in ((found[0], untrained), (found[-1], trained)):
        for name, value in model.state_dict().items():
            assert torch.equal(checkpoint.weights[name], value)
    assert not torch.equal(found[1].weights["0.weight"], found[2].weights["0.weight"])


def test_rows_of_the_table(watched):
    rows, pairs = measure.table(watched), measure.pair_table(watched)
    assert rows[["epoch", "kind"]].values.tolist() == [[epoch, kind] for epoch in (0, 1, 9) for kind in KINDS]
    assert rows["test_accuracy"].iloc[-1] > 0.9 > 0.3 > rows["test_accuracy"].iloc[0]
    optimal = rows[rows["kind"] == "class-optimal"]
    assert (optimal["pairs"] == 3).all() and (optimal["inputs_tried"] == 10).all()
    natural = rows[rows["kind"] == "natural"].set_index("epoch")
    assert natural.loc[0, "pairs"] == 0 and math.isnan(natural.loc[0, "rounds"]) and natural.loc[9, "pairs"] == 3
    assert (natural["inputs_tried"] == len(offline.digits().x_test)).all()
    for (epoch, kind), part in pairs.groupby(["epoch", "kind"]):
        row = rows[(rows["epoch"] == epoch) & (rows["kind"] == kind)].iloc[0]
        assert row["pairs"] == len(part) and row["barrier"] == pytest.approx(part["barrier"].mean())
        assert row["barrier_error"] == pytest.approx(part["barrier"].sem())
        assert row["connected"] == (part["status"] == "connected").mean()
        assert row["straight"] == ((part["status"] == "connected") & (part["rounds"] == 0)).mean()


def test_inputs_are_low_at_their_checkpoint():
    """And not at another: they are made by descents on the network as it is then."""
    digits = offline.digits()
    first, last = trained_checkpoints("cnn", digits, training=SMALL.training, kept_at=[1, 9], seed=1)
    model = models.untrained("cnn", digits.shape, seed=0)
    model.load_state_dict(last.weights)
    low = measure._low_inputs(SMALL, model, digits, "class-optimal", torch.Generator().manual_seed(0), "cpu")
    assert len(low.points) == low.n_tried == 10
    objective, pairs = ClassLoss(model, low.labels), torch.arange(10)
    assert objective(low.points, pairs).max() <= SHALLOW.descent.stop
    model.load_state_dict(first.weights)
    assert objective(low.points, pairs).max() > SHALLOW.level


def test_what_a_row_says_of_its_connections():
    """Two pairs on a line: one open, one across a wall that nothing can cross."""
    finder = Finder(level=0.5, descent=Descent(stop=0.1, iterations=5), max_rounds=2)
    a, c = torch.tensor([[-1.0], [1.0]]), torch.tensor([[1.0], [2.0]])
    found = list(find_paths(Field(lambda points: (points[:, 0].abs() < 0.3).float() + 0 * points[:, 0]), a, c, finder))
    low = Modes(torch.cat([a, c]), torch.zeros(4, dtype=torch.long), torch.zeros(4), 7)
    row = measure._columns(low, found)
    assert (row["inputs_tried"], row["inputs_low"], row["pairs"]) == (7, 4, 2)
    assert row["connected"] == row["straight"] == 0.5 and row["rounds"] == 0 and math.isnan(row["rounds_error"])
    assert row["barrier"] == row["barrier_error"] == 0.5  # of 1 and 0
    assert row["norm"] == pytest.approx(5 / 4)


def test_the_numbers_do_not_depend_on_the_threads():
    """Nor does the data set, whose mean over two threads has other last bits."""
    task = Task(pairs=1, checkpoints=2, training=Training(epochs=1), finder=SHALLOW, iterations=100)
    tables = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        offline.mnist1d.cache_clear()
        tables.append(measure.table(measure.watch(task, seed=1, workers=1)))
    pd.testing.assert_frame_equal(*tables, check_exact=True)


@pytest.mark.slow
def test_the_numbers_depend_on_task_and_seed_only(watched):
    again = measure.watch(SMALL, seed=1, workers=2)
    pd.testing.assert_frame_equal(measure.table(again), measure.table(watched), check_exact=True)
    other = measure.watch(SMALL, seed=2, workers=1)
    assert not measure.table(other).equals(measure.table(watched))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "cnn2d"}, "unknown network 'cnn2d'"),
        ({"data": "none"}, "unknown data set 'none'"),
        ({"pairs": 0}, "pairs must be at least 1"),
        ({"checkpoints": 1}, "checkpoints must be at least 2"),
    ],
)
def test_bad_tasks(arguments, message):
    with pytest.raises(ValueError, match=message):
        replace(SMALL, **arguments)


def test_a_training_has_an_epoch():
    with pytest.raises(ValueError, match="epochs must be at least 1, got 0"):
        Training(epochs=0)


def test_the_command_writes_table_pairs_record_and_figure(percolation, tmp_path: Path):
    code, output, _ = percolation(
        *"training --network cnn --data digits --pairs 2 --checkpoints 2 --epochs 4 --level 1".split(),
        *"--stop 0.5 --workers 1 --seed 1 --out".split(),
        tmp_path,
    )
    assert code == 0 and max(map(len, output.splitlines()[:8])) <= 80
    table, pairs = pd.read_csv(tmp_path / "table.csv"), pd.read_csv(tmp_path / "pairs.csv")
    assert len(table) == 4 and len(pairs) == table["pairs"].sum()
    run = json.loads((tmp_path / "run.json").read_text())
    assert run["seed"] == 1 and run["parameters"]["epochs"] == [0, 4] and run["parameters"]["pairs"] == 2
    for name in ("training.pdf", "training.png"):
        assert (tmp_path / name).stat().st_size > 5000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--network cnn2d", "unknown network 'cnn2d'"),
        ("--level 1e-4", "the level must lie above the optimiser's stop"),
        ("--epochs 0", "epochs must be at least 1"),
        ("--seed -1", "seed must be at least 0"),
        ("--network cnn --data mnist1d", "cnn takes inputs of shape"),
    ],
)
def test_bad_input_ends_with_one_line(percolation, tmp_path, arguments, message):
    code, output, error = percolation("training", *arguments.split(), "--out", tmp_path)
    assert code == 2 and not output and message in error and len(error.splitlines()) == 1
