"""What holds for every figure of every paper, each computed in its smallest form."""

import json
import re
from dataclasses import asdict

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

from papers import making, registry
from papers.figure import COLUMN, PAGE, arrays, command, record
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
    figure.canvas.draw()
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
