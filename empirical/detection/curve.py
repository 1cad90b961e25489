"""The loss curve: losses along the straight line from a low-loss input of the predicted class to the input.

Between natural inputs of a class the loss stays low or has a low barrier; on the way to an adversarial one it rises.
Source: Vrabel et al., arXiv:2409.05800 (2024).
"""

from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from empirical.detection.protocol import Known, in_chunks
from empirical.finder.paths import between
from empirical.losses.objectives import ClassLoss, chunk_size, losses
from empirical.losses.points import columns
from percolation import checks

N_POINTS = 24  # of a curve, the input among them, its reference not
FLOOR = 1e-3  # nats: what lies far below it counts as zero; the level of the open set
STOP = 5e-4  # nats: loss of a reference, if its class has such an input


@dataclass(frozen=True)
class Curve:
    """log10(loss + 1e-3) at t = 1/n, 2/n, ..., 1 from each reference of the predicted class to x; and the logits.

    L(t) = -log softmax(model((1 - t) reference + t x))[argmax model(x)]: at t = 1 the loss of the network's own word.
    """

    model: nn.Module
    references: Tensor  # (n_classes, n_references, *shape)
    n_points: int = N_POINTS
    with_logits: bool = True

    def features(self, x: Tensor) -> np.ndarray:
        """(n, n_references n_points + n_classes); without logits the curves alone."""
        many = self.references.shape[1] * self.n_points
        with torch.inference_mode():
            return in_chunks(x, max(chunk_size(x) // many, 1), self.of)

    def of(self, x: Tensor) -> Tensor:
        """The features as a function of x with gradients; the predicted class is taken as given."""
        logits = self.model(x)
        labels = logits.argmax(1)
        curves = self.losses(x, labels)
        low = (curves.flatten(1) + FLOOR).log10()
        return torch.cat([low, logits], 1) if self.with_logits else low

    def losses(self, x: Tensor, labels: Tensor) -> Tensor:
        """Losses (n, n_references, n_points) for the class labels (n,) from that class's references."""
        t = torch.arange(1, self.n_points + 1, device=x.device, dtype=x.dtype) / self.n_points
        a = self.references[labels].unsqueeze(2)  # (n, n_references, 1, *shape)
        c = x[:, None, None]
        points = between(a, c, columns(t, x))  # (n, n_references, n_points, *shape)
        n_each = self.references.shape[1] * self.n_points
        outputs = self.model(points.flatten(0, 2))
        loss = nn.functional.cross_entropy(outputs, labels.repeat_interleave(n_each), reduction="none")
        return loss.view(len(x), -1, self.n_points)


def curve(
    known: Known, generator: torch.Generator, *, references: int = 1, n_points: int = N_POINTS, with_logits: bool = True
) -> Curve:
    """The detector with random low-loss references of each class from the training inputs."""
    checks.integer("n_points", n_points, at_least=2)
    return Curve(known.model, low_loss(known, references, generator), n_points, with_logits)


bare = partial(curve, with_logits=False)


def low_loss(known: Known, n: int, generator: torch.Generator) -> Tensor:
    """n references (n_classes, n, *shape) of each class, at random from its training inputs of loss at most 5e-4.

    A class with fewer gives its inputs of the lowest loss; one with fewer inputs than n gives some of them again.
    """
    checks.integer("references", n, at_least=1)
    found = losses(ClassLoss(known.model, known.y), known.x)
    return torch.stack([known.x[_chosen(known, found, label, n, generator)] for label in range(known.n_classes)])


def _chosen(known: Known, found: Tensor, label: int, n: int, generator: torch.Generator) -> Tensor:
    members = (known.y == label).nonzero().squeeze(1)
    if not len(members):
        raise ValueError(
            f"class {label} has no training input that could be the reference of its loss curves; give it one, or "
            "leave the class out"
        )
    members = members[found[members].argsort(stable=True)]
    n_low = max(int((found[members] <= STOP).sum()), min(n, len(members)))
    order = torch.randperm(n_low, generator=generator).to(members.device)
    return members[order.repeat(-(-n // n_low))[:n]]
