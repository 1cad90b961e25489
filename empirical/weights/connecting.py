"""Two trained networks of one architecture connected by a path of low training loss, in one call."""

from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from empirical.data import given
from empirical.data.tensors import Dataset
from empirical.descent.rows import Descent
from empirical.finder.connections import Connection
from empirical.finder.find import Finder, find_paths
from empirical.finder.paths import Path
from empirical.losses.objectives import checked_points, device_of
from empirical.losses.weights import TrainingLoss, flat, network_at
from empirical.networks.taken import dtype_of
from empirical.threads import one_thread
from empirical.weights.matching import matched
from percolation import checks
from percolation.plotting import STYLE

ABOVE_ENDS, LOWEST_LEVEL = 3.0, 1e-3  # the usual level: so many times the larger loss of the networks, nats
# of the search, in units of the root mean square of the weights. Of cnn on digits 0.1 makes the path a quarter longer
# than the line, 0.03 makes it longer by 0.02, in as few steps
STEP = 0.03
LOOKED_AT = 25  # networks at which a path is evaluated
COLOURS = {"line": "0.35", "matched line": "C0", "path": "C1"}


@dataclass(frozen=True, repr=False)
class ConnectedNetworks:
    """The path between two networks, and the straight lines before and after their units were matched."""

    model_1: nn.Module
    model_2: nn.Module  # with its units matched, unless match=False
    connection: Connection
    objective: TrainingLoss
    lines: dict[str, Path]  # "line", and "matched line"
    level: float  # nats
    lr: float
    notes: tuple[str, ...]  # what was chosen, a line each

    def __repr__(self) -> str:
        one = self.connection
        return f"ConnectedNetworks({one.status} in {one.rounds} rounds; level {self.level:.3g}, lr {self.lr:.2g})"

    @property
    def paths(self) -> dict[str, Path]:
        """By name: line, matched line, path."""
        return {**self.lines, "path": self.connection.path}

    def network(self, share: float) -> nn.Module:
        """The network at this share of the path's length; at 0 and 1 the networks themselves.

        Between them the statistics of batch norms are estimated from the data; at the ends they are the networks' own.
        """
        if not 0 <= share <= 1:
            raise ValueError(f"share must lie in [0, 1], got {share}")
        if share in (0, 1):
            return deepcopy(self.model_2 if share else self.model_1)
        return network_at(self.model_1, _at(self.connection.path, share), self.objective.x)

    def curves(self, n: int = LOOKED_AT) -> pd.DataFrame:
        """Training loss in nats and share of wrong answers along each path: path, share of the length, loss, error."""
        checks.integer("n", n, at_least=2)
        with one_thread():
            return pd.DataFrame(self._curves(n))

    def _curves(self, n: int) -> list[dict[str, Any]]:
        return [
            {"path": name, "share": share, "loss": loss, "error": error}
            for name, path in self.paths.items()
            for share in np.linspace(0, 1, n)
            for loss, error in [self._seen(name, path, share)]
        ]

    def table(self) -> pd.DataFrame:
        """A row a path: its largest and mean loss, error, length over distance; is it open?"""
        curves = self.curves()
        return pd.DataFrame(
            [self._row(name, path, curves[curves["path"] == name]) for name, path in self.paths.items()]
        )

    def plot(self, ax: Axes | None = None) -> Axes:
        """Training loss along the paths, and the level as a dashed line."""
        curves = self.curves()
        with plt.style.context(STYLE):
            ax = plt.subplots()[1] if ax is None else ax
            for name, of_path in curves.groupby("path", sort=False):
                ax.plot(of_path["share"], of_path["loss"], color=COLOURS[str(name)], label=name)
            ax.axhline(self.level, ls="--", color="0.3", lw=0.9)
            ax.set(yscale="log", xlim=(0, 1), xlabel="share of the path", ylabel="training loss [nats]")
            ax.legend()
        return ax

    def _seen(self, name: str, path: Path, share: float) -> tuple[float, float]:
        """Loss and error; at the ends those of the networks with their own statistics of batch norms."""
        if share in (0, 1):
            return _own(self.model_2 if share else self.model_1, self.objective)
        return self.objective.loss_and_error(_at(path, share))

    def _row(self, name: str, path: Path, curve: pd.DataFrame) -> dict[str, Any]:
        loss = curve["loss"].to_numpy()
        found = self.connection if name == "path" else None
        return {
            "path": name,
            "open": bool(loss.max() <= self.level),
            "barrier": loss.max(),
            "gap": loss.max() - max(loss[0], loss[-1]),
            "mean_loss": float(np.trapezoid(loss, curve["share"])),
            "error": curve["error"].max(),
            "rounds": np.nan if found is None else found.rounds,
            "segments": path.n_segments,
            "length_over_distance": path.excess_length + 1,
        }


def connect(
    model_1: nn.Module,
    model_2: nn.Module,
    data: Dataset | tuple[Any, Any],
    *,
    level: float | None = None,
    lr: float | None = None,
    match: bool = True,
    max_rounds: int = 6,
    seed: int = 0,
) -> ConnectedNetworks:
    """Connect two trained networks of one architecture by a path on which their training loss stays at or below level.

    model_1, model_2: torch modules in evaluation mode. data: (inputs (n, *shape), classes (n,)), or a `Dataset`, whose
    training inputs are taken. level: None for 3 times the larger loss of the two, and at least 1e-3 nats. lr: Adam's
    step; None for 0.03 of the root mean square of the weights. match: the hidden units of the second network are
    first put into the order in which its weights are nearest to the first's, for chains of layers (`matching`); its
    outputs stay the same. What was chosen stands in `notes`.
    Source of the path finder's rounds: Vrabel et al., arXiv:2409.05800 (2024).
    """
    with one_thread():
        return _connected(model_1, model_2, *_data(data, model_1), level, lr, match, max_rounds, seed)


def _connected(
    model_1: nn.Module,
    model_2: nn.Module,
    x: Tensor,
    y: Tensor,
    notes: list[str],
    level: float | None,
    lr: float | None,
    match: bool,
    max_rounds: int,
    seed: int,
) -> ConnectedNetworks:
    _check_alike(model_1, model_2)
    second = matched(model_1, model_2, x[: min(len(x), 64)], seed=seed) if match else model_2
    objective = TrainingLoss(model_1, x, y)
    a, b, c = (flat(model) for model in (model_1, model_2, second))
    lines = {"line": Path(torch.stack([a, b]))}
    if match:
        lines["matched line"] = Path(torch.stack([a, c]))
        nearer = ((c - a).norm() / (b - a).norm().clamp(min=1e-30)).item()
        notes.append(f"matching: the networks lie {nearer:.3g} times as far apart as before")
    largest = max(objective.loss_and_error(point)[0] for point in (a, c))
    notes += _own_statistics({"first": (model_1, a), "second": (second, c)}, objective)
    level, lr = _chosen(level, lr, largest, torch.cat([a, c]), notes)
    rule = Descent(lr=lr, iterations=1000, stop=level / 2)
    finder = Finder(level, rule, max_rounds, coarse=16, dense=32, recheck=64, batch_size=1)
    (found,) = find_paths(objective, a[None], c[None], finder)
    return ConnectedNetworks(model_1, second, found, objective, lines, level, lr, tuple(notes))


def _data(data: Dataset | tuple[Any, Any], model: nn.Module) -> tuple[Tensor, Tensor, list[str]]:
    """Inputs and classes where the network is, and what was done to them."""
    if isinstance(data, Dataset):
        data = data.x_train, data.y_train
    if not isinstance(data, tuple | list) or len(data) != 2:
        raise ValueError(f"data must be (inputs, classes) or a Dataset, got {type(data).__name__}")
    x, notes = given.points(data[0], dtype_of(model), "inputs")
    checked_points("inputs", x)
    y = given.labels(data[1], len(x), "classes")
    return x.to(device_of(model)), y.to(device_of(model)), notes


def _check_alike(model_1: nn.Module, model_2: nn.Module) -> None:
    """One architecture, by names and shapes of its parameters."""
    one, other = ({name: tuple(w.shape) for name, w in model.named_parameters()} for model in (model_1, model_2))
    if one != other:
        name = next(name for name in (*one, *other) if one.get(name) != other.get(name))
        raise ValueError(
            f"both networks must have one architecture, got {name} of shape {one.get(name)} and {other.get(name)}"
        )


def _chosen(
    level: float | None, lr: float | None, largest: float, weights: Tensor, notes: list[str]
) -> tuple[float, float]:
    """Level and step, as given or as usual."""
    if level is None:
        level = max(ABOVE_ENDS * largest, LOWEST_LEVEL)
        notes.append(f"level: {level:.3g} nats, the larger loss of the networks is {largest:.3g}")
    elif checks.positive("level", level) < largest:
        raise ValueError(
            f"level must not lie below the training loss of a network, got {level:g} and a loss of {largest:.3g}; "
            "raise the level or train longer"
        )
    if lr is None:
        lr = STEP * weights.pow(2).mean().sqrt().item()
        notes.append(f"lr: {lr:.2g}, {STEP:g} of the root mean square of the weights")
    return level, checks.positive("lr", lr)


def _own_statistics(ends: dict[str, tuple[nn.Module, Tensor]], objective: TrainingLoss) -> list[str]:
    """Where batch norms keep other statistics than those of the data, what that makes of the loss."""
    notes = []
    for name, (model, point) in ends.items():
        own, anew = _own(model, objective)[0], objective.loss_and_error(point)[0]
        if abs(own - anew) > 1e-4 * max(own, anew) + 1e-6:
            notes.append(f"batch norms of the {name} network: loss {own:.3g} by its own statistics, {anew:.3g} anew")
    return notes


@torch.no_grad()
def _own(model: nn.Module, objective: TrainingLoss) -> tuple[float, float]:
    """Loss and error of a network as it is, batch norms with their own statistics."""
    logits = model(objective.x)
    loss = nn.functional.cross_entropy(logits, objective.y)
    return loss.item(), (logits.argmax(1) != objective.y).double().mean().item()


def _at(path: Path, share: float) -> Tensor:
    """The point (n_parameters,) at a share of the path's length."""
    vertices = torch.arange(path.n_segments + 1, dtype=torch.float64)
    s = np.interp(share, path.arclength(vertices).numpy(), vertices.numpy())
    return path(torch.tensor([s], dtype=torch.float64))[0]
