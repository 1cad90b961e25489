"""The benchmark as a whole, and the command, on few images."""

import hashlib
import json
import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
import typer
from torch import nn
from torchvision import datasets
from typer.testing import CliRunner

from empirical import attacks
from empirical.detection import statistics, trials
from empirical.detection.methods import METHODS
from empirical.experiments.detect import cases, measure, recipe
from empirical.experiments.detect.command import detect
from empirical.threads import one_thread
from percolation.intervals import Interval

SMALL = {"images": 60, "searches": 1, "steps": 40, "evasion": 10}


@pytest.fixture
def command():
    """Run `percolation detect ARGUMENTS` in this process."""
    app = typer.Typer()
    app.command()(detect)
    return lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])


@pytest.fixture(scope="module")
def small():
    """The plan in small, its outcome for PGD and the prepared network."""
    plan = measure.Plan(cases.cases(["mnist1d"], **SMALL), ("pgd",), tuple(METHODS))
    with one_thread():
        prepared = cases.prepare(plan.cases[0], seed=1)
        return plan, prepared, measure.attempt(prepared, "pgd", plan, seed=1)


def plan_of(small, *names):
    return replace(small[0], detectors=names or ("curve", "confidence"))


def test_rows_hold_what_scores_say(small):
    plan, prepared, tried = small
    table = measure.table([tried]).set_index("detector")
    assert list(table.index) == list(METHODS) and (table["n"] == len(tried.scores["lid"])).all()
    for name, scores in tried.scores.items():
        assert table.loc[name, "auc"] == statistics.auc(scores)
        assert table.loc[name, "auc_low"] <= table.loc[name, "auc"] <= table.loc[name, "auc_high"]
        assert table.loc[name, "tpr_5"] == (scores.adversarial > scores.thresholds[:, 1]).mean()
    baselines = table[table["baseline"].astype(bool)]
    ours = table[~table["baseline"].astype(bool)]
    assert (ours["best_baseline"] == baselines["auc"].idxmax()).all() and baselines["verdict"].isna().all()
    np.testing.assert_allclose(ours["lead"], ours["auc"] - baselines["auc"].max())


def test_a_baseline_that_wins_is_named():
    won, lost, level = (Interval(*one) for one in ((0.1, 0.05, 0.2), (-0.1, -0.2, -0.01), (0.0, -0.1, 0.1)))
    from empirical.experiments.detect.rows import verdict

    found = [verdict(one, "lid") for one in (won, lost, level)]
    assert found == ["loss curve wins", "LID wins", "level with LID"]


def test_the_same_seed_gives_the_same_bits(small):
    plan, prepared, tried = small
    again = measure.attempt(cases.prepare(plan.cases[0], seed=1), "pgd", plan, seed=1)
    for name, scores in tried.scores.items():
        np.testing.assert_array_equal(scores.adversarial, again.scores[name].adversarial)
    pd.testing.assert_frame_equal(measure.adaptive_table([tried]), measure.adaptive_table([again]))


def test_shuffled_labels_are_not_told_apart_by_any_detector(small):
    """Whole pipeline: natural and adversarial exchanged at random within a source, AUC 1/2 within twice its interval.

    For 12 detectors, 3.9 sigma: less than one seed in a thousand fails by chance.
    """
    plan, prepared, _ = small
    found = measure.attacked(prepared, "pgd", 1)
    x, fooled = prepared.x[found.success], found.points[found.success]
    swap = torch.rand(len(x), generator=torch.Generator().manual_seed(0)) < 0.5
    first, second = (torch.where(swap.view(-1, 1, 1), a, b) for a, b in ((x, fooled), (fooled, x)))
    sources = np.arange(len(x))
    for name, detector in measure.made(prepared, plan, 1).items():
        pair = detector.features(first), detector.features(second)
        scores = trials.run(*pair, sources, trials.folds_of(sources, 0), seed=0)
        interval = statistics.auc_interval(scores, 0)
        assert abs(interval.value - 0.5) < max(interval.high - interval.low, 0.05), name


def test_an_attack_that_changes_nothing_is_not_detected(small):
    plan, prepared, _ = small
    for name, detector in measure.made(prepared, plan, 1).items():
        features = detector.features(prepared.x)
        sources = np.arange(len(features))
        scores = trials.run(features, features, sources, trials.folds_of(sources, 0), seed=0)
        assert statistics.auc(scores) == 0.5, name


def test_the_adaptive_attack_says_what_it_costs(small):
    table = measure.adaptive_table([small[2]])
    assert table["detector"].tolist() == ["curve"] * 2 + ["curve_logits"] * 2 and set(table["budget"]) == {1, 2}
    assert (table["success_after"] >= table["success_before"]).all()
    assert (table["undetected_after"] >= table["undetected_before"] - 0.05).all()
    assert (table["linf_after"] <= table["epsilon"] * (1 + 1e-5)).all()
    assert table["auc_before"].between(0, 1).all() and table["auc_after"].lt(table["auc_before"]).all()


def test_attacks_that_fail_leave_a_row(small):
    case = replace(small[0].cases[0], epsilon=1e-7)
    tried = measure.attempt(cases.prepare(case, seed=1), "fgsm", plan_of(small), seed=1)
    table = measure.table([tried])
    assert table["n"].tolist() == [0, 0] and table["auc"].isna().all() and table["success"].eq(0).all()
    assert table["note"].str.fullmatch(r"0 of \d+ attacks succeeded, a trial needs 20").all()


def test_a_network_that_is_always_wrong_leaves_a_row(small):
    plan, prepared, _ = small
    none = replace(prepared, x=prepared.x[:0], y=prepared.y[:0])
    tried = measure.attempt(none, "pgd", plan_of(small), seed=1)
    assert "takes none of 60 test inputs for what it is" in tried.rows[0]["note"]
    assert tried.rows[0]["n"] == 0 and len(measure.adaptive_table([tried])) == 0


def test_a_network_that_is_always_right(small):
    """Its labels are its own predictions: all are attacked."""
    plan, prepared, _ = small
    assert prepared.tried == 60 and 0 < len(prepared.x) < 60
    right = attacks.predictions(prepared.known.model, prepared.x)
    assert torch.equal(right, prepared.y)


def test_the_command_writes_its_files(command, tmp_path):
    arguments = (
        "--data mnist1d --images 60 --attacks fgsm,deepfool --detectors curve,lid,confidence --seed 1 --workers 1"
    )
    result = command(*arguments.split(), "--out", tmp_path)
    assert result.exit_code == 0, result.output
    table, scores = pd.read_csv(tmp_path / "table.csv"), pd.read_csv(tmp_path / "scores.csv")
    assert len(table) == 6 and set(table["attack"]) == {"fgsm", "deepfool"}
    assert len(scores) == 2 * table["n"].sum()
    roc = pd.read_csv(tmp_path / "roc.csv")
    assert len(roc) == 6 * 102 and roc["true_positive_rate"].between(0, 1).all()
    for name in ("detect.pdf", "detect.png", "run.json", "adaptive.csv"):
        assert (tmp_path / name).stat().st_size > 300
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["versions"]["foolbox"] and record["versions"]["scikit-learn"]
    assert record["seed"] == 1 and record["parameters"]["plan"]["detectors"] == ["curve", "lid", "confidence"]
    assert "mnist1d, deepfool:" in result.output and max(map(len, result.output.splitlines()[:18])) <= 80


def test_the_command_without_any_success(command, tmp_path):
    """A figure and tables with nothing but dashes."""
    arguments = "--data mnist1d --images 30 --attacks fgsm --detectors curve --epsilon 1e-7 --workers 1 --out"
    result = command(*arguments.split(), tmp_path)
    assert result.exit_code == 0, result.output
    assert "no numbers: 0 of" in result.output and (tmp_path / "detect.png").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--attacks pgd,fgms", "unknown attack 'fgms'.*did you mean 'fgsm'"),
        ("--detectors curves", "unknown detector 'curves'.*did you mean 'curve'"),
        ("--data digit", "unknown data set 'digit'.*did you mean 'digits'"),
        ("--data cifar10", "cifar10 is read from a folder of yours, give it with --folder DIR"),
        ("--data digits --folder .", "digits lies in no folder"),
        ("--classifier trees", "unknown classifier 'trees'"),
        ("--references 0", "references must be at least 1"),
        ("--epsilon 0", "epsilon must be a finite number above 0"),
        ("--images 0", "images must be at least 1"),
        ("--attacks ,", "expected names with commas"),
        ("--seed -1", "seed must be at least 0"),
    ],
)
def test_bad_input(arguments, message, command, tmp_path):
    result = command(*arguments.split(), "--out", tmp_path / "out")
    assert isinstance(result.exception, ValueError | OSError)
    with pytest.raises(type(result.exception), match=message):
        raise result.exception


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """CIFAR-10's files with 120 + 60 pictures, each class a colour of its own; their checksums told to torchvision."""
    reader, rng = datasets.CIFAR10, np.random.default_rng(0)
    base = tmp_path / reader.base_folder
    base.mkdir()
    colours = rng.integers(30, 226, (10, 3, 1, 1))

    def file(called, content):
        written = pickle.dumps(content)
        (base / called).write_bytes(written)
        return called, hashlib.md5(written).hexdigest()

    def batch(n):
        labels = np.arange(n) % 10
        pictures = (colours[labels] + rng.normal(0, 12, (n, 3, 32, 32))).clip(0, 255).astype(np.uint8)
        return {"data": pictures.reshape(n, -1), "labels": labels.tolist()}

    names = [f"class {i}" for i in range(10)]
    meta, digest = file(reader.meta["filename"], {reader.meta["key"]: names})
    monkeypatch.setattr(reader, "train_list", [list(file(reader.train_list[0][0], batch(120)))])
    monkeypatch.setattr(reader, "test_list", [list(file(reader.test_list[0][0], batch(60)))])
    monkeypatch.setattr(reader, "meta", reader.meta | {"md5": digest})
    return tmp_path


class Small(nn.Sequential):
    """A little network in VGG's style, for pictures."""

    input_shape = (3, 32, 32)


def small_network(shape, n_classes):
    layers = [nn.Conv2d(3, 8, 3, stride=4), nn.ReLU(), nn.Flatten(), nn.Dropout(0.1), nn.Linear(512, n_classes)]
    return Small(*layers)


def test_cifar_from_a_folder(cifar, command, monkeypatch):
    """Harder's protocol on tiny files in CIFAR's format, with a small network in the place of VGG-16."""
    monkeypatch.setattr("empirical.networks.architectures._imported", lambda name: small_network)
    arguments = "--data cifar10 --network own:network --images 60 --epochs 30 --attacks fgsm --epsilon 0.3 --workers 1"
    out = cifar / "out"
    result = command(*arguments.split(), "--detectors", "curve,layer_mfs,lid", "--folder", cifar, "--out", out)
    assert result.exit_code == 0, result.output or result.exception
    table = pd.read_csv(out / "table.csv")
    assert table["tried"].between(20, 60).all() and table["epsilon"].eq(0.3).all()  # pixels in [0, 1]
    record = json.loads((out / "run.json").read_text())
    assert record["parameters"]["plan"]["cases"][0]["searches"] == 9


@pytest.mark.slow
def test_workers_change_nothing(tmp_path):
    plan = measure.Plan(cases.cases(["mnist1d"], **SMALL), ("fgsm", "pgd"), ("curve", "curve_boosted", "lid"))
    alone, together = (measure.run(plan, seed=1, workers=workers) for workers in (1, 2))
    pd.testing.assert_frame_equal(measure.score_table(alone), measure.score_table(together), check_exact=True)
    pd.testing.assert_frame_equal(measure.adaptive_table(alone), measure.adaptive_table(together), check_exact=True)


@pytest.mark.slow
def test_cifar_with_vgg16(cifar):
    """The recipe itself: one epoch of VGG-16 on the tiny files, the same weights again, and Harder's layers."""
    (case,) = cases.cases(["cifar10"], folder=str(cifar), images=20, epochs=1)
    assert (case.network, case.epsilon, case.searches) == ("vgg16", 0.03, 9)
    prepared = cases.prepare(case, seed=0)
    assert prepared.bounds == (0.0, 1.0) and prepared.known.n_classes == 10
    detector = METHODS["layer_mfs"].make(prepared.known, torch.Generator())
    assert detector.layers == [2, 4, 6, 8, 10, 12]


def test_dropout_does_not_make_weights_random(cifar, monkeypatch, tmp_path):
    monkeypatch.setattr("empirical.networks.architectures._imported", lambda name: small_network)
    (case,) = cases.cases(["cifar10"], folder=str(cifar), network="own:network", epochs=2)
    found, rule = cases.load(case), replace(recipe.CIFAR, epochs=2)
    weights = []
    for run in range(2):
        monkeypatch.setenv("PERCOLATION_CACHE", str(tmp_path / f"cache{run}"))
        torch.manual_seed(run)
        model = recipe.network("own:network", found, seed=0, device=torch.device("cpu"), rule=rule)
        weights.append(next(model.parameters()))
    assert torch.equal(*weights)
