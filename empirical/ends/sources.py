"""Where natural inputs come from, by the name of the data: their shape, their space, and batches of them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn

from empirical.data import folders, given, offline, pictures
from empirical.data.class_folders import ClassFolders
from empirical.data.tensors import IMAGENET, Dataset, Normalisation
from empirical.losses.objectives import checked_points, device_of
from empirical.networks import models
from percolation import checks

SHIPPED, OWN = "pictures", "folder"
NAMES = (*offline.NAMES, "none", SHIPPED, *folders.NAMES, OWN)
SIDE = 224  # pixels of pictures where nothing else is said
PIXELS = (0.0, 1.0)
VIEWS = 8  # of each picture in a batch
BATCHES = 64  # of views of each picture at most
READ = 32  # images of a folder in a batch

Batches = Iterator[tuple[Tensor, Tensor]]  # of inputs (m, *shape) and labels (m,)


@dataclass(frozen=True)
class Source:
    """Natural inputs of one shape. Those with a normalisation are pictures in [0, 1]."""

    name: str
    shape: tuple[int, ...]
    n_classes: int | None  # None: those of the network that looks at them
    normalisation: Normalisation | None
    batches: Callable[[nn.Module, int, torch.Generator], Batches]  # (network, its outputs, generator)
    dataset: Dataset | None = None  # on which a network can be trained
    notes: tuple[str, ...] = ()  # how the inputs were taken, a line each
    pictures: folders.Pictures | None = None  # of a folder, any of which can be read by its index


def of(
    name: str,
    dimension: int | None = None,
    folder: str | Path | None = None,
    *,
    training: bool = False,
    size: int | None = None,
    one_channel: bool = False,
) -> Source:
    """The source of this name, its inputs resampled to the dimension; training: a network will be trained on it.

    size: pixels a side of the pictures of `folder`, where one_channel keeps grey ones grey.
    """
    checks.one_of("data set", name, NAMES)
    in_a_folder = (*folders.NAMES, OWN)
    if name in in_a_folder and folder is None:
        raise ValueError(f"{name} is read from a folder of yours, give it with --folder DIR")
    if name not in in_a_folder and folder is not None:
        raise ValueError(f"{name} lies in no folder, leave --folder out")
    if name != OWN and size is not None:
        raise ValueError(f"--size goes with --data {OWN}, got {name}; its inputs have --dim numbers")
    if name == OWN:
        assert folder is not None
        if dimension is not None:
            raise ValueError(f"the pictures of --data {OWN} are cut to --size pixels a side, got dimension={dimension}")
        return _of_pictures(OWN, ClassFolders(folder, SIDE if size is None else size, one_channel))
    if name in folders.CIFAR:
        assert folder is not None
        if dimension not in (None, 3 * 32 * 32):
            raise ValueError(f"{name} has the dimension 3072, got {dimension}")
        return _of_dataset(folders.cifar(name, folder, training=training))
    if name == "imagenet":
        assert folder is not None
        return _of_pictures("imagenet", folders.imagenet(folder, _side(dimension)), IMAGENET)
    if name == SHIPPED:
        side = _side(dimension)
        return Source(name, (3, side, side), None, IMAGENET, _views(side))
    return _of_dataset(offline.load(name, dimension))


def of_tensors(
    x: ArrayLike, labels: ArrayLike, name: str = "own", normalisation: Normalisation | None = None
) -> Source:
    """Inputs x (n, *shape) of classes labels (n,), in one batch: tensors, arrays, lists, uint8 pictures."""
    x, notes = given.points(x, name="x")
    checked_points("x", x)
    labels = given.labels(labels, len(x))

    def batches(network: nn.Module, n_classes: int, generator: torch.Generator) -> Batches:
        yield x, labels

    return Source(name, tuple(x.shape[1:]), int(labels.max()) + 1, normalisation, batches, notes=tuple(notes))


def _of_dataset(dataset: Dataset) -> Source:
    """Its test set; the training set serves training."""
    source = of_tensors(dataset.x_test, dataset.y_test, dataset.name, dataset.normalisation)
    trainable = dataset if len(dataset.x_train) else None
    return replace(source, n_classes=dataset.n_classes, dataset=trainable)


def _of_pictures(name: str, found: folders.Pictures, normalisation: Normalisation | None = None) -> Source:
    def batches(network: nn.Module, n_classes: int, generator: torch.Generator) -> Batches:
        known = folders.for_network(found, n_classes, models.categories())
        return folders.batches(known, READ, generator=generator)

    notes = getattr(found, "notes", ())
    return Source(name, found.shape, len(found.class_names), normalisation, batches, notes=notes, pictures=found)


def _views(side: int) -> Callable[[nn.Module, int, torch.Generator], Batches]:
    """Views of each of the shipped pictures in turn; the network itself says what it sees."""

    def batches(network: nn.Module, n_classes: int, generator: torch.Generator) -> Batches:
        device = device_of(network)
        for _ in range(BATCHES):
            for name in pictures.names():
                x = pictures.views(name, VIEWS, side, generator=generator)
                yield x, seen(network, x.to(device)).cpu()

    return batches


@torch.inference_mode()
def seen(network: nn.Module, x: Tensor) -> Tensor:
    """The class (n,) to which the network gives the largest probability."""
    return network(x).argmax(1).clone()


def _side(dimension: int | None) -> int:
    """Side of a picture of 3 channels of this dimension."""
    if dimension is None:
        return SIDE
    side = round((checks.integer("dimension", dimension, at_least=1) / 3) ** 0.5)
    if 3 * side * side != dimension:
        raise ValueError(f"pictures have dimension 3 x side x side, got {dimension}; try {3 * max(side, 1) ** 2}")
    return side
