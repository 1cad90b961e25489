"""One table of (public function or command, bad argument, expected message); most rows are made from the signatures.

A function stands in CALLS with a cheap call that works; each of its parameters that BAD knows by name is then given the
bad values there, the others staying as they are. What must come is a ValueError or an OSError that names the
parameter and says what came, raised by a line of this package and not from the depth of a library.
"""

import inspect
import traceback
from pathlib import Path

import numpy as np
import pytest
import torch

from empirical.data import offline
from empirical.descent.rows import Descent
from empirical.ends.subject import Subject
from empirical.experiments.rounds import plan
from empirical.finder.find import find_paths
from empirical.finder.settings import Finder
from empirical.losses.objectives import Field
from empirical.networks import models
from empirical.prediction.cells import affine_slice
from percolation import (
    dimension_scan,
    fields,
    growth,
    lattice_finder,
    lattices,
    level_sets,
    long_runs,
    random_graphs,
    runs,
    scaling,
    seeds,
    sweeps,
    wrapping,
)
from percolation.runs import executors
from percolation.runs.scan import run_until
from percolation.theory import continuum, exponents, formulas, series, thresholds
from percolation.theory import random_graphs as branching
from percolation.theory import rounds as prediction

ROOT = Path(__file__).parents[1]
SQUARE, CUBE = lattices.square.torus(4), lattices.n_cube(6)
GENERATOR = torch.Generator()


def collapsing(L):
    """A strength L^-0.1 (1.2 + tanh(x)), x = (p - 1/2) L^(1/1.3), in 40 noisy realisations."""
    p = 0.5 + np.linspace(-1, 1, 17) * L ** (-1 / 1.3)
    noise = 0.01 * np.random.default_rng(L).standard_normal((40, 17))
    return scaling.Curve.of(L, p, L**-0.1 * (1.2 + np.tanh((p - 0.5) * L ** (1 / 1.3))) * (1 + noise))


CURVES = [collapsing(L) for L in (16, 64)]


def bowl(x):
    """A loss that is low near the origin."""
    return x.flatten(1).pow(2).mean(1)


def values(seed):
    return np.random.default_rng(seed).normal(size=(6, 6))


def task(x, seed):
    return x


def crossing(lattice, kind, *, runs, seed, workers):
    return scaling.threshold(lattice, kind, "crossing", runs=runs, seed=seed, workers=workers, sizes=(8, 12, 16))


def invasion(lattice, kind, *, n_sites, runs, seed, workers):
    return scaling.threshold(lattice, kind, "invasion", n_sites=n_sites, runs=runs, seed=seed, workers=workers)


ENDS = {"a": 0.01 * torch.ones(2, 3), "c": -0.01 * torch.ones(2, 3)}
# calls that work
CALLS = {
    lattices.kagome.torus: {"L": 4},
    lattices.kagome.box: {"L": 4},
    lattices.hypercubic: {"d": 3},
    lattices.named: {"name": "hypercubic", "d": 3},
    lattices.hamming: {"d": 2, "q": 3},
    lattices.n_cube: {"n": 4},
    lattices.root_lattice: {"family": "D", "d": 3},
    lattices.cayley_tree: {"z": 3, "generations": 2},
    random_graphs.gnm: {"n_sites": 10, "n_bonds": 5, "seed": 0},
    random_graphs.gnp: {"n_sites": 10, "p": 0.5, "seed": 0},
    random_graphs.regular: {"n_sites": 10, "z": 3, "seed": 0},
    random_graphs.geometric: {"n_sites": 10, "d": 2, "mean_degree": 2.0, "seed": 0},
    random_graphs.nearest_neighbours: {"n_sites": 10, "d": 2, "k": 2, "seed": 0},
    random_graphs.uniform_points: {"n_sites": 10, "d": 2, "seed": 0},
    sweeps.site_sweep: {"graph": SQUARE, "n_realisations": 2, "seed": 0, "workers": 1},
    sweeps.bond_sweep: {"graph": SQUARE, "n_realisations": 2, "seed": 0, "workers": 1},
    sweeps.site_curve: {"graph": SQUARE, "p": [0.5], "n_realisations": 2, "seed": 0, "workers": 1},
    sweeps.bond_curve: {"graph": SQUARE, "p": [0.5], "n_realisations": 2, "seed": 0, "workers": 1},
    growth.invade: {"lattice": lattices.square, "n_sites": 64, "kind": "site", "seed": 0},
    growth.invade_spheres: {"d": 3, "n_points": 64, "seed": 0},
    growth.leath: {"lattice": lattices.square, "p": 0.4, "kind": "site", "n_clusters": 2, "seed": 0},
    growth.flood: {"field": fields.iid(2, seed=0), "n_sites": 64},
    wrapping.windings: {"lattice": SQUARE, "p": 0.5, "kind": "site", "n_realisations": 2, "seed": 0},
    fields.iid: {"d": 2, "distribution": "normal", "side": 1.0, "seed": 0},
    fields.gaussian: {"d": 2, "kernel": fields.SquaredExponential(1.0), "n_features": 8, "seed": 0},
    fields.gaussian_grid: {"shape": (8, 8), "xi": 1.0, "seed": 0},
    fields.network: {"d": 3, "depth": 1, "width": 8, "activation": "relu", "seed": 0},
    level_sets.critical_occupation: {"make_values": values, "n_realisations": 2, "seed": 0},
    scaling.threshold: {"lattice": CUBE, "kind": "bond", "method": "window", "runs": 20, "seed": 0, "workers": 1},
    scaling.critical_clusters: {"box": lattices.square.box(4), "p": 0.1, "n_realisations": 2, "seed": 0, "workers": 1},
    scaling.overlapping_spheres: {"d": 3, "n_points": 512, "runs": 8, "seed": 0},
    crossing: {"lattice": lattices.square, "kind": "site", "runs": 100, "seed": 0, "workers": 1},
    invasion: {"lattice": lattices.cubic, "kind": "site", "n_sites": 512, "runs": 8, "seed": 0, "workers": 1},
    scaling.grown_level: {"d": 2, "xis": (1.0, 2.0), "n_sites": 1024, "n_runs": 8, "seed": 0, "workers": 1},
    scaling.boxed_level: {"d": 2, "xis": (1.0, 2.0), "lengths": (4.0, 8.0), "n_boxes": 2, "seed": 0},
    scaling.collapse: {"curves": CURVES, "n_resamples": 20, "seed": 0},
    scaling.quality_band: {"curves": CURVES, "p_c": 0.5, "nu": 1.3, "power": -0.1, "n_resamples": 20, "seed": 0},
    lattice_finder.find: {"d": 2, "L": 4, "p": 0.9, "n_pairs": 2, "max_rounds": 2, "ties": "coordinates", "seed": 0},
    lattice_finder.between: {
        **{"start": [0, 0], "end": [4, 0], "p": 0.9},
        **{"n_pairs": 2, "max_rounds": 2, "ties": "coordinates", "seed": 0},
    },
    dimension_scan.Plan: {"dimensions": [3], "kind": "site", "lattice": "hypercubic", "method": "auto", "runs": 64},
    runs.seeds: {"seed": 0, "n": 2},
    runs.run: {"task": abs, "items": [1], "workers": 1},
    run_until: {"task": task, "grid": [{"x": 1.0}], "realisations": 2, "seed": 0, "progress": False},
    executors.threads: {"workers": 1},
    executors.processes: {"workers": 1},
    seeds.sequence: {"seed": 0},
    thresholds.threshold: {"lattice": "hypercubic", "kind": "site", "d": 3},
    thresholds.hypercubic: {"d": 3, "kind": "site"},
    continuum.spheres: {"d": 3},
    continuum.simulated_spheres: {"d": 3},
    continuum.simulated_neighbourhood: {"d": 3, "shells": 2},
    continuum.neighbourhood: {"d": 3, "shells": 2},
    thresholds.series: {"d": 8, "kind": "site"},
    thresholds.bounds: {"lattice": "hamming", "kind": "bond", "d": 3, "q": 8},
    series.held: {"kind": "site"},
    series.continued: {"kind": "site", "n_known": 6},
    formulas.bethe: {"z": 3},
    formulas.n_cube: {"n": 6, "kind": "bond"},
    formulas.hamming: {"d": 2, "q": 8},
    formulas.d_lattice: {"d": 4, "kind": "site"},
    exponents.exponents: {"d": 3},
    branching.regular: {"z": 3},
    branching.poisson: {"c": 2.0},
    prediction.level: {"occupation": 0.5},
    prediction.crossing_rate: {"occupation": 0.5, "xi": 1.0},
    prediction.iid_dimension: {"occupation": 0.5},
    prediction.barrier_height: {"occupation": 0.5, "length_over_xi": 3.0, "n_samples": 16, "seed": 0},
    offline.load: {"name": "digits", "dimension": 64},
    models.untrained: {"name": "mlp", "shape": (8,), "n_classes": 3, "seed": 0},
    models.input_shape: {"name": "mlp", "dimension": 8},
    Subject: {
        **{"network": "mlp", "data": "none", "training": "untrained", "pair": "class-optimal", "pairs": 2},
        "dimension": 8,
    },
    Descent: {"steps": "adam", "lr": 0.1, "iterations": 8, "stop": 1e-4},
    Finder: {"level": 1e-3, "max_rounds": 2, "candidates": 1},
    find_paths: {"objective": Field(bowl), **ENDS},
    affine_slice: {"a": ENDS["a"][0], "c": ENDS["c"][0], "k": 2, "n": 5, "generator": GENERATOR},
    plan.gaussian: {"dimensions": [3], "occupations": [0.5], "length": 6.0, "margin": 0.5, "pairs": 2},
    long_runs.LongRun: {"experiment": "x", "folder": Path("results")},
}
COUNT = (0, -3, 2.5, "many", None)
NUMBER = (float("nan"), float("inf"), "much", -1.0)
# bad values of a parameter, wherever it stands
BAD = {
    "seed": (-1, 1.5, "seven", 2**63),
    "workers": (-1, 1.5),
    **dict.fromkeys(
        ("d", "n_sites", "n_realisations", "runs", "realisations", "n_clusters", "n_pairs", "pairs"), COUNT
    ),
    **dict.fromkeys(
        ("L", "q", "z", "generations", "depth", "width", "n_features", "k", "iterations", "n_samples"), COUNT
    ),
    "kind": ("sites", "", 3),
    **dict.fromkeys(("name", "network", "data", "lattice", "family", "method", "ties", "steps"), ("sqare", "")),
    **dict.fromkeys(("distribution", "activation", "training", "pair"), ("sqare", "")),
    "p": (1.5, -0.1, float("nan"), "half"),
    "occupation": (1.5, -0.1, float("nan")),
    **dict.fromkeys(("xi", "side", "mean_degree", "length_over_xi", "lr", "level", "length"), NUMBER),
    "n_classes": (0, 2.5),
    "max_rounds": (-1, 2.5),
    "candidates": (0, 2.5),
    "dimension": (0, 2.5),
    "n": (0, 2.5),
    "a": (torch.full((2, 3), float("nan")), torch.zeros(2, 4), torch.zeros(2, 3, dtype=torch.long)),
    "c": (torch.full((2, 3), float("inf")), torch.zeros(3, 3)),
    "store": (ROOT,),
}
# what these functions allow there, or how they word it: the parameter, the value, and why
ALLOWED = {
    (runs.seeds, "n"),  # none are none
    (wrapping.windings, "lattice"),
}  # fmt: skip


def signature_rows():
    for call, good in CALLS.items():
        for name in inspect.signature(call).parameters:
            known = name in BAD and (name in good or name in ("seed", "workers", "store"))
            for bad in BAD[name] if known and (call, name) not in ALLOWED else ():
                if not (isinstance(bad, int | float | None) and (call, name, bad) in FINE):
                    yield pytest.param(call, name, bad, id=f"{call.__name__}-{name}-{bad!r:.20}")


ESTIMATORS = (scaling.threshold, scaling.overlapping_spheres, crossing, invasion)
# what is no bad value there: nothing to say, or a defaulted number
FINE = {
    (lattices.cayley_tree, "generations", 0),
    (random_graphs.regular, "z", 0),
    (branching.regular, "z", 0),
    (dimension_scan.Plan, "runs", None),
    *((call, "runs", None) for call in ESTIMATORS),
}
NAMES = {"name": ("lattice", "network", "data set")}  # words for a parameter, where they are not its name
ROWS = list(signature_rows())


@pytest.mark.parametrize("call", CALLS, ids=lambda call: call.__name__)
def test_the_call_itself_works(call):
    call(**CALLS[call])


@pytest.mark.parametrize(("call", "name", "bad"), ROWS)
def test_a_bad_argument_is_named(call, name, bad):
    with pytest.raises((ValueError, OSError)) as raised:
        call(**CALLS[call] | {name: bad})
    message, last = str(raised.value), traceback.extract_tb(raised.tb)[-1].filename
    assert any(word in message for word in NAMES.get(name, (name,))), message
    assert any(word in message for word in ("got ", "unknown ", "holds ")), message
    assert Path(last).is_relative_to(ROOT), f"raised in {last}: {message}"


# commands: options, and what the one line says
COMMANDS = [
    ("threshold --dim 0", "dimensions run upwards from 1"),
    ("threshold --dim 3..", "cannot read the dimensions"),
    ("threshold --shells 0", "shells must be at least 1"),
    ("threshold --shells 2 --lattice bcc", "shells are of the hypercubic lattice"),
    ("spheres --dim 1", "d must be at least 2"),
    ("spheres --dim 2..11", "d must be at most 10"),
    ("spheres --dim 5 --method wrapping", "wrapping is for d = 2 to 4"),
    ("spheres --quick --time 3", "leave it out beside --time"),
    ("threshold --runs 0", "runs must be at least"),
    ("threshold --sites -1", "n_sites must be at least"),
    ("threshold --time nan", "time must be a finite number above 0"),
    ("threshold --precision -1", "precision must be a finite number above 0"),
    ("threshold --method leth", "did you mean 'leath'"),
    ("threshold --kind bonds", "did you mean 'bond'"),
    ("threshold --lattice hipercubic", "did you mean 'hypercubic'"),
    ("threshold --seed 1.5", "a valid integer"),
    ("threshold --workers -2", "workers must be at least 0"),
    ("threshold --store .", "names a file, got the folder"),
    ("threshold --dry-run --no-resume", "leave one of them out"),
    ("threshold --scheduler a --local-cluster 1", "leave one of them out"),
    ("theory hypercubic --dim 0", "got 0"),
    ("theory hyper", "did you mean 'hypercubic'"),
    ("compare --seed -1", "seed must be at least 0"),
    ("compare --device tpu", "device"),
    ("compare --workers x", "a valid integer"),
    ("connect --network resnet81", "did you mean 'resnet18'"),
    ("connect --data mnist", "did you mean 'mnist1d'"),
    ("connect --level 0", "level must be a finite number above 0"),
    ("connect --stop 1 --level 0.1", "the level must lie above"),
    ("connect --pairs 0", "pairs must be at least 1"),
    ("connect --weights /nowhere.pt", "/nowhere.pt"),
    ("connect --folder /nowhere --data cifar10 --network cnn", "/nowhere"),
    ("training --network nothing", "unknown network"),
    ("training --checkpoints 0", "checkpoints must be at least"),
    ("rounds --field gausian", "did you mean 'gaussian'"),
    ("rounds --field gaussian --occupation 2", "occupation"),
    ("rounds --field gaussian --pairs 0", "pairs must be at least 2"),
    ("rounds --field gaussian --length 1e9", "take shorter lines"),
    ("rounds --field gaussian --pairs 1000000000", "pairs must be at most 10000"),
    ("rounds --dim 3", "no effect"),
    ("phase --dim 1", "dim"),
    ("phase --classes 1", "classes"),
    ("phase --field smoth", "did you mean 'smooth'"),
    ("phase --length 0", "length must lie between"),
    ("barriers --kinds natural", "unknown kind of pairs"),
    ("barriers --classes 0", "classes must be at least 1"),
    ("barriers --table /nowhere.csv", "cannot read the table"),
    ("detect --attacks fgms", "did you mean 'fgsm'"),
    ("detect --detectors lyd", "did you mean 'lid'"),
    ("detect --data cifar11", "did you mean 'cifar10'"),
    ("detect --epsilon -1", "epsilon"),
    ("detect --references 0", "references must be at least 1"),
    ("manifold --network resnt", "did you mean 'resnet'"),
    ("manifold --modes 0", "modes"),
    ("manifold --saliency gradients", "did you mean 'gradient'"),
    ("figures treshold", "did you mean"),
    ("figures --format tif", "unknown format"),
    ("runs list /nowhere.db", "there is no store /nowhere.db"),
    ("runs show /nowhere.db", "there is no store /nowhere.db"),
    ("runs verify /nowhere.db", "there is no store /nowhere.db"),
    ("runs gc /nowhere.db", "there is no store /nowhere.db"),
    ("report /nowhere.db", "there is no store /nowhere.db"),
    ("nonsense", "nonsense"),
]
WITHOUT_OUT = ("theory", "runs", "report", "nonsense")


@pytest.mark.parametrize(("arguments", "message"), COMMANDS)
def test_a_command_says_it_in_one_line(percolation, tmp_path, arguments, message):
    out = () if arguments.split()[0] in WITHOUT_OUT else ("--out", tmp_path / "out")
    code, _, error = percolation(*arguments.split(), *out)
    assert code == 2, error
    assert error.startswith("percolation: ") and error.count("\n") == 1 and message in error
    assert not list((tmp_path / "out").glob("**/*.csv"))


def test_the_table_is_long():
    assert len(ROWS) + len(COMMANDS) >= 150
