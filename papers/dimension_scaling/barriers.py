"""Minimax barrier between two inputs against the dimension of the slice on which a path may go round."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure
from scipy.special import ndtri
from torch import Tensor

from empirical.descent.rows import Descent, descend
from empirical.ends import pairs
from empirical.ends.subject import Subject, build
from empirical.experiments.phase.measure import KNOWN_UP_TO, smooth_threshold
from empirical.experiments.rounds.landscapes import GaussianField
from empirical.losses.objectives import ClassLoss, Objective
from empirical.prediction.cells import affine_slice, cut
from empirical.threads import one_thread
from papers import drawing
from papers.averages import geometric, two_sided
from papers.figure import PAGE, house, keep, macro_name, made_by, record
from percolation import level_sets, runs
from percolation.quantities import with_error
from percolation.seeds import child, integer

NAME = "dimension_scaling/barriers"
TITLE = "Minimax barrier against the dimension of the slice"
MINUTES = 1.2
FLOOR = 1e-7  # nats: cross-entropy in single precision is no smaller but 0
NETWORKS = {
    "trained": Subject("cnn1d", "mnist1d", "trained", "natural-natural", dimension=40),
    "adversarial": Subject("cnn1d", "mnist1d", "trained", "natural-adversarial", dimension=40),
    "untrained": Subject("mlp", "none", "untrained", "class-optimal", dimension=100),
}
LABELS = {
    "trained": "1-D CNN, natural pairs",
    "adversarial": "1-D CNN, natural-adversarial",
    "untrained": "random MLP, class-optimal",
}


@dataclass(frozen=True)
class Config:
    """Pairs of inputs of each system, and the cubes of n^k cells through them."""

    k_max: int = 4
    n: int = 19  # cells along an axis; odd, so that a slice holds the cells of those of lower dimension
    pairs: int = 40
    dimension: int = 24  # of the Gaussian field
    length: float = 6.0  # between its two points, in correlation lengths
    ends: float = -2.0  # value, in standard deviations, to which they are moved downhill


QUICK = Config(n=13, pairs=24, length=4.0)
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """A row a system, pair and k: the barrier of the slice and the larger value of its ends."""
    task = partial(_barriers, config, seed)
    systems = ["gaussian", *NETWORKS]
    found = runs.run(task, systems, workers=workers, processes=workers != 1, label="slices")
    return keep(folder, NAME, config, seed, pd.DataFrame([row for rows in found for row in rows]))


def _barriers(config: Config, seed: int, system: str) -> list[dict[str, object]]:
    own = child(np.random.SeedSequence(seed), list(("gaussian", *NETWORKS)).index(system))
    with one_thread():
        objective, a, c = _gaussian(config, own) if system == "gaussian" else _network(system, config, seed, own)
        generator = torch.Generator().manual_seed(integer(child(own, 9)))
        rows: list[dict[str, object]] = []
        for pair in range(len(a)):
            for k, barrier, end in _of_pair(config, objective, pair, a[pair], c[pair], generator):
                rows.append({"system": system, "pair": pair, "k": k, "barrier": barrier, "end": end})
        return rows


def _of_pair(
    config: Config, objective: Objective, pair: int, a: Tensor, c: Tensor, generator: torch.Generator
) -> Iterator[tuple[int, float, float]]:
    """(k, barrier, larger end) on nested slices of k = 1 ... k_max dimensions."""
    directions = torch.randn(config.k_max - 1, *a.shape, generator=generator, dtype=a.dtype)
    for k in range(1, config.k_max + 1):
        through = a + directions[: k - 1] if k > 1 else None
        where = affine_slice(a, c, k, n=config.n, through=through)
        levels = level_sets.sweep(cut(objective, where, pair=pair).values)
        first, second = where.ends
        yield k, float(levels.barrier(first, second)), float(levels.values.ravel()[[first, second]].max())


def _gaussian(config: Config, seed: np.random.SeedSequence) -> tuple[Objective, Tensor, Tensor]:
    """A field for each pair, and ends moved down to the same value."""
    drawn, _ = GaussianField(config.dimension, config.length).draw(config.pairs, 1, seed)
    everyone = torch.arange(len(drawn.a))
    rule = Descent(steps="steepest", lr=1.0, iterations=200, stop=config.ends)
    a, c = (descend(drawn.objective, end, everyone, rule) for end in (drawn.a, drawn.c))
    low = (a.reached & c.reached).nonzero().squeeze(1)
    return drawn.select(low).objective, a.points[low], c.points[low]


def _network(system: str, config: Config, seed: int, own: np.random.SeedSequence) -> tuple[Objective, Tensor, Tensor]:
    """Pairs of low-loss inputs of a network."""
    subject = Subject(**vars(NETWORKS[system]) | {"pairs": config.pairs})
    generator = torch.Generator().manual_seed(integer(child(own, 1)))
    found = pairs.draw(*build(subject, seed=seed), subject.wanted, stop=5e-4, generator=generator)
    return ClassLoss(found.model, found.labels), found.a, found.c


def summary(data_file: Path) -> pd.DataFrame:
    """A row a system and k: mean barrier with its standard error; of networks geometric, the error a factor."""
    rows = pd.read_csv(data_file)
    found = []
    for (system, k), some in rows.groupby(["system", "k"], sort=False):
        network = system != "gaussian"
        values = some["barrier"]
        error = values.std(ddof=1) / np.sqrt(len(some))
        mean = geometric(values, FLOOR) if network else (values.mean(), error, error)
        found.append((system, k, len(some), *mean))
    return pd.DataFrame(found, columns=["system", "k", "n", "value", "below", "above"])


def draw(data_file: Path) -> Figure:
    """Gaussian fields in standard deviations to the left, networks in nats to the right."""
    rows = summary(data_file)
    with house():
        figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.5))
        fields = rows[rows["system"] == "gaussian"]
        columns = fields["k"], fields["value"], [fields["below"], fields["above"]]
        drawing.points(left, *columns, 0, "smooth Gaussian fields", ls="-", lw=0.6)
        known = range(2, min(rows["k"].max(), KNOWN_UP_TO) + 1)
        critical = [float(ndtri(smooth_threshold(k).value)) for k in known]
        label = "critical level of far points,\n$k=2$: Muirhead and Vanneuville 2020"
        drawing.theory(left, known, critical, label=label, marker="_", ms=8)
        left.set(ylabel="minimax barrier [std. deviations]", ylim=(None, 0.85))
        for series, (system, label) in enumerate(LABELS.items(), start=1):
            some = rows[rows["system"] == system]
            columns = some["k"], some["value"], [some["below"], some["above"]]
            drawing.points(right, *columns, series, label, ls="-", lw=0.6)
        drawing.theory(right, [0.8, rows["k"].max() + 0.2], [1e-3] * 2, label="level, $10^{-3}$ nats", ls=":")
        right.set(yscale="log", ylabel="minimax barrier [nats]")
        for ax in (left, right):
            ax.set(xlabel="dimension $k$ of the slice", xticks=sorted(set(rows["k"])))
            ax.set_xlim(0.8, rows["k"].max() + 0.2)
            ax.legend()
        drawing.letters([left, right], ["two points of a random field", "two low-loss inputs of a network"])
    return figure


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made = record(data_file)["parameters"]
    rows = summary(data_file)
    counts = ", ".join(str(n) for n in rows[rows["k"] == 1]["n"])
    return (
        rf"Minimax barrier between two points A and C on nested slices of $k$ dimensions through both, each cut into "
        rf"${made['n']}^k$ cells: the lowest level at which they are in one cluster of open cells, exactly; $k = 1$ is "
        rf"the straight line. (a) Gaussian fields of covariance $\exp(-r^2/2\xi^2)$ in $d = {made['dimension']}$, "
        rf"points {made['length']:g} $\xi$ apart before both were moved down to {made['ends']:g} standard deviations. "
        rf"Dashed: the level from which on level sets percolate in $k$ dimensions, 0 for $k = 2$ (Muirhead and "
        rf"Vanneuville 2020), above by spanning of boxes. (b) A 1-D CNN trained on mnist1d ($d = 40$) and a random MLP "
        rf"($d = 100$); geometric means. Pairs: {counts} in the order of the legends; bars are one standard error. "
        + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Every mean barrier, with its error."""
    found = {}
    for row in summary(data_file).itertuples():
        sides = row.value, row.below, row.above
        value = with_error(row.value, row.above) if row.system == "gaussian" else two_sided(*sides)
        found[macro_name("barrier", row.system, int(row.k))] = value
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = summary(data_file).set_index(["system", "k"])
    last = int(rows.index.get_level_values("k").max())
    field = [with_error(rows.loc[("gaussian", k), "value"], rows.loc[("gaussian", k), "above"]) for k in (1, last)]
    network = [f"{rows.loc[('adversarial', k), 'value']:.2g}" for k in (1, last)]
    return (
        f"Each dimension of the slice lowers the minimax barrier: from {field[0]} to {field[1]} standard deviations in "
        f"Gaussian fields, from {network[0]} to {network[1]} nats between natural and adversarial inputs, "
        f"k = 1 to {last}."
    )
