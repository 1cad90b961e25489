"""What every detector is: measurements of an input, made by one who has the network and its training inputs.

A light classifier makes a score of the measurements (`classifiers`); who is tested on what is in `trials`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch import Tensor, nn

from empirical.attacks import predictions
from empirical.losses.objectives import checked_points


@dataclass(frozen=True)
class Known:
    """What the defender has: the network, and training inputs with their classes. None of them is ever tested."""

    model: nn.Module  # in evaluation mode
    x: Tensor  # (n, *shape)
    y: Tensor  # (n,) long
    n_classes: int

    def __post_init__(self) -> None:
        checked_points("the training inputs", self.x)
        if self.y.shape != (len(self.x),):
            raise ValueError(f"expected one class for each of the {len(self.x)} training inputs, got {len(self.y)}")


class Detector(Protocol):
    """Features of inputs; those of one input depend on no other input of the batch."""

    def features(self, x: Tensor) -> np.ndarray:
        """Features (n, k) float64 of inputs x (n, *shape), natural or adversarial: it is not told which."""


@dataclass(frozen=True)
class Method:
    """A detector by name, and how it is made from what is known."""

    label: str
    make: Callable[[Known, torch.Generator], Detector]
    baseline: bool = True  # False: the loss curve, what the baselines are compared with
    classifier: str | None = None  # its own, whatever the others have


@dataclass(frozen=True)
class Logits:
    """The network's outputs alone: what is left of the loss curve if there is no curve."""

    model: nn.Module

    @torch.inference_mode()
    def features(self, x: Tensor) -> np.ndarray:
        return self.model(x).double().cpu().numpy()


def logits(known: Known, generator: torch.Generator) -> Logits:
    return Logits(known.model)


@dataclass(frozen=True)
class Confidence:
    """log10(loss + 1e-3) of the predicted class at the input: the end of the loss curve without the curve.

    L(x) = -log max softmax(model(x)). An input that an attack left on the boundary of two classes has L = log 2.
    Source: the softmax baseline, Hendrycks and Gimpel, arXiv:1610.02136 (2016).
    """

    model: nn.Module

    @torch.inference_mode()
    def features(self, x: Tensor) -> np.ndarray:
        loss = -self.model(x).double().log_softmax(1).amax(1, keepdim=True)
        return (loss + 1e-3).log10().cpu().numpy()


def confidence(known: Known, generator: torch.Generator) -> Confidence:
    return Confidence(known.model)


def in_chunks(x: Tensor, size: int, function: Callable[[Tensor], Tensor]) -> np.ndarray:
    """function(x), which maps (n, *shape) to (n, k), chunk by chunk as float64."""
    return torch.cat([function(part).detach().double().cpu() for part in x.split(size)]).numpy()


def correct(model: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Which of the inputs the network takes for their class: (n,) bool."""
    return predictions(model, x) == y
