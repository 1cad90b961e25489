"""Local intrinsic dimensionality of an input among clean ones, layer by layer."""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from empirical.detection.layers import activations
from empirical.detection.protocol import Known, in_chunks
from percolation import checks

NEIGHBOURS = 20  # k; Ma et al. take 10 to 30 of CIFAR-10's batches of 100
CLEAN = 100  # clean inputs among which neighbours are looked for
CHUNK = 128
NEVER_ABOVE = 1e6  # of an estimate: neighbours all at one distance have none


@dataclass(frozen=True)
class LID:
    """LID(x) = -(1/k sum_{i=1..k} log(r_i / r_k))^-1 for each layer, r_i the distance to the i-th nearest clean input.

    Layers: the activations, and the logits. The clean inputs are a fixed sample of the training inputs, so that no
    tested input meets itself or its own source among them. Departs from Harder's code there, where an adversarial
    input's neighbours are looked for in a batch that holds its source, and the nearest is left out.
    Source: Ma et al., arXiv:1801.02613 (2018), Eq. 4 and Algorithm 1.
    """

    model: nn.Module
    clean: list[Tensor]  # of each layer, (m, width)
    k: int

    def features(self, x: Tensor) -> np.ndarray:
        with torch.inference_mode():
            return in_chunks(x, CHUNK, self._of)

    def _of(self, x: Tensor) -> Tensor:
        layers = zip(flat_layers(self.model, x), self.clean, strict=True)
        return torch.stack([estimate(layer, clean, self.k) for layer, clean in layers], 1)


def lid(known: Known, generator: torch.Generator, *, k: int = NEIGHBOURS, clean: int = CLEAN) -> LID:
    """The detector with `clean` random training inputs; k is at most one less than there are."""
    checks.integer("k", k, at_least=2)
    chosen = torch.randperm(len(known.x), generator=generator)[:clean]
    if len(chosen) < 3:
        raise ValueError(f"LID needs at least 3 clean training inputs, got {len(chosen)}")
    with torch.inference_mode():
        layers = flat_layers(known.model, known.x[chosen.to(known.x.device)])
    return LID(known.model, layers, min(k, len(chosen) - 1))


def flat_layers(model: nn.Module, x: Tensor) -> list[Tensor]:
    """Outputs (n, width) of the activation layers and of the last one."""
    inner, logits = activations(model, x)
    return [layer.flatten(1) for layer in (*inner, logits)]


def estimate(x: Tensor, clean: Tensor, k: int) -> Tensor:
    """LID (n,) of x (n, width) among clean (m, width), at most 1e6; near 0 where the nearest has distance 0."""
    distances = torch.cdist(x.double(), clean.double(), compute_mode="donot_use_mm_for_euclid_dist")
    near = distances.sort(1).values[:, :k].clamp(min=1e-300)
    mean = (near / near[:, -1:]).log().mean(1)
    return -1 / mean.clamp(max=-1 / NEVER_ABOVE)
