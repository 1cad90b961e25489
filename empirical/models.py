"""Networks by name: untrained, or trained on the spot and kept in the user's cache folder.

A model comes back in evaluation mode with frozen weights, on the CPU. Its weights are determined by the
arguments alone: architecture, data, training rule, seed.
"""

import hashlib
import inspect
import json
import logging
import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from platformdirs import user_cache_path
from torch import Tensor, nn

from empirical.data import Dataset
from percolation import checks, files

INITIALISATIONS = ("he", "pytorch")
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Architecture:
    """How to build a network for inputs of a shape, and the initialisation it is usually given."""

    build: Callable[..., nn.Module]  # (shape, n_classes, **options)
    space: int | None  # axes of an input behind its channels; None: any shape will do
    channels: int = 1
    dimension: int = 64  # of an input, where neither user nor data say
    initialisation: str = "he"
    # of the search for class-optimal inputs, the article's; measured on ResNet-18, whose untrained ones grow to norms
    # of 100 to 200: of 12 inputs 9 arrive within 2048 steps at 0.2, of 28 only 12 at 0.05. A larger step ends deeper.
    step: float = 0.05


@dataclass(frozen=True)
class Training:
    """Adam on the cross-entropy, the learning rate falling to zero along a cosine."""

    epochs: int = 60
    batch_size: int = 128
    lr: float = 3e-3


def mlp(shape: tuple[int, ...], n_classes: int, width: int = 256, depth: int = 3) -> nn.Module:
    """A ReLU network with `depth` hidden layers."""
    widths = [math.prod(shape)] + [width] * depth
    layers: list[nn.Module] = [nn.Flatten()]
    for fan_in, fan_out in zip(widths[:-1], widths[1:], strict=True):
        layers += [nn.Linear(fan_in, fan_out), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, n_classes))


def cnn1d(shape: tuple[int, ...], n_classes: int, width: int = 32) -> nn.Module:
    """Three strided convolutions over a signal (channels, length) and a linear layer on all that is left."""
    return _convolutional(nn.Conv1d, shape, n_classes, width)


def cnn(shape: tuple[int, ...], n_classes: int, width: int = 32) -> nn.Module:
    """Three convolutions over an image (channels, height, width), two of them strided, and a linear layer."""
    return _convolutional(nn.Conv2d, shape, n_classes, width)


def resnet18(shape: tuple[int, ...], n_classes: int) -> nn.Module:
    """torchvision's ResNet-18; untrained and in evaluation mode its batch norms are the identity."""
    from torchvision.models import resnet18 as build

    if shape[0] != 3:
        raise ValueError(f"resnet18 takes images of 3 channels, got shape {shape}")
    return build(num_classes=n_classes)


ARCHITECTURES = {
    "mlp": Architecture(mlp, space=None),
    "cnn1d": Architecture(cnn1d, space=1, dimension=40),
    "cnn": Architecture(cnn, space=2),
    "resnet18": Architecture(resnet18, space=2, channels=3, dimension=3072, initialisation="pytorch", step=0.2),
}


def untrained(
    name: str,
    shape: tuple[int, ...],
    n_classes: int = 10,
    *,
    seed: int,
    initialisation: str | None = None,
    **options: int,
) -> nn.Module:
    """A network with random weights.

    options: of the architecture, such as depth and width of an mlp.
    initialisation: 'he' (normal, variance 2 / fan-in, biases zero: then f(s x) = s f(x) for s > 0), 'pytorch' (the
    library's own), or None for what the architecture is usually given.
    """
    architecture = ARCHITECTURES[checks.one_of("network", name, ARCHITECTURES)]
    if architecture.space not in (None, len(shape) - 1):
        raise ValueError(f"{name} takes inputs of shape (channels, *{architecture.space} axes), got {shape}")
    rule = architecture.initialisation if initialisation is None else initialisation
    checks.one_of("initialisation", rule, INITIALISATIONS)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = architecture.build(shape, checks.integer("n_classes", n_classes, at_least=2), **options)
        if rule == "he":
            model.apply(_he)
    return _frozen(model)


def input_shape(name: str, dimension: int | None = None) -> tuple[int, ...]:
    """Shape of an input of the given dimension for a network that goes with no data set: (d,) or (channels, *side)."""
    architecture = ARCHITECTURES[checks.one_of("network", name, ARCHITECTURES)]
    dimension = architecture.dimension if dimension is None else checks.integer("dimension", dimension, at_least=1)
    if architecture.space is None:
        return (dimension,)
    side = max(round((dimension / architecture.channels) ** (1 / architecture.space)), 1)
    shape = (architecture.channels, *[side] * architecture.space)
    if math.prod(shape) != dimension:
        raise ValueError(
            f"{name} takes inputs of shape {shape} or alike, got dimension={dimension}; try {math.prod(shape)}"
        )
    return shape


def trained(name: str, data: Dataset, *, seed: int, training: Training | None = None) -> nn.Module:
    """A network trained on the data set; read from the cache if the same one was trained before.

    The cache folder is the user's (environment variable PERCOLATION_CACHE names another); deleting it is safe.
    """
    training = Training() if training is None else training
    model = untrained(name, data.shape, data.n_classes, seed=seed, initialisation="pytorch")
    kept = _cache_file(name, data, training, seed)
    if not _read_weights(model, kept):
        with one_thread():  # sums in one order: the same weights on any machine of one kind
            _fit(model, data, training, seed)
        _keep_weights(model, kept)
    return _frozen(model)


@torch.inference_mode()
def accuracy(model: nn.Module, x: Tensor, labels: Tensor) -> float:
    """Share of the inputs whose largest logit is that of their label."""
    return (model(x).argmax(1) == labels).float().mean().item()


@contextmanager
def one_thread() -> Iterator[None]:
    """Run torch on one thread inside the block: bits then do not depend on the number of cores."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def _convolutional(
    convolution: Callable[..., nn.Module], shape: tuple[int, ...], n_classes: int, width: int
) -> nn.Module:
    body = nn.Sequential(
        convolution(shape[0], width, 5, stride=2, padding=2),
        nn.ReLU(),
        convolution(width, width, 3, stride=2, padding=1),
        nn.ReLU(),
        convolution(width, width, 3, padding=1),
        nn.ReLU(),
        nn.Flatten(),
    )
    with torch.no_grad():
        n_features = body(torch.zeros(1, *shape)).shape[1]
    return nn.Sequential(*body, nn.Linear(n_features, n_classes))


def _he(layer: nn.Module) -> None:
    if isinstance(layer, nn.Linear | nn.Conv1d | nn.Conv2d):
        nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _frozen(model: nn.Module) -> nn.Module:
    return model.eval().requires_grad_(False)


def _fit(model: nn.Module, data: Dataset, training: Training, seed: int) -> None:
    model.train().requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    steps = training.epochs * math.ceil(len(data.x_train) / training.batch_size)
    optimiser = torch.optim.Adam(model.parameters(), lr=training.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    for _ in range(training.epochs):
        for batch in torch.randperm(len(data.x_train), generator=generator).split(training.batch_size):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(data.x_train[batch]), data.y_train[batch]).backward()
            optimiser.step()
            schedule.step()


def _cache_file(name: str, data: Dataset, training: Training, seed: int) -> Path:
    """The file named by a hash of everything that determines the weights."""
    architecture = str(untrained(name, data.shape, data.n_classes, seed=0))
    inputs = hashlib.sha256(data.x_train.numpy().tobytes())
    inputs.update(data.y_train.numpy().tobytes())
    key = {
        "architecture": architecture,
        "data": inputs.hexdigest(),
        "training": asdict(training),
        "seed": seed,
        "torch": torch.__version__,
        "rule": inspect.getsource(_fit),
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("PERCOLATION_CACHE") or user_cache_path("highdim-percolation"))
    return folder / f"{name}-{data.name}-{data.dimension}-{digest}.pt"


def _read_weights(model: nn.Module, path: Path) -> bool:
    if not path.exists():
        return False
    try:
        model.load_state_dict(torch.load(path, weights_only=True))
    except Exception as error:  # torch raises many kinds for a damaged file; training again is the answer to all
        _log.warning("cannot read %s (%s); training again", path, error)
        return False
    return True


def _keep_weights(model: nn.Module, path: Path) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.appearing(path) as temporary:
            torch.save(model.state_dict(), temporary)
    except OSError as error:
        _log.warning("cannot keep the weights in %s (%s); they will be trained again next time", path, error)
