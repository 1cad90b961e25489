"""Barriers of many pairs: published numbers, the statistics, the pairs themselves, a run that is killed."""

import os
import signal
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from scipy.stats import binomtest
from torch import nn

from empirical.ends.space import Space
from empirical.ends.subject import Subject, build
from empirical.ends.wanted import NoPairs
from empirical.experiments.barriers import command, measure, published, statistics
from empirical.experiments.barriers.ends import KINDS, Classes, NaturalInputs, natural_inputs, partners
from empirical.experiments.barriers.figure import barriers_figure
from empirical.experiments.barriers.measure import Plan, measure_barriers
from empirical.losses.objectives import ClassLoss, losses
from percolation import seeds
from percolation.runs import session
from percolation.runs.store import Store
from tests.memory import PEAK, on_linux

SMALL = Subject("cnn1d", "mnist1d", "trained", "natural-natural", 2, lower_ends=True)


@pytest.fixture(scope="module")
def table():
    return measure_barriers(Plan(SMALL, n_classes=3), seed=1)


def test_the_published_table():
    """Means, medians and AUC of the article's own barriers, and their quartiles."""
    natural, adversarial = statistics.summary(published.published()).to_dict("records")
    assert (natural["pairs"], adversarial["pairs"]) == (101, 101)
    assert (natural["gap_mean"], natural["gap_median"]) == pytest.approx((0.792, 0.354), abs=5e-4)
    assert (adversarial["gap_mean"], adversarial["gap_median"]) == pytest.approx((5.448, 5.429), abs=5e-4)
    assert (natural["gap_q25"], natural["gap_q75"], natural["gap_sd"]) == pytest.approx((0.063, 0.883, 1.16), abs=5e-3)
    assert natural["gap_zero"] == pytest.approx(0.109, abs=5e-4) and adversarial["gap_zero"] == 0
    assert adversarial["auc"] == pytest.approx(0.957, abs=5e-4) and adversarial["p"] < 1e-20
    assert adversarial["auc_low"] < 0.957 < adversarial["auc_high"]


def test_auc_is_the_share_of_pairs_that_are_ordered():
    rng = np.random.default_rng(3)
    above, below = rng.integers(0, 6, 30), rng.integers(0, 5, 40)
    ordered = [(x > y) + (x == y) / 2 for x in above for y in below]
    assert statistics.auc(above, below).value == pytest.approx(np.mean(ordered), abs=1e-12)
    assert statistics.auc(below, above).value == pytest.approx(1 - np.mean(ordered), abs=1e-12)
    apart = statistics.auc(np.arange(10, 20), np.arange(10))
    assert apart.value == apart.high == 1 and 0.5 < apart.low < 1


@pytest.mark.parametrize("kind", ["auc", "mean", "median"])
def test_intervals_hold_the_truth_as_often_as_they_say(kind):
    """2000 samples; a 95 % interval that covers 95 % is refused for one seed in 10^6."""
    rng = np.random.default_rng(7)
    truth = {"auc": 0.9214, "mean": 0.0, "median": 0.0}[kind]  # P(N(2,1) > N(0,1)) = Phi(sqrt 2)
    held = 0
    for _ in range(2000):
        x = rng.normal(size=30)
        if kind == "auc":
            found = statistics.auc(rng.normal(2, size=30), x)
        else:
            found = getattr(statistics, kind)(x)
        held += found.low <= truth <= found.high
    assert binomtest(held, 2000, 0.95, alternative="less").pvalue > 1e-6, held
    assert held < 1990  # and is no wider than it must be


def test_the_barrier_of_a_line_known_in_closed_form():
    """Two classes of logits (0, -h(x)): the loss of class 0 along x in [-1, 1] is log(1 + e^-h), largest at x = 0."""

    class Hill(nn.Module):
        def forward(self, x):
            height = 4 * x[:, 0] ** 2 - 1  # -1 at the top, 3 at both ends
            return torch.stack([torch.zeros_like(height), -height], dim=1)

    a, c = torch.tensor([[-1.0, 0.0]]), torch.tensor([[1.0, 2.0]])
    (row,) = measure.barriers(Hill().eval(), a, c, torch.tensor([0])).to_dict("records")
    end, top = np.log1p(np.exp(-3)), np.log1p(np.exp(1))
    assert (row["loss_a"], row["loss_c"], row["max_loss"]) == pytest.approx((end, end, top), rel=1e-5)
    assert row["gap"] == pytest.approx(top - end, rel=1e-5)
    assert (row["at"], row["distance"]) == pytest.approx((0.5, 8**0.5), rel=1e-6)


def test_pairs_are_what_they_are_called():
    """Partners of one A: their losses, how they came by them, and that no input is used twice."""
    plan = Plan(SMALL)
    met = natural_inputs(SMALL, seed=1, stop=5e-4)
    generator = torch.Generator().manual_seed(0)
    ends = partners(met, [0, 4], 3, plan.kinds, generator)
    assert ends.labels.tolist() == [0, 0, 0, 4, 4, 4] and ends.numbers.tolist() == [0, 1, 2, 0, 1, 2]
    own = losses(ClassLoss(met.model, ends.labels), ends.a)
    assert (own <= np.log(2)).all()
    for kind in ("natural-adversarial", "natural-fooling"):
        c, there = ends.partners[kind]
        assert there.any()
        assert (losses(ClassLoss(met.model, ends.labels), c) <= own.clamp(min=1e-6) * 1.001)[there].all()
    strangers, _ = ends.partners["across-classes"]
    assert (met.model(strangers).argmax(1) != ends.labels).all()
    # the adversarial partner is nearer to the input it was made of than that is to A
    moved = (ends.partners["natural-adversarial"][0] - strangers).flatten(1).norm(dim=1)
    assert (moved < (ends.a - strangers).flatten(1).norm(dim=1)).all()
    natural = torch.cat([ends.a, ends.partners["natural-natural"][0], strangers]).flatten(1)
    assert len(natural.unique(dim=0)) == len(natural)
    noise = ends.partners["natural-noise"][0].flatten(1)
    assert noise.mean().item() == pytest.approx(
        ends.a.mean().item(), abs=5 * ends.a.std().item() / noise.numel() ** 0.5
    )


def test_a_table_of_pairs(table):
    assert list(table.columns) == list(measure.COLUMNS)
    assert (table.groupby("kind").size() == 6).all() and set(table["kind"]) == set(KINDS)
    assert (table["gap"] >= 0).all() and table["at"].between(0, 1).all()
    np.testing.assert_allclose(table["gap"], table["max_loss"] - table[["loss_a", "loss_c"]].max(axis=1))
    open_ = table["kind"].isin(["natural-natural", "natural-adversarial", "natural-fooling"])
    assert set(table.loc[open_, "status"]) <= {"connected", "stalled", "rounds", measure.NO_PARTNER}
    assert table.loc[table["status"] == measure.CLOSED_END, "rounds"].isna().all()
    assert (table["status"] == measure.CLOSED_END).sum() >= 6  # natural inputs of other classes, most noise


def test_the_classes_of_a_run_do_not_change_each_other(table):
    """A class alone has the numbers that it has among others."""
    alone = measure_barriers(Plan(SMALL, n_classes=1), seed=1)
    pd.testing.assert_frame_equal(alone, table[table["class"] == 0].reset_index(drop=True))


def test_a_network_of_ones_own(table):
    """By the same door as connect: module, source, space; the numbers are those of the network by its name."""
    model, source, space = build(SMALL, seed=1)

    class Own(nn.Module):
        def __init__(self):
            super().__init__()
            self.network = model

        def forward(self, x):
            return {"logits": self.network(x)}

    asked = measure.Asked(2, n_classes=3)
    found = measure.measure(Own().eval(), source, space, asked, seed=1, about=SMALL.key())
    pd.testing.assert_frame_equal(found, table, check_exact=True)
    assert found.attrs["notes"] == ["network: logits taken from `logits` of a dict"]
    noisy = nn.Sequential(model, nn.Dropout()).eval()
    noisy[1].forward = torch.nn.functional.dropout
    with pytest.raises(ValueError, match="answers differently when it is asked twice"):
        measure.measure(noisy, source, space, asked, seed=1)
    with pytest.raises(ValueError, match="class must lie in 0..9, the network's, got 10"):
        measure.measure(model, source, space, replace(asked, label=10), seed=1)


KILLED = """
import sys
import time
from empirical.experiments.barriers.measure import Plan, stream
from empirical.ends.subject import Subject
from empirical.threads import one_thread
from percolation.runs import session
from percolation.runs.store import Store
subject = Subject("cnn1d", "mnist1d", "trained", "natural-natural", 2, lower_ends=True)
with one_thread(), Store(sys.argv[1], code="test") as store, session(store=store, experiment="barriers"):
    for part in stream(Plan(subject, n_classes=3, kinds=("natural-natural",)), seed=1):
        print(len(part), flush=True)
        time.sleep(60)
"""


def test_a_run_that_is_killed_goes_on(tmp_path):
    """SIGKILL after the first class; the rest is done here, the first is read, and the table has the same bits."""
    path, plan = tmp_path / "finished.sqlite", Plan(SMALL, n_classes=3, kinds=("natural-natural",))
    run = subprocess.Popen([sys.executable, "-c", KILLED, path], stdout=subprocess.PIPE, env=dict(os.environ))
    assert run.stdout.readline() == b"2\n"
    run.send_signal(signal.SIGKILL)
    assert run.wait() == -signal.SIGKILL
    run.stdout.close()
    with Store(path, code="test") as store:
        kept = list(store.outcomes("barriers"))
        assert len(kept) == 1
        with session(store=store, experiment="barriers"):
            again = measure_barriers(plan, seed=1)
        assert len(list(store.outcomes("barriers"))) == 3
    pd.testing.assert_frame_equal(again, measure_barriers(plan, seed=1), check_exact=True)


def test_what_is_finished_is_not_done_again(tmp_path, monkeypatch):
    with Store(tmp_path / "s.db", code="test") as store, session(store=store):
        first = measure_barriers(Plan(SMALL, n_classes=1), seed=1)
        monkeypatch.setattr(measure, "chunk", None)  # would fail if it were called
        pd.testing.assert_frame_equal(measure_barriers(Plan(SMALL, n_classes=1), seed=1), first, check_exact=True)


MANY_CLASSES = """
import torch
from torch import nn
from empirical.experiments.barriers import ends, measure
from empirical.experiments.barriers.measure import Plan
from empirical.ends.subject import Subject

made = []

def batches(place, generator):
    made.append(place)
    yield torch.randn(12, 3, 64, 64, generator=generator)

class Sure(nn.Module):  # takes every input for the class that it is asked for: all logits are equal
    def forward(self, x):
        return torch.zeros(len(x), 1000)

classes = ends.Classes(tuple(range(300)), batches)
measure.natural_inputs = lambda *a, **k: ends.NaturalInputs(Sure().eval(), classes, ends.Space((1,)), 1000, 10.0, 7.0)
measure._connected = lambda plan, natural_inputs, ends, *rest, **more: ["closed end"] * len(ends.a)
torch.set_num_threads(1)
plan = Plan(Subject("mlp", "digits", "untrained", "natural-natural", 5), kinds=("natural-natural",), points=3)
sizes, peaks = [], []
for part in measure.stream(plan, seed=0):
    sizes.append(len(part))
    peaks.append(peak())
assert sum(sizes) == 1500 and max(sizes) <= 64
assert made == list(range(300))  # each class read once
print(peaks[-1] - peaks[len(peaks) // 10])
"""


@on_linux
def test_memory_does_not_grow_with_the_classes():
    """1,500 pairs, 5 of each of 300 classes: their ends are 0.15 GB, and after a tenth the peak grows no more."""
    run = subprocess.run([sys.executable, "-c", PEAK + MANY_CLASSES], capture_output=True, text=True, check=True)
    assert int(run.stdout) < 30e6


def test_classes_of_one_image_give_no_pair():
    single = Classes((0, 1), lambda place, generator: iter([torch.zeros(1, 1, 40)]))
    natural_inputs = NaturalInputs(_flat(2), single, Space((1, 40)), 2, 1.0, 5e-4)
    plan = Plan(Subject("mlp", "digits", "untrained", "natural-natural", 5))
    assert measure.chunk(plan.asked, natural_inputs, [0, 1], seeds.of("", 0)).empty


def test_no_class_with_two_low_inputs():
    plan = Plan(Subject("cnn1d", "mnist1d", "untrained", "natural-natural", 2), n_classes=2)
    with pytest.raises(NoPairs, match="no class of mnist1d has two inputs whose loss in untrained cnn1d is low"):
        measure_barriers(plan, seed=0)


def test_classes_without_a_pair_change_nothing():
    empty = pd.DataFrame(columns=measure.COLUMNS)
    table = pd.DataFrame({name: [1.0, 2.0] for name in measure.COLUMNS})
    whole = measure._whole([empty, table, empty], measure.Asked(2), "digits", "cnn")
    assert whole.equals(table) and whole["gap"].dtype == float


def test_a_partner_that_does_not_come_to_be_is_counted(table):
    changed = table.copy()
    adversarial = (changed["kind"] == "natural-adversarial").to_numpy().nonzero()[0]
    changed.loc[adversarial[0], ["status", "gap", "max_loss"]] = [measure.NO_PARTNER, np.nan, np.nan]
    row = statistics.summary(changed).set_index("kind").loc["natural-adversarial"]
    assert (row["pairs"], row["without_partner"], row["searched"]) == (6, 1, 5)
    assert np.isfinite(row["gap_mean"])


def test_verdicts_say_what_holds_and_what_does_not():
    rng = np.random.default_rng(0)
    rows = [("natural-natural", 0.0), ("natural-adversarial", 3.0), ("across-classes", 0.0)]
    made = pd.concat([pd.DataFrame({"kind": kind, "gap": shift + rng.random(80)}) for kind, shift in rows])
    made = made.assign(loss_a=0.0, loss_c=0.0, max_loss=made["gap"])
    rows = statistics.summary(made).to_dict("records")
    said = {row["kind"]: statistics.verdicts(row, rows[0]) for row in rows}
    assert said["natural-adversarial"][0].startswith("barriers higher (p = ")
    assert said["across-classes"][0].startswith("barriers not told apart (p = ")


def test_the_figure_of_the_published_table_and_of_ours(table):
    figure = barriers_figure({"published": published.published()})
    assert [text.get_text() for text in figure.axes[0].get_xticklabels()] == ["Loss A", "Loss C", "maximum", "gap"]
    both = barriers_figure({"ours": table, "again": table})
    assert len(both.axes) == 4 and both.axes[1].get_xlabel() == "rounds"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("pair,loss_a,loss_c\nx,1,2\n", "lacks the column 'max_loss'"),
        ("pair,loss_a,loss_c,max_loss\n", "has no rows"),
        ("", "is no table of barriers"),
        (
            "pair,loss_a,loss_c,max_loss\nx,1,2,3\nx,1,two,3\n",
            "row 2: loss_c must be a loss in nats, 0 or more, got 'two'",
        ),
        ("pair,loss_a,loss_c,max_loss\nx,-1,2,3\n", "row 1: loss_a must be a loss in nats, 0 or more, got '-1'"),
        ("pair,loss_a,loss_c,max_loss\nx,1,,3\n", "row 1: loss_c must be a loss in nats, 0 or more, got nothing"),
        ("pair,loss_a,loss_c,max_loss\nx,1,inf,inf\n", "row 1: loss_c must be a loss"),
        ("pair,loss_a,loss_c,max_loss\nx,1,2,1.5\n", "row 1: max_loss is 1.5, below the end loss 2"),
        ("pair,loss_a,loss_c,max_loss\n,1,2,3\n", "row 1: the kind of pair is missing"),
        ("pair,loss_a,loss_c,max_loss\nx,1,2,3\nx,1,2,3,4\n", "is no table of barriers: .* line 3"),
        ("pair,loss_a,loss_c,max_loss\nx,1\n", "row 1: loss_c must be a loss in nats, 0 or more, got nothing"),
    ],
)
def test_a_table_that_is_damaged(tmp_path, text, message):
    path = tmp_path / "table.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message) as raised:
        published.read(path)
    assert "table.csv" in str(raised.value)


def test_a_table_that_is_not_there_or_no_text(tmp_path):
    with pytest.raises(OSError, match="cannot read the table of barriers"):
        published.read(tmp_path / "none.csv")
    (tmp_path / "noise.csv").write_bytes(bytes(range(128, 256)))
    with pytest.raises(ValueError, match="it holds no text"):
        published.read(tmp_path / "noise.csv")


def test_files_of_the_command(tmp_path, capsys):
    """The published table through the command: files, and the sentence that says what holds."""
    command.barriers(**_usual(table="published", format_="parquet", out=tmp_path))
    printed = capsys.readouterr().out
    assert "natural-adversarial against natural-natural: barriers higher (p = 3.0e-29, AUC 0.957, " in printed
    assert "median 5.43 against 0.354 nats" in printed
    names = ["barriers.pdf", "barriers.png", "pairs.csv", "pairs.parquet", "run.json", "table.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    pd.testing.assert_frame_equal(pd.read_parquet(tmp_path / "pairs.parquet"), pd.read_csv(tmp_path / "pairs.csv"))


def test_measured_by_the_command(tmp_path, capsys):
    chosen = {"network": "cnn1d", "pairs": 2, "classes": 1, "kinds": "natural-adversarial", "out": tmp_path}
    chosen |= {"networks": 2}
    command.barriers(**_usual(**chosen))
    assert "natural-adversarial against natural-natural: " in capsys.readouterr().out
    first = (tmp_path / "pairs.csv").read_bytes()
    command.barriers(**_usual(**chosen))  # everything is finished: read, not done again
    assert (tmp_path / "pairs.csv").read_bytes() == first
    made = pd.read_csv(tmp_path / "pairs.csv")
    assert made.groupby("seed").size().to_dict() == {1: 4, 2: 4}
    assert set(made["kind"]) == {"natural-natural", "natural-adversarial"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"kinds": "natural-advresarial"}, "did you mean 'natural-adversarial'"),
        ({"label": 10}, "class must lie in 0..9"),
        ({"pairs": 0}, "pairs must be at least 1"),
        ({"classes": 0}, "classes must be at least 1"),
        ({"format_": "xlsx"}, "unknown format 'xlsx'"),
        ({"networks": 0}, "networks must be at least 1"),
        ({"networks": 2, "weights": "w.pt"}, "weights that are given make one network"),
        ({"table": "published", "network": "cnn"}, "--table is read instead of measuring"),
        ({"level": 1e-5}, "the level must lie above"),
        ({"data": "imagenet", "weights": "imagenet"}, "give it with --folder"),
        ({"data": "none"}, "without data there are only"),
    ],
)
def test_bad_input(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        command.barriers(**_usual(**({"network": "cnn1d"} | {"out": tmp_path / "out"} | options)))
    assert not list((tmp_path / "out").glob("*.csv"))


@pytest.mark.slow
def test_the_order_of_the_article_on_signals():
    """mnist1d, three networks: adversarial partners lie behind higher barriers, p < 1e-6, and take more rounds."""
    plan = Plan(replace(SMALL, pairs=50), kinds=("natural-adversarial",))
    parts = [measure_barriers(plan, seed=seed).assign(seed=seed) for seed in range(3)]
    rows = statistics.summary(pd.concat(parts)).set_index("kind")
    adversarial = rows.loc["natural-adversarial"]
    assert adversarial["auc"] > 0.5 and adversarial["p"] < 1e-6 and adversarial["paired_p"] < 1e-6
    assert adversarial["rounds_mean"] > rows.loc["natural-natural", "rounds_mean"] and adversarial["rounds_p"] < 1e-3


def test_pairs_of_other_classes_are_drawn_anew():
    plan = Plan(SMALL)
    states = [tuple(measure._seed(plan, labels, 1).generate_state(2)) for labels in ([0], [1], [0, 1])]
    assert len(set(states)) == 3
    again = measure._seed(Plan(replace(SMALL, label=0), points=9), [0], 1)
    assert tuple(again.generate_state(2)) == states[0]


def _flat(n_classes):
    class Flat(nn.Module):
        def forward(self, x):
            return torch.zeros(len(x), n_classes)

    return Flat().eval()


def _usual(**changes):
    """The command's defaults, as typer fills them in."""
    usual = {"network": None, "data": None, "folder": None, "weights": "random", "pairs": 50, "kinds": "all"}
    usual |= {
        "networks": 1,
        "classes": None,
        "label": None,
        "dim": None,
        "low_ends": False,
        "level": 1e-3,
        "stop": 5e-4,
    }
    usual |= {"max_rounds": 8, "table": None, "format_": "csv", "seed": 1, "workers": 1, "device": "cpu"}
    usual |= {"store": None, "resume": True, "dry_run": False}
    return usual | changes
