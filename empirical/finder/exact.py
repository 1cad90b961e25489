"""The largest loss on a segment, exactly, for networks that are piecewise linear.

Affine layers, ReLU and its kin, max and average pooling: along a straight line the outputs of such a network are
affine between *kinks*, and cross-entropy is convex there, log sum exp of affine functions minus an affine one. So its
maximum over the segment lies at a kink or at an end. The kinks are found layer by layer: what a layer gets is known at
the kinks of the layers before it and is affine between them, so that the places where a coordinate changes its sign,
or a window its largest member, follow by linear interpolation. All in float64: the maximum is exact but for rounding.
Source: Sotoudeh and Thakur, Computing linear restrictions of neural networks, NeurIPS (2019).
"""

import operator
from copy import deepcopy
from dataclasses import dataclass

import torch
from torch import Tensor, fx, nn

from empirical.losses.objectives import ClassLoss, Objective, OfPairs

BLOCK = 2**23  # numbers of all values that are worked on at a time
TIE = 1e-12  # relative: members of a window this close to its largest are as large
CLOSE = 1e-14  # places nearer to each other are one

AFFINE = (
    *(nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.Flatten, nn.Unflatten, nn.Identity, nn.Dropout, nn.Dropout2d),
    *(nn.BatchNorm1d, nn.BatchNorm2d, nn.BatchNorm3d, nn.AvgPool1d, nn.AvgPool2d, nn.AvgPool3d),
    *(nn.AdaptiveAvgPool1d, nn.AdaptiveAvgPool2d, nn.AdaptiveAvgPool3d, nn.ZeroPad1d, nn.ZeroPad2d, nn.ZeroPad3d),
    *(nn.ConstantPad1d, nn.ConstantPad2d, nn.ReplicationPad1d, nn.ReplicationPad2d),
)
AFFINE_FUNCTIONS = (torch.flatten, nn.functional.adaptive_avg_pool2d, nn.functional.avg_pool2d)
AFFINE_METHODS = ("flatten", "contiguous")
SUMS = (operator.add, operator.iadd, operator.sub, torch.add, torch.sub)
RELU_FUNCTIONS = (torch.relu, nn.functional.relu, nn.functional.relu_, torch.relu_)
MAX_POOLS = (nn.MaxPool1d, nn.MaxPool2d)

Known = dict[fx.Node, Tensor]  # values (n, *shape) of nodes at n places


@dataclass(frozen=True)
class Exact:
    """The largest loss of a path and where it is, s in [0, n_segments]; at how many kinks it was looked for."""

    largest: float
    at: float
    kinks: int


class Restriction:
    """A piecewise-linear network that can be restricted to lines; one of another kind is refused, by its layer."""

    def __init__(self, model: nn.Module) -> None:
        self.network, self.mean, self.std = _without_normalisation(model)
        self.graph = _traced(self.network)
        self.layers = dict(self.network.named_modules())
        for node in self.graph.nodes:
            self._check(node)
        self.last_use = {used: i for i, node in enumerate(self.graph.nodes) for used in node.all_input_nodes}

    @torch.no_grad()
    def kinks(self, a: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        """Places t (n,) of all kinks in [0, 1] and of both ends, and the network's outputs there (n, n_classes)."""
        t = torch.tensor([0.0, 1.0], dtype=torch.float64, device=a.device)
        ends = torch.stack([a, c]).double()
        if self.mean is not None and self.std is not None:
            columns = (-1, *[1] * (a.ndim - 1))
            ends = (ends - self.mean.double().view(columns)) / self.std.double().view(columns)
        nodes = list(self.graph.nodes)
        return self._run(nodes, 1, {nodes[0]: ends}, t)

    def _run(self, nodes: list[fx.Node], first: int, known: Known, t: Tensor) -> tuple[Tensor, Tensor]:
        """Go on from a node, with what is known at t; in halves, where it is too much at once."""
        for i in range(first, len(nodes)):
            node = nodes[i]
            if node.op == "output":
                return t, known[node.all_input_nodes[0]]
            if len(t) > 2 and sum(one.numel() for one in known.values()) > BLOCK:
                return self._in_halves(nodes, i, known, t)
            source = node.all_input_nodes[0]
            for level in self._levels(node):
                known, t = _refined(known, t, _crossings(known[source] - level, t))
            if self._pools_maxima(node):
                while len(new := _changes(self._windows(node, known[source]), t)):
                    known, t = _refined(known, t, new)
            known[node] = self._value(node, known)
            known = {one: value for one, value in known.items() if self.last_use.get(one, -1) > i}
        raise AssertionError("a graph ends with its output")

    def _in_halves(self, nodes: list[fx.Node], first: int, known: Known, t: Tensor) -> tuple[Tensor, Tensor]:
        middle = len(t) // 2
        parts = [
            self._run(nodes, first, {one: value[part] for one, value in known.items()}, t[part])
            for part in (slice(None, middle + 1), slice(middle, None))
        ]
        (t_left, left), (t_right, right) = parts
        return torch.cat([t_left, t_right[1:]]), torch.cat([left, right[1:]])

    def _levels(self, node: fx.Node) -> tuple[float, ...]:
        """Values at which the node bends what it gets."""
        layer = self.layers.get(str(node.target)) if node.op == "call_module" else None
        if isinstance(layer, nn.ReLU | nn.LeakyReLU) or node.target in RELU_FUNCTIONS:
            return (0.0,)
        return (layer.min_val, layer.max_val) if isinstance(layer, nn.Hardtanh) else ()  # ReLU6 is one

    def _pools_maxima(self, node: fx.Node) -> bool:
        return node.op == "call_module" and isinstance(self.layers[str(node.target)], MAX_POOLS)

    def _windows(self, node: fx.Node, x: Tensor) -> Tensor:
        """The members of every window of a max pooling, (n, windows, members); what lies outside is -inf."""
        layer = self.layers[str(node.target)]
        space = x.ndim - 2
        sizes = [_each(getattr(layer, name), space) for name in ("kernel_size", "stride", "padding")]
        padding = [one for side in reversed(sizes[2]) for one in (side, side)]
        x = nn.functional.pad(x, padding, value=-torch.inf)
        for axis, (size, stride) in enumerate(zip(sizes[0], sizes[1], strict=True)):
            x = x.unfold(2 + axis, size, stride)
        return x.flatten(2 + space).flatten(1, 1 + space)

    def _value(self, node: fx.Node, known: Known) -> Tensor:
        args = fx.node.map_arg(node.args, lambda one: known[one])
        kwargs = fx.node.map_arg(node.kwargs, lambda one: known[one])
        if node.op == "call_module":
            return self.layers[str(node.target)](*args, **kwargs)
        if node.op == "call_method":
            return getattr(args[0], str(node.target))(*args[1:], **kwargs)
        return node.target(*args, **kwargs)  # type: ignore[operator]

    def _check(self, node: fx.Node) -> None:
        """Refuse what is not piecewise linear, or not known to be."""
        if node.op in ("placeholder", "output"):
            return
        if node.op == "call_module":
            layer = self.layers[str(node.target)]
            known = isinstance(layer, (*AFFINE, nn.ReLU, nn.LeakyReLU, nn.Hardtanh))
            known |= isinstance(layer, MAX_POOLS) and layer.dilation in (1, (1, 1)) and not layer.ceil_mode
            name = f"the layer {node.target}, {type(layer).__name__}"
        elif node.op == "call_method":
            known, name = node.target in AFFINE_METHODS, f"the method {node.target}"
        else:
            known = node.target in (*AFFINE_FUNCTIONS, *RELU_FUNCTIONS)
            known |= node.target in SUMS and all(isinstance(one, fx.Node) for one in node.args)
            name = f"the function {getattr(node.target, '__name__', node.target)}"
        if not known:
            raise ValueError(
                f"an exact certificate is for piecewise-linear networks, got {name}; it takes affine layers, ReLU, "
                "leaky ReLU, ReLU6, max and average pooling; use a tolerance in nats instead"
            )


def restriction_of(objective: Objective) -> Restriction:
    """The network of a class loss, which the restriction to a path of any of its pairs is of."""
    return Restriction(_class_of(objective, 0)[0])


def largest(objective: Objective, vertices: Tensor, pair: int, restriction: Restriction | None = None) -> Exact:
    """The largest loss on the path through the vertices (n_segments + 1, *shape), for a class loss.

    restriction: of its network, where there are several paths; made where None.
    """
    restriction = restriction_of(objective) if restriction is None else restriction
    label = _class_of(objective, pair)[1]
    found, kinks = (-torch.inf, 0.0), 0
    for number, (a, c) in enumerate(zip(vertices[:-1], vertices[1:], strict=True)):
        t, outputs = restriction.kinks(a, c)
        loss = nn.functional.cross_entropy(outputs, label.expand(len(t)), reduction="none").nan_to_num(nan=torch.inf)
        top = int(loss.argmax())
        found = max(found, (loss[top].item(), number + t[top].item()))
        kinks += len(t)
    return Exact(*found, kinks)


def _class_of(objective: Objective, pair: int) -> tuple[nn.Module, Tensor]:
    while isinstance(objective, OfPairs):
        pair, objective = int(objective.rows[pair]), objective.objective
    if not isinstance(objective, ClassLoss):
        raise ValueError(f"an exact certificate is for the class loss of a network, got {type(objective).__name__}")
    return objective.model, objective.labels[pair]


def _without_normalisation(model: nn.Module) -> tuple[nn.Module, Tensor | None, Tensor | None]:
    """A copy of the network in float64, and mean and std of the affine map in front of it where there is one."""
    if hasattr(model, "normalisation"):
        return deepcopy(model.network).double(), model.mean, model.std  # type: ignore[return-value]
    return deepcopy(model).double(), None, None


class _Tracer(fx.Tracer):
    """Every layer is a node; only containers are looked into."""

    def is_leaf_module(self, m: nn.Module, module_qualified_name: str) -> bool:
        return super().is_leaf_module(m, module_qualified_name) or not any(True for _ in m.children())


def _traced(network: nn.Module) -> fx.Graph:
    try:
        return _Tracer().trace(network)
    except Exception as error:  # the forward pass is the user's
        raise ValueError(
            f"an exact certificate needs a network that torch.fx can trace: {str(error).splitlines()[0]}"
        ) from error


def _crossings(x: Tensor, t: Tensor) -> Tensor:
    """Places between the t (n,) where a coordinate of x (n, *shape), affine between them, changes its sign."""
    x = x.flatten(1)
    piece, coordinate = (x[:-1] * x[1:] < 0).nonzero(as_tuple=True)
    left, right = x[piece, coordinate], x[piece + 1, coordinate]
    return t[piece] + left / (left - right) * (t[piece + 1] - t[piece])


def _changes(x: Tensor, t: Tensor) -> Tensor:
    """Places where the members that are largest at both ends of an interval cross; none where one is at both.

    x: (n, windows, members) at t (n,). A maximum of affine functions is convex: a member that is the largest at both
    ends is it all the way between.
    """
    top = x.max(2)
    slack = TIE * top.values.abs().clamp(min=1)
    is_top = x >= (top.values - slack)[..., None]
    piece, window = (~(is_top[:-1] & is_top[1:]).any(2)).nonzero(as_tuple=True)
    i, j = top.indices[piece, window], top.indices[piece + 1, window]
    before = x[piece, window, i] - x[piece, window, j]
    after = x[piece + 1, window, j] - x[piece + 1, window, i]
    place = t[piece] + before / (before + after) * (t[piece + 1] - t[piece])
    inside = (place - t[piece] > CLOSE) & (t[piece + 1] - place > CLOSE)
    return place[inside]


def _refined(known: Known, t: Tensor, new: Tensor) -> tuple[Known, Tensor]:
    """What is known at t, with further places: each value is affine between two of t."""
    merged = torch.cat([t, new]).unique()
    far = torch.ones_like(merged, dtype=torch.bool)
    far[1:-1] = (merged.diff()[:-1] > CLOSE) & (merged[-1] - merged[1:-1] > CLOSE)
    merged = merged[far]
    piece = (torch.searchsorted(t, merged, right=True) - 1).clamp(0, len(t) - 2)
    weight = ((merged - t[piece]) / (t[piece + 1] - t[piece])).clamp(0, 1)

    def at(value: Tensor) -> Tensor:
        share = weight.view(-1, *[1] * (value.ndim - 1))
        return torch.lerp(value[piece], value[piece + 1], share)

    return {one: at(value) for one, value in known.items()}, merged


def _each(value: int | tuple[int, ...], n: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * n
