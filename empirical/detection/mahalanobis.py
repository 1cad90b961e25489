"""Mahalanobis confidence: how far the features of an input lie from the nearest class, layer by layer."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from empirical.detection.layers import activations
from empirical.detection.protocol import Known, in_chunks

CHUNK = 128
# of the step towards the nearest class, for inputs of standard deviation 1: Harder's for BIM and PGD
MAGNITUDE = 5e-5


@dataclass(frozen=True)
class Gaussians:
    """One Gaussian a class with a common covariance, in one layer."""

    means: Tensor  # (n_classes, channels) float64
    precision: Tensor  # (channels, channels), pseudo-inverse of the covariance

    def confidence(self, f: Tensor) -> Tensor:
        """max over classes of -(f - mean)^T precision (f - mean), for f (n, channels) -> (n,)."""
        away = f.double()[:, None] - self.means  # (n, n_classes, channels)
        return -torch.einsum("ncj,jk,nck->nc", away, self.precision, away).amin(1)


@dataclass(frozen=True)
class Mahalanobis:
    """M(x) = max_c -(f - mu_c)^T Sigma^-1 (f - mu_c) of each layer, f the layer's means over space.

    mu_c: mean of class c over training inputs; Sigma: covariance about these means, one for all classes. Each layer
    looks at x moved by `magnitude` in the direction in which its M rises: x + magnitude sign(grad M(x)).
    Layers: the activations, and the logits.
    Source: Lee et al., arXiv:1807.03888 (2018), Eqs. 1 to 3 and Algorithm 1.
    """

    model: nn.Module
    gaussians: list[Gaussians]
    magnitude: float

    def features(self, x: Tensor) -> np.ndarray:
        return in_chunks(x, CHUNK, self._of)

    def _of(self, x: Tensor) -> Tensor:
        layers = range(len(self.gaussians))
        if not self.magnitude:
            with torch.no_grad():
                means = layer_means(self.model, x)
            return torch.stack([self.gaussians[layer].confidence(means[layer]) for layer in layers], 1)
        return torch.stack([self._of_layer(x, layer) for layer in layers], 1)

    def _of_layer(self, x: Tensor, layer: int) -> Tensor:
        gaussians = self.gaussians[layer]
        with torch.enable_grad():
            moving = x.detach().clone().requires_grad_()
            total = gaussians.confidence(layer_means(self.model, moving)[layer]).sum()
            (slope,) = torch.autograd.grad(total, moving)
        with torch.no_grad():
            return gaussians.confidence(layer_means(self.model, x + self.magnitude * slope.sign())[layer])


def mahalanobis(known: Known, generator: torch.Generator, *, magnitude: float | None = None) -> Mahalanobis:
    """The detector; magnitude None: 5e-5 standard deviations of the training inputs."""
    with torch.no_grad():
        parts = [layer_means(known.model, part) for part in known.x.split(CHUNK)]
    layers = [torch.cat(of_layer) for of_layer in zip(*parts, strict=True)]
    size = MAGNITUDE * known.x.std().item() if magnitude is None else magnitude
    return Mahalanobis(known.model, [fit(layer, known.y) for layer in layers], size)


def fit(f: Tensor, y: Tensor) -> Gaussians:
    """Gaussians of features f (n, channels) of classes y (n,); classes without inputs have none."""
    f = f.double()
    classes, index = y.unique(return_inverse=True)
    means = torch.stack([f[y == label].mean(0) for label in classes])
    centred = f - means[index]
    covariance = centred.T @ centred / len(f)
    return Gaussians(means, torch.linalg.pinv(covariance, hermitian=True))


def layer_means(model: nn.Module, x: Tensor) -> list[Tensor]:
    """Means over space (n, channels) of the activation layers, and the logits."""
    inner, logits = activations(model, x)
    return [layer if layer.ndim == 2 else layer.flatten(2).mean(2) for layer in (*inner, logits)]
