"""What every reader of a file gives."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np


@dataclass(frozen=True)
class Parts:
    """Sites by name, bonds by the numbers of their sites, and what is to be said of how they were taken."""

    names: Sequence[str]
    edges: np.ndarray  # (n_bonds, 2) integers
    remarks: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Listed:
    """Pairs of names, as an edge list has them."""

    pairs: list[tuple[str, str]]
    remarks: list[str]
    n_sites: int | None = None  # where the file says how many there are
