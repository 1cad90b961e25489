"""`percolation connect` as a user meets it, and each network of the article connected."""

import json

import pandas as pd
import pytest
import torch

from empirical.data import pictures
from empirical.descent.rows import Descent
from empirical.ends.pairs import draw
from empirical.ends.space import Space
from empirical.ends.subject import Subject, build
from empirical.ends.wanted import NoPairs
from empirical.experiments.connect.measure import measure_subject
from empirical.finder import connections
from empirical.finder.find import Finder
from empirical.losses.objectives import ClassLoss, losses
from empirical.networks import models
from empirical.networks.architectures import ARCHITECTURES

# pixels a side: the smallest that each takes, but for EfficientNet-Lite0, whose 64 take a tenth of a second a step
ARTICLE = {"resnet18": 32, "resnet50": 32, "googlenet": 32, "vgg16": 32, "vit_b_16": 32, "efficientnet_lite0": 64}


def drawn_pairs(subject, seed, stop, generator):
    """Pairs of a network by its name."""
    return draw(*build(subject, seed=seed), subject.wanted, stop=stop, generator=generator)


def _slow_but(quick):
    """The networks of the article, all but one for `make test-slow`: vgg16 alone takes half a minute."""
    return [pytest.param(*one, marks=[] if one[0] == quick else pytest.mark.slow, id=one[0]) for one in ARTICLE.items()]


@pytest.mark.parametrize(("network", "side"), _slow_but("resnet18"))
def test_every_network_of_the_article_is_connected(network, side):
    """Random weights, class-optimal inputs, at a level and with points that take seconds."""
    rule = Descent(lr=ARCHITECTURES[network].finder_step or 0.05, log=True, stop=0.1)
    finder = Finder(level=0.2, coarse=8, dense=16, recheck=32, descent=rule)
    subject = Subject(network, "none", "untrained", "class-optimal", 1, 3 * side**2)
    found = measure_subject(subject, seed=1, finder=finder, theory=False)
    assert [pair["status"] for pair in found.pairs] == ["connected"]
    assert max(pair["loss_a"] for pair in found.pairs) <= 0.1 * (1 + 1e-3)
    assert found.row["verdict"] == "not asked" and found.row["dimension"] == 3 * side**2
    assert found.example[-1][1].max() <= 0.2 * 1.05  # of 400 points where the finder looked at 32


@pytest.mark.slow
@pytest.mark.parametrize("network", ARTICLE)
def test_every_network_of_the_article_by_one_command(percolation, tmp_path, network):
    arguments = (
        f"connect --network {network} --data none --training untrained --pair class-optimal --pairs 2 --no-theory"
    )
    code, output, error = percolation(*arguments.split(), "--seed", 1, "--out", tmp_path)
    assert (code, error) == (0, "")
    assert pd.read_csv(tmp_path / "table.csv")["connected"].tolist() == [1.0]
    assert len(pd.read_csv(tmp_path / "pairs.csv")) == 2


@pytest.mark.slow
def test_natural_pictures_of_a_network_trained_on_imagenet(percolation, tmp_path):
    """EfficientNet-Lite0: views of one picture, connected by one bend or none."""
    arguments = "connect --network efficientnet_lite0 --weights imagenet --data pictures --pairs 2 --seed 1"
    code, _, error = percolation(*arguments.split(), "--out", tmp_path)
    assert (code, error) == (0, "")
    table = pd.read_csv(tmp_path / "table.csv").iloc[0]
    assert table["connected"] == 1 and table["rounds"] <= 2 and table["classes"] == 1000
    assert table["dimension"] == 3 * 224**2
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["points"]["ends_lowered"] >= 4 and record["points"]["largest_change"] < 0.1


def test_files_of_a_run(percolation, tmp_path):
    arguments = (
        "connect --network mlp --data none --training untrained --pair class-optimal --dim 30 --pairs 3 --seed 2"
    )
    code, output, error = percolation(*arguments.split(), "--out", tmp_path)
    assert (code, error) == (0, "") and "verdict" in output
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pairs.csv", "run.json", "table.csv"]
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["parameters"]["network"] == "mlp" and record["parameters"]["theory"] is True
    assert record["parameters"]["finder"]["descent"]["lr"] == 0.05
    assert not pd.read_csv(tmp_path / "table.csv")["occupation"].isna().any()


def test_weights_of_ones_own_on_the_shipped_pictures(percolation, tmp_path):
    """A state dict by file, its normalisation by hand, views of 16 pixels a side whose ends are lowered."""
    model = models.untrained("cnn", (3, 16, 16), 4, seed=3)
    torch.save(model.state_dict(), tmp_path / "cnn.pt")
    arguments = ["connect", "--network", "cnn", "--weights", tmp_path / "cnn.pt", "--data", "pictures", "--pairs", 2]
    arguments += ["--dim", 3 * 16 * 16, "--mean", "0.5,0.5,0.5", "--std", "0.25,0.25,0.25", "--no-theory"]
    code, _, error = percolation(*arguments, "--out", tmp_path / "out")
    assert (code, error) == (0, "")
    table = pd.read_csv(tmp_path / "out" / "table.csv").iloc[0]
    assert table["classes"] == 4 and table["training"] == "trained"
    assert table["pairs"] in (1, 2)  # one of the ends may stall, which hangs on the rounding of torch's convolutions


def test_a_subject_keeps_its_seeds(generator):
    """What was added later is no part of the key while it is not used."""
    old = Subject("cnn1d", "mnist1d", "trained", "natural-natural", 12)
    names = ["network", "data", "training", "pair", "pairs", "dimension", "classes"]
    assert list(old.key()) == names
    assert list(Subject("mlp", "none", "untrained", "class-optimal", 2, label=1).key()) == [*names, "label"]


@pytest.mark.parametrize(("kind", "n"), [("interpolated", 3), ("diverse", 6)])
def test_more_kinds_of_pairs(generator, kind, n):
    """Six are asked for; of the fixed network 7 of 48 mixtures are low, which make three pairs."""
    drawn = drawn_pairs(Subject("cnn1d", "mnist1d", "trained", kind, 6), 1, 5e-4, generator)
    assert len(drawn.a) == n
    for ends in (drawn.a, drawn.c):
        assert losses(ClassLoss(drawn.model, drawn.labels), ends).max() <= 5e-4 * (1 + 1e-3)
    assert (drawn.a - drawn.c).flatten(1).norm(dim=1).min() > 0.1
    assert "mixtures_low" in drawn.counts if kind == "interpolated" else drawn.counts["points_chosen"] >= 12


def test_pictures_stay_pictures(generator):
    """Ends that are lowered stay in [0, 1], near to the views they were, and so do adversarial partners."""
    for kind in ("natural-natural", "natural-adversarial"):
        subject = Subject("cnn", "pictures", "untrained", kind, 2, 768, classes=4, lower_ends=True)
        drawn = drawn_pairs(subject, 3, 5e-4, generator)
        assert drawn.space.bounds == (0, 1) and drawn.space.unit == pytest.approx(0.226, abs=0.001)
        both = torch.cat([drawn.a, drawn.c])
        assert both.min() >= 0 and both.max() <= 1
        assert losses(ClassLoss(drawn.model, drawn.labels.repeat(2)), both).max() <= 5e-4 * (1 + 1e-3)


def test_only_one_class(generator):
    subject = Subject("mlp", "none", "untrained", "class-optimal", 2, 20, label=7)
    assert drawn_pairs(subject, 1, 5e-4, generator).labels.tolist() == [7, 7]


def test_the_steps_of_a_rule_are_scaled_to_the_space():
    """With x = u y a step, a penalty of x and one of y are the same move: lr u, deviation / u^2, variation / u."""
    scaled = Space((4,), 0.25, (0, 1)).rule(Descent(lr=0.04, deviation=0.1, total_variation=1e-3))
    assert (scaled.lr, scaled.deviation, scaled.total_variation) == pytest.approx((0.01, 1.6, 4e-3))
    assert scaled.bounds == (0, 1)
    assert Space((4,)).rule(Descent()) == Descent()


def test_without_lowering_no_natural_picture_is_low_enough(generator):
    subject = Subject("cnn", "pictures", "untrained", "natural-natural", 2, 768, classes=4)
    pictures._read.cache_clear()
    with pytest.raises(NoPairs, match="or --lower-ends"):
        drawn_pairs(subject, 3, 1e-9, generator)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("--network resnet50 --data none --pair class-optimal", "without data there are only untrained networks"),
        ("--weights imagenet --training untrained", "a network with weights is a trained one"),
        ("--weights imagenet", "there are ImageNet weights of resnet18"),
        ("--weights nowhere.pt", "there is no file of weights nowhere.pt"),
        ("--network cnn --data pictures", "no network is trained on pictures here; give --weights imagenet"),
        ("--network cnn --data cifar10", "cifar10 is read from a folder of yours, give it with --folder DIR"),
        ("--network cnn --data cifar10 --folder nowhere", "there is no folder nowhere"),
        ("--data none --folder . --training untrained --pair class-optimal", "leave --folder out"),
        ("--network mlp --data none --training untrained --pair class-optimal --class 10", "class must lie in 0..9"),
        ("--network mlp --class -1", "class must be at least 0"),
        ("--mean 0.5", "--mean and --std go together"),
        ("--mean 0.5 --std 0.5", "a normalisation goes with weights from a file"),
        ("--mean a --std b", "--mean takes numbers with commas between, got 'a'"),
        ("--bounds 1,0", "--bounds takes two numbers, the lower first, got '1,0'"),
        ("--step 0", "step must be a finite number above 0"),
        (
            "--network cnn1d --data mnist1d --sphere --certify exact",
            "an exact certificate is for piecewise-linear networks",
        ),
        ("--lr -1", "lr must be a finite number above 0"),
        ("--robust -1", "robust must be at least 0"),
        ("--space weights", "unknown space 'weights'"),
        ("--split none", "unknown split 'none'"),
        ("--candidates 0", "candidates must be at least 1"),
        ("--precision float8", "unknown precision 'float8'"),
        ("--time 0", "seconds must be a finite number above 0"),
        ("--evaluations 0", "evaluations must be at least 1"),
        ("--certify 0", "certify must be a finite number above 0"),
        ("--certify exactly", "certify takes a tolerance in nats, or exact, got 'exactly'"),
        ("--space parameters --pairs 0", "pairs must be at least 1"),
        ("--network nowhere:model", "cannot import the module 'nowhere'"),
        ("--network googlnet", "did you mean 'googlenet'"),
        ("--pair interpolate", "did you mean 'interpolated'"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(percolation, tmp_path, arguments, message):
    code, output, error = percolation("connect", *arguments.split(), "--out", tmp_path / "out")
    assert code == 2 and not output
    assert message in error and error.startswith("percolation: ") and error.count("\n") == 1
    assert not list(tmp_path.rglob("*.*"))


def test_what_may_be_asked_beside_the_table(percolation, tmp_path):
    """Certificates, quality and the paths themselves, of the pairs that pairs.csv lists."""
    arguments = (
        "connect --preset fast --pairs 5 --no-theory --certify 1e-4 --quality --save-paths --candidates 2 --seed 3"
    )
    code, output, error = percolation(*arguments.split(), "--out", tmp_path)
    assert (code, error) == (0, "") and "between grid points, to 0.0001 nats: " in output
    pairs_, judged = (pd.read_csv(tmp_path / name) for name in ("pairs.csv", "quality.csv"))
    kept = connections.load(tmp_path / "paths")
    assert len(pairs_) == len(judged) == len(kept) == 5
    assert pairs_["status"].tolist() == [one.status for one in kept]
    assert judged["segments"].tolist() == pairs_["segments"].tolist() == [one.path.n_segments for one in kept]
    assert (pairs_["certified_bound"] >= pairs_["barrier"].where(pairs_["rounds"] == 0, 0)).all()
    assert set(pairs_["certificate"]) <= {"open", "undecided"}
    cost = json.loads((tmp_path / "run.json").read_text())["cost"]
    assert cost["n_forward"] > 5 * 23 and cost["n_gradient"] > 0


def test_paths_of_a_piecewise_linear_network_are_proved(percolation, tmp_path):
    """By the sparse scan, a tenth of the points; every path that was found is open at every kink."""
    arguments = "connect --preset fast --scan sparse --pairs 3 --no-theory --certify exact --seed 3"
    code, output, error = percolation(*arguments.split(), "--out", tmp_path)
    assert (code, error) == (0, "") and "at every kink, exactly: 3 paths open" in output
    table = pd.read_csv(tmp_path / "pairs.csv")
    assert (table["certified_bound"] <= 1e-3).all() and (table["status"] == "connected").all()
    assert json.loads((tmp_path / "run.json").read_text())["cost"]["n_forward"] < 3 * 400


def test_a_network_that_cannot_be_proved_is_refused_before_the_search(percolation, tmp_path, monkeypatch):
    def never(*_, **__):
        raise AssertionError("searched")

    monkeypatch.setattr("empirical.experiments.connect.measure.find_paths", never)
    network = "connect --network tanh --dim 40 --training untrained --pair class-optimal --pairs 2"
    code, _, error = percolation(*network.split(), "--no-theory", "--certify", "exact", "--out", tmp_path)
    assert code == 2 and "an exact certificate is for piecewise-linear networks, got the" in error


def test_a_search_without_time_gives_its_pairs_up(percolation, tmp_path):
    code, _, error = percolation(*"connect --pairs 4 --no-theory --time 1e-9 --out".split(), tmp_path)
    assert (code, error) == (0, "")
    assert set(pd.read_csv(tmp_path / "pairs.csv")["status"]) == {"budget"}
