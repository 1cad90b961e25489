"""Weight matching: the hidden units of a second network permuted so that its weights lie nearest to those of a first.

A network computes the same with its hidden units in any order. Of all orders P_l of the layers l that one is looked for
which makes sum_l <W_l, P_l V_l P_{l-1}^T> large, W and V the weights of the two networks: layer by layer by linear
assignment, the others held fixed, until nothing is gained. That finds a local maximum, and a permuted copy exactly.
Source: Ainsworth, Hayase and Srinivasa, Git Re-Basin, arXiv:2209.04836 (2022), Sec. 3.2 and Algorithm 1.
"""

from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from percolation import checks

WEIGHTED = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
SWEEPS = 100  # over all layers, at most
SAME = 1e-4  # largest difference of outputs before and after, in units of the largest output


@dataclass(frozen=True)
class Layer:
    """A layer of weights and the batch norm behind it, if there is one."""

    weights: nn.Module
    norm: _BatchNorm | None = None

    @property
    def of_units(self) -> list[Tensor]:
        """What each output unit has one of: weights first, bias, and those of the batch norm."""
        named: list[Any] = [self.weights.weight, self.weights.bias]
        if self.norm is not None:
            named += [self.norm.weight, self.norm.bias, self.norm.running_mean, self.norm.running_var]
        return [one for one in named if isinstance(one, Tensor)]

    @property
    def n_units(self) -> int:
        return len(self.of_units[0])


def matched(model_1: nn.Module, model_2: nn.Module, x: Tensor | None = None, *, seed: int = 0) -> nn.Module:
    """A copy of the second network, its hidden units in the order in which its weights are nearest to the first's.

    Both are chains of linear or convolutional layers, batch norms and functions of each unit, such as mlp, cnn, cnn1d.
    x: points on which the copy is compared with the second network, which it must equal. seed: of the order of layers.
    """
    ones, others = (list(layers(model)) for model in (model_1, model_2))
    shapes = [[tuple(layer.of_units[0].shape) for layer in of] for of in (ones, others)]
    if shapes[0] != shapes[1]:
        raise ValueError(f"both networks must have one architecture, got layers {shapes[0]} and {shapes[1]}")
    orders = best_orders(ones, others, seed)
    copy = deepcopy(model_2)
    permute(copy, orders)
    if x is not None:
        _check_same(model_2, copy, x)
    return copy


def layers(model: nn.Module) -> Iterator[Layer]:
    """The layers of a chain, in their order; anything else is refused."""
    weights: nn.Module | None = None
    norm: _BatchNorm | None = None
    for part in _leaves(model):
        if isinstance(part, WEIGHTED):
            if getattr(part, "groups", 1) != 1:
                raise ValueError(f"units cannot be matched through a convolution of {part.groups} groups")
            if weights is not None:
                yield Layer(weights, norm)
            weights, norm = part, None
        elif isinstance(part, _BatchNorm) and weights is not None and norm is None:
            norm = part
        elif next(part.parameters(), None) is not None:
            raise ValueError(f"units cannot be matched through {type(part).__name__}; chains of linear and conv layers")
    if weights is None:
        raise ValueError(f"{type(model).__name__} has no linear or convolutional layer whose units could be matched")
    yield Layer(weights, norm)


def best_orders(ones: list[Layer], others: list[Layer], seed: int = 0) -> list[np.ndarray]:
    """For each hidden layer the unit of the second network that stands for unit 0, 1, ... of the first.

    The better of two searches: from what each layer says by the layers before it, and from the order as it is.
    """
    generator = np.random.default_rng(checks.seed(seed))
    first, second = ([_arrays(layer) for layer in of] for of in (ones, others))
    as_it_is = [np.arange(layer.n_units) for layer in ones[:-1]]
    forward = [order.copy() for order in as_it_is]
    for place in range(len(forward)):
        forward[place] = _assigned(_from_before(first, second, forward, place))
    found = [_climbed(first, second, start, generator) for start in (forward, as_it_is)]
    return max(found, key=lambda orders: likeness(first, second, orders))


def likeness(first: list[list[np.ndarray]], second: list[list[np.ndarray]], orders: list[np.ndarray]) -> float:
    """sum_l <W_l, P_l V_l P_{l-1}^T>, biases and batch norms included."""
    total = 0.0
    for place, (one, other) in enumerate(zip(first, second, strict=True)):
        units = orders[place] if place < len(orders) else np.arange(len(one[0]))
        weights = _inputs_in_order(other[0], orders, place)
        total += sum(float(np.vdot(a, b[units])) for a, b in zip(one, [weights, *other[1:]], strict=True))
    return total


@torch.no_grad()
def permute(model: nn.Module, orders: list[np.ndarray]) -> None:
    """Put the hidden units of each layer into an order, in place: what the network computes stays the same."""
    for place, layer in enumerate(layers(model)):
        weight = layer.of_units[0]
        if place > 0:
            weight.copy_(torch.from_numpy(_inputs_in_order(weight.numpy(force=True), orders, place)))
        if place < len(orders):
            for part in layer.of_units:
                part.copy_(part[torch.from_numpy(orders[place]).to(part.device)])


def _climbed(
    first: list[list[np.ndarray]],
    second: list[list[np.ndarray]],
    start: list[np.ndarray],
    generator: np.random.Generator,
) -> list[np.ndarray]:
    """From these orders layer by layer, in random order, until no layer gains."""
    orders = [order.copy() for order in start]
    for _ in range(SWEEPS):
        gained = False
        for place in generator.permutation(len(orders)):
            gains = _from_before(first, second, orders, place) + _from_behind(first, second, orders, place)
            order = _assigned(gains)
            rows = np.arange(len(order))
            if gains[rows, order].sum() > gains[rows, orders[place]].sum() + 1e-9 * np.abs(gains).max():
                orders[place], gained = order, True
        if not gained:
            break
    return orders


def _from_before(
    first: list[list[np.ndarray]], second: list[list[np.ndarray]], orders: list[np.ndarray], place: int
) -> np.ndarray:
    """Likeness (n, n) of each unit of a layer to each of the other network's, by weights, bias and batch norm."""
    other = [_inputs_in_order(second[place][0], orders, place), *second[place][1:]]
    n = len(first[place][0])
    return sum((a.reshape(n, -1) @ b.reshape(n, -1).T for a, b in zip(first[place], other, strict=True)), np.zeros(1))


def _from_behind(
    first: list[list[np.ndarray]], second: list[list[np.ndarray]], orders: list[np.ndarray], place: int
) -> np.ndarray:
    """The same by the weights of the next layer that lead from these units."""
    n = len(orders[place])
    one, other = first[place + 1][0], second[place + 1][0]
    if place + 1 < len(orders):
        other = other[orders[place + 1]]
    from_unit = [np.moveaxis(_by_unit(weight, n), 1, 0).reshape(n, -1) for weight in (one, other)]
    return from_unit[0] @ from_unit[1].T


def _assigned(gains: np.ndarray) -> np.ndarray:
    return linear_sum_assignment(gains, maximize=True)[1]


def _inputs_in_order(weight: np.ndarray, orders: list[np.ndarray], place: int) -> np.ndarray:
    """Weights of a layer, those of its inputs in the order of the units before."""
    if place == 0:
        return weight
    return _by_unit(weight, len(orders[place - 1]))[:, orders[place - 1]].reshape(weight.shape)


def _by_unit(weight: np.ndarray, n: int) -> np.ndarray:
    """Weights (out, n, rest) by the unit they come from: behind a flattened convolution n channels of many places."""
    if weight.shape[1] % n:
        raise ValueError(f"a layer of {weight.shape[1]} inputs cannot stand behind one of {n} units")
    return weight.reshape(len(weight), n, -1)


def _arrays(layer: Layer) -> list[np.ndarray]:
    return [part.detach().double().numpy(force=True) for part in layer.of_units]


def _leaves(model: nn.Module) -> Iterator[nn.Module]:
    """The layers of nested Sequentials, and of what wraps a single network."""
    children = list(model.children())
    if not children:
        yield model
    elif not isinstance(model, nn.Sequential) and len(children) > 1:
        raise ValueError(f"units are matched in a chain of layers (nn.Sequential), got a {type(model).__name__}")
    for child in children:
        yield from _leaves(child)


@torch.no_grad()
def _check_same(model: nn.Module, copy: nn.Module, x: Tensor) -> None:
    before, after = model(x), copy(x)
    if (before - after).abs().max() > SAME * before.abs().max():
        raise ValueError(
            "the network is no chain of its layers, for with its units in another order it computes something else; "
            "match=False connects it as it is"
        )
