"""The phase diagram of networks: its table, its verdicts, its figure, its command."""

import json
import math

import matplotlib.pyplot as plt
import pandas as pd
import pytest

from empirical.experiments.phase.networks import NetworksPlan, measure_networks, verdict
from empirical.experiments.phase.networks_figure import networks_figure
from empirical.experiments.rounds.network_fields import LINES, occupations
from empirical.networks import wide

PLAN = NetworksPlan((3, 16), (0.8, 0.5), depths=(2,), pairs=4)


@pytest.fixture(scope="module")
def table():
    return measure_networks(PLAN, seed=1, workers=1)


def test_a_row_for_each_cell(table):
    assert table[["dimension", "wanted_occupation"]].apply(tuple, axis=1).tolist() == [
        (3, 0.8),
        (3, 0.5),
        (16, 0.8),
        (16, 0.5),
    ]
    assert (table["pairs"] + table["ends_stalled"] == 4).all() and (table["depth"] == 2).all()
    assert (table["decided_by"] == ["grid", "grid", "finder", "finder"]).all()
    assert table.loc[2, "found"] == 1 and (table["found"].fillna(0) == table["measured_success"].fillna(0)).all()
    for line, p in zip(LINES, occupations(16, wide.limit("tanh", 2, 3.0).correlation_length()), strict=True):
        assert table.loc[2, f"{line}_threshold"] == pytest.approx(p)


@pytest.mark.parametrize(
    ("line", "p", "low", "high", "grid", "answer"),
    [
        ("iid", 0.3, 0.8, 1.0, 0, "agrees"),
        ("iid", 0.1, 0.8, 1.0, 0, "refuted"),  # paths where it says there are none
        ("iid", 0.3, 0.0, 0.2, 0, "not found"),
        ("iid", 0.3, 0.0, 0.2, 9, "refuted"),  # by an exact grid
        ("finder", 0.3, 0.0, 0.2, 0, "refuted"),
        ("euler", 0.1, 0.0, 0.2, 0, "agrees"),
        ("euler", 0.1, 0.4, 0.6, 0, "undecided"),
        ("euler", 0.1, math.nan, math.nan, 0, "not measured"),
    ],
)
def test_verdicts(line, p, low, high, grid, answer):
    row = {f"{line}_threshold": 0.2, "wanted_occupation": p, "grid_pairs": grid}
    assert verdict(row, line, low, high) == answer


def test_a_theory_without_a_number_has_no_verdict():
    assert verdict({"euler_threshold": math.nan, "wanted_occupation": 0.1}, "euler", 0.9, 1.0) == "not measured"


def test_the_figure_draws_cells_discs_and_three_lines(table):
    both = pd.concat([table, table.assign(depth=8, xi_theory=0.0776, length_over_xi_theory=20.2)], ignore_index=True)
    figure = networks_figure(both)
    panels = [ax for ax in figure.axes if ax.get_xlabel()]
    assert len(panels) == 2
    iid, euler, finder = panels[1].lines[:3]
    at = {
        line: dict(zip(one.get_xdata(), one.get_ydata(), strict=True))
        for line, one in zip(LINES, (iid, euler, finder), strict=True)
    }
    assert [at[line][8] for line in LINES] == pytest.approx(occupations(8, 0.0776))
    assert len(panels[0].collections[1].get_offsets()) == 2  # the discs of d = 3
    assert "agrees in" in " ".join(text.get_text() for text in figure.legends[0].get_texts())
    plt.close(figure)


def test_the_command(percolation, tmp_path):
    words = "phase --network tanh --sigma-w 2 --depth 2 --dim 3,12 --occupation 0.5 --pairs 3 --networks 2 --seed 3"
    code, output, error = percolation(*words.split(), "--workers", "1", "--out", str(tmp_path))
    assert code == 0, error
    assert "Networks on the sphere" in output
    rows = pd.read_csv(tmp_path / "table.csv")
    assert len(rows) == 2 and (rows["networks"] == 2).all() and (rows["sigma_w"] == 2).all()
    assert json.loads((tmp_path / "run.json").read_text()) and (tmp_path / "phase.png").stat().st_size > 10_000


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("--network tanh --classes 3", "--classes has no effect on --network"),
        ("--network tanh --dim 2", "dim must be at least 3"),
        ("--network mlp", "unknown network 'mlp', expected one of tanh, erf, sin"),
        ("--network tanh --occupation half", "cannot read the occupation"),
        ("--network tanh --occupation 1.5", "occupation must lie strictly between"),
        ("--sigma-w 3", "--sigma-w has no effect on fields"),
        ("--field smoth", "did you mean 'smooth'"),
    ],
)
def test_bad_input_is_one_line(percolation, tmp_path, words, message):
    code, _, error = percolation("phase", *words.split(), "--out", str(tmp_path))
    assert code == 2 and message in error
