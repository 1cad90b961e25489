"""Pictures from a folder of the user's: CIFAR-10 and CIFAR-100, ImageNet by class, the article's own tensors.

Points are pictures in [0, 1]; nothing is downloaded.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import torch
from torch import Tensor

from empirical.data.tensors import IMAGENET, Dataset, Normalisation
from percolation import checks

NAMES = ("cifar10", "cifar100", "imagenet")
# of the training sets, in [0, 1]
CIFAR = {
    "cifar10": Normalisation((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616)),
    "cifar100": Normalisation((0.5071, 0.4866, 0.4409), (0.2673, 0.2564, 0.2762)),
}
BLOCK = 4  # pictures of one class that are read after each other, so that pairs within a class are found soon
PUBLISHED = re.compile(r"class_(\d+)_(?:sel_\d+|tensors_with_names)\.pt")


class Pictures(Protocol):
    """Labelled pictures in [0, 1] of one shape, read when they are asked for."""

    @property
    def labels(self) -> Tensor:
        """Classes (n,) long."""

    @property
    def class_names(self) -> list[str]: ...

    @property
    def shape(self) -> tuple[int, ...]: ...

    def __len__(self) -> int: ...

    def take(self, indices: Tensor) -> Tensor:
        """The pictures (m, *shape) of these indices (m,)."""


def cifar(name: str, folder: str | Path, *, training: bool = False) -> Dataset:
    """CIFAR-10 or CIFAR-100 from a folder that holds its published files, in [0, 1], through torchvision's reader.

    training: read the training set too (0.6 GB), which is empty otherwise. torchvision compares the checksum of each
    file with the published one before it opens it.
    Source: A. Krizhevsky, Learning multiple layers of features from tiny images (2009).
    """
    from torchvision import datasets

    checks.one_of("data set", name, CIFAR)
    reader = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
    root = _folder(folder, name)
    try:
        parts = [reader(root, train=train) for train in ([True, False] if training else [False])]
    except (RuntimeError, OSError, KeyError, ValueError) as error:
        raise OSError(
            f"{root} does not hold {name}, or a file of it is damaged; unpack {reader.filename} from "
            f"{reader.url} there, so that {root / reader.base_folder} is a folder"
        ) from error
    x = [torch.tensor(part.data).permute(0, 3, 1, 2).float() / 255 for part in parts]
    y = [torch.tensor(part.targets) for part in parts]
    n_classes = len(parts[-1].classes)
    if not training:
        x, y = [x[0][:0], *x], [y[0][:0], *y]
    return Dataset(name, x[0], y[0], x[1], y[1], n_classes, CIFAR[name])


def imagenet(folder: str | Path, side: int = 224) -> Pictures:
    """ImageNet, or alike, from a folder: a folder of images for each class, or the article's preprocessed tensors.

    Images are resized so that the shorter side has 8/7 of `side` pixels and cut to the middle square, as usual.
    """
    root = _folder(folder, "imagenet")
    checks.integer("side", side, at_least=1)
    published = sorted(path for path in root.iterdir() if PUBLISHED.fullmatch(path.name))
    return Tensors(published, side) if published else ImagesByClass(root, side)


class ImagesByClass:
    """torchvision's ImageFolder: folder/CLASS/*.jpeg, the classes counted in alphabetical order."""

    def __init__(self, root: Path, side: int) -> None:
        from torchvision import datasets, transforms

        steps = [transforms.Resize(round(side * 8 / 7)), transforms.CenterCrop(side), transforms.ToTensor()]
        try:
            self._images = datasets.ImageFolder(root, transforms.Compose(steps))
        except OSError as error:
            raise OSError(
                f"{root} holds no folder of images a class ({error}); expected {root / 'CLASS' / 'NAME.JPEG'}, or the "
                "article's class_955_sel_0.pt, ..."
            ) from error
        self.labels = torch.tensor(self._images.targets)
        self.class_names = self._images.classes
        self.shape = (3, side, side)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> Tensor:
        return torch.stack([self._one(index) for index in indices.tolist()])

    def _one(self, index: int) -> Tensor:
        try:
            return self._images[index][0]
        except (OSError, SyntaxError, ValueError) as error:  # PIL raises SyntaxError for a broken PNG
            path = self._images.samples[index][0]
            raise OSError(f"{path} cannot be read as an image ({error}); remove or replace it") from error


class Tensors:
    """Preprocessed tensors as the article publishes them: class_955_sel_0.pt, ..., class_955_tensors_with_names.pt.

    A file holds (3, side, side), or a list of such tensors with their names, normalised for ImageNet; here they are
    brought back to [0, 1]. The number in the name is the class.
    Source: Vrabel et al., arXiv:2409.05800 (2024), published code.
    """

    def __init__(self, paths: list[Path], side: int) -> None:
        self.shape = (3, side, side)
        parts = [_published(path, self.shape) for path in paths]
        self._x = torch.cat(parts)
        classes = [int(PUBLISHED.fullmatch(path.name)[1]) for path in paths]  # type: ignore[index]
        self.labels = torch.tensor([label for label, part in zip(classes, parts, strict=True) for _ in part])
        self.class_names = [str(label) for label in range(max(classes) + 1)]

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> Tensor:
        return self._x[indices]


@dataclass(frozen=True)
class Relabelled:
    """Pictures whose labels count the outputs of a network of ImageNet."""

    pictures: Pictures
    labels: Tensor
    class_names: list[str]

    @property
    def shape(self) -> tuple[int, ...]:
        return self.pictures.shape

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: Tensor) -> Tensor:
        return self.pictures.take(indices)


def for_network(pictures: Pictures, n_classes: int, categories: list[str]) -> Pictures:
    """The pictures with labels that count the outputs of a network.

    As many folders as outputs are taken in their order, which is ImageNet's for all its 1000 folders. Fewer go by
    their names: numbers of classes (207), or ImageNet's words for them (golden retriever).
    """
    own = pictures.class_names
    if isinstance(pictures, Tensors):
        if int(pictures.labels.max()) >= n_classes:
            raise ValueError(
                f"the tensors are of class {int(pictures.labels.max())}, the network has the classes 0 to "
                f"{n_classes - 1}; choose a network with more"
            )
        return pictures
    if len(own) == n_classes:
        return pictures
    outputs = [_output(name, n_classes, categories) for name in own]
    labels = torch.tensor(outputs)[pictures.labels]
    return Relabelled(pictures, labels, categories if len(categories) == n_classes else own)


def batches(pictures: Pictures, size: int, *, generator: torch.Generator) -> Iterator[tuple[Tensor, Tensor]]:
    """All pictures once, with their labels, `size` at a time: classes in random order, four of each in turn."""
    shuffled = torch.randperm(len(pictures), generator=generator)
    classes = torch.randperm(int(pictures.labels.max()) + 1, generator=generator)
    place = torch.empty(len(pictures), dtype=torch.long)
    for label in pictures.labels.unique():
        members = shuffled[pictures.labels[shuffled] == label]
        place[members] = torch.arange(len(members)) // BLOCK * len(classes) + classes[label]
    order = shuffled[place[shuffled].argsort(stable=True)]
    for part in order.split(size):
        yield pictures.take(part), pictures.labels[part]


def _output(name: str, n_classes: int, categories: list[str]) -> int:
    """The output of the network that a folder of this name stands for."""
    if name.isdigit() and int(name) < n_classes:
        return int(name)
    words = name.replace("_", " ")
    if len(categories) == n_classes and words in categories:
        return categories.index(words)
    raise ValueError(
        f"the folder {name!r} is no class of the network, which has {n_classes}; name the folders by the number of "
        "the class (207) or ImageNet's word for it (golden retriever), or give all classes a folder each"
    )


def _published(path: Path, shape: tuple[int, ...]) -> Tensor:
    """The pictures (n, *shape) of one file."""
    try:
        found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # torch raises many kinds for what is damaged, or holds more than tensors
        raise OSError(f"{path} cannot be read as a tensor ({str(error).splitlines()[:1]}); replace it") from error
    several = found if isinstance(found, list | tuple) else [found]
    parts = [one[0] if isinstance(one, list | tuple) and one else one for one in several]
    if not parts or not all(isinstance(one, Tensor) and tuple(one.squeeze(0).shape) == shape for one in parts):
        got = next((tuple(one.shape) for one in parts if isinstance(one, Tensor)), type(found).__name__)
        raise ValueError(f"{path} must hold tensors of shape {shape}, got {got}")
    x = torch.stack([one.squeeze(0).float() for one in parts])
    mean, std = (torch.tensor(part).view(-1, 1, 1) for part in (IMAGENET.mean, IMAGENET.std))
    x = x * std + mean
    outside = max(-x.min().item(), x.max().item() - 1)
    if not outside < 1e-3:
        raise ValueError(
            f"{path} holds pictures outside [0, 1] by {outside:.3g} after ImageNet's normalisation is undone; "
            "expected (x - mean) / std of pixels in [0, 1]"
        )
    return x.clamp(0, 1)


def _folder(folder: str | Path, name: str) -> Path:
    path = Path(folder)
    if not path.is_dir():
        raise OSError(f"there is no folder {path}; {name} is read from a folder of yours, give it with --folder")
    return path
