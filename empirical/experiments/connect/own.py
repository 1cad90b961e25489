"""Paths between inputs of a network of the user's in one call, which finds out what it is not told.

`empirical.connect(model, a, c, label)`; to draw the pairs too, and to ask the theories, see `measure`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import torch
from matplotlib.axes import Axes
from torch import Tensor, nn

from empirical.data import given
from empirical.data.tensors import IMAGENET, Normalisation
from empirical.descent.lowering import lowered
from empirical.ends.pairs import CONFIDENT, LOWERING
from empirical.ends.space import Space, space_of
from empirical.finder.connections import Connection, Connections
from empirical.finder.find import PRESETS, Finder, find_paths
from empirical.finder.paths import Path, profile
from empirical.losses.objectives import ClassLoss, checked_points, device_of, losses
from empirical.losses.outputs import Pick
from empirical.networks.architectures import Normalised
from empirical.networks.models import with_normalisation
from empirical.networks.taken import dtype_of, notes_of, taken
from empirical.threads import threads_for
from percolation import checks
from percolation.plotting import STYLE

PIXELS = (0.0, 1.0)
SPREAD = 3.0  # standard deviation of points, or its inverse, above which steps are scaled to it


@dataclass(frozen=True, repr=False)
class ConnectedPairs(Sequence[Connection]):
    """What was found between a and c, a `Connection` a pair."""

    connections: Connections
    objective: ClassLoss
    finder: Finder
    notes: tuple[str, ...]  # what was found out, and how the inputs were taken, a line each

    def __len__(self) -> int:
        return len(self.connections)

    def __getitem__(self, i: Any) -> Any:
        return self.connections[i]

    def __repr__(self) -> str:
        found = [one for one in self if one.connected]
        rounds = ", ".join(str(one.rounds) for one in found[:8]) + (", ..." if len(found) > 8 else "")
        said = f" in {rounds} rounds" if found else ""
        return f"ConnectedPairs({len(found)} of {len(self)} connected{said}; level {self.finder.level:g} nats)"

    def table(self) -> pd.DataFrame:
        """A row a pair: status, rounds, losses in nats, |B' - B| and lengths."""
        labels = self.objective.labels.tolist()
        return pd.DataFrame([_row(i, labels[i], one) for i, one in enumerate(self)])

    def curves(self, n: int = 400) -> pd.DataFrame:
        """The loss along each path after each round, 0 the straight line: pair, round, share of the length, loss."""
        paths = [(i, k, path) for i, one in enumerate(self) for k, path in enumerate(one.history)]
        return pd.concat([_curve(self.objective, *one, n) for one in paths], ignore_index=True)

    def plot(self, ax: Axes | None = None) -> Axes:
        """The loss along the straight line and the last path of each pair, and the level as a dashed line."""
        curves = self.curves()
        with plt.style.context(STYLE):
            ax = plt.subplots()[1] if ax is None else ax
            last = curves.groupby("pair")["round"].transform("max")
            for pair, of_pair in curves[curves["round"] == last].groupby("pair"):
                ax.plot(of_pair["share"], of_pair["loss"], color="C1", label="path" if pair == 0 else None)
            for pair, of_pair in curves[curves["round"] == 0].groupby("pair"):
                ax.plot(of_pair["share"], of_pair["loss"], color="0.35", lw=0.8, label="line" if pair == 0 else None)
            ax.axhline(self.finder.level, ls="--", color="0.3", lw=0.9)
            ax.set(yscale="log", xlim=(0, 1), xlabel="share of the path from A to C", ylabel="loss [nats]")
            ax.legend()
        return ax


def connect(
    model: nn.Module,
    a: Any,
    c: Any,
    label: Any = None,
    *,
    level: float = 1e-3,
    normalisation: Normalisation | tuple[Sequence[float], Sequence[float]] | None = None,
    bounds: tuple[float, float] | None = None,
    logits: Pick | None = None,
    preset: str = "default",
    lower_ends: bool = True,
    seconds: float | None = None,
) -> ConnectedPairs:
    """Connect inputs a and c of one class by paths on which the network's loss for the class stays at or below level.

    model: any torch module in evaluation mode, on its own device. a, c: one input (*shape), or n of them (n, *shape);
    tensors, arrays, uint8 pictures. label: the class, of all pairs or of each; None: what the network sees in a and c.
    normalisation: (mean, std) of each channel that the network shall see subtracted and divided by; the points are then
    pictures in [0, 1]. None: that of `Normalised`, of timm's configuration, or ImageNet's for a network of torchvision,
    where the points lie in [0, 1] and the loss is lower with it. bounds: of the coordinates; None: [0, 1] where all of
    them lie in it, else none. logits: where they are in what the network returns, if that is no tensor.
    lower_ends: ends that the network knows (loss at most ln 2) are moved downhill, within the bounds, if they are
    above the level. seconds: after which no pair goes on.
    Steps are scaled to the spread of the points. What was found out stands in `notes` of the result.
    """
    checks.positive("level", level)
    usual = PRESETS[checks.one_of("preset", preset, PRESETS)]
    dtype = torch.float32 if dtype_of(model) in (torch.float16, torch.bfloat16) else dtype_of(model)
    (first, said), (last, also) = (given.points(x, dtype, name) for x, name in ((a, "a"), (c, "c")))
    notes = [*said, *also]
    first, last = (x.to(device_of(model)) for x in (first, last))
    if first.shape != last.shape:
        raise ValueError(f"a and c must have one shape, got {tuple(first.shape)} and {tuple(last.shape)}")
    if _is_single(model, first):
        first, last = first[None], last[None]
    checked_points("a", first)
    checked_points("c", last)
    with threads_for(tuple(first.shape[1:])):
        network = taken(model, first, logits)
        labels = _labels(network, first, last, label)
        network = _normalised(network, model, first, last, labels, normalisation, notes)
        space = _space(network, first, last, bounds, notes)
        stop = min(usual.descent.stop, level / 2)
        finder = replace(usual, level=level, seconds=seconds, descent=space.rule(replace(usual.descent, stop=stop)))
        objective = ClassLoss(network, labels)
        if lower_ends:
            rule = space.rule(replace(LOWERING, stop=stop))
            first, last = (_lowered(objective, x, level, rule, name, notes) for x, name in ((first, "a"), (last, "c")))
        found = find_paths(objective, first, last, finder)
    return ConnectedPairs(found, objective, finder, (*notes_of(network), *notes))


def _is_single(model: nn.Module, x: Tensor) -> bool:
    """Whether x is one input, not a batch of them: the network then takes x[None], and not x."""
    return x.ndim == 1 or (not _takes(model, x) and _takes(model, x[None]))


@torch.no_grad()
def _takes(model: nn.Module, x: Tensor) -> bool:
    try:
        out = model(x[:1].to(dtype_of(model)))
    except Exception:  # of any kind: what does not fit is seen so
        return False
    return not isinstance(out, Tensor) or (out.ndim == 2 and len(out) == 1)


def _labels(network: nn.Module, a: Tensor, c: Tensor, label: Any) -> Tensor:
    if label is not None:
        return given.labels(label, len(a), "label").to(a.device)
    with torch.no_grad():
        seen, other = network(a).argmax(1), network(c).argmax(1)
    if not torch.equal(seen, other):
        raise ValueError(
            f"the network sees the classes {seen[:4].tolist()} in a and {other[:4].tolist()} in c; give the label"
        )
    return seen


def _normalised(
    network: nn.Module,
    model: nn.Module,
    a: Tensor,
    c: Tensor,
    labels: Tensor,
    wanted: Normalisation | tuple[Sequence[float], Sequence[float]] | None,
    notes: list[str],
) -> nn.Module:
    """The network behind the normalisation that was given, or found to be its own."""
    if wanted is not None:
        own = wanted if isinstance(wanted, Normalisation) else Normalisation(tuple(wanted[0]), tuple(wanted[1]))
        return with_normalisation(network, own).to(a.device)
    known = usual_normalisation(model)
    if known is None or not _in_pixels(a, c):
        return network
    behind = with_normalisation(network, known).to(a.device)
    loss, without = (
        torch.cat([losses(ClassLoss(one, labels), x) for x in (a, c)]).mean().item() for one in (behind, network)
    )
    chosen = f"mean {known.mean}, std {known.std}"
    if loss < without:
        notes.append(f"normalisation: {chosen}, put in front: loss of the ends {loss:.3g}, {without:.3g} without")
        return behind
    notes.append(f"normalisation: none; with {chosen} the loss of the ends is {loss:.3g}, {without:.3g} without")
    return network


def usual_normalisation(model: nn.Module) -> Normalisation | None:
    """What pictures in [0, 1] are usually normalised by for this network, where it says; None: unknown."""
    if isinstance(model, Normalised):
        return None
    config = getattr(model, "pretrained_cfg", None)
    if isinstance(config, dict) and "mean" in config and "std" in config:
        return Normalisation(tuple(config["mean"]), tuple(config["std"]))
    return IMAGENET if type(model).__module__.startswith("torchvision.models") else None


def _space(network: nn.Module, a: Tensor, c: Tensor, bounds: tuple[float, float] | None, notes: list[str]) -> Space:
    """Shape, bounds and unit of the points."""
    space = space_of(network, tuple(a.shape[1:]))
    if bounds is not None or space.bounds is not None:
        return replace(space, bounds=bounds or space.bounds)
    spread = torch.cat([a, c]).std().item()
    unit = spread if spread > 0 and abs(math.log(spread)) > math.log(SPREAD) else 1.0
    if unit != 1:
        notes.append(f"steps: scaled by {unit:.3g}, the standard deviation of the points")
    if _in_pixels(a, c):
        notes.append("bounds: [0, 1], where all points lie")
        return replace(space, unit=unit, bounds=PIXELS)
    low, high = _range(a, c)
    notes.append(f"bounds: none, points reach from {low:.3g} to {high:.3g}")
    return replace(space, unit=unit)


def _range(a: Tensor, c: Tensor) -> tuple[float, float]:
    both = torch.cat([a, c])
    return both.min().item(), both.max().item()


def _in_pixels(a: Tensor, c: Tensor) -> bool:
    low, high = _range(a, c)
    return low >= PIXELS[0] and high <= PIXELS[1]


def _lowered(objective: ClassLoss, x: Tensor, level: float, rule: Any, name: str, notes: list[str]) -> Tensor:
    """The ends that the network knows, moved downhill where they are above the level."""
    before = losses(objective, x)
    known = before <= CONFIDENT
    if unknown := (~known).nonzero().squeeze(1).tolist():
        notes.append(f"{name}: the network does not know {unknown[:4]}: loss {before[~known].min():.3g} and more")
    if not (known & (before > level)).any():
        return x
    rows = known.nonzero().squeeze(1)
    found = lowered(ClassLoss(objective.model, objective.labels[rows]), x[rows], rule, above=level)
    change = (found.points - x[rows]).abs().max().item()
    notes.append(f"{name}: {len(found.rows)} of {len(x)} moved downhill to {rule.stop:g}, by at most {change:.3g}")
    return x.index_copy(0, rows, found.points)


def _row(i: int, label: int, one: Connection) -> dict[str, Any]:
    return {
        "pair": i,
        "label": label,
        "status": one.status,
        "rounds": one.rounds,
        "segments": one.path.n_segments,
        "loss_a": one.end_losses[0],
        "loss_c": one.end_losses[1],
        "barrier": one.barrier,
        "gap": one.gap,
        "largest_loss": one.barriers[-1],
        "displacement": one.displacement,
        "excess_length": one.path.excess_length,
        "steps": one.steps,
    }


def _curve(objective: ClassLoss, pair: int, k: int, path: Path, n: int) -> pd.DataFrame:
    s, loss = profile(objective, path, pair, n)
    share = path.arclength(s).numpy()
    return pd.DataFrame({"pair": pair, "round": k, "share": share, "loss": loss.double().cpu().numpy()})
