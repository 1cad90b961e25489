"""Pictures of the class-optimal set: inputs along a path, losses on a sheet, the mode graph, what changes on a path."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Colormap, LogNorm, Normalize
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator, NullFormatter
from matplotlib.tri import Triangulation

from empirical.experiments.manifold.measure import Explored
from empirical.manifolds import ModeGraph, Sheet
from percolation.plotting import STYLE

LOWEST = 1e-7  # nats: what is lower is drawn as this


def path_figure(found: Sequence[Explored]) -> Figure:
    """A row a network: inputs along the path of most rounds, and the loss there."""
    shown = [one for one in found if one.walk is not None]
    with plt.style.context(STYLE):
        columns = max((len(one.walk_losses) for one in shown), default=1)
        figure = plt.figure(figsize=(1.0 * columns + 2.6, max(1.35 * len(shown), 1) + 0.35))
        grid = figure.add_gridspec(max(len(shown), 1), columns + 1, width_ratios=[1] * columns + [2.2])
        if not shown:
            figure.text(0.5, 0.5, "no two modes are connected", ha="center")
        for row, one in enumerate(shown):
            assert one.walk is not None
            inputs = one.walk.numpy(force=True)
            for place, (x, loss) in enumerate(zip(inputs, one.walk_losses, strict=True)):
                ax = draw_input(x, figure.add_subplot(grid[row, place]), _limits(inputs), first=place == 0)
                ax.set_title(f"{loss:.0e}".replace("e-0", "e-"), fontsize=7, fontweight="normal", loc="center", pad=2)
                if place == 0:
                    ax.set_ylabel(_name(one), fontsize=8)
            plot_walk(one, figure.add_subplot(grid[row, columns]), last=row == len(shown) - 1)
        class_ = f" of class {shown[0].plan.label}" if shown else ""
        figure.suptitle(f"Class-optimal inputs{class_} along a path; loss in nats above each", fontsize=9.5)
    return figure


def sheet_figure(found: Sequence[Explored]) -> Figure:
    """A row a network: loss on the flat sheet of three modes, on the relaxed one, how far it moved, the mode graph."""
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(
            len(found), 4, figsize=(10.6, 2.35 * len(found) + 0.3), squeeze=False, width_ratios=(1, 1, 1, 0.9)
        )
        for row, one in zip(axes, found, strict=True):
            level = one.plan.finder.level
            _sheets(one, row[:3], level)
            row[0].set_ylabel(_name(one))
            plot_graph(one.graph, row[3])
        for ax, title in zip(
            axes[0], ("flat sheet", "relaxed sheet", "how far it moved", "rounds between modes"), strict=True
        ):
            ax.set_title(title)
    return figure


def interpretation_figure(one: Explored, vertices: np.ndarray, maps: dict[str, np.ndarray]) -> Figure:
    """Rows: the vertices of a path, what changed since A, and saliency maps by name, (n, *shape) each."""
    rows = {"input": vertices, "change since A": vertices - vertices[:1]} | maps
    n = len(vertices)
    with plt.style.context(STYLE):
        figure, axes = plt.subplots(len(rows), n, figsize=(1.25 * n + 1.9, 1.3 * len(rows) + 0.4), squeeze=False)
        for number, (line, (name, images)) in enumerate(zip(axes, rows.items(), strict=True)):
            signed = name != "input"
            limits = _symmetric(images) if signed else _limits(images)
            for place, (x, ax) in enumerate(zip(images, line, strict=True)):
                draw_input(x, ax, limits, "RdBu_r" if signed else None, first=place == 0)
                if number == 0:
                    ax.set_title("A" if place == 0 else "C" if place == n - 1 else f"B'{place}", loc="center")
            line[0].set_ylabel(name, fontsize=8)
            if images[0].ndim == 3:
                _colorbar(figure, line, limits, "RdBu_r" if signed else "gray")
        figure.suptitle(f"{_name(one)}, class {one.plan.label}: what changes along the path", fontsize=9.5)
    return figure


def draw_input(
    x: np.ndarray, ax: Axes, limits: tuple[float, float], cmap: str | None = None, *, first: bool = False
) -> Axes:
    """An input (channels, height, width) as a picture, any other as a curve; a cmap is for what has a sign.

    first: of its row; a curve then has numbers on its axis.
    """
    low, high = limits
    if x.ndim == 3 and x.shape[0] == 3 and cmap is None:
        ax.imshow(np.clip((x.transpose(1, 2, 0) - low) / max(high - low, 1e-12), 0, 1))
    elif x.ndim == 3:
        ax.imshow(x.mean(0), cmap=cmap or "gray", vmin=low, vmax=high)
    else:
        ax.plot(x.ravel(), lw=0.9, color="C1" if cmap else "C0")
        ax.set_ylim(low - 0.05 * (high - low), high + 0.05 * (high - low))
    ax.set_xticks([])
    if x.ndim == 3 or not first:
        ax.set_yticks([])
    else:
        ax.yaxis.set_major_locator(MaxNLocator(3))
        ax.tick_params(axis="y", labelsize=6.5)
    ax.spines[["top", "right"]].set_visible(True)
    return ax


def plot_walk(one: Explored, ax: Axes, *, last: bool = True) -> Axes:
    """Loss at the inputs of the walk against their place, and the level as a dashed line."""
    ax.plot(np.linspace(0, 1, len(one.walk_losses)), np.maximum(one.walk_losses, LOWEST), ".-")
    ax.axhline(one.plan.finder.level, ls="--", color="0.3", lw=0.8)
    ax.set(yscale="log", xlim=(-0.04, 1.04), ylabel="loss [nats]", xticks=(0, 0.5, 1))
    lowest = min(max(float(one.walk_losses.min()), LOWEST), one.plan.finder.level / 10)
    ax.set_ylim(10 ** np.floor(np.log10(lowest)), 3 * one.plan.finder.level)
    ax.yaxis.set_minor_formatter(NullFormatter())
    longest = one.graph.longest()
    assert longest is not None
    rounds = one.graph.connections[longest].rounds
    ax.set_title(f"{rounds} round{'' if rounds == 1 else 's'}", fontsize=7.5, fontweight="normal")
    if last:
        ax.set_xlabel("share of the path", labelpad=1)
    else:
        ax.tick_params(labelbottom=False)
    return ax


def plot_sheet(sheet: Sheet, values: np.ndarray, ax: Axes, norm: Normalize, cmap: str) -> Axes:
    """Values (n,) at the points of a sheet, in the plane of its three modes, which are drawn as dots."""
    mesh = Triangulation(sheet.plane[:, 0], sheet.plane[:, 1], sheet.triangles)
    ax.tripcolor(mesh, values, norm=norm, cmap=cmap, shading="gouraud", rasterized=True)
    tips = [int(sheet.weights[:, k].argmax()) for k in range(3)]
    ax.plot(*sheet.plane[tips].T, "o", color="black", mfc="white", ms=4, clip_on=False)
    low, high = sheet.plane.min(0), sheet.plane.max(0)
    room = 0.05 * float((high - low).max())
    ax.set(
        aspect="equal", xticks=[], yticks=[], xlim=(low[0] - room, high[0] + room), ylim=(low[1] - room, high[1] + room)
    )
    ax.spines[:].set_visible(False)
    return ax


def plot_graph(graph: ModeGraph, ax: Axes) -> Axes:
    """Rounds between every two modes; grey where no path was found."""
    rounds = graph.matrix("rounds")
    most = max(int(np.nanmax(rounds)) if graph.connected.any() else 0, 1)
    cmap: Colormap = plt.get_cmap("cividis_r", most + 1)
    ax.set_facecolor("0.85")
    shown = ax.imshow(rounds, cmap=cmap, vmin=-0.5, vmax=most + 0.5)
    ticks = [0, graph.n_modes - 1] if graph.n_modes > 2 else range(graph.n_modes)
    ax.set(xticks=list(ticks), yticks=list(ticks))
    ax.set_xlabel(f"{graph.connected.mean():.0%} connected", labelpad=2)
    assert ax.figure is not None
    ax.figure.colorbar(shown, ax=ax, ticks=range(0, most + 1, max(most // 4, 1)), shrink=0.9)
    return ax


def _sheets(one: Explored, axes: Sequence[Axes], level: float) -> None:
    """Loss before and after on one scale, and the displacement."""
    if one.sheet is None:
        for ax in axes:
            ax.set_axis_off()
        axes[0].text(0.5, 0.5, "fewer than three modes", ha="center", transform=axes[0].transAxes)
        return
    sheet = one.sheet
    heights = [np.maximum(loss, LOWEST) for loss in (sheet.loss_flat, sheet.loss_relaxed)]
    low, high = min(map(np.min, heights)), max(map(np.max, heights))
    norm = LogNorm(min(low, level / 10), max(high, level * 10))
    for ax, loss in zip(axes, heights, strict=False):
        plot_sheet(sheet, loss, ax, norm, "viridis")
        if loss.min() < level < loss.max():
            mesh = Triangulation(sheet.plane[:, 0], sheet.plane[:, 1], sheet.triangles)
            ax.tricontour(mesh, loss, levels=[level], colors="white", linewidths=1.2)
    for ax, relaxed in zip(axes, (False, True), strict=False):
        ax.set_xlabel(f"{sheet.open_share(level, relaxed=relaxed):.0%} open", labelpad=2)
    figure = axes[0].figure
    assert figure is not None
    figure.colorbar(ScalarMappable(norm, "viridis"), ax=list(axes[:2]), shrink=0.85, label="loss [nats]")
    moved = Normalize(0, float(sheet.displacement.max()) or 1.0)
    plot_sheet(sheet, sheet.displacement, axes[2], moved, "magma_r")
    most = sheet.displacement.max()
    axes[2].set_xlabel(f"largest {most:.2g}" if most else "nowhere", labelpad=2)
    figure.colorbar(ScalarMappable(moved, "magma_r"), ax=axes[2], shrink=0.85, label="distance")


def _colorbar(figure: Figure, line: Sequence[Axes], limits: tuple[float, float], cmap: str) -> None:
    bar = figure.colorbar(ScalarMappable(Normalize(*limits), cmap), ax=list(line), shrink=0.9, aspect=12)
    bar.ax.tick_params(labelsize=6.5)


def _limits(images: np.ndarray) -> tuple[float, float]:
    low, high = float(images.min()), float(images.max())
    return (low, high) if high > low else (low - 0.5, high + 0.5)


def _symmetric(images: np.ndarray) -> tuple[float, float]:
    most = float(np.abs(images).max()) or 1.0
    return -most, most


def _name(one: Explored) -> str:
    return one.plan.network.rpartition(":")[2] + ("" if one.plan.training == "trained" else "*")
