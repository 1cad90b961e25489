"""Every command shows examples at the foot of its `--help`; each is understood, and runs, small where it is large."""

import gzip
import shlex
from importlib.metadata import entry_points

import pytest
import typer

from percolation import cli
from percolation.runs.store import Store
from percolation.runs.tasks import Task

# for each example what makes it small, added behind it, where an option that is given twice counts as it comes last
SMALL = {
    "report scan.db -o report.html": "",
    "threshold --dim 4,8,13 --time 20": "--dim 4 --method invasion --sites 1024 --time 0.1",
    "threshold --lattice kagome --precision 1e-4": "--method invasion --sites 1024 --precision 3e-2",
    "threshold --dim 2..13 --kind bond --precision 1e-4": "--dim 4 --method invasion --sites 1024 --precision 1e-2",
    "threshold --dim 14..20 --method leath --p series --clusters 5000 --precision 1e-6 --relative --store p_c.sqlite": (
        "--dim 14 --clusters 10 --generations 16 --precision 1e-2"
    ),
    "threshold --dim 2..4 --shells 2 --quick": "--dim 4 --sites 1024",
    "spheres --dim 2..8 --quick": "--dim 3 --points 1024",
    "spheres --dim 2 --precision 1e-3": "--points 1024 --precision 0.1",
    "theory hypercubic --dim 13": "",
    "theory kagome": "",
    "theory series": "",
    "barriers --table published": "",
    "connect --network cnn1d --data mnist1d --pair natural-adversarial --pairs 50": "--pairs 2 --no-theory",
    "rounds --field gaussian --dim 100 --occupation 0.5 --length 30 --margin 0.5 --pairs 200 --seed 1": (
        "--dim 6 --length 6 --pairs 4"
    ),
    "graph roads.csv": "",
    "graph out.club.gz --kind site --runs 1000": "--runs 20",
    "runs list scan.db": "",
    "runs show scan.db --experiment threshold": "",
    "runs export scan.db scan.parquet --experiment threshold": "",
    "runs verify scan.db": "",
    "runs merge scan.db from-the-cluster.db": "",
    "runs gc scan.db --experiment pilot --dry-run": "",
}
# run with the slow tests
LONG = {
    "barriers": "--network cnn1d --data mnist1d --pairs 2 --classes 2 --networks 1 --kinds natural-noise",
    "barriers --network cnn1d --data mnist1d --pairs 10": "--pairs 2 --classes 2 --networks 1",
    "barriers --network efficientnet_lite0 --weights imagenet --data pictures --pairs 5": "--pairs 1 --classes 1",
    "compare": "--quick",
    "compare --quick --seed 7 --out results/quick": "",
    "connect --network efficientnet_lite0 --weights imagenet --data pictures --pairs 2": "--pairs 1",
    "connect --network resnet18 --data none --training untrained --pair class-optimal --pairs 6": (
        "--pairs 1 --no-theory --level 0.2 --stop 0.1"
    ),
    "connect --space parameters --network cnn --data digits": "--pairs 1",
    "detect --attacks all --detectors all": "--attacks fgsm --detectors curve,lid --data mnist1d --images 60",
    "detect --quick": "",
    "figures --quick": "",
    "manifold --network cnn --data digits --class 3": "--modes 2 --side 2",
    "manifold --network mlp,cnn,resnet,vit --class 3": "--modes 2 --side 2",
    "manifold --network resnet18 --data none --modes 6 --noise 0.01": "--modes 2 --side 2 --level 0.2 --stop 0.1",
    "phase --dim 2..64 --classes 2,10,50,200": "--dim 2 --classes 2 --pairs 2 --quick",
    "phase --field smooth --dim 2..256 --classes 2..1000 --pairs 50": "--dim 2 --classes 2 --pairs 2 --quick",
    "phase --network tanh --sigma-w 3 --depth 4,8 --dim 3..64 --occupation 0.5,0.1,0.01,0.001": (
        "--dim 3,8 --depth 2 --occupation 0.5 --pairs 4"
    ),
    "phase --quick --out results/quick": "--dim 2 --classes 2 --pairs 2",
    "rounds": "--field gaussian --dim 6 --pairs 4 --length 6",
    "rounds --network mlp --data none --dim 784 --depth 1,3,10": "--dim 20 --depth 1 --pairs 4",
    "rounds --network cnn1d --data mnist1d --pair natural-adversarial --dim 40 --pairs 60": "--pairs 4",
    "rounds --network tanh --sigma-w 3 --depth 8 --sphere --dim 8,12,24 --occupation 0.5,0.1,0.01": (
        "--dim 12 --depth 2 --occupation 0.5 --pairs 4"
    ),
    "training": "--pairs 2 --checkpoints 2",
    "training --network cnn --data digits --pairs 40 --seed 1": "--pairs 2 --checkpoints 2 --epochs 2",
}
# only read: they take files of the user's, a graphics card, or an hour
HERS = {
    "barriers --network googlenet --weights imagenet --data imagenet --folder DIR --pairs 5",
    "detect --data cifar10 --folder DIR --images 2000 --device cuda",
    "figures dimension_scaling/thresholds --full",
    "figures --redraw --tex --format pdf,svg",
}


def commands():
    """All commands by their names, (name,) or (group, name)."""
    for plugin in entry_points(group="percolation.commands"):
        cli.add(plugin)
    found, groups = {}, [((), typer.main.get_command(cli.app))]
    while groups:
        above, group = groups.pop()
        for name, one in group.commands.items():
            if hasattr(one, "commands"):
                groups.append(((*above, name), one))
            else:
                found[(*above, name)] = one
    return found


COMMANDS = commands()
EXAMPLES = [
    " ".join(example.split()).removeprefix("percolation ")
    for command in COMMANDS.values()
    for example in (command.epilog or "").partition(":")[2].split("|")
]


def test_every_command_shows_an_example_and_every_example_is_known():
    shown = {" ".join(name) for name in COMMANDS if any(one.startswith(" ".join(name)) for one in EXAMPLES)}
    assert shown == {" ".join(name) for name in COMMANDS}
    assert set(EXAMPLES) == SMALL.keys() | LONG.keys() | HERS and len(EXAMPLES) == len(set(EXAMPLES))


def test_other_packages_commands_are_added_once(percolation):
    """However often it runs in one process: each command that is known costs the next call its time."""
    percolation()
    names = [one.name for one in cli.app.registered_commands if one.name]
    assert "compare" in names and len(names) == len(set(names))


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_is_understood(example):
    words = tuple(shlex.split(example))
    name = words[:2] if words[:2] in COMMANDS else words[:1]
    context = COMMANDS[name].make_context(" ".join(name), list(words[len(name) :]))
    assert context.params


@pytest.fixture
def stores(tmp_path, monkeypatch):
    """Her folder, with the two stores and the graphs that examples name."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roads.csv").write_text("source,target\nrome,paris\nparis,oslo\n")
    (tmp_path / "out.club.gz").write_bytes(gzip.compress(b"% sym\n1 2\n2 3\n"))
    for file, numbers in (("scan.db", range(4)), ("from-the-cluster.db", range(2, 6))):
        with Store(tmp_path / file, code="one") as store:
            for experiment in ("threshold", "pilot"):
                for k in numbers:
                    store.put(Task(f"module.{experiment}", {"L": 8}, [0, k]), {"x": k / 7}, experiment=experiment)


@pytest.mark.parametrize("example", SMALL)
def test_an_example_runs(percolation, stores, example):
    code, output, error = percolation(*shlex.split(f"{example} {SMALL[example]}"))
    assert code == 0, error
    assert output.strip()


@pytest.mark.slow
@pytest.mark.parametrize("example", LONG)
def test_a_long_example_runs(percolation, stores, example):
    code, output, error = percolation(*shlex.split(f"{example} {LONG[example]}"))
    assert code == 0, error
    assert output.strip()
