"""What holds for every figure of every paper, and what those of the article show, each in its smallest form."""

import json
import re
from dataclasses import asdict

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from papers import making, registry
from papers.figure import COLUMN, PAGE, arrays, command, kept_table, record
from papers.input_space_mode_connectivity import (
    adversarial_path,
    barrier_optimisation,
    barrier_statistics,
    example_path,
    parameter_connectivity,
    percolation_slice,
    untrained_rounds,
)
from tests.papers.tiny import TINY

NUMBER = r"-?\d+(?:\.\d+)?(?:[eE]-?\d+)?"


def test_every_figure_is_tested():
    assert set(TINY) == set(registry.names())


@pytest.mark.parametrize("name", registry.names())
def test_data_say_how_they_were_made(name, data_of):
    data = data_of(name)
    made = record(data)
    assert made["figure"] == name and made["seed"] == 1
    assert made["parameters"] == json.loads(json.dumps(asdict(TINY[name])))
    assert {"numpy", "highdim-percolation", "python"} <= set(made["versions"])
    filled = pd.read_csv(data).size if data.suffix == ".csv" else sum(part.size for part in arrays(data).values())
    assert filled > 0


@pytest.mark.parametrize("name", registry.names())
def test_drawn_at_the_width_of_a_journal_with_labels(name, data_of):
    figure = registry.find(name).draw(data_of(name))
    assert round(figure.get_figwidth(), 2) in (COLUMN, PAGE)
    # an axis with numbers on it says what they are, or shares what its neighbour says
    for ax in figure.axes:
        assert ax.lines or ax.collections or ax.images or ax.containers or ax.patches, f"an empty panel in {name}"
    labels = {ax.get_xlabel() for ax in figure.axes} | {ax.get_ylabel() for ax in figure.axes}
    assert labels - {""}, name
    plt.close(figure)


@pytest.mark.parametrize("name", registry.names())
def test_drawn_again_the_bytes_are_the_same_and_fonts_are_inside(name, data_of, tmp_path):
    data = data_of(name)
    first, again = (
        {path.suffix: path.read_bytes() for path in making.draw(name, data, formats)[0]}
        for formats in (("pdf", "svg"), ("svg",))  # what varies in a drawing shows in either
    )
    assert set(first) == {".pdf", ".svg", ".txt"}  # the caption
    assert {suffix: first[suffix] for suffix in again} == again
    pdf = first[".pdf"]
    assert b"/FontFile2" in pdf and b"/Type3" not in pdf


@pytest.mark.parametrize("name", registry.names())
def test_macros_are_numbers_of_the_data(name, data_of):
    """Names that LaTeX takes, a number in each; that they are those of the data is below."""
    macros = registry.find(name).macros(data_of(name))
    assert macros
    for macro, value in macros.items():
        assert re.fullmatch("[a-zA-Z]+", macro), macro
        assert re.search(NUMBER, value) and "nan" not in value, (macro, value)


def _mean(rows, column, **where):
    for name, value in where.items():
        rows = rows[rows[name] == value]
    return rows[column].mean()


QUOTED = [
    ("thresholds", "pcBondThree", lambda rows: _mean(rows, "estimate", kind="bond", d=3)),
    ("collapse", "strengthCriticalTwo", lambda rows: _mean(rows[rows["x"].abs() < 1e-9], "strength", L=24)),
    ("occupation", "occupationXiOneThree", lambda rows: _mean(rows, "occupation", method="flood", xi=1.0, d=3)),
    ("smooth_levels", "smoothLevelFloodsThree", lambda rows: _mean(rows, "level", method="floods", d=3)),
    ("barriers", "barrierGaussianTwo", lambda rows: _mean(rows, "barrier", system="gaussian", k=2)),
    ("rounds", "roundsPZeroPointFiveDTwelve", lambda rows: _mean(
        rows, "measured_rounds", wanted_occupation=0.5, dimension=12)),
    ("phase", "connectedGridSmoothCTwoDTwo", lambda rows: _mean(
        rows, "connected_grid", field="smooth", classes=2, dimension=2)),
    ("network_phase", "networkFoundDepthTwoDEightPZeroPointFive", lambda rows: _mean(
        rows, "found", dimension=8, wanted_occupation=0.5)),
    ("each_pair", "pairRoundsStationaryChaotic", lambda rows: _mean(rows, "predicted_rounds", kind="chaotic")),
    ("networks", "roundsTheoryDepthTwoWidthSixteen", lambda rows: _mean(rows, "predicted_rounds", depth=2, width=16)),
    ("training", "meanRoundsUntrainedClassOptimalDForty", lambda rows: _mean(rows, "rounds", training="untrained")),
]  # fmt: skip


@pytest.mark.parametrize(("name", "macro", "of"), QUOTED, ids=[one[0] for one in QUOTED])
def test_a_macro_says_what_the_data_say(name, macro, of, data_of):
    data = data_of(f"dimension_scaling/{name}")
    quoted = registry.find(f"dimension_scaling/{name}").macros(data)[macro].split("(")[0]
    digits = len(quoted.partition(".")[2])
    assert float(quoted) == pytest.approx(of(pd.read_csv(data)), abs=0.51 * 10.0**-digits)


def test_a_table_has_a_cell_for_each_column(data_of):
    name = "dimension_scaling/training"
    whole = registry.find(name).table(data_of(name))
    assert len(whole.rows) == 4 and all(len(row) == len(whole.header) for row in whole.rows)


@pytest.mark.parametrize("name", registry.names())
def test_captions_are_sound_latex_and_name_their_command(name, data_of):
    module, data = registry.find(name), data_of(name)
    caption = module.caption(data)
    depth = np.cumsum([(one == "{") - (one == "}") for one in re.sub(r"\\[{}]", "", caption)])
    assert depth.min() >= 0 and depth[-1] == 0
    assert caption.count("$") % 2 == 0
    assert not re.search(r"(?<!\\)[%&#]", caption)
    assert f"percolation figures {name}".replace("_", r"\_") in caption
    assert command(data, module.QUICK) == f"percolation figures {name} --full --seed 1"
    assert command(data, TINY[name]) == f"percolation figures {name} --quick --seed 1"
    assert "nan" not in caption.lower().split() and "None" not in caption
    finding = module.finding(data)
    assert re.search(NUMBER, finding) and "\n" not in finding and finding.endswith(".")


def test_numbers_in_words_come_from_the_file(data_of, tmp_path):
    """Other data, other words: one threshold changed in a copy changes caption, macro and finding accordingly."""
    from papers.dimension_scaling import thresholds

    data = data_of(thresholds.NAME)
    for suffix in (".csv", ".json"):
        (tmp_path / data.with_suffix(suffix).name).write_bytes(data.with_suffix(suffix).read_bytes())
    copy = tmp_path / data.name
    rows = pd.read_csv(copy)
    rows.loc[rows["d"] == 4, ["estimate", "error", "z"]] = 0.123, 0.004, -9.5
    rows.to_csv(copy, index=False)
    assert thresholds.macros(copy)["pcSiteFour"] == "0.123(4)"
    assert "9.5" in thresholds.macros(copy)["pcLargestZ"] and "9.5" in thresholds.finding(copy)
    before, after = thresholds.caption(data), thresholds.caption(copy)
    assert before != after and "2 of " in after


@pytest.mark.parametrize("figure", ["thresholds", "collapse", "occupation"])
def test_workers_change_nothing(figure, data_of, tmp_path):
    """Of the simulations, which run on threads; what the others are made of is tested where it is made."""
    name = f"dimension_scaling/{figure}"
    again = registry.find(name).compute(TINY[name], tmp_path, seed=1, workers=2)
    assert again.read_bytes() == data_of(name).read_bytes()


# what the figures of the article show in their smallest form


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
