"""Magnitude and phase spectra (MFS, PFS) of the input, or of the network's layers.

MFS = |F|, PFS = arg F, with F the discrete Fourier transform over the axes of space of each channel, all of them
flattened. Source: Harder et al., arXiv:2103.03000 (2021), Sec. III, and its published code.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch import Tensor, nn

from empirical.detection.layers import activations, spatial
from empirical.detection.protocol import Known, in_chunks

CHUNK = 128
MANY = 13  # activation layers with space in VGG-16
PARTS: dict[str, Callable[[Tensor], Tensor]] = {"mfs": torch.abs, "pfs": torch.angle}


@dataclass(frozen=True)
class InputSpectrum:
    """The spectrum of the input itself."""

    part: str  # mfs or pfs

    def features(self, x: Tensor) -> np.ndarray:
        return in_chunks(x, CHUNK, partial(spectrum, part=self.part))


@dataclass(frozen=True)
class LayerSpectrum:
    """The spectra of some activation layers, one behind the other."""

    model: nn.Module
    layers: list[int]  # numbers among the activation layers
    part: str

    def features(self, x: Tensor) -> np.ndarray:
        with torch.inference_mode():
            return in_chunks(x, CHUNK, self._of)

    def _of(self, x: Tensor) -> Tensor:
        found, _ = activations(self.model, x)
        return torch.cat([spectrum(found[layer], part=self.part) for layer in self.layers], 1)


def spectrum(x: Tensor, *, part: str) -> Tensor:
    """MFS or PFS (n, channels * space) of x (n, channels, *space), float64."""
    if x.ndim < 3:
        raise ValueError(f"a spectrum needs axes of space, got inputs of shape {tuple(x.shape[1:])}")
    return PARTS[part](torch.fft.fftn(x.double(), dim=tuple(range(2, x.ndim)))).flatten(1)


def of_input(known: Known, generator: torch.Generator, *, part: str) -> InputSpectrum:
    return InputSpectrum(part)


def of_layers(known: Known, generator: torch.Generator, *, part: str) -> LayerSpectrum:
    """Of VGG-16 every second activation from the third on, as Harder et al. chose; of networks with fewer all."""
    layers = spatial(known.model, tuple(known.x.shape[1:]))
    if not layers:
        raise ValueError("no activation layer of the network has axes of space; leave layer_mfs and layer_pfs out")
    return LayerSpectrum(known.model, layers[2::2] if len(layers) >= MANY else layers, part)
