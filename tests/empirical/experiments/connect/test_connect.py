import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from empirical.ends import sources
from empirical.ends.space import Space, space_of
from empirical.ends.subject import Subject, build
from empirical.ends.wanted import NoPairs, Wanted
from empirical.experiments.compare.measure import measure_all
from empirical.experiments.connect.measure import (
    _radial_baseline,
    connectivity_pairs,
    connectivity_table,
    measure,
    measure_subject,
)
from empirical.finder.find import PRESETS
from empirical.losses.objectives import Field
from empirical.prediction.verdicts import verdict
from percolation.theory import thresholds

# what others read: later columns may be added, none renamed
COLUMNS = (
    "network",
    "training",
    "dimension",
    "classes",
    "pair",
    "pairs",
    "planned",
    "occupation",
    "p_c",
    "iid_connected",
    "connected",
    "connected_low",
    "connected_high",
    "rounds",
    "rounds_error",
    "segments",
    "barrier_q25",
    "barrier_median",
    "barrier_q75",
    "gap_median",
    "displacement",
    "excess_length",
    "radial_connected",
    "verdict",
    *(
        f"lines_{name}"
        for name in (
            *("occupation", "length", "between_lines", "xi", "xi_error", "length_over_xi"),
            *("margin", "d_eff", "d_eff_error"),
        )
    ),
    *(
        column
        for name in ("rounds", "segments", "displacement", "success")
        for column in (
            f"predicted_{name}",
            f"predicted_{name}_error",
            f"measured_{name}",
            f"measured_{name}_error",
            f"z_{name}",
        )
    ),
    "note",
    "response_scale",
    "response_pairs",
    *(
        column
        for name in ("rounds", "segments", "displacement", "success", "expected")
        for column in (f"response_{name}", f"response_{name}_error", f"z_response_{name}")
    ),
    *("response_exact", "response_within_one", "response_rank", "response_rank_closed"),
)
TRAINED = Subject("cnn1d", "mnist1d", "trained", "natural-natural", 12)
UNTRAINED = Subject("mlp", "none", "untrained", "class-optimal", 6, 100)


@pytest.fixture(scope="module")
def natural():
    return measure_subject(TRAINED, seed=1)


def test_row_of_natural_pairs(natural):
    row = natural.row
    assert tuple(row) == COLUMNS == tuple(connectivity_table([natural]).columns)
    assert (row["network"], row["training"], row["dimension"], row["classes"], row["pairs"]) == (
        "cnn1d",
        "trained",
        40,
        10,
        12,
    )
    assert row["p_c"] == thresholds.hypercubic(40).value
    assert row["iid_connected"] == (row["occupation"] > row["p_c"])
    assert row["connected_low"] <= row["connected"] <= row["connected_high"]
    assert row["barrier_q25"] <= row["barrier_median"] <= row["barrier_q75"]


def test_row_is_the_summary_of_the_pairs(natural):
    pairs, row = pd.DataFrame(natural.pairs), natural.row
    found = pairs[pairs["status"] == "connected"]
    assert row["connected"] == len(found) / len(pairs)
    assert row["rounds"] == pytest.approx(found["rounds"].mean())
    assert row["rounds_error"] == pytest.approx(found["rounds"].sem())
    assert row["segments"] == pytest.approx(found["segments"].mean())
    assert row["barrier_median"] == pytest.approx(pairs["barrier"].median())
    assert row["gap_median"] == pytest.approx(pairs["gap"].median())
    assert row["displacement"] == pytest.approx(pairs["displacement"].mean())
    assert row["measured_rounds"] == row["rounds"] and row["measured_success"] == row["connected"]
    assert row["radial_connected"] == pairs["radial_connected"].mean()
    assert (pairs["loss_a"].max() <= 5e-4) and (pairs["loss_c"].max() <= 5e-4)


def test_radial_baseline_holds_the_straight_line(natural):
    pairs = pd.DataFrame(natural.pairs)
    assert pairs.loc[pairs["rounds"] == 0, "radial_connected"].all()


@pytest.mark.parametrize(("wall", "connected"), [(None, True), (0, False), (1, False)])
def test_radial_baseline_looks_at_every_leg(wall, connected):
    """Closed for |x| < 0.8, so that only s > 1 passes; a wall on an axis at 1.1..1.2 cuts the radial leg of A or C."""

    def ring(points):
        closed = points.norm(dim=1) < 0.8
        if wall is not None:
            closed |= (points[:, wall] > 1.1) & (points[:, wall] < 1.2) & (points[:, 1 - wall] < 0.01)
        return closed.double()

    a, c = torch.tensor([[1.0, 0.0]]), torch.tensor([[0.0, 1.0]])
    found = _radial_baseline(Field(ring), a, c, PRESETS["default"])
    assert found.tolist() == [connected]


def test_adversarial_partners_have_larger_barriers(natural):
    """Medians of 12 pairs each, of the fixed network about 2.5 against 0.1 nats."""
    adversarial = measure_subject(replace(TRAINED, pair="natural-adversarial"), seed=1).row
    assert adversarial["connected"] == 1
    assert adversarial["barrier_median"] > 1.5 * natural.row["barrier_median"]
    assert adversarial["rounds"] > 1.3


def test_example_is_the_loss_along_a_path(natural):
    rounds = max(pair["rounds"] for pair in natural.pairs if pair["status"] == "connected")
    assert len(natural.example) == rounds + 1
    for s, loss in natural.example:
        assert s[0] == 0 and s[-1] == pytest.approx(1) and (np.diff(s) >= 0).all() and len(loss) == len(s)
    assert natural.example[-1][1].max() <= 1e-3 < natural.example[0][1].max()


def test_a_row_depends_on_subject_and_seed_only():
    """Same bytes with one worker and two, alone or beside others."""
    few = replace(UNTRAINED, pairs=2)
    subjects = (replace(few, network="cnn1d", dimension=40), replace(few, dimension=60))
    one, two = (measure_all(subjects, seed=3, workers=workers) for workers in (1, 2))
    assert connectivity_table(one).to_csv() == connectivity_table(two).to_csv()
    assert connectivity_pairs(one).to_csv() == connectivity_pairs(two).to_csv()
    assert pd.DataFrame([measure_subject(subjects[1], seed=3).row]).to_csv() == pd.DataFrame([one[1].row]).to_csv()
    assert measure_subject(subjects[1], seed=4).row["occupation"] != one[1].row["occupation"]


class Rings(nn.Module):
    """A module of a user's own: two classes by the distance from the origin of the plane."""

    def forward(self, x):
        far = 20 * (x.flatten(1).norm(dim=1) - 1)
        return torch.stack([-far, far], dim=1)


def rings(wanted, **options):
    """Points around the origin, and what is found between them; without labels no natural ones."""
    angle = 2 * math.pi * torch.arange(40) / 40
    x = torch.stack([angle.cos(), angle.sin()], dim=1) * torch.where(torch.arange(40) % 2 == 0, 0.4, 1.6)[:, None]
    model, source = Rings().eval(), sources.of_tensors(x, torch.arange(40) % 2)
    return measure(model, source, space_of(model, source.shape), wanted, seed=1, **options)


def test_a_module_of_ones_own_comes_in_by_the_same_door():
    """The outer class is a ring, which lines across the hole leave; the inner one a disc, in which they stay."""
    inner = rings(Wanted("natural-natural", 8, label=0))
    assert inner.row["network"] == "Rings" and (inner.row["dimension"], inner.row["classes"]) == (2, 2)
    assert inner.row["connected"] == 1 and inner.row["rounds"] == 0
    outer = rings(Wanted("natural-natural", 8, label=1), about={"network": "mine", "training": "untrained"})
    assert (outer.row["network"], outer.row["training"], outer.row["pairs"]) == ("mine", "untrained", 8)
    assert outer.row["barrier_q75"] > 1 and outer.row["rounds"] > 0
    assert outer.row == rings(Wanted("natural-natural", 8, label=1), about=outer.about).row


def test_natural_pairs_need_a_source():
    with pytest.raises(ValueError, match="natural-natural pairs are made of natural inputs, got no source of them"):
        measure(Rings().eval(), None, Space((2,)), Wanted("natural-natural", 8), seed=1)


def test_a_subject_is_its_network_its_source_and_its_space():
    """By the one door or the other: the same row."""
    built = build(UNTRAINED, seed=1)
    found = measure(*built, UNTRAINED.wanted, seed=1, about=UNTRAINED.key(), theory=False)
    assert (
        pd.DataFrame([found.row]).to_csv()
        == pd.DataFrame([measure_subject(UNTRAINED, seed=1, theory=False).row]).to_csv()
    )


def test_on_the_sphere_the_norm_plays_no_part():
    """Ends lie on |x|^2 = d and a scaled input has the same loss, so that no untrained network comes down to 1e-3."""
    on_sphere, seen = replace(TRAINED, pairs=8, sphere=True), []
    found = measure_subject(on_sphere, seed=1, theory=False, examine=lambda objective, paths: seen.append(objective))
    for pair in found.pairs:
        norms = [float(norm) for norm in pair["norms"].split()]
        assert norms[0] == pytest.approx(math.sqrt(40), rel=1e-3) and norms[-1] == pytest.approx(norms[0], rel=1e-3)
    x, rows = torch.randn(8, 1, 40, generator=torch.Generator().manual_seed(2)), torch.arange(8)
    torch.testing.assert_close(seen[0](3 * x, rows), seen[0](x, rows))
    assert found.row["pairs"] == 8 and found.row["connected"] > 0.5
    with pytest.raises(NoPairs):
        measure_subject(replace(UNTRAINED, pairs=2, dimension=30, sphere=True), seed=1, theory=False)
    assert "sphere" not in UNTRAINED.key() and on_sphere.key()["sphere"]


@pytest.mark.slow
def test_untrained_resnet18():
    """Reference: primary barrier 0.1..0.5 nats, 1e-3..2e-3 after two rounds, connected after three."""
    found = measure_subject(Subject("resnet18", "none", "untrained", "class-optimal", 6), seed=1)
    assert found.row["connected"] == 1
    assert 0.1 < found.row["barrier_median"] < 0.5
    assert 2.5 < found.row["rounds"] < 3.5
    after_two_rounds = found.example[2][1].max()
    assert 1e-3 < after_two_rounds < 3e-3


@pytest.mark.parametrize(
    ("iid", "low", "high", "expected"),
    [
        (True, 0.8, 1, "agrees"),
        (False, 0, 0.2, "agrees"),
        (False, 0.8, 1, "refuted"),
        (True, 0, 0.2, "not found"),
        (True, 0.4, 0.9, "undecided"),
    ],
)
def test_verdict(iid, low, high, expected):
    assert verdict(iid, low, high) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"network": "cn1d"}, "did you mean 'cnn1d'"),
        ({"data": "mnist"}, "did you mean 'mnist1d'"),
        ({"training": "pretrained"}, "unknown training 'pretrained'"),
        ({"pair": "natural"}, "unknown pair kind 'natural'"),
        ({"pairs": 0}, "pairs must be at least 1"),
        ({"data": "none"}, "without data there are only untrained networks and class-optimal pairs"),
    ],
)
def test_bad_subjects(arguments, message):
    with pytest.raises(ValueError, match=message):
        Subject(**{"network": "cnn1d", "data": "mnist1d", "training": "trained", "pair": "natural-natural"} | arguments)


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        (
            replace(UNTRAINED, network="cnn", dimension=65),
            r"cnn takes inputs of shape \(1, 8, 8\) or alike, got dimension=65; try 64",
        ),
        (replace(TRAINED, classes=3), "mnist1d has 10 classes, got classes=3"),
        (replace(TRAINED, network="cnn"), r"cnn takes inputs of shape \(channels, \*2 axes\)"),
        (replace(TRAINED, training="untrained"), "no natural-natural pair has both losses at or below stop"),
    ],
)
def test_bad_measurements(subject, message):
    with pytest.raises(ValueError, match=message):
        measure_subject(subject, seed=1)


def test_a_dimension_is_a_whole_number_above_0():
    with pytest.raises(ValueError, match="dimension must be at least 1, got 0"):
        replace(UNTRAINED, dimension=0)


def test_a_device_that_is_absent_is_refused():
    with pytest.raises(ValueError, match="unknown device 'cuda:99'"):
        measure_subject(UNTRAINED, seed=1, device="cuda:99")


def test_a_subject_without_pairs_is_skipped_with_its_reason():
    without = replace(TRAINED, training="untrained")
    found = measure_all((without, UNTRAINED), seed=1, workers=1)
    assert isinstance(found[0], NoPairs) and "no natural-natural pair" in str(found[0])
    assert found[1].row["pairs"] == 6


def test_unconnected_pairs_are_reported_not_dropped():
    found = measure_subject(TRAINED, seed=1, finder=replace(PRESETS["default"], max_rounds=0))
    statuses = [pair["status"] for pair in found.pairs]
    assert statuses.count("rounds") + statuses.count("connected") == 12 and "rounds" in statuses
    assert found.row["connected"] == statuses.count("connected") / 12
    assert not math.isnan(found.row["barrier_median"]) and torch.isfinite(torch.tensor(found.row["gap_median"]))
