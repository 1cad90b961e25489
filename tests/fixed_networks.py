"""Trained networks with fixed weights: what a test says of them holds on every machine.

Training takes thousands of steps, each of which amplifies the last bits of the one before; they differ by
processor, library and by number of threads, so that networks of one seed are others on another machine. The weights in
fixed_networks/ were made once, on one machine, and are put where `models.trained` keeps what it has trained.

    python -m tests.fixed_networks      makes them anew: other networks, tests that hold numbers may have to follow
"""

import os
import tempfile
from pathlib import Path

import numpy as np
import torch

from empirical.data import offline
from empirical.networks import models
from empirical.networks.models import Training
from percolation import files, seeds

FOLDER = Path(__file__).parent / "fixed_networks"
# architecture, data set, epochs, seed
NETWORKS = (
    *(("cnn1d", "mnist1d", 60, seed) for seed in range(4)),
    ("cnn", "digits", 60, 0),
    ("cnn", "digits", 30, 1),
    ("cnn", "digits", 30, 2),
    # the pairs of networks that the experiment on weights connects at seed 2, and the figure of it at seed 1
    *(("cnn", "digits", 30, seeds.integer(seeds.child(2, number))) for number in (0, 1)),
    *(("cnn", "digits", 60, seeds.integer(seeds.child(1, number))) for number in (0, 1)),
)


def install() -> None:
    """Put the fixed weights into the cache folder of trained networks, PERCOLATION_CACHE."""
    for name, data, epochs, seed in NETWORKS:
        kept = models.kept_at(name, offline.load(data), seed=seed, training=Training(epochs=epochs))
        with np.load(_file(name, data, epochs, seed)) as arrays:
            state = {part: torch.from_numpy(arrays[part]).float() for part in arrays.files}
        kept.parent.mkdir(parents=True, exist_ok=True)
        with files.appearing(kept) as temporary:
            torch.save(state, temporary)


def make() -> None:
    """Train them all; kept to 16 bits, which makes another network of each, but no worse one."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as empty:
        os.environ["PERCOLATION_CACHE"] = empty
        for name, data, epochs, seed in NETWORKS:
            model = models.trained(name, offline.load(data), seed=seed, training=Training(epochs=epochs))
            state = {part: value.half().numpy() for part, value in model.state_dict().items()}
            np.savez_compressed(_file(name, data, epochs, seed), **state)


def _file(name: str, data: str, epochs: int, seed: int) -> Path:
    return FOLDER / f"{name}-{data}-{epochs}-{seed}.npz"


if __name__ == "__main__":
    make()
