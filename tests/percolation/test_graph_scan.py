import json

import networkx as nx
import numpy as np
import pandas as pd
import pytest

from percolation import graph_scan, graphs, random_graphs
from tests import graph_writers


def test_strength_of_a_cycle_is_exact():
    """A ring of 3: with each bond open with probability p all are joined if two or three are, else two if one is."""
    ring = graphs.from_edges([[0, 1], [1, 2], [2, 0]], 3)
    found = graph_scan.scan(ring, n_realisations=4000, seed=1)
    p = found.table["p"].to_numpy()
    one, more = 3 * p * (1 - p) ** 2, 3 * p**2 * (1 - p) + p**3
    exact = (1 - p) ** 3 / 3 + one * 2 / 3 + more
    error = found.table["strength_error"].to_numpy()
    # 5 sigma at 21 values of p: a right sweep fails for fewer than 2 seeds in 10^5
    assert (np.abs(found.table["strength"] - exact)[error > 0] < 5 * error[error > 0]).all()
    np.testing.assert_allclose(found.table["strength"].iloc[[0, -1]], [1 / 3, 1])


@pytest.mark.parametrize("kind", ["site", "bond"])
@pytest.mark.parametrize(("most", "theory"), [(10**5, "message passing"), (1, "random graph of its degrees")])
def test_theory_stands_beside_the_simulation(monkeypatch, kind, most, theory):
    """A random graph of 2000 sites and mean degree 4: both theories hold up to 1/sqrt(N), away from p_c = 1/4."""
    monkeypatch.setattr(graph_scan, "MOST_BONDS", most)
    found = graph_scan.scan(random_graphs.gnm(2000, 4000, seed=2), kind, n_realisations=10, seed=3)
    assert found.theory == theory and found.p_c == pytest.approx(0.25, abs=0.02)
    away = found.table[found.table["p"] > 0.4]
    assert len(away) > 15 and (away["strength"] - away["giant"]).abs().max() < 0.03
    assert found.table["giant"][found.table["p"] < 0.2].max() == pytest.approx(0, abs=1e-6)
    assert 0.2 < found.peak < 0.35


def test_command(percolation, tmp_path):
    path = graph_writers.write(nx.convert_node_labels_to_integers(nx.karate_club_graph()), tmp_path / "karate.gml.gz")
    code, output, error = percolation("graph", path, "--runs", 20, "--out", tmp_path)
    assert code == 0, error
    lines = [line.split() for line in output.splitlines()]
    for line in (["nodes", "34"], ["edges", "78"], ["self-loops", "0"], ["duplicates", "0"], ["components", "1"]):
        assert line in lines
    assert "- attributes of edges are not read: weight" in output and "message passing: from p = 0.1889 on" in output
    assert max(map(len, output.splitlines()[:-5])) <= 120
    table, record = pd.read_csv(tmp_path / "table.csv"), json.loads((tmp_path / "run.json").read_text())
    assert tuple(table.columns) == graph_scan.COLUMNS and record["held"]["edges"] == 78
    assert (tmp_path / "graph.pdf").stat().st_size > 500


def test_options_that_say_how_a_file_is_meant(percolation, tmp_path):
    (tmp_path / "a.csv").write_text("person,friend\nann,bob\n")
    (tmp_path / "nodes.txt").write_text("ann\nbob\neve\n")
    run = ["graph", tmp_path / "a.csv", "--runs", 2, "--out", tmp_path, "--header"]
    code, output, _ = percolation(*run, "--nodes", tmp_path / "nodes.txt")
    assert code == 0 and ["nodes", "3"] in [line.split() for line in output.splitlines()]
    code, output, _ = percolation(*run, "--sites", 5)
    assert code == 0 and ["nodes", "without", "an", "edge", "3"] in [line.split() for line in output.splitlines()]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["absent.csv"], "absent.csv"),
        (["a.csv", "--runs", "0"], "runs must be at least 1"),
        (["a.csv", "--kind", "face"], "unknown kind 'face'"),
        (["a.csv", "--sites", "1"], "n_sites=1, but there are 2 nodes"),
        (["a.csv", "--nodes", "absent.txt"], "absent.txt"),
    ],
)
def test_faults_of_the_command(percolation, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.csv").write_text("a,b\n")
    code, _, error = percolation("graph", *words)
    assert code == 2 and message in error and error.count("\n") == 1
