"""Training a network on the spot, and keeping its weights in the user's cache folder."""

import hashlib
import inspect
import json
import logging
import math
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from platformdirs import user_cache_path
from torch import nn

from empirical.data.tensors import Dataset
from percolation import checks, files

MOST_EPOCHS = 100_000  # beyond any use

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Training:
    """Adam on the cross-entropy, the learning rate falling to zero along a cosine."""

    epochs: int = 60
    batch_size: int = 128
    lr: float = 3e-3

    def __post_init__(self) -> None:
        checks.integer("epochs", self.epochs, at_least=1, at_most=MOST_EPOCHS)


def fit(model: nn.Module, data: Dataset, training: Training, seed: int) -> None:
    """Train the model on the data's training set; seed: of the order of its inputs."""
    for _ in epochs(model, data, training, seed):
        pass


def epochs(model: nn.Module, data: Dataset, training: Training, seed: int) -> Iterator[int]:
    """`fit`, epoch by epoch: the number of those that are done, 0 first."""
    model.train().requires_grad_(True)
    generator = torch.Generator().manual_seed(seed)
    steps = training.epochs * math.ceil(len(data.x_train) / training.batch_size)
    optimiser = torch.optim.Adam(model.parameters(), lr=training.lr)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, steps)
    yield 0
    for epoch in range(training.epochs):
        for batch in torch.randperm(len(data.x_train), generator=generator).split(training.batch_size):
            optimiser.zero_grad()
            nn.functional.cross_entropy(model(data.x_train[batch]), data.y_train[batch]).backward()
            optimiser.step()
            schedule.step()
        yield epoch + 1


def cache_file(name: str, architecture: str, data: Dataset, training: Training, seed: int) -> Path:
    """The file named by a hash of everything that determines the weights; architecture: its layers in words."""
    inputs = hashlib.sha256(data.x_train.numpy().tobytes())
    inputs.update(data.y_train.numpy().tobytes())
    key = {
        "architecture": architecture,
        "data": inputs.hexdigest(),
        "training": asdict(training),
        "seed": seed,
        "torch": torch.__version__,
        "rule": inspect.getsource(epochs),
    }
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:16]
    folder = Path(os.environ.get("PERCOLATION_CACHE") or user_cache_path("highdim-percolation"))
    return folder / f"{name.replace(':', '-')}-{data.name}-{data.dimension}-{digest}.pt"


def read_weights(model: nn.Module, path: Path) -> bool:
    """Load what was kept; False if there is nothing or it is damaged."""
    if not path.exists():
        return False
    try:
        model.load_state_dict(torch.load(path, weights_only=True))
    except Exception as error:  # torch raises many kinds for a damaged file; training again is the answer to all
        _log.warning("cannot read %s (%s); training again", path, error)
        return False
    return True


def keep_weights(model: nn.Module, path: Path) -> None:
    """Write the weights, whole or not at all; a folder that cannot be written is no error."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with files.appearing(path) as temporary:
            torch.save(model.state_dict(), temporary)
    except OSError as error:
        _log.warning("cannot keep the weights in %s (%s); they will be trained again next time", path, error)
