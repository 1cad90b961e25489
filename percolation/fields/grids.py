"""A smooth Gaussian field on all cells of a box at once, by filtering white noise."""

import math

import numpy as np
from scipy import fft

from percolation import checks
from percolation.seeds import Seed, generator

REACH = 6  # correlation lengths between the two ends of an open axis on the torus that it is cut from
IMAGES_WITHIN = 9  # correlation lengths from which on images of the torus are left out


def gaussian_grid(
    shape: tuple[int, ...],
    xi: float,
    *,
    periodic: bool | tuple[bool, ...] = False,
    dtype: type[np.float32] | type[np.float64] = np.float32,
    seed: Seed,
) -> np.ndarray:
    """Draw the Gaussian field of mean 0, variance 1 and covariance exp(-r^2 / 2 xi^2) at the cells of a box.

    White noise times the square root of the covariance's spectrum, in Fourier space. A periodic axis has the covariance
    summed over its images, divided by its value at r = 0. An open axis is cut from one longer by 6 xi at least, so that
    covariances are off by at most exp(-18) = 1.5e-8.
    shape: (n_1, ..., n_k). xi: in cells. periodic: one bool, or one for each axis.
    Returns values of the given dtype and shape. Memory: about 5 values a cell of the longer box while it runs.
    """
    xi = checks.positive("xi", xi)
    lengths = tuple(checks.integer("a length of shape", length, at_least=1) for length in shape)
    if not lengths:
        raise ValueError(f"shape must have one axis at least, got {shape}")
    closed = checks.of_axes("periodic", periodic, len(lengths))
    torus = tuple(
        length if around else fft.next_fast_len(length + math.ceil(REACH * xi), real=True)
        for length, around in zip(lengths, closed, strict=True)
    )
    waves = fft.rfftn(generator(seed).standard_normal(torus, dtype=dtype), overwrite_x=True)
    for axis, length in enumerate(torus):
        root = _root_spectrum(length, xi)[: waves.shape[axis]].astype(dtype)
        waves *= root.reshape((-1,) + (1,) * (len(torus) - 1 - axis))
    field = fft.irfftn(waves, s=torus, overwrite_x=True)
    return np.ascontiguousarray(field[tuple(slice(length) for length in lengths)])


def _root_spectrum(length: int, xi: float) -> np.ndarray:
    """Square root of the spectrum of the covariance along an axis, (length,): its mean square is 1."""
    n_images = math.ceil(IMAGES_WITHIN * xi / length) + 1
    x = np.arange(length) + length * np.arange(-n_images, n_images + 1)[:, None]
    covariance = np.exp(-((x / xi) ** 2) / 2).sum(axis=0)
    spectrum = fft.fft(covariance / covariance[0]).real
    return np.sqrt(np.maximum(spectrum, 0))  # below 0 by rounding only
