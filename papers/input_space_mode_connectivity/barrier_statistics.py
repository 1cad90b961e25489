"""Figure 6: barriers within a class and to adversarial inputs, published and ours, and the detection measure."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from empirical.detection.methods import METHODS
from empirical.ends.subject import Subject
from empirical.experiments.barriers import published, statistics
from empirical.experiments.barriers.figure import plot_barriers
from empirical.experiments.barriers.measure import Plan, measure_barriers
from empirical.experiments.detect import cases, measure
from empirical.experiments.detect.figure import plot_matrix
from papers import drawing
from papers.figure import PAGE, house, keep, kept_table, macro_name, made_by, record, tex
from percolation.terminal import stages

NAME = "input_space_mode_connectivity/barrier_statistics"
TITLE = "Barrier statistics and the detection benchmark"
MINUTES = 1.6
KINDS = ("natural-natural", "natural-adversarial")
PUBLISHED, OURS = "published", "ours"


@dataclass(frozen=True)
class Config:
    """Pairs of each class and kind, of networks from so many seeds; and the benchmark on so many images."""

    data: str = "mnist1d"
    network: str = "cnn1d"
    weights: str = "random"  # then trained on the data; or imagenet, or the path of a state dict
    images: str | None = None  # the folder of cifar10, cifar100 or imagenet
    pairs: int = 50
    classes: int | None = None
    networks: int = 3
    benchmark_data: str = "mnist1d"  # or digits, cifar10, cifar100
    benchmark_images: int = 400
    attacks: tuple[str, ...] = measure.DEFAULT_ATTACKS
    detectors: tuple[str, ...] = tuple(METHODS)

    def subject(self) -> Subject:
        """Whose barriers are measured."""
        own: dict[str, Any] = {"weights": self.weights, "folder": self.images, "lower_ends": True}
        return Subject(self.network, self.data, "trained", "natural-natural", self.pairs, **own)


QUICK = Config(pairs=20, networks=1, benchmark_images=120, attacks=("fgsm", "pgd", "deepfool", "targeted"))
FULL = Config()


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0, device: str = "cpu") -> Path:
    """A row a pair, published or measured; and a row a detector and attack."""
    plan = Plan(config.subject(), KINDS, config.classes)
    with stages() as report:
        report("barriers of pairs")
        measured = [
            measure_barriers(plan, seed=seed + k, device=device).assign(network_seed=seed + k)
            for k in range(config.networks)
        ]
    ours = pd.concat(measured, ignore_index=True).assign(source=OURS)
    rows = pd.concat([published.published().assign(source=PUBLISHED), ours], ignore_index=True)
    given: dict[str, Any] = {"images": config.benchmark_images}
    if config.images is not None and config.benchmark_data.startswith("cifar"):
        given["folder"] = config.images
    trial = measure.Plan(
        cases.cases((config.benchmark_data,), **given), config.attacks, config.detectors, adaptive=False
    )
    detected = measure.table(measure.run(trial, seed=seed, workers=workers))
    return keep(folder, NAME, config, seed, rows, detection=detected)


def summaries(data_file: Path) -> dict[str, pd.DataFrame]:
    """A row a kind of pairs, published and ours."""
    rows = pd.read_csv(data_file)
    found = {}
    for source, some in rows.groupby("source", sort=False):
        some = some.dropna(axis=1, how="all")
        found[str(source)] = statistics.summary(some).set_index("kind")
    return found


def best(data_file: Path) -> pd.DataFrame:
    """A row an attack: the detector of largest AUC, and the best of the loss curves."""
    rows = kept_table(data_file, "detection").dropna(subset=["auc"])
    found = []
    for attack, some in rows.groupby("attack", sort=False):
        first = some.loc[some["auc"].idxmax()]
        curves = some[~some["baseline"].astype(bool)]
        ours = curves.loc[curves["auc"].idxmax()] if len(curves) else first
        found.append({"attack": attack, "best": first["detector"], "auc": first["auc"], "curve": ours["auc"]})
    return pd.DataFrame(found)


def draw(data_file: Path) -> Figure:
    """Box plots of the barriers above, published and ours; AUC of detectors against attacks below."""
    rows = pd.read_csv(data_file)
    with house():
        figure = plt.figure(figsize=(PAGE, 4.9))
        parts: Any = figure.subfigures(2, 1, height_ratios=(1, 1.05))
        upper, lower = parts
        axes: Any = upper.subplots(1, 2)
        left, right = axes
        for ax, source in ((left, PUBLISHED), (right, OURS)):
            plot_barriers(rows[rows["source"] == source].dropna(axis=1, how="all"), ax)
            for text in ax.texts:
                text.set(fontsize=6.5)
        handles = [plt.Rectangle((0, 0), 1, 1, fc=f"C{k}", alpha=0.55, ec=f"C{k}") for k in range(2)]
        left.set_ylim(top=1.25 * left.get_ylim()[1])
        left.legend(handles, KINDS, loc="upper right")
        bottom = lower.subplots()
        _plot_detection(kept_table(data_file, "detection"), bottom)
        drawing.letters(
            [left, right, bottom],
            ["barriers, GoogLeNet on ImageNet (published)", "barriers, this work", "AUC of detectors (bold: best)"],
        )
    return figure


def _plot_detection(rows: pd.DataFrame, ax: Axes) -> None:
    plot_matrix(rows, "auc", ax, low=0.5)
    ax.set_xticks(ax.get_xticks(), [text.get_text() for text in ax.get_xticklabels()], rotation=0, ha="center")
    for text in ax.texts:
        text.set(fontsize=6)


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, found = record(data_file)["parameters"], summaries(data_file)
    said = "; ".join(
        rf"{name}: means {_gap(rows, 0)} and {_gap(rows, 1)}, medians {rows['gap_median'].iloc[0]:.2f} and "
        rf"{rows['gap_median'].iloc[1]:.2f}, AUC {_auc(rows)}"
        for name, rows in (("published", found[PUBLISHED]), ("here", found[OURS]))
    )
    tried = kept_table(data_file, "detection")
    n = tried.groupby("attack")["n"].first()
    return (
        rf"Losses at the ends, maximum and gap of straight lines from a natural input A to another of its class, or to "
        rf"an adversarial one; boxes: quartiles, whiskers 1.5 of their distance. (a) The published pairs of GoogLeNet, "
        rf"{int(found[PUBLISHED]['pairs'].iloc[0])} of each kind. (b) \texttt{{{tex(made['network'])}}} on "
        rf"{tex(made['data'])}, {int(found[OURS]['pairs'].iloc[0])} of each kind, networks from {made['networks']} "
        rf"seed{'s' * (made['networks'] > 1)}. Gaps within a class and to adversarial inputs, in nats; AUC: "
        rf"chance that "
        rf"the latter is the larger, 95\,\% interval: {said}. (c) AUC of detectors, rows, against attacks, columns, on "
        rf"{tex(made['benchmark_data'])}, with half the 95\,\% interval; {n.min()} to {n.max()} attacked inputs each; "
        rf"loss curves stand above the line, baselines below. " + made_by(data_file, QUICK)
    )


def _gap(rows: pd.DataFrame, place: int) -> str:
    row = rows.iloc[place]
    return f"{row['gap_mean']:.2f}"


def _auc(rows: pd.DataFrame) -> str:
    row = rows.loc["natural-adversarial"]
    return f"{row['auc']:.3f} ({row['auc_low']:.3f} to {row['auc_high']:.3f})"


def macros(data_file: Path) -> dict[str, str]:
    """Mean and median gaps, AUC, and the best AUC against every attack."""
    found = {}
    for source, rows in summaries(data_file).items():
        for kind, row in rows.iterrows():
            short = str(kind).split("-")[1]
            found[macro_name("gap", source, short, "mean")] = f"{row['gap_mean']:.2f}"
            found[macro_name("gap", source, short, "median")] = f"{row['gap_median']:.2f}"
        found[macro_name("gap", source, "auc")] = _auc(rows)
    for row in best(data_file).itertuples():
        found[macro_name("detection", row.attack, "best")] = f"{row.auc:.2f}"
        found[macro_name("detection", row.attack, "curve")] = f"{row.curve:.2f}"
    return found


def finding(data_file: Path) -> str:
    """One line."""
    found, detected = summaries(data_file), best(data_file)
    wins = int(np.isclose(detected["curve"], detected["auc"]).sum())
    ours = found[OURS].loc["natural-adversarial"]
    order = "also" if ours["auc_low"] > 0.5 else "not surely"
    return (
        f"Gaps to adversarial inputs are larger than within a class in the published data, AUC "
        f"{_auc(found[PUBLISHED])}, "
        f"and {order} here, {_auc(found[OURS])}; loss curves are the best detector of {wins} of "
        f"{len(detected)} attacks."
    )
