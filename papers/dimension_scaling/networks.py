"""Rounds in random networks by depth and width, measured beside those predicted from straight lines."""

from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.figure import Figure

from empirical.experiments.rounds import measure, plan
from empirical.experiments.rounds.landscapes import N_CLASSES, Drawn
from empirical.losses.objectives import ClassLoss
from empirical.networks import models
from papers import drawing
from papers.figure import PAGE, house, keep, macro_name, made_by, record
from percolation.quantities import with_error
from percolation.seeds import child, integer

NAME = "dimension_scaling/networks"
TITLE = "Random networks by depth and width"
MINUTES = 1.5


@dataclass(frozen=True)
class Config:
    """Multi-layer perceptrons without biases."""

    dimension: int = 100
    depths: tuple[int, ...] = (1, 2, 3, 5, 10)
    widths: tuple[int, ...] = (32, 128, 512)
    networks: int = 8  # of each depth and width: they differ more than the pairs of one do
    pairs: int = 40  # of each network


QUICK = Config(depths=(1, 3, 6, 10), widths=(32, 256), networks=4, pairs=12)
FULL = Config()


@dataclass(frozen=True)
class RandomMlp:
    """One untrained network between random inputs N(0, I): the loss of its first class."""

    dimension: int
    depth: int
    width: int
    number: int = 0  # tells networks of one shape apart, each with a seed of its own

    @property
    def columns(self) -> dict[str, Any]:
        shape = {"dimension": self.dimension, "depth": self.depth, "width": self.width, "number": self.number}
        return {"field": "mlp", "data": "none", "training": "untrained", **shape}

    def levels(self, occupation: float, margin: float) -> None:
        return None

    def draw(self, n_learn: int, n_walk: int, seed: np.random.SeedSequence) -> tuple[Drawn, Drawn]:
        of_network, learning, walking = (child(seed, i) for i in range(3))
        shape, seed_of = (self.dimension,), integer(of_network)
        model = models.untrained("mlp", shape, N_CLASSES, seed=seed_of, depth=self.depth, width=self.width)
        return self._lines(model, n_learn, learning), self._lines(model, n_walk, walking)

    def _lines(self, model: torch.nn.Module, n: int, seed: np.random.SeedSequence) -> Drawn:
        a, c = torch.randn(2, n, self.dimension, generator=torch.Generator().manual_seed(integer(seed)))
        return Drawn(ClassLoss(model, torch.zeros(n, dtype=torch.long)), a, c)


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """A row a network, the columns of `empirical.experiments.rounds.measure.rounds_table`."""
    shapes = product(config.widths, config.depths, range(config.networks))
    networks = [RandomMlp(config.dimension, depth, width, number) for width, depth, number in shapes]
    cases = [measure.Case(one, config.pairs) for one in networks]
    return keep(
        folder,
        NAME,
        config,
        seed,
        measure.rounds_table(plan.walk_all(cases, seed=seed, workers=workers, device=device)),
    )


def summary(data_file: Path) -> pd.DataFrame:
    """A row a width and depth: means over the networks with their standard errors, lengths in those of the lines."""
    rows = pd.read_csv(data_file)
    for which in ("measured", "predicted"):
        rows[f"{which}_displacement"] /= rows["length"]
    columns = [f"{which}_{name}" for which in ("measured", "predicted") for name in ("rounds", "displacement")]
    groups = rows.groupby(["width", "depth"])[columns]
    errors = groups.std() / np.sqrt(groups.count())
    return groups.mean().join(errors.add_suffix("_error")).reset_index()


def draw(data_file: Path) -> Figure:
    """Rounds against depth and displacement against depth; a mark a width."""
    rows, d = summary(data_file), pd.read_csv(data_file)["dimension"].iloc[0]
    with house():
        figure, (left, right) = plt.subplots(1, 2, figsize=(PAGE, 2.5))
        for series, (width, some) in enumerate(rows.groupby("width")):
            depth = some["depth"] + 0.2 * (series - (rows["width"].nunique() - 1) / 2)
            label = "theory of the finder (this work)" if not series else None
            drawing.points(
                left, depth, some["measured_rounds"], some["measured_rounds_error"], series, f"width {width}"
            )
            drawing.theory(left, some["depth"], some["predicted_rounds"], series, label)
            columns = some["measured_displacement"], some["measured_displacement_error"]
            drawing.points(right, depth, *columns, series, f"width {width}")
            drawing.theory(right, some["depth"], some["predicted_displacement"], series, label)
        top = 1.3 * (rows["measured_rounds"] + rows["measured_rounds_error"]).max()
        left.set(ylabel="rounds", ylim=(0, max(top, 1.3 * rows["predicted_rounds"].max())))
        right.set(ylabel=r"first cut $|B'-B|\,/\,|C-A|$", ylim=(0, None))
        for ax in (left, right):
            ax.set(xlabel="hidden layers", xticks=sorted(set(rows["depth"])))
        left.legend(ncols=2, loc="upper left", columnspacing=1)
        drawing.letters([left, right], [f"random networks, $d={d}$", "displacement of the first cut"])
    return figure


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, rows, shapes = record(data_file)["parameters"], pd.read_csv(data_file), summary(data_file)
    z, alone = _z(shapes), shapes["measured_displacement_error"].isna().any()
    return (
        rf"The path finder between random inputs $N(0, I)$, $d = {made['dimension']}$, of random bias-free ReLU "
        rf"networks, level and stop at occupation $0.5$ and half a standard deviation below: (a) rounds of the "
        rf"connected pairs, (b) how far the first cut is moved, in lengths of the line, against the number of hidden "
        rf"layers; marks of different widths are set apart a little. {made['networks']} networks of each shape, "
        rf"{made['pairs']} pairs each, {rows['measured_success'].mean():.3f} of them connected; bars are one standard "
        rf"error over networks{', none where only one had a cut' if alone else ''}. Dashed: theory of the finder from "
        rf"the statistics of straight lines, not fitted; "
        rf"it lies above the measured rounds in {int((z < 0).sum())} of {len(z)} shapes, by more than two errors in "
        rf"{int((z < -2).sum())}. " + made_by(data_file, QUICK)
    )


def _z(rows: pd.DataFrame) -> pd.Series:
    """Measured less predicted rounds in units of the combined error."""
    errors = np.hypot(rows["measured_rounds_error"], rows["predicted_rounds_error"])
    return (rows["measured_rounds"] - rows["predicted_rounds"]) / errors


def macros(data_file: Path) -> dict[str, str]:
    """Rounds of every shape, measured and predicted."""
    found = {}
    for row in summary(data_file).to_dict("records"):
        for which, name in (("measured", "rounds"), ("predicted", "rounds theory")):
            key = macro_name(name, "depth", int(row["depth"]), "width", int(row["width"]))
            found[key] = with_error(row[f"{which}_rounds"], row[f"{which}_rounds_error"])
    return found


def finding(data_file: Path) -> str:
    """One line."""
    rows = summary(data_file)
    z = _z(rows)
    widest = rows[rows["width"] == rows["width"].max()].sort_values("depth").iloc[[0, -1]]
    parts = [
        f"{with_error(row['measured_rounds'], row['measured_rounds_error'])} at depth {row['depth']:.0f} (predicted "
        f"{with_error(row['predicted_rounds'], row['predicted_rounds_error'])})"
        for _, row in widest.iterrows()
    ]
    return (
        f"Random networks need fewer rounds than their straight lines predict in {int((z < 0).sum())} of {len(z)} "
        f"shapes: at width {rows['width'].max()} {' and '.join(parts)}."
    )
