"""The experiment on rounds: lines tell the truth of known fields, predictions hold where they should, files are whole.

Statistical tests have fixed seeds; with another seed each would fail by chance as often as it says.
"""

import math
import re
import subprocess
import sys
from dataclasses import replace

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
import torch

from empirical.ends.wanted import NoPairs
from empirical.experiments.rounds import landscapes, plan
from empirical.experiments.rounds.figure import plot_against_prediction, rounds_figure
from empirical.experiments.rounds.landscapes import GaussianField, RandomNetwork, TrainedNetwork
from empirical.experiments.rounds.measure import Case, rounds_pairs, rounds_table, walk
from empirical.experiments.rounds.printed import print_rounds
from empirical.losses.objectives import Field
from empirical.prediction import paired, predictions
from empirical.prediction.lines import along_lines, resolved_lines
from tests.memory import PEAK, on_linux

SEEDS = np.random.SeedSequence(5)


@pytest.fixture(scope="module")
def lines():
    drawn, _ = GaussianField(20).draw(256, 2, SEEDS)
    return along_lines(drawn.objective, drawn.a, drawn.c)


def test_lines_of_a_known_field(lines):
    """p, xi and d of 256 lines, each within 4 standard errors (of p at most 0.01): chance of failure 2e-4."""
    assert lines.length() == pytest.approx(30, rel=1e-6)
    assert lines.occupation(0.0) == pytest.approx(0.5, abs=4 * 0.01)
    for found, true in ((lines.correlation_length(0.0), 1.0), (lines.effective_dimension(), 20.0)):
        assert abs(found.value - true) < 4 * found.error < 0.6 * true
    assert lines.margin(0.0, -0.5) == pytest.approx(0.5, abs=0.05)


def test_lines_do_not_change_under_an_increasing_function(lines):
    """Crossings are of sets: exp of the loss, at exp of the levels, gives the same p, xi and margin."""
    other = replace(lines, values=np.exp(lines.values))
    assert other.correlation_length(math.exp(0.3)) == lines.correlation_length(0.3)
    assert other.margin(math.exp(0.3), math.exp(-0.2)) == lines.margin(0.3, -0.2)


def test_long_lines_are_looked_at_closely_enough():
    """xi of 4 lines of 1000 xi, true value 1: 200 points would say 3. Within 4 errors; false alarms 1e-3."""
    drawn, _ = GaussianField(3, length=1000.0).draw(8, 2, SEEDS)
    lines = resolved_lines(drawn.objective, drawn.a, drawn.c, lambda lines: 0.0)
    xi = lines.correlation_length(0.0)
    assert lines.values.shape[1] >= 10_000 * 0.9 and abs(xi.value - 1) < 4 * xi.error + 0.01
    with pytest.raises(ValueError, match="take shorter lines"):
        drawn, _ = GaussianField(2, length=1e5).draw(2, 2, SEEDS)
        resolved_lines(drawn.objective, drawn.a, drawn.c, lambda lines: 0.0)


def test_slopes_of_a_known_function():
    """f = x_0 + 2 x_1^2 along the first axis: derivative 1 along, 4 x_1 across."""
    a, c = torch.tensor([[0.0, 1.0], [0.0, 3.0]]), torch.tensor([[5.0, 1.0], [5.0, 3.0]])
    found = along_lines(Field(lambda x: x[:, 0] + 2 * x[:, 1] ** 2), a, c, n_points=11)
    np.testing.assert_allclose(found.values[0], np.linspace(2, 7, 11), rtol=1e-6)
    np.testing.assert_allclose(found.along, 1, rtol=1e-6)
    np.testing.assert_allclose(found.across, np.array([[4.0], [12.0]]) * np.ones(16), rtol=1e-6)


def test_gaussian_field_of_a_hundred_dimensions():
    """The known case in small, 60 pairs: rounds 4.5, segments 8.2, displacement .25, all connected.

    Within 4 combined errors, of which the four quantities fail once in 4000 times.
    """
    row = walk(Case(GaussianField(100), 60), seed=2).row
    assert row["measured_success"] == 1
    for name in predictions.QUANTITIES:
        assert abs(row[f"z_{name}"]) < 4
    assert row["measured_rounds"] == pytest.approx(4.5, abs=0.15 + 4 * row["measured_rounds_error"])


@pytest.mark.slow
def test_gaussian_fields_in_full():
    """The numbers to meet: d = 100, 200 pairs, and the success of 200 pairs at d = 3."""
    row = walk(Case(GaussianField(100), 200), seed=1).row
    assert row["measured_rounds"] == pytest.approx(4.5, abs=0.15)
    assert row["measured_segments"] == pytest.approx(8.2, abs=0.3)
    assert row["measured_displacement"] == pytest.approx(0.25, abs=0.01)
    assert row["measured_success"] == 1
    assert walk(Case(GaussianField(3), 200), seed=1).row["measured_success"] == pytest.approx(0.27, abs=0.1)


def test_kinds_of_pairs_have_seeds_of_their_own_and_natural_ones_that_of_before():
    natural, adversarial = (
        Case(TrainedNetwork("cnn1d", "mnist1d", 40, pair=kind), 8)
        for kind in ("natural-natural", "natural-adversarial")
    )
    assert (
        plan._seed(natural, 0) == plan._seed(Case(TrainedNetwork("cnn1d", "mnist1d", 40), 8), 0) == 2435991527859628080
    )
    assert plan._seed(adversarial, 0) != plan._seed(natural, 0)
    assert adversarial.landscape.columns["pair"] == "natural-adversarial"
    TrainedNetwork("empirical.networks.small:vit", "digits")  # a factory is a network too
    with pytest.raises(ValueError, match="unknown pair kind"):
        TrainedNetwork("cnn1d", "mnist1d", pair="natural")


@pytest.mark.slow
def test_every_pair_of_trained_networks_is_predicted():
    """The numbers to meet on trained 1-D CNNs, d = 40: means over the six that the command trains at seeds 0 to 5.

    Seen, with errors from the spread over networks: 0.17(3) rounds too many; 0.67(3) exactly, 0.971(8) within one,
    first cuts 1.02(2) times as far, rank 0.75(2) where the line is closed, of expected rounds. Wanted are 0.3, 0.60,
    0.93, 0.9 to 1.1 and 0.75. On another machine the networks are others: two errors of the six are allowed beyond what
    is wanted, which what was seen is 4 errors or more inside of, 2 of the rank.
    """
    walks = [
        plan._walk(Case(TrainedNetwork("cnn1d", "mnist1d", 40), 120), seed=seed, device="cpu") for seed in range(6)
    ]
    table = rounds_table(walks)
    pairs = [pairs[pairs["status"] == "connected"] for pairs in (rounds_pairs([one]) for one in walks)]
    too_many = pd.Series([(some["response_rounds"] - some["rounds"]).mean() for some in pairs])
    closed = [some[some["rounds"] > 0] for some in pairs]
    further = pd.Series([some["response_displacement"].median() / some["displacement"].median() for some in closed])
    assert abs(too_many.mean()) < 0.3
    assert table["response_exact"].mean() > 0.60 - 2 * table["response_exact"].sem()
    assert table["response_within_one"].mean() > 0.93 - 2 * table["response_within_one"].sem()
    assert abs(further.mean() - 1) < 0.1 + 2 * further.sem()
    assert table["response_rank_closed"].mean() > 0.75 - 2 * table["response_rank_closed"].sem()
    whole = [paired.rank(some["response_rounds"].to_numpy(), some["rounds"].to_numpy()) for some in closed]
    assert table["response_rank_closed"].mean() > np.mean(whole)  # 0.71(3)
    for column in ("response_exact", "response_within_one", "response_rank_closed"):
        assert table[column].sem() < 0.06  # what is allowed is little
    stationary, measured = table["predicted_rounds"].mean(), table["measured_rounds"].mean()
    assert abs(too_many.mean()) < abs(stationary - measured)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("landscape", "within"),
    [
        *((RandomNetwork("mlp", d), 0.1) for d in (100, 784)),
        *((RandomNetwork("cnn1d", d), 0.1) for d in (40, 320)),
        (RandomNetwork("cnn", 784), 0.1),
        *((GaussianField(d), 0.15) for d in (12, 30, 100)),
    ],
)
def test_linear_response_of_networks_and_fields(landscape, within):
    """The numbers to meet: mean rounds of 60 pairs. Nearer than the stationary theory at d = 12 and on networks."""
    row = walk(Case(landscape, 60), seed=0).row
    assert row["response_pairs"] == row["pairs"] == 60
    assert row["response_rounds"] == pytest.approx(row["measured_rounds"], abs=within)
    if row["dimension"] == 12 or row["training"] == "untrained":
        assert abs(row["response_rounds"] - row["measured_rounds"]) < abs(
            row["predicted_rounds"] - row["measured_rounds"]
        )


def test_open_lines_need_nothing(lines):
    predicted = predictions.predict(lines, 100.0, 99.0, seed=1).estimates
    assert (predicted["rounds"].value, predicted["segments"].value, predicted["success"].value) == (0, 1, 1)
    assert math.isnan(predicted["displacement"].value)


@pytest.mark.parametrize(
    ("level", "stop", "reason"),
    [(-100.0, -101.0, "no point of the lines comes down|occupation"), (0.0, -100.0, "no point of the lines")],
)
def test_what_cannot_be_predicted_says_why(lines, level, stop, reason):
    found = predictions.predict(lines, level, stop, seed=1)
    assert all(math.isnan(one.value) for one in found.estimates.values())
    assert re.search(reason, found.notes[0])


def test_error_of_a_prediction_is_that_of_its_lines():
    """Predictions from 12 independent sets of lines scatter as they say: ratio of variances in [0.35, 2.2].

    The chance of a false alarm is 0.02, from chi^2 with 11 degrees of freedom and errors that scatter themselves.
    """
    values, errors = [], []
    for child in SEEDS.spawn(12):
        drawn, _ = GaussianField(10, length=10.0).draw(64, 2, child)
        found = predictions.predict(along_lines(drawn.objective, drawn.a, drawn.c), 0.0, -0.5, seed=3)
        found = found.estimates["segments"]
        values.append(found.value)
        errors.append(found.error)
    assert 0.35 < np.var(values, ddof=1) / np.mean(np.square(errors)) < 2.2


def test_random_and_trained_networks():
    row = walk(Case(RandomNetwork("mlp", 30, depth=2), 8), seed=1).row
    assert row["occupation"] == pytest.approx(0.5, abs=0.01) and row["margin"] == pytest.approx(0.5, abs=0.05)
    assert 0 <= row["measured_rounds"] < 4 and row["depth"] == 2
    row = walk(Case(TrainedNetwork("cnn1d", "mnist1d", 40), 8), seed=1).row
    assert (row["level"], row["stop"], row["pairs"]) == (1e-3, 5e-4, 8)
    # three lines in ten are open: that all eight are, or that half of the pairs fail, is no matter of last bits
    assert row["measured_success"] > 0.5 and 0 < row["measured_rounds"] < 4


@pytest.mark.slow
def test_a_row_depends_on_case_and_seed_only():
    cases = [Case(GaussianField(5, length=5.0), 4), Case(RandomNetwork("mlp", 10), 4)]
    one, two = (plan.walk_all(cases, seed=3, workers=workers) for workers in (1, 2))
    for a, b in zip(one, two, strict=True):
        assert pd.DataFrame([a.row]).to_csv() == pd.DataFrame([b.row]).to_csv()
    (alone,) = plan.walk_all(cases[1:], seed=3, workers=1)
    assert pd.DataFrame([alone.row]).to_csv() == pd.DataFrame([one[1].row]).to_csv()


def test_pairs_whose_ends_stall_are_reported():
    """At d = 2 and p = 0.01 hardly any end can be lowered."""
    walked = walk(Case(GaussianField(2, length=10.0), 12, 0.01), seed=1)
    rows = pd.DataFrame(walked.pairs)
    stalled = rows["status"] == "end stalled"
    assert rows["index"].tolist() == list(range(12))
    assert stalled.sum() == walked.row["ends_stalled"] > 0 and walked.row["pairs"] == 12 - stalled.sum()
    assert f"{stalled.sum()} of 12 pairs have an end" in walked.row["note"]


def test_equal_numbers_of_other_types_make_the_same_case():
    cases = [Case(GaussianField(np.int64(3), 5), np.int64(4), np.float32(0.5)), Case(GaussianField(3, 5.0), 4)]
    one, two = plan.walk_all(cases, seed=1, workers=1)
    assert one.row == pytest.approx(two.row, nan_ok=True)


def test_lines_of_unequal_means_are_noted(lines):
    assert lines.between() < 0.3
    uneven = replace(lines, values=lines.values + 3 * (np.arange(256) % 2)[:, None])
    assert any("not of one stationary field" in note for note in predictions.predict(uneven, 1.5, 1.0, seed=1).notes)


def test_figure_without_anything_to_compare():
    walked = [walk(Case(GaussianField(5, length=5.0), 3, margin=6.0), seed=1)]
    assert walked[0].row["note"].startswith("no prediction")
    rounds_figure(rounds_table(walked))


def test_rows_of_an_older_version_are_drawn_and_printed(capsys):
    """They have no linear response: the stationary theory is shown alone."""
    row = walk(Case(GaussianField(30, length=5.0), 4), seed=1).row
    print_rounds([row])
    assert "linear response" in capsys.readouterr().out
    old = {name: value for name, value in row.items() if "response" not in name}
    print_rounds([old])
    shown = capsys.readouterr().out
    assert "stationary theory" in shown and "linear response" not in shown
    print_rounds([row, old])
    assert re.search(r"gaussian +30 .*( +-){5,}", capsys.readouterr().out)
    ax = plt.figure().add_subplot()
    plot_against_prediction(pd.DataFrame([row, old]), "rounds", ax)
    stationary, response = ax.lines[0], next(line for line in ax.lines if line.get_label() == "Gaussian fields")
    assert list(np.isfinite(stationary.get_xdata())) == [True, True]
    assert list(np.isfinite(response.get_xdata())) == [True, False]
    plt.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Case(GaussianField(1)), "dimension must be at least 2"),
        (lambda: Case(GaussianField(5, length=-1.0)), "length must be a finite number above 0"),
        (lambda: Case(GaussianField(5), occupation=1.0), "occupation must lie strictly between 0 and 1"),
        (lambda: Case(GaussianField(5), margin=0.0), "margin must be a finite number above 0"),
        (lambda: Case(GaussianField(5), pairs=1), "pairs must be at least 2"),
        (lambda: Case(GaussianField(5), pairs=10_001), "pairs must be at most 10000, got 10001"),
        (
            lambda: Case(GaussianField(5, length=1e9)),
            r"length must be at most 1000 .*, got 1e\+09: it takes 1e\+10 points on each of 256 lines; take shorter",
        ),
        (
            lambda: Case(GaussianField(10_000), pairs=1000),
            r"1000 lines in 10000 dimensions take 14.9 GiB, .* at most 8 GiB; lower pairs or dim",
        ),
        (lambda: RandomNetwork("cnn", 10), "try 9"),
        (lambda: RandomNetwork("mpl", 10), "did you mean 'mlp'"),
    ],
)
def test_bad_cases(make, message):
    with pytest.raises(ValueError, match=message):
        make()


def test_fields_drawn_anew_are_the_same(monkeypatch):
    kept, _ = landscapes.GaussianField(40, length=5.0).draw(6, 2, np.random.SeedSequence(3))
    monkeypatch.setattr(landscapes, "MOST_KEPT", 0)
    anew, _ = landscapes.GaussianField(40, length=5.0).draw(6, 2, np.random.SeedSequence(3))
    assert type(anew.objective) is not type(kept.objective)
    one, other = (along_lines(drawn.objective, drawn.a, drawn.c) for drawn in (kept, anew))
    np.testing.assert_array_equal(one.values, other.values)
    np.testing.assert_array_equal(one.across, other.across)


@pytest.mark.slow
@on_linux
def test_memory_of_lines_is_not_that_of_all_their_fields():
    """128 fields of 400 waves in d = 2000 are 390 MiB in single precision: kept, they took 490 in all, and now 150."""
    program = """
import numpy as np
from empirical.experiments.rounds.landscapes import GaussianField
from empirical.prediction.lines import along_lines

def peak_after(dimension, n):
    drawn, _ = GaussianField(dimension, length=5.0).draw(n, 1, np.random.SeedSequence(1))
    along_lines(drawn.objective, drawn.a, drawn.c)
    return peak() / 2**20

before = peak_after(20, 4)
print(peak_after(2000, 128) - before)
"""
    done = subprocess.run([sys.executable, "-c", PEAK + program], capture_output=True, text=True, check=True)
    assert float(done.stdout) < 300


def test_one_pair_of_a_trained_network_is_too_few(monkeypatch):
    drawn, found = landscapes.draw, {}

    def first(*arguments, **options):
        made = drawn(*arguments, **options)
        found["pairs"] = len(made.a)
        return replace(made, a=made.a[:1], c=made.c[:1], labels=made.labels[:1])

    monkeypatch.setattr(landscapes, "draw", first)
    with pytest.raises(NoPairs, match="one pair of low-loss inputs, two are needed"):
        TrainedNetwork("mlp", "digits").draw(4, 4, np.random.SeedSequence(1))
    assert found["pairs"] > 1
