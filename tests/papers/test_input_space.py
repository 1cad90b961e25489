"""Figures of the article: what they show in their smallest form."""

import numpy as np
import pandas as pd
import pytest

from papers.figure import arrays, kept_table, record
from papers.input_space_mode_connectivity import (
    adversarial_path,
    barrier_optimisation,
    barrier_statistics,
    example_path,
    parameter_connectivity,
    percolation_slice,
    untrained_rounds,
)


def test_the_path_is_open_and_the_line_is_not(data_of):
    data, said = arrays(data_of(example_path.NAME)), record(data_of(example_path.NAME))
    line = data["loss"][data["round"] == 0]
    path = data["loss"][data["round"] == said["rounds"]]
    assert path.max() <= said["level"] < line.max()
    assert f"{line.max():.3g} nats" in example_path.finding(data_of(example_path.NAME))
    np.testing.assert_array_equal(data["inputs"][0, [0, -1]], data["inputs"][1, [0, -1]])  # the same A and C


def test_descents_begin_at_the_barrier_and_end_at_the_stop(data_of):
    data = data_of(barrier_optimisation.NAME)
    descents, paths, said = kept_table(data, "descents"), kept_table(data, "paths"), record(data)
    for _, one in descents.groupby(["round", "segment"]):
        assert one["loss"].iloc[0] > said["level"] and one["loss"].iloc[-1] <= said["stop"]
    first = descents.loc[descents["round"] == 1, "loss"].iloc[0]
    assert first == pytest.approx(paths.loc[paths["round"] == 0, "loss"].max(), rel=0.01)


def test_the_slice_holds_the_path_and_its_clusters_the_open_cells(data_of):
    data, said = arrays(data_of(percolation_slice.NAME)), record(data_of(percolation_slice.NAME))
    np.testing.assert_array_equal(data["labels"] > 0, data["loss"] <= said["level"])
    assert percolation_slice.macros(data_of(percolation_slice.NAME))["sliceClusters"] == str(data["labels"].max())


def test_segments_of_both_kinds(data_of):
    data = data_of(adversarial_path.NAME)
    rows = pd.read_csv(data)
    means = rows[rows["status"] == "connected"].groupby("kind")["segments"].mean()
    assert adversarial_path.numbers(data).loc["natural-adversarial", "segments"] == means["natural-adversarial"]


def test_bent_paths_between_networks_lie_below_the_line(data_of):
    rows = parameter_connectivity.means(data_of(parameter_connectivity.NAME))
    assert rows.loc["line", "barrier"] > 2 * rows.loc[["chain", "bezier", "finder"], "barrier"].max()
    data = arrays(data_of(parameter_connectivity.NAME))
    assert data["loss"].shape == (3, 3)


def test_published_barriers_are_beside_ours(data_of):
    found = barrier_statistics.summaries(data_of(barrier_statistics.NAME))
    published = found["published"].loc["natural-adversarial"]
    assert (round(published["gap_mean"], 2), round(published["gap_median"], 2)) == (5.45, 5.43)
    assert found["ours"]["pairs"].tolist() == [4, 4]
    best = barrier_statistics.best(data_of(barrier_statistics.NAME))
    assert (best["auc"] >= best["curve"]).all()


def test_losses_fall_from_round_to_round(data_of):
    rows = untrained_rounds.after_each(data_of(untrained_rounds.NAME))
    assert rows["mean"].is_monotonic_decreasing and rows["closed"].iloc[-1] <= rows["closed"].iloc[0]
    example = kept_table(data_of(untrained_rounds.NAME), "example")
    assert example.groupby("round")["loss"].max().is_monotonic_decreasing
