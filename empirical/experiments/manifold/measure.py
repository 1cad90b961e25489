"""Everything about one class of one network: modes, their graph, a walk, a sheet, spread and dimension."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from empirical.data.tensors import Normalisation
from empirical.ends import modes
from empirical.ends.modes import Modes
from empirical.ends.space import Space
from empirical.ends.subject import Subject, build
from empirical.ends.wanted import NoPairs
from empirical.finder.find import PRESETS, Finder
from empirical.losses import objectives
from empirical.losses.objectives import ClassLoss, device_of, losses
from empirical.manifolds.dimension import Cloud, Directions, cloud, open_directions, spread
from empirical.manifolds.graphs import ModeGraph, mode_graph, walk
from empirical.manifolds.sheets import Sheet, sheet
from empirical.networks import architectures, models
from empirical.networks.taken import taken, trial
from empirical.threads import one_thread
from percolation import checks, seeds

# the small networks of this package, beside those of `architectures`
SMALL = {"resnet": "empirical.networks.small:resnet", "vit": "empirical.networks.small:vit"}
MODES_PROBED = 4  # modes at which the directions are tried
MOST_MODES, MOST_SIDE = 1000, 256  # all pairs of modes are connected; half of side^2 points are moved together
MOST_NOISE = 1e6


@dataclass(frozen=True, kw_only=True)
class Look:
    """Which class of a network is looked at, and how closely."""

    network: str = "own"  # what the table calls it
    data: str = "own"
    label: int = 0
    training: str = "trained"
    n_modes: int = 16
    side: int = 16  # intervals of the sheet
    walked: int = 9  # points of the walk
    neighbours: int = 12
    step: float = 0.1  # of the directions, in units of a mode's norm
    noise: float = 1.0  # that the modes start from, as large as the data; of 0.01 they come out nearly alike
    finder: Finder = PRESETS["default"]

    def __post_init__(self) -> None:
        checks.integer("modes", self.n_modes, at_least=2, at_most=MOST_MODES)
        checks.integer("class", self.label, at_least=0)
        checks.integer("side", self.side, at_least=2, at_most=MOST_SIDE)
        checks.integer("walked", self.walked, at_least=2)
        checks.positive("step", self.step)
        if not 0 < checks.finite("noise", self.noise) <= MOST_NOISE:
            raise ValueError(f"noise must lie above 0 and be at most {MOST_NOISE:g}, got {self.noise:g}")
        for name, loss in (("level", self.finder.level), ("stop", self.finder.descent.stop)):
            checks.positive(name, loss)

    @property
    def search_step(self) -> float:
        """Of the search for the modes, at inputs of variance 1."""
        return modes.CLASS_OPTIMAL.lr

    @property
    def finder_step(self) -> float | None:
        """Of the finder, where the usual one is too long."""
        return None


@dataclass(frozen=True)
class Plan(Look):
    """The same of a network by its name."""

    network: str = "cnn"  # as in `architectures`, or resnet, vit: small ones
    data: str = "digits"  # or none: an untrained network
    label: int = 0
    training: str = "trained"
    dimension: int | None = None
    weights: str = "random"
    normalisation: Normalisation | None = None  # that weights from a file expect

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.subject  # which checks network, data and training

    @property
    def subject(self) -> Subject:
        network = SMALL.get(self.network, self.network)
        if ":" not in network:
            checks.one_of("network", network, (*SMALL, *architectures.ARCHITECTURES))
        return Subject(
            network,
            self.data,
            self.training,
            "class-optimal",
            max(self.n_modes // 2, 1),
            self.dimension,
            weights=self.weights,
            label=self.label,
            normalisation=self.normalisation,
        )

    @property
    def search_step(self) -> float:
        return architectures.find(self.subject.network).step

    @property
    def finder_step(self) -> float | None:
        return architectures.find(self.subject.network).finder_step if self.training == "untrained" else None


@dataclass(frozen=True)
class Explored:
    """What was found; row is a row of the table."""

    plan: Look
    model: nn.Module
    modes: Modes
    graph: ModeGraph
    walk: Tensor | None  # (walked, *shape) along the longest path, None where nothing is connected
    walk_losses: np.ndarray
    sheet: Sheet | None  # None for two modes
    cloud: Cloud
    directions: list[Directions]  # of MODES_PROBED modes
    row: dict[str, Any]

    def arrays(self) -> dict[str, np.ndarray]:
        """Everything that was computed, as arrays by name."""
        found = {"modes": self.modes.points.numpy(force=True), "mode_losses": self.modes.losses.numpy(force=True)}
        found |= {"pairs": self.graph.pairs, "connected": self.graph.connected, "components": self.graph.components}
        if self.walk is not None:
            longest = self.graph.longest()
            assert longest is not None
            found |= {"walk": self.walk.numpy(force=True), "walk_losses": self.walk_losses}
            found["vertices"] = self.graph.connections[longest].path.vertices.numpy(force=True)
        if self.sheet is not None:
            one = vars(self.sheet)
            found |= {f"sheet_{name}": x.numpy(force=True) if isinstance(x, Tensor) else x for name, x in one.items()}
        return found


def explore(
    plan: Plan, *, seed: int, device: str = "cpu", report: Callable[[str], None] = lambda stage: None
) -> Explored:
    """Modes of the class, the paths between all of them, one sheet, and how wide the set is.

    The bits depend on plan and seed alone. report: told of every stage.
    """
    checks.seed(seed)
    objectives.device(device)
    report(f"{plan.network}: network")
    with one_thread():
        model, _, space = build(plan.subject, seed=seed, device=device)
        return measure(model, space, plan, seed=seed, report=report)


def measure(
    model: nn.Module, space: Space, look: Look, *, seed: int, report: Callable[[str], None] = lambda stage: None
) -> Explored:
    """The same of any network: a module in evaluation mode, as `connect` takes it. space: `space_of(model, shape)`."""
    checks.seed(seed)
    with one_thread():
        model = taken(model, trial(space.shape))
        n_classes = models.n_outputs(model, space.shape)
        if look.label >= n_classes:
            raise ValueError(f"class must lie in 0..{n_classes - 1}, the network's, got {look.label}")
        drawn, probing = (torch.Generator().manual_seed(seeds.integer(seeds.child(seed, stage))) for stage in range(2))
        report(f"{look.network}: {look.n_modes} class-optimal inputs of class {look.label}")
        found = _modes(look, model, space, drawn)
        rule = space.rule(look.finder.descent)
        finder = replace(look.finder, descent=replace(rule, lr=look.finder_step or rule.lr))
        graph = mode_graph(model, found.points, look.label, finder, report=lambda now: report(f"{look.network}: {now}"))
        report(f"{look.network}: sheet and directions")
        return _explored(look, model, found, graph, finder, probing)


def _explored(
    plan: Look, model: nn.Module, found: Modes, graph: ModeGraph, finder: Finder, generator: torch.Generator
) -> Explored:
    objective = ClassLoss(model, found.labels[:1])
    longest = graph.longest()
    walked = None if longest is None else walk(graph.connections[longest].path, plan.walked)
    heights = np.zeros(0)
    if walked is not None:
        heights = losses(objective, walked, found.labels.new_zeros(len(walked))).double().cpu().numpy()
    spanned = None
    if len(found.points) > 2:
        corners = modes.diverse(found, 3).points
        spanned = sheet(objective, corners, replace(finder.descent, projected=False), n=plan.side)
    norm = found.points.flatten(1).norm(dim=1).mean().item()
    directions = [
        open_directions(model, mode, plan.label, level=finder.level, step=plan.step * norm, generator=generator)
        for mode in found.points[:MODES_PROBED]
    ]
    near = cloud(found.points, plan.neighbours)
    row = _row(plan, found, graph, spanned, near, directions)
    return Explored(plan, model, found, graph, walked, heights, spanned, near, directions, row)


def _modes(plan: Look, model: nn.Module, space: Space, generator: torch.Generator) -> Modes:
    """n_modes class-optimal inputs, as many as reach the stop."""
    usual = replace(modes.CLASS_OPTIMAL, stop=plan.finder.descent.stop, lr=plan.search_step)
    labels = torch.full((plan.n_modes,), plan.label, device=device_of(model))
    rule = space.rule(usual)
    found = modes.class_optimal(model, labels, space.shape, generator=generator, noise=plan.noise, rule=rule)
    if len(found.points) < 2:
        raise NoPairs(
            f"{len(found.points)} of {plan.n_modes} class-optimal inputs of class {plan.label} in {plan.training} "
            f"{plan.network} came to stop={usual.stop:g}, two are needed; raise --stop and --level, ask for more "
            "--modes, or take another class or seed"
        )
    return found


def _row(
    plan: Look, found: Modes, graph: ModeGraph, spanned: Sheet | None, near: Cloud, directions: list[Directions]
) -> dict[str, Any]:
    level, pairs = plan.finder.level, graph.table()
    norms = found.points.flatten(1).norm(dim=1)
    row: dict[str, Any] = {
        "network": plan.network,
        "training": plan.training,
        "data": plan.data,
        "class": plan.label,
        "dimension": found.points[0].numel(),
        "modes_tried": found.n_tried,
        "modes": len(found.points),
        "norm": norms.mean().item(),
        "spread": spread(found.points),
        "pairs": len(pairs),
        "connected": float(graph.connected.mean()),
        "components": int(graph.components.max()) + 1,
        "straight": float(((pairs["rounds"] == 0) & graph.connected).mean()),
        "rounds": float(pairs["rounds"].mean()),
        "barrier_median": float(pairs["barrier"].median()),
        "gap_median": float(pairs["gap"].median()),
        "neighbours": near.neighbours,
        "participation_ratio": near.ratio,
        "isotropic_ratio": near.isotropic,
        "components_95": near.components,
    }
    names = ("rank", "open", "open_across")
    row |= {f"directions_{name}": float(np.nanmean([asdict(one)[name] for one in directions])) for name in names}
    if spanned is None:
        return row | dict.fromkeys(
            ("sheet_open_flat", "sheet_open", "sheet_stretch", "sheet_max_flat", "sheet_max"), np.nan
        )
    return row | {
        "sheet_open_flat": spanned.open_share(level, relaxed=False),
        "sheet_open": spanned.open_share(level, relaxed=True),
        "sheet_stretch": float(spanned.stretch.max()),
        "sheet_max_flat": float(max(spanned.loss_flat.max(), spanned.between_flat.max())),
        "sheet_max": float(max(spanned.loss_relaxed.max(), spanned.between_relaxed.max())),
    }
