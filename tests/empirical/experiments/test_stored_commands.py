"""Commands on networks keep what is finished: given again they compute nothing and write the same bytes."""

import pytest

from empirical.ends.subject import Subject
from empirical.experiments.compare import measure
from empirical.experiments.compare.measure import Plan
from empirical.experiments.rounds.plan import gaussian
from percolation.runs import engine

COMMANDS = {
    "rounds": "--field gaussian --dim 6,12 --pairs 4 --occupation 0.5 --length 6",
    "phase": "--dim 2,3 --classes 2 --pairs 3 --field all --quick",
    "barriers": "--network cnn1d --data mnist1d --pairs 2 --classes 2 --networks 2 --kinds natural-noise",
    "detect": "--data digits --attacks fgsm --detectors curve,lid --images 60 --epochs 8",
    "compare": "--quick",
}


@pytest.fixture(autouse=True)
def _small_comparison(monkeypatch):
    subjects = (
        Subject("cnn1d", "mnist1d", "trained", "natural-natural", 3, 40),
        Subject("mlp", "none", "untrained", "class-optimal", 3, 30),
    )
    fields = gaussian([6], [0.5], length=6.0, margin=0.5, pairs=4)
    small = Plan(subjects, fields, dimensions=(4, 5), n_runs=8, n_sites=2**10)
    monkeypatch.setattr(measure, "quick", lambda: small)


LONG = ("barriers", "detect", "phase", "rounds")  # with the slow tests: the way of keeping is one for all


@pytest.mark.parametrize(
    "name", [pytest.param(one, marks=pytest.mark.slow) if one in LONG else one for one in COMMANDS]
)
def test_given_again_nothing_is_computed(name, percolation, tmp_path, monkeypatch):
    arguments = (name, *COMMANDS[name].split(), "--workers", 1, "--out", tmp_path)
    code, output, _ = percolation(*arguments[:-1], tmp_path / "dry", "--dry-run")
    assert code == 0 and "To be computed" in output and not (tmp_path / "dry").exists()
    assert percolation(*arguments)[0] == 0
    tables = {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")}
    assert "table.csv" in tables

    def refuse(function, job):
        raise AssertionError(f"{function} is run again for {job}")

    monkeypatch.setattr(engine, "run_one", refuse)
    code, _, error = percolation(*arguments)
    assert code == 0, error
    assert {path.name: path.read_bytes() for path in tmp_path.glob("*.csv")} == tables
    code, output, _ = percolation(*arguments, "--dry-run")
    assert code == 0 and "nothing is left to compute" in output
    assert percolation("runs", "verify", tmp_path / "finished.sqlite")[0] == 0
    with pytest.raises(AssertionError, match="is run again"):
        percolation(*arguments, "--seed", 7)
