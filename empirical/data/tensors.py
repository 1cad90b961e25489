"""Labelled inputs as tensors, and what a network subtracts from pictures and divides them by."""

import math
from dataclasses import dataclass

from torch import Tensor

from percolation import checks


@dataclass(frozen=True)
class Normalisation:
    """Mean and standard deviation of each channel of pictures in [0, 1], or one of each for all channels."""

    mean: tuple[float, ...]
    std: tuple[float, ...]

    def __post_init__(self) -> None:
        if len(self.mean) != len(self.std) or not self.mean:
            raise ValueError(f"expected one mean and one std a channel, got {self.mean} and {self.std}")
        for mean, std in zip(self.mean, self.std, strict=True):
            checks.finite("mean", mean)
            checks.positive("std", std)

    @classmethod
    def of_options(cls, mean: str | None, std: str | None) -> "Normalisation | None":
        """What --mean 0.5,0.5,0.5 and --std of a command say; None where they were left out."""
        if mean is None and std is None:
            return None
        if mean is None or std is None:
            raise ValueError("--mean and --std go together, got one of them")
        return cls(checks.numbers("--mean", mean), checks.numbers("--std", std))


IMAGENET = Normalisation((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
CENTRED = Normalisation((0.5,) * 3, (0.5,) * 3)


@dataclass(frozen=True, repr=False)
class Dataset:
    """Inputs (n, channels, *space) and their labels (n,).

    The inputs have mean 0 and variance 1 over the training set; or they are pictures in [0, 1], where a normalisation
    says what the network takes from them.
    """

    name: str
    x_train: Tensor
    y_train: Tensor
    x_test: Tensor
    y_test: Tensor
    n_classes: int
    normalisation: Normalisation | None = None

    def __repr__(self) -> str:
        n = f"{len(self.x_train)} + {len(self.x_test)}"
        return f"Dataset({self.name!r}, {n} inputs {self.shape}, {self.n_classes} classes)"

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one input."""
        return tuple(self.x_train.shape[1:])

    @property
    def dimension(self) -> int:
        return math.prod(self.shape)
