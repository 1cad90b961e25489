"""Figure 4: percolation on the segmented input space: a slice through A, C and B', its open cells and clusters."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from matplotlib import pyplot as plt
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap, LogNorm
from matplotlib.figure import Figure

from empirical.prediction.cells import Slice, affine_slice, cut
from empirical.threads import one_thread
from papers import drawing
from papers.figure import PAGE, arrays, house, keep, kept_table, macro_name, made_by, record
from papers.input_space_mode_connectivity import path_styles
from papers.input_space_mode_connectivity.inputs import Inputs, Searched, searched, system
from percolation import clusters, lattices, level_sets, seeds

NAME = "input_space_mode_connectivity/percolation_slice"
TITLE = "Percolation on the segmented input space"
MINUTES = 0.5
SMALLEST_CLUSTER = 1e-3  # share of the cells up to which a cluster does not count in the choice of a slice
SECOND_DIRECTIONS = ("random", "through")  # the second direction of a slice: at random, or towards B'
# closed, cluster of A, cluster of C if it is another, and the further ones in turn
CLOSED, OF_A, OF_C, OTHERS = "0.88", "#0072B2", "#D55E00", ("#E69F00", "#009E73", "#CC79A7", "#56B4E9")


@dataclass(frozen=True)
class Config(Inputs):
    """The slice that is drawn, and coarser ones of all pairs that take a path which is not straight."""

    n: int = 121  # cells along an axis of the slice that is drawn
    n_others: int = 31  # and of those that are counted
    margin: float = 0.3  # of the distance of A and C, beyond both
    wide: float = 1.0  # the margin of the slice that is drawn


QUICK = Config(pairs=60)
FULL = Config(pairs=300, n=401, n_others=61)


def compute(config: Config, folder: Path, *, seed: int = 0, workers: int = 0) -> Path:
    """Losses and clusters on the slice of one pair; minimax barriers on two slices of every pair."""
    done = searched(config.subject("natural-adversarial"), seed=seed)
    with one_thread():
        pair = _most_clusters(config, done)
        data, said = _example(config, done, pair)
        generator = torch.Generator().manual_seed(seeds.integer(seeds.of("random slices", seed)))
        slices = pd.DataFrame(list(_slices(config, done, generator)))
    return keep(folder, NAME, config, seed, data, slices=slices, level=done.finder.level, pair=pair, **said)


def _most_clusters(config: Config, done: Searched) -> int:
    """The pair whose path has one bend and whose wide slice has most clusters of open cells, specks not counted."""
    bent = [i for i, one in enumerate(done.found) if one.connected and one.path.n_segments == 2]
    return max(bent, key=lambda i: (_n_clusters(config, done, i), done.found[i].barrier)) if bent else done.chosen()


def _n_clusters(config: Config, done: Searched, pair: int) -> int:
    where = _through(config, done, pair, config.n_others, config.wide)
    opened = cut(done.objective, where, pair=pair).values <= done.finder.level
    sizes = np.bincount(clusters.label(_square(config.n_others), opened).ravel())[1:]
    return int((sizes > SMALLEST_CLUSTER * opened.size).sum())


def _square(n: int) -> lattices.Box:
    """Cells that share an edge are neighbours; the slice has a border."""
    return lattices.square.box(n)


def _example(config: Config, done: Searched, pair: int) -> tuple[dict[str, np.ndarray], dict[str, Any]]:
    """The slice through A, C and the first B' of a pair: losses of its cells, their clusters, the path."""
    path, level = done.found[pair].path, done.finder.level
    where = _through(config, done, pair, config.n, config.wide)
    values = cut(done.objective, where, pair=pair).values
    swept = level_sets.sweep(values)
    labels = clusters.label(_square(config.n), values <= level)
    at = where.coordinates(path.vertices)
    aside = (where.points(at) - path.vertices).flatten(1).norm(dim=1)
    levels = np.geomspace(max(float(values.min()), path_styles.FLOOR), float(values.max()), 100)
    data = {
        "loss": values,
        "labels": labels,
        "ends": np.array(where.ends),
        "lower": where.lower,
        "side": np.array(where.side),
        "path": at.double().cpu().numpy(),
        "levels": levels,
        "occupation": swept.occupation(levels),
        "largest": swept.largest(levels) / swept.n_cells,
    }
    said = {
        "minimax": float(swept.barrier(*where.ends)),
        "straight": done.found[pair].barrier,
        "aside": float(aside.max()),
        "dimension": done.drawn.a[0].numel(),
    }
    return data, said


def _through(config: Config, done: Searched, pair: int, n: int, margin: float) -> Slice:
    """The slice through A, C and the first B' of a pair, n cells along an axis."""
    a, c = done.drawn.a[pair], done.drawn.c[pair]
    return affine_slice(a, c, n=n, margin=margin, through=done.found[pair].history[1].vertices[1:2])


def _slices(config: Config, done: Searched, generator: torch.Generator) -> Iterator[dict[str, Any]]:
    """Minimax barrier between A and C, and occupation of the level, on both slices of every pair that has a B'."""
    for pair, one in enumerate(done.found):
        if one.path.n_segments < 2:
            continue
        a, c = done.drawn.a[pair], done.drawn.c[pair]
        random = affine_slice(a, c, n=config.n_others, margin=config.margin, generator=generator)
        chosen = _through(config, done, pair, config.n_others, config.margin)
        for way, where in zip(SECOND_DIRECTIONS, (random, chosen), strict=True):
            swept = level_sets.sweep(cut(done.objective, where, pair=pair).values)
            barrier = float(swept.barrier(*where.ends))
            occupied = float(swept.occupation(done.finder.level))
            yield {"pair": pair, "slice": way, "barrier": barrier, "occupation": occupied, "straight": one.barrier}


def draw(data_file: Path) -> Figure:
    """The losses, the clusters of open cells, and how the largest of them grows with the level."""
    made, data = record(data_file), arrays(data_file)
    with house():
        figure, axes = plt.subplots(1, 3, figsize=(PAGE, 2.55), width_ratios=(1.1, 1.05, 0.95))
        _plot_losses(data, made["level"], figure, axes[0])
        _plot_clusters(data, axes[1])
        _plot_growth(data, made, axes[2])
        drawing.letters(axes, ["loss of the cells", "clusters of open cells", "their growth"])
    return figure


def _extent(data: dict[str, np.ndarray]) -> tuple[float, float, float, float]:
    """Limits of the slice, in units of the distance of A and C."""
    size = data["side"] * len(data["loss"])
    x, y = data["lower"]
    left, right, bottom, top = np.array([x, x + size, y, y + size]) / _distance(data)
    return float(left), float(right), float(bottom), float(top)


def _distance(data: dict[str, np.ndarray]) -> float:
    return float(np.linalg.norm(data["path"][-1] - data["path"][0]))


def _plot_losses(data: dict[str, np.ndarray], level: float, figure: Figure, ax: Axes) -> None:
    """The loss of every cell; darker is higher, a line at the level."""
    loss = np.maximum(data["loss"], 1e-6).T
    extent = _extent(data)
    drawn = ax.imshow(loss, norm=LogNorm(), cmap="cividis_r", origin="lower", extent=extent, rasterized=True)
    if loss.min() < level < loss.max():
        ax.contour(loss, [level], extent=extent, origin="lower", colors="black", linewidths=0.6)
    bar = figure.colorbar(drawn, ax=ax, fraction=0.05, pad=0.02)
    bar.set_label("loss [nats]", labelpad=1)
    bar.ax.minorticks_off()
    _plot_ways(data, ax)


def _plot_clusters(data: dict[str, np.ndarray], ax: Axes) -> None:
    """Closed cells grey, the clusters of A and C in colours of their own."""
    labels = data["labels"].ravel()
    of_a, of_c = labels[data["ends"]]
    colors = [CLOSED, *(OTHERS[k % len(OTHERS)] for k in range(labels.max()))]
    for one, color in ((of_c, OF_C), (of_a, OF_A)):  # one colour if it is one cluster
        if one:
            colors[one] = color
    shown = ListedColormap(colors)
    limits: dict[str, Any] = {"vmin": -0.5, "vmax": len(colors) - 0.5, "interpolation": "nearest", "rasterized": True}
    ax.imshow(data["labels"].T, cmap=shown, origin="lower", extent=_extent(data), **limits)
    _plot_ways(data, ax, legend=True)


def _plot_ways(data: dict[str, np.ndarray], ax: Axes, legend: bool = False) -> None:
    """A, C, B', the straight line and the path."""
    path = data["path"] / _distance(data)
    ax.plot(path[[0, -1], 0], path[[0, -1], 1], color="black", ls=":", lw=1.2, label="straight line")
    ax.plot(path[:, 0], path[:, 1], color="white", lw=2.4)
    ax.plot(path[:, 0], path[:, 1], color="black", lw=1.2, label="found path")
    ax.plot(path[:, 0], path[:, 1], "o", color="black", mec="white", mew=0.6, ms=3.5)
    names = ["A", *(["B$'$"] if len(path) == 3 else [""] * (len(path) - 2)), "C"]
    for (x, y), name in zip(path, names, strict=True):
        below = abs(y) < 1e-3
        place: dict[str, Any] = {"xytext": (0, -4 if below else 4), "textcoords": "offset points", "ha": "center"}
        box = {"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none", "alpha": 0.8}
        ax.annotate(name, (x, y), va="top" if below else "bottom", bbox=box if name else None, fontsize=7, **place)
    ax.set(xlabel="along C $-$ A", ylabel="across")
    ax.spines[:].set_visible(True)
    if legend:
        looking: dict[str, Any] = {"frameon": True, "framealpha": 0.9, "edgecolor": "none", "borderpad": 0.2}
        ax.legend(loc="lower left", **looking)


def _plot_growth(data: dict[str, np.ndarray], made: dict[str, Any], ax: Axes) -> None:
    """Share of open cells and share in their largest cluster against the level."""
    ax.plot(data["levels"], data["occupation"], color="0.6", lw=2.2, label="open")
    ax.plot(data["levels"], data["largest"], color="C0", label="in the largest cluster")
    for value, ls, name in (
        (made["level"], ":", "level"),
        (made["minimax"], "-.", "A and C meet"),
        (made["straight"], "-", "barrier of the line"),
    ):
        ax.plot([value, value], [0, 1], ls=ls, color="black", lw=0.9, label=name)
    ax.set(xscale="log", xlabel="level [nats]", ylabel="share of cells", ylim=(0, 1.95), yticks=(0, 0.25, 0.5, 0.75, 1))
    ax.legend(loc="upper left")


def numbers(data_file: Path) -> dict[str, Any]:
    """What caption, macros and finding quote."""
    made, data, slices = record(data_file), arrays(data_file), kept_table(data_file, "slices")
    labels = data["labels"].ravel()
    met = {
        way: int((slices.loc[slices["slice"] == way, "barrier"] <= made["level"]).sum()) for way in SECOND_DIRECTIONS
    }
    return met | {
        "pairs": slices["pair"].nunique(),
        "open": float((labels > 0).mean()),
        "clusters": int(labels.max()),
        "one": bool(labels[data["ends"]][0] == labels[data["ends"]][1] > 0),
        "n": len(data["loss"]),
        "segments": len(data["path"]) - 1,
    }


def caption(data_file: Path) -> str:
    """What is plotted, n, errors, the command."""
    made, n = record(data_file), numbers(data_file)
    cells, margin = made["parameters"]["n_others"], made["parameters"]["margin"]
    many = f"{n['clusters']} cluster{'s' * (n['clusters'] != 1)}"
    together = "lie in one cluster" if n["one"] else "lie in different clusters"
    return (
        rf"The input space ($d = {made['dimension']}$) of {system(made['parameters'])} on the plane through a natural "
        rf"input A, an adversarial input C and the point B$'$ that the path finder put between them, cut into "
        rf"${n['n']} \times {n['n']}$ cells judged at their centres; distances in units of $|C - A|$. (a) Loss, "
        rf"the line at the level of {made['level']:g} nats; below $10^{{-6}}$ drawn as $10^{{-6}}$. (b) Clusters of "
        rf"open cells, which share edges: {n['open']:.2f} of the cells are open and form {many}; "
        rf"A and C {together}. Closed cells are grey, the cluster of A is blue. The path has {n['segments']} segments "
        rf"and leaves the plane by at most {made['aside']:.1g}. (c) Share of open cells, and of those in their largest "
        rf"cluster, against the level; A and C meet at {made['minimax']:.2g} nats, the straight line rises to "
        rf"{made['straight']:.3g}. Of {n['pairs']} pairs with a closed straight line, A and C meet below the level on "
        rf"{n['through']} planes through B$'$ and on {n['random']} planes in a random direction (${cells}^2$ cells, "
        rf"margin {margin:g}). Shown is the pair whose path has one bend and whose slice has most clusters. "
        rf"" + made_by(data_file, QUICK)
    )


def macros(data_file: Path) -> dict[str, str]:
    """Occupation and clusters of the slice, and where A and C meet."""
    made, n = record(data_file), numbers(data_file)
    return {
        macro_name("slice open share"): f"{n['open']:.2f}",
        macro_name("slice clusters"): str(n["clusters"]),
        macro_name("slice minimax"): f"{made['minimax']:.2g}",
        macro_name("slice straight"): f"{made['straight']:.3g}",
        macro_name("slices met through"): f"{n['through']} of {n['pairs']}",
        macro_name("slices met random"): f"{n['random']} of {n['pairs']}",
    }


def finding(data_file: Path) -> str:
    """One line."""
    made, n = record(data_file), numbers(data_file)
    many = f"{n['clusters']} cluster{'s' * (n['clusters'] != 1)}"
    return (
        f"On a plane through A, C and B' {n['open']:.2f} of the cells are open, in {many}, and A and "
        f"C meet at {made['minimax']:.1g} nats where the straight line rises to {made['straight']:.3g}; they meet "
        f"below the level on {n['through']} of {n['pairs']} such planes, on {n['random']} in random directions."
    )
