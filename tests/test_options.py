"""Options that a user would guess work alike on all commands, or a command says what it has instead."""

from importlib.metadata import entry_points

import pytest
import typer

from percolation import cli

GUESSED = ("--pairs", "--quick", "--device", "--seed", "--out")
OF_A_NETWORK = ("--weights", "--mean", "--std")


def commands():
    """Every command by its name: its options and their defaults."""
    for plugin in entry_points(group="percolation.commands"):
        cli.add(plugin)
    made = typer.main.get_command(cli.app).commands.items()
    return {name: options_of(one) for name, one in made if not hasattr(one, "commands")}


def options_of(command):
    return {name: one.default for one in command.params for name in (*one.opts, *one.secondary_opts)}


COMMANDS = commands()


@pytest.mark.parametrize("name", COMMANDS)
def test_what_a_command_has_not_it_says(percolation, name):
    has = COMMANDS[name]
    needed = GUESSED + (OF_A_NETWORK if "--network" in has and name not in ("phase", "compare") else ())
    for option in needed:
        if option not in has:
            code, output, error = percolation(name, option)
            assert (code, output) == (2, "")
            assert len(error.splitlines()) == 1 and f"No such option: {option}" in error and "; " in error, error


def test_they_mean_the_same_everywhere():
    seeds, devices = ({one.get(what, "none") for one in COMMANDS.values()} for what in ("--seed", "--device"))
    assert seeds == {0, "none"} and devices == {"cpu", "none"}
    for name, has in COMMANDS.items():
        assert has.get("--quick", False) is False, name
        assert has.get("--pairs") is None, name  # so that --quick can tell what was said


@pytest.mark.parametrize(
    ("call", "rows"),
    [
        ("connect --network mlp --data none --training untrained --pair class-optimal --dim 30 --no-theory --quick", 5),
        ("rounds --field gaussian --dim 6 --length 4 --quick --pairs 3", 3),
        ("training --network mlp --data digits --epochs 2 --quick --pairs 2 --max-rounds 2", 4 * 2),
    ],
)
def test_quick_takes_few_pairs_unless_they_are_said(percolation, tmp_path, call, rows):
    code, _, error = percolation(*call.split(), "--workers", 1, "--out", tmp_path)
    assert code == 0, error
    table = (tmp_path / "pairs.csv").read_text().splitlines()
    assert 0 < len(table) - 1 <= 2 * rows and (rows == 8 or len(table) - 1 == rows)


def test_quick_runs_of_a_lattice_and_a_graph(percolation, tmp_path):
    (tmp_path / "ring.csv").write_text("".join(f"{i},{(i + 1) % 9}\n" for i in range(9)))
    for call, made in (("threshold --dim 8 --quick", 8), (f"graph {tmp_path / 'ring.csv'} --quick", 20)):
        code, _, error = percolation(*call.split(), "--out", tmp_path / "out")
        assert code == 0, error
        run = (tmp_path / "out" / "run.json").read_text()
        assert f'"runs": {made}' in run
    code, _, error = percolation(*"threshold --quick --time 3".split())
    assert code == 2 and "leave it out beside --time" in error


def test_pairs_of_a_comparison():
    from empirical.experiments.compare.measure import quick

    plan = quick().of_pairs(3)
    assert {one.pairs for one in (*plan.subjects, *plan.fields)} == {3}
    with pytest.raises(ValueError, match="at least 2"):
        quick().of_pairs(1)
