"""As many runs as a given time affords."""

import time
from collections.abc import Callable

import numpy as np


def until(
    seconds: float,
    parent: np.random.SeedSequence,
    runs: Callable[[list[np.random.SeedSequence]], list[np.ndarray]],
    *,
    at_least: int,
) -> list[np.ndarray]:
    """Runs of the parent's children in turn until the time is spent; the last batch is sized to end with it."""
    begun = time.monotonic()
    done = runs(parent.spawn(at_least))
    while (left := seconds - (spent := time.monotonic() - begun)) > 0:
        affordable = int(len(done) * left / spent)
        if affordable == 0:
            break
        done += runs(parent.spawn(min(affordable, len(done))))  # doubling: the rate of the first runs is uncertain
    return done
