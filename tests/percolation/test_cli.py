"""The `percolation` command as a user meets it: in this process, with her arguments."""

import json
import math
import re
import sqlite3

import pandas as pd
import pytest
import typer

from percolation import cli, terminal
from percolation.dimension_scan import COLUMNS
from percolation.scaling.budget import more_runs
from percolation.theory import thresholds


def test_threshold_writes_its_table(percolation, tmp_path):
    code, output, _ = percolation(
        *"threshold --dim 4,8,13 --kind site --runs 8 --sites 4096 --seed 1 --out".split(), tmp_path
    )
    assert code == 0
    table = pd.read_csv(tmp_path / "table.csv")
    assert tuple(table.columns) == COLUMNS
    assert table["d"].tolist() == [4, 8, 13] and (table["z"].abs() < 5).all()
    assert "p_c of Z^d, site percolation" in output and str(tmp_path / "table.csv") in output
    assert max(map(len, output.splitlines()[:6])) <= 80


def test_threshold_of_another_lattice_with_its_figure(percolation, tmp_path, quarter_runs):
    code, output, _ = percolation(*"threshold --lattice kagome --runs 32 --seed 1 --out".split(), tmp_path)
    (row,) = pd.read_csv(tmp_path / "table.csv").itertuples()
    assert code == 0 and "kagome" in output and row.d == 2 and row.method.startswith("wrapping")
    assert row.reference == pytest.approx(1 - 2 * math.sin(math.pi / 18)) and abs(row.z) < 4.5
    for name in ("threshold.pdf", "threshold.png", "run.json"):
        assert (tmp_path / name).stat().st_size > 500


def test_threshold_without_reference_says_none(percolation, tmp_path):
    code, output, _ = percolation(*"threshold --lattice A --dim 4 --runs 8 --sites 4096 --out".split(), tmp_path)
    table = pd.read_csv(tmp_path / "table.csv")
    assert code == 0 and table[["reference", "z"]].isna().all(axis=None)
    assert "nan" not in output


def test_threshold_down_to_a_precision(percolation, tmp_path, quarter_runs):
    code, _, _ = percolation(
        *"threshold --dim 2,8 --kind bond --precision 2e-3 --sites 4096 --seed 1 --out".split(), tmp_path
    )
    table = pd.read_csv(tmp_path / "table.csv")
    assert code == 0 and (table["error"] <= 2e-3).all() and (table["z"].abs() < 4.5).all()


BEYOND_13 = "threshold --dim 14 --kind bond --method leath --p series --clusters 20 --generations 16 --relative"


def test_thresholds_beyond_13_accumulate_in_a_store(percolation, tmp_path):
    """A finer precision takes the runs of a coarser one from the store, and both stand beside the published value."""
    stored = []
    for precision in (1e-4, 5e-5):
        call = f"{BEYOND_13} --precision {precision} --store {tmp_path / 'p_c.sqlite'} --out {tmp_path / 'out'}"
        code, output, _ = percolation(*call.split())
        (row,) = pd.read_csv(tmp_path / "out" / "table.csv").itertuples()
        assert code == 0 and str(thresholds.hypercubic(14, "bond")) in output
        assert row.error <= precision * row.estimate and abs(row.z) < 4.5
        with sqlite3.connect(tmp_path / "p_c.sqlite") as database:
            stored.append(dict(database.execute("SELECT id, finished FROM outcomes")))
    assert 32 < len(stored[0]) < len(stored[1]) / 2
    assert stored[0].items() <= stored[1].items()  # none was run again
    record = json.loads((tmp_path / "out" / "run.json").read_text())
    assert record["parameters"]["p"] == "series" and record["runs_made"]["14"] == len(stored[1])


def test_threshold_of_the_n_cube(percolation, tmp_path):
    code, output, _ = percolation(
        *"threshold --lattice n-cube --dim 8,10 --kind bond --runs 20 --out".split(), tmp_path
    )
    table = pd.read_csv(tmp_path / "table.csv")
    assert code == 0 and "the n-cube" in output and table["method"].str.startswith("window").all()
    assert (table["z"].abs() < 4.5).all()


def test_threshold_within_a_time(percolation, tmp_path):
    code, _, _ = percolation(*"threshold --dim 6 --time 1 --sites 4096 --seed 1 --out".split(), tmp_path)
    run = json.loads((tmp_path / "run.json").read_text())
    assert code == 0 and run["runs_made"]["6"] >= 8
    assert run["seed"] == 1 and run["parameters"]["time"] == 1 and "numba" in run["versions"]


def test_the_same_seed_gives_the_same_bytes(percolation, tmp_path):
    for name, workers in (("one", 1), ("two", 2)):
        call = f"threshold --dim 2..4 --kind bond --runs 8 --sites 1024 --seed 5 --workers {workers} --out"
        assert percolation(*call.split(), tmp_path / name)[0] == 0
    for name in ("table.csv", "threshold.pdf"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_theory_prints_values_standings_and_sources(percolation):
    code, output, _ = percolation("theory", "hypercubic", "--dim", 13)
    assert code == 0
    for words in ("0.04271507960(10)", "numerical", "series in 1/(2d-1)", "proved", "Mertens and Moore"):
        assert words in output


def test_theory_says_how_far_the_series_holds(percolation):
    code, output, _ = percolation("theory", "series")
    assert code == 0 and max(map(len, output.splitlines())) < 120
    lines = output.splitlines()
    assert any(line.split()[:4] == ["13", "0.04271507960(10)", "-6.7e-05", "-2.85e+04"] for line in lines)
    assert sum("c_7 = " in line and "chi^2" in line for line in lines) == 2
    code, output, _ = percolation("theory", "series", "--dim", 25)
    assert code == 0 and "0.02106897" in output and "0.0752101" not in output


def test_rounds_writes_its_tables_and_figure(percolation, tmp_path):
    code, output, _ = percolation(
        *"rounds --field gaussian --dim 3,20 --occupation 0.5 --length 5 --pairs 4 --workers 1 --out".split(), tmp_path
    )
    table, record = pd.read_csv(tmp_path / "table.csv"), json.loads((tmp_path / "run.json").read_text())
    assert code == 0 and table["dimension"].tolist() == [3, 20] and (table["pairs"] == 4).all()
    for name in ("rounds", "segments", "displacement", "success"):
        assert {f"predicted_{name}", f"measured_{name}", f"z_{name}"} <= set(table.columns)
    assert len(pd.read_csv(tmp_path / "pairs.csv")) == 8 and (tmp_path / "rounds.pdf").stat().st_size > 5000
    assert record["parameters"]["cases"][0]["landscape"] == {"dimension": 3, "length": 5.0}
    assert max(len(line) for line in output.splitlines() if str(tmp_path) not in line) <= 80


@pytest.mark.parametrize("command", [[], ["threshold"], ["compare"], ["connect"], ["rounds"]])
def test_help_has_examples(percolation, command):
    code, output, _ = percolation(*command, "--help")
    assert code == 0
    for option in ("--seed", "--workers", "--out") if command else ("threshold", "compare", "connect"):
        assert option in output
    assert not command or "Examples" in output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("threshold --dim 0", "dimensions run upwards from 1"),
        ("threshold --dim 8..4", "dimensions run upwards from 1"),
        ("threshold --dim x", "cannot read the dimensions 'x'"),
        ("threshold --dim 2.5", "cannot read the dimensions '2.5'"),
        ("threshold --kind sites", "did you mean 'site'"),
        ("threshold --seed -1", "seed must be at least 0, got -1"),
        ("threshold --runs 1", "runs must be at least 8, got 1"),
        ("threshold --sites 0", "n_sites must be at least"),
        ("threshold --time 0", "time must be a finite number above 0"),
        ("threshold --runs 40 --precision 1e-3", "a number of runs, or a time or a precision"),
        ("threshold --lattice n-cube --dim 3", "n of the n-cube must be at least 6, got 3"),
        ("threshold --dim 3,1 --runs 8 --sites 100", "n_sites must be at least 512, got 100"),
        ("threshold --dim 4 --relative", "give a precision, or leave it out"),
        ("threshold --dim 8 --p best", "p is a number near p_c, or series, got 'best'"),
        ("threshold --dim 8 --p 0.2", "p must lie near p_c, 0.0752101280(10)"),
        ("threshold --dim 8 --clusters 0", "n_clusters must be at least 1, got 0"),
        ("threshold --dim 2,8 --generations 32", "wrapping, the method in d = 2, has no n_generations"),
        ("threshold --precision 0", "precision must be a finite number above 0"),
        ("threshold --lattice kagme", "did you mean 'kagome'"),
        ("threshold --lattice kagome --dim 3", "the kagome lattice has 2 dimensions, got d = 3"),
        ("threshold --lattice D --dim 2", "there is no root lattice D_2"),
        (
            "threshold --method wrapping --dim 8",
            "wrapping is for d = 2 to 4, where tori of several sizes fit, got d = 8",
        ),
        ("threshold --method window --dim 8", "the window is that of a finite graph"),
        ("threshold --lattice n-cube --dim 40", "reduce n to at most 30"),
        ("threshold --workers -2", "workers must be at least 0, got -2"),
        ("threshold --dims 4", "No such option: --dims"),
        ("threshold --runs many", "Invalid value for '--runs'"),
        ("theory hypercube --dim 3", "did you mean 'hypercubic'"),
        ("theory hypercubic", "hypercubic needs a size"),
        ("theory hamming --dim 3", "give --q"),
        ("theory kagome --q 3", "leave --q out"),
        ("theory series --q 3", "leave --q out"),
        ("theory series --dim 7", "d must be at least 8, got 7"),
        ("treshold", "No such command 'treshold'"),
        ("connect --network cn1d", "did you mean 'cnn1d'"),
        ("connect --network resnet18 --data none", "without data there are only untrained networks"),
        ("connect --data mnst1d", "did you mean 'mnist1d'"),
        ("connect --device cuda:99", "unknown device 'cuda:99'"),
        ("connect --level 5e-4", "the level must lie above the optimiser's stop"),
        ("connect --preset trainde", "did you mean 'trained'"),
        ("connect --pairs 0", "pairs must be at least 1"),
        ("connect --pair natural", "unknown pair kind 'natural'"),
        ("connect --dim 5", "length must be at least 10"),
        ("connect --seed -3", "seed must be at least 0"),
        ("connect --seed 99999999999999999999999", "seed must be below 2^63"),
        ("connect --level inf", "level must be a finite number above 0, got inf"),
        ("connect --level 0 --stop -1", "level must be a finite number above 0, got 0"),
        ("threshold --dim 13,2 --method leath --time 600", "tell p_c from d = 3 on, got d = 2"),
        ("compare --quick --seed 99999999999999999999999", "seed must be below 2^63"),
        ("compare --workers -1 --quick", "workers must be at least 0"),
        ("compare --device gpu", "unknown device 'gpu'"),
        ("rounds --field gausian", "did you mean 'gaussian'"),
        ("rounds --field gaussian --network mlp", "give --field or --network, not both"),
        ("rounds --field gaussian --dim 1", "dimension must be at least 2"),
        ("rounds --field gaussian --occupation 1", "occupation must lie strictly between 0 and 1"),
        ("rounds --field gaussian --occupation x", "cannot read the occupation 'x'"),
        ("rounds --field gaussian --margin 0", "margin must be a finite number above 0"),
        ("rounds --field gaussian --length -3", "length must be a finite number above 0"),
        ("rounds --network cn1d", "did you mean 'cnn1d'"),
        ("rounds --network cnn --dim 10", "got dimension=10; try 9"),
        ("rounds --network mlp --data mnst1d", "did you mean 'mnist1d'"),
        ("rounds --pairs 1", "pairs must be at least 2"),
        ("rounds --dim 7 --quick", "--dim has no effect on the whole plan"),
        ("rounds --dim 100", "--dim has no effect on the whole plan"),
        ("rounds --network mlp --data mnist1d --occupation 0.9", "--occupation has no effect on a trained network"),
        ("rounds --network cnn1d --depth 3", "--depth has no effect on a random network"),
        ("rounds --network mlp --length 3", "--length has no effect on a random network"),
        ("rounds --seed -1", "seed must be at least 0"),
    ],
)
def test_bad_input_is_one_line_and_exit_code_2(percolation, tmp_path, arguments, message):
    out = ["--out", tmp_path / "out"] if arguments.split()[0] not in ("treshold", "theory") else []
    code, output, error = percolation(*arguments.split(), *out)
    assert code == 2
    assert message in error and error.startswith("percolation: ") and error.count("\n") == 1
    assert not output and not list(tmp_path.rglob("*.*"))  # nothing half-written is left


@pytest.mark.parametrize("command", ["threshold --dim 4", "connect", "compare --quick", "rounds --quick"])
def test_an_output_folder_that_cannot_be_made(percolation, tmp_path, command):
    (tmp_path / "file").write_text("in the way")
    code, _, error = percolation(*command.split(), "--out", tmp_path / "file" / "out")
    assert code == 2 and error.startswith("percolation: cannot make the output folder") and error.count("\n") == 1


def test_parse_dimensions():
    assert terminal.parse_dimensions("2..4, 8,3") == [2, 3, 4, 8]


def test_without_arguments_three_things_to_try(percolation):
    code, output, _ = percolation()
    tries = [line.split("  ")[1] for line in output.splitlines() if line.startswith("  percolation")]
    assert code == 0 and tries == [example for example, _ in cli.TO_TRY] and len(tries) == 3
    known = typer.main.get_command(cli.app).commands
    assert all(one.split()[1] in known for one in tries)


def test_the_help_groups_commands_by_job(percolation):
    code, output, _ = percolation("--help")
    panels = (panel.partition(" ─") for panel in output.split("╭─ ")[1:])
    held = {name: set(re.findall(r"^│ ([a-z]+) ", rows, re.MULTILINE)) for name, _, rows in panels}
    assert code == 0 and {"threshold", "theory", "graph"} <= held["Lattices and graphs"]
    assert {"connect", "rounds"} <= held["Networks"]
    assert [name for name in held if name != "Options"] == [
        "Lattices and graphs",
        "Networks",
        "Papers",
        "Finished runs",
    ]
    assert "figures" in held["Papers"] and held["Finished runs"] >= {"runs", "report"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (
            "threshold --dim 4 --runs 1000000000000000000000",
            "1000000000000000000000 runs takes .* GiB.*reduce the number",
        ),
        ("threshold --dim 4 --runs 1e21", "runs"),
        ("threshold --dim 10000000000", "at most 10000"),
        ("threshold --dim 4 --workers 100000", "workers must be at most 1024, got 100000"),
        ("threshold --dim 4 --local-cluster 100000", "local-cluster must be at most 1024"),
        ("connect --pairs 10000000000", "--pairs"),
        ("connect --max-rounds 100000", "--max-rounds"),
        ("connect --candidates 100000", "--candidates"),
    ],
)
def test_numbers_beyond_any_use(percolation, tmp_path, words, message):
    code, _, error = percolation(*words.split(), "--out", tmp_path)
    assert code == 2 and re.search(message, error) and error.count("\n") == 1


def test_a_precision_that_no_runs_reach():
    assert more_runs(10, 0.1, 1e-300) > 10


def test_spheres_beside_published(percolation, tmp_path):
    """Invasions in d = 2 and 5, within 4 errors; the same rows alone and together."""
    call = ("spheres", "--dim", "2,5", "--quick", "--points", "1024", "--method", "invasion", "--out")
    code, output, error = percolation(*call, tmp_path / "both")
    assert code == 0 and "2^d eta_c" in output, error
    both = pd.read_csv(tmp_path / "both" / "table.csv")
    assert (both["z"].abs() < 4).all() and (both["mean_degree"] == 2.0 ** both["d"] * both["eta_c"]).all()
    assert percolation(*call, tmp_path / "one", "--dim", "5")[0] == 0
    pd.testing.assert_frame_equal(pd.read_csv(tmp_path / "one" / "table.csv"), both[1:].reset_index(drop=True))
