"""Tasks that behave as the tests of faults want them to, where any worker can import them."""

import os
import signal
import time
from pathlib import Path

import numpy as np


def noise(mu: float, seed: np.random.SeedSequence) -> dict[str, object]:
    """A number, an array, and a text; it takes no time."""
    random = np.random.default_rng(seed)
    return {"x": mu + random.normal(), "v": random.random(3), "word": "text"}


def logged(mu: float, seed: np.random.SeedSequence) -> float:
    """2 ms; a line in the file $LOG says that it was run."""
    with open(os.environ["LOG"], "a") as log:
        log.write(f"{mu} {seed.spawn_key[-1]}\n")
    time.sleep(0.002)
    return mu + float(np.random.default_rng(seed).normal())


def log_to(path: str) -> None:
    """Name the file for this process."""
    os.environ["LOG"] = path


def strength(p: float, seed: np.random.SeedSequence) -> float:
    """A kernel: the share of the largest cluster of a small torus."""
    from percolation import clusters, lattices  # numba takes a second to load, which the other tasks need not wait for

    opened = np.random.default_rng(seed).random((16, 16)) < p
    return float(np.bincount(clusters.label(lattices.square.torus(16), opened).ravel())[1:].max() / opened.size)


def mishap(what: str, seed: np.random.SeedSequence) -> float:
    """A fifth of the realisations raise, or give what is no number."""
    x = float(np.random.default_rng(seed).random())
    if x < 0.2 and what == "raise":
        raise KeyError(f"x = {x:.3f}")
    return float("nan") if x < 0.2 and what == "nan" else x


def hangs(k: int, seed: np.random.SeedSequence) -> int:
    """Number 3 never ends; $LOG, where there is one, gets a line when it begins."""
    if k == 3 and "LOG" in os.environ:
        with open(os.environ["LOG"], "a") as log:
            log.write("begun\n")
    while k == 3:
        time.sleep(1)
    return k


def deadly(k: int, seed: np.random.SeedSequence) -> float:
    """Number 3 kills its worker, every time."""
    if k == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return float(np.random.default_rng(seed).normal())


def deadly_once(k: int, seed: np.random.SeedSequence) -> float:
    """Number 3 kills its worker the first time, of which the file $LOG is the sign."""
    if k == 3 and not Path(os.environ["LOG"]).exists():
        Path(os.environ["LOG"]).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return float(np.random.default_rng(seed).normal())


def slow(k: int, seed: np.random.SeedSequence) -> int:
    """A fifth of a second."""
    time.sleep(0.2)
    return k
