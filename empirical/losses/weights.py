"""The space of a network's parameters: the training loss as an objective, so that the path finder connects networks.

A point is a network's parameters, all in one vector theta (n_parameters,), in the order of `model.parameters()`. What
else a network holds, the running statistics of its batch norms, is no coordinate: it is estimated anew at each point.
"""

from copy import deepcopy
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn.modules.batchnorm import _BatchNorm


@dataclass(frozen=True)
class TrainingLoss:
    """Mean cross-entropy, in nats, of a network on fixed data, at any parameters: an objective, the same for each pair.

    L(theta) = -(1/n) sum_i log softmax(f(x_i; theta))[y_i].

    Batch norms take mean and variance from all inputs x at this theta, and the gradient knows it. On other data than
    those trained on, `statistics` holds the training inputs: the running statistics are then estimated from these, all
    in one batch, before x is evaluated as in evaluation mode (variance with n - 1; the gradient takes them as given).
    model: in evaluation mode; its own parameters and statistics are neither used nor changed.
    Source: why anew, Izmailov et al., arXiv:1803.05407 (2018), sec. 3.2.
    """

    model: nn.Module
    x: Tensor  # (n, *shape)
    y: Tensor  # (n,) long
    statistics: Tensor | None = None  # (n', *shape)

    def __post_init__(self) -> None:
        if any(part.training for part in self.model.modules()):
            raise ValueError("the model is in training mode, where layers may be random; call model.eval()")
        if self.y.dtype != torch.long or len(self.y) != len(self.x) or not len(self.x):
            raise ValueError(
                "y must hold one class, of dtype long, for each of the inputs, at least one, "
                f"got {len(self.x)} inputs and y {tuple(self.y.shape)} {self.y.dtype}"
            )

    def __call__(self, points: Tensor, pairs: Tensor) -> Tensor:
        """Losses (n,) of points (n, n_parameters)."""
        # measured on one core: a loop takes 7 ms a point (cnn, 1438 digits), 14 (cnn1d, 4000 signals), 13 (mlp); vmap
        # 12, 60 and 18, whose convolutions are grouped
        values = [self.of(point, self.x, self.y) for point in points]
        return torch.stack(values) if values else points.new_zeros(0)

    def of(self, point: Tensor, x: Tensor, y: Tensor) -> Tensor:
        """Loss of one point (n_parameters,) on other inputs, such as a batch of x."""
        return nn.functional.cross_entropy(self.logits(point, x), y)

    def logits(self, point: Tensor, x: Tensor) -> Tensor:
        """Outputs (n, n_classes) of the network with these parameters."""
        weights = unflat(self.model, point)
        statistics = _copied_buffers(self.model)
        if self.statistics is None:
            return functional_call(self._estimating, weights | statistics, (x,))
        if self._estimating is not self.model:
            with torch.no_grad():
                functional_call(self._estimating, weights | statistics, (self.statistics,))  # fills the buffers
        return functional_call(self.model, weights | statistics, (x,))

    @torch.no_grad()
    def loss_and_error(self, point: Tensor) -> tuple[float, float]:
        """Loss in nats and share of wrong answers at one point."""
        logits = self.logits(point, self.x)
        loss = nn.functional.cross_entropy(logits, self.y)
        return loss.item(), (logits.argmax(1) != self.y).cpu().double().mean().item()

    @cached_property
    def _estimating(self) -> nn.Module:
        return _estimating(self.model)


def flat(model: nn.Module) -> Tensor:
    """The network's parameters as one point (n_parameters,), a copy."""
    return torch.cat([weight.detach().flatten() for weight in model.parameters()])


def unflat(model: nn.Module, point: Tensor) -> dict[str, Tensor]:
    """The parameters by name, as views of a point (n_parameters,)."""
    named = dict(model.named_parameters())
    sizes = [weight.numel() for weight in named.values()]
    if point.shape != (sum(sizes),):
        raise ValueError(f"the model has {sum(sizes)} parameters, got a point of shape {tuple(point.shape)}")
    parts = point.split(sizes)
    return {name: part.view_as(weight) for (name, weight), part in zip(named.items(), parts, strict=True)}


@torch.no_grad()
def network_at(model: nn.Module, point: Tensor, statistics: Tensor) -> nn.Module:
    """A copy of the network, in evaluation mode, with the parameters of a point.

    statistics: training inputs (n, *shape), from which the running statistics of batch norms are estimated.
    """
    moved = _estimating(deepcopy(model))
    for name, weight in unflat(model, point).items():
        moved.get_parameter(name).copy_(weight)
    if any(part.training for part in moved.modules()):
        moved(statistics)
    for norm, original in zip(_batch_norms(moved), _batch_norms(model), strict=True):
        norm.momentum = original.momentum
    return moved.eval()


def _estimating(model: nn.Module) -> nn.Module:
    """A copy whose batch norms take the statistics of the batch, and keep them; the model itself if it has none."""
    if not _batch_norms(model):
        return model
    copy = deepcopy(model)
    for norm in _batch_norms(copy):
        norm.train()
        norm.momentum = 1.0  # what was before is forgotten
    return copy


def _batch_norms(model: nn.Module) -> list[_BatchNorm]:
    return [part for part in model.modules() if isinstance(part, _BatchNorm)]


def _copied_buffers(model: nn.Module) -> dict[str, Tensor]:
    return {name: buffer.clone() for name, buffer in model.named_buffers()}
