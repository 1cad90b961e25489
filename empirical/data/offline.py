"""Labelled tensors that need no download: handwritten digits of any side, mnist1d signals of any length.

What lies in a folder of the user's is read by `folders`, natural pictures that libraries ship by `pictures`.
"""

import math
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from empirical.data.tensors import Dataset
from empirical.threads import one_thread
from percolation import checks

NAMES = ("digits", "mnist1d")
COPIES = 3  # of the data while they are made
SIGNALS = 5000  # of mnist1d
_global_state = threading.Lock()


def load(name: str, dimension: int | None = None) -> Dataset:
    """A data set by name, resampled to the dimension: digits take a square number (64), mnist1d any from 10 (40)."""
    size = checked(name, dimension)
    return mnist1d(size) if name == "mnist1d" else digits(size)


def checked(name: str, dimension: int | None) -> int:
    """Side of the digits, or length of the signals, that `load` would make of this; nothing is made."""
    if checks.one_of("data set", name, NAMES) == "mnist1d":
        return _checked_length(40 if dimension is None else dimension)
    side = 8 if dimension is None else math.isqrt(checks.integer("dimension", dimension, at_least=1))
    if dimension is not None and side * side != dimension:
        raise ValueError(f"digits are square: dimension must be a square number, got {dimension}; try {side * side}")
    return _checked_side(side)


@lru_cache(maxsize=8)
def digits(side: int = 8) -> Dataset:
    """The 1797 handwritten digits of scikit-learn (8x8), resampled bilinearly to side x side; every fifth one is test.

    Source: E. Alpaydin and C. Kaynak, Optical recognition of handwritten digits, UCI repository (1998).
    """
    from sklearn.datasets import load_digits

    side = _checked_side(side)
    images, labels = load_digits(return_X_y=True)
    x = torch.tensor(images, dtype=torch.float32).view(-1, 1, 8, 8)
    if side != 8:
        x = torch.nn.functional.interpolate(x, size=(side, side), mode="bilinear", antialias=side < 8)
    test = torch.arange(len(x)) % 5 == 4
    return _standardised("digits", x, torch.tensor(labels), test)


@lru_cache(maxsize=8)
def mnist1d(length: int = 40, n: int = SIGNALS, seed: int = 42) -> Dataset:
    """mnist1d: n one-dimensional signals of ten classes, sampled at `length` points; the last fifth is test.

    Source: S. Greydanus and D. Kobak, Scaling down deep learning with MNIST-1D, ICML (2024).
    """
    from mnist1d.data import get_dataset_args, make_dataset
    from mnist1d.utils import ObjectView

    length = _checked_length(length, n)
    arguments = get_dataset_args(as_dict=True) | {"final_seq_length": length, "num_samples": n, "seed": seed}
    with _kept_global_randomness():  # the generator seeds and draws from the global states
        made = make_dataset(ObjectView(arguments))
    x = torch.tensor(np.concatenate([made["x"], made["x_test"]]), dtype=torch.float32)[:, None]
    labels = torch.tensor(np.concatenate([made["y"], made["y_test"]]))
    return _standardised("mnist1d", x, labels, torch.arange(len(x)) >= len(made["x"]))


def _checked_side(side: int) -> int:
    side = checks.integer("side", side, at_least=2)
    checks.memory(f"1797 digits of {side}x{side}", COPIES * 4 * 1797 * side**2, "reduce the dimension (--dim)")
    return side


def _checked_length(length: int, n: int = SIGNALS) -> int:
    length = checks.integer("length", length, at_least=10)
    checks.memory(f"{n} signals of length {length}", COPIES * 8 * n * length, "reduce the dimension (--dim)")
    return length


def _standardised(name: str, x: Tensor, labels: Tensor, test: Tensor) -> Dataset:
    with one_thread():
        x = (x - x[~test].mean()) / x[~test].std()
    labels = labels.long()
    return Dataset(name, x[~test], labels[~test], x[test], labels[test], int(labels.max()) + 1)


@contextmanager
def _kept_global_randomness() -> Iterator[None]:
    with _global_state:
        python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 (kept, not drawn from)
        try:
            yield
        finally:
            random.setstate(python)
            np.random.set_state(numpy)  # noqa: NPY002
