"""Losses of known and unknown law, and straight lines to walk on: Gaussian fields, random and trained networks.

A landscape draws lines: an objective, and the two ends of each. Some serve to learn its statistics, others are walked
by the path finder.
"""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from empirical.data import offline
from empirical.ends.pairs import draw
from empirical.ends.subject import Subject, build
from empirical.ends.wanted import KINDS, NoPairs
from empirical.losses.fields import FieldsDrawnAnew, FourierFields
from empirical.losses.objectives import ClassLoss, Objective, OfPairs, moved
from empirical.networks import architectures, models
from empirical.networks.sphere import OnSphere, projected
from percolation import checks, fields
from percolation.seeds import child, integer
from percolation.theory import rounds

N_CLASSES = 10
NATURAL_PAIR = KINDS[0]
N_WAVES = 400  # of a Gaussian field
MOST_KEPT = 2**28  # bytes of the fields of lines to learn from: those above are drawn anew at each look


@dataclass(frozen=True, eq=False)
class Drawn:
    """Lines from a[i] to c[i]; the loss on line i is objective(points, i)."""

    objective: Objective
    a: Tensor  # (n, *shape)
    c: Tensor  # (n, *shape)

    def select(self, rows: Tensor) -> "Drawn":
        """Some of the lines."""
        return Drawn(OfPairs(self.objective, rows), self.a[rows], self.c[rows])

    def to(self, device: torch.device) -> "Drawn":
        """The same lines there."""
        return Drawn(moved(self.objective, device), self.a.to(device), self.c.to(device))


class Landscape(Protocol):
    """Where paths are looked for."""

    @property
    def columns(self) -> dict[str, Any]:
        """What it is, for the table."""

    def levels(self, occupation: float, margin: float) -> tuple[float, float] | None:
        """Level and stop of the loss, where they are known; None where lines have to tell."""

    def draw(self, n_learn: int, n_walk: int, seed: np.random.SeedSequence) -> tuple[Drawn, Drawn]:
        """Lines to learn from and lines to walk on, or as many as there are."""


@dataclass(frozen=True)
class GaussianField:
    """A Gaussian field of covariance exp(-r^2 / 2 xi^2) on R^d, a new one for each line; xi = 1."""

    dimension: int
    length: float = 30.0  # of a line, in xi

    def __post_init__(self) -> None:
        object.__setattr__(self, "dimension", checks.integer("dimension", self.dimension, at_least=2))
        object.__setattr__(self, "length", checks.positive("length", self.length))

    @property
    def columns(self) -> dict[str, Any]:
        return columns_of("gaussian", "none", "-", self.dimension)

    @property
    def bytes_per_line(self) -> int:
        """Memory of the field of a line that is walked, in single precision; large others are drawn anew."""
        return 4 * N_WAVES * self.dimension

    def levels(self, occupation: float, margin: float) -> tuple[float, float]:
        u = rounds.level(occupation)
        return u, u - margin

    def draw(self, n_learn: int, n_walk: int, seed: np.random.SeedSequence) -> tuple[Drawn, Drawn]:
        kept = n_learn * self.bytes_per_line <= MOST_KEPT
        return self._draw(n_learn, child(seed, 0), kept), self._draw(n_walk, child(seed, 1), True)

    def _draw(self, n: int, seed: np.random.SeedSequence, kept: bool) -> Drawn:
        kernel, of_fields = fields.SquaredExponential(1.0), child(seed, 0)

        def one(i: int) -> fields.FourierField:
            return fields.gaussian(self.dimension, kernel, n_features=N_WAVES, seed=child(of_fields, i))

        drawn: Objective = FourierFields.drawn(one, n) if kept else FieldsDrawnAnew(one)
        direction = torch.randn(n, self.dimension, generator=generator_of(child(seed, 1)))
        return Drawn(drawn, torch.zeros_like(direction), self.length * nn.functional.normalize(direction))


@dataclass(frozen=True)
class RandomNetwork:
    """One untrained network between random inputs, N(0, I) or on the sphere: the loss of its first class."""

    network: str
    dimension: int
    depth: int = 3  # hidden layers of an mlp; the others have their own
    sphere: bool = False  # inputs are projected to the sphere |x|^2 = d, where the norm plays no part

    def __post_init__(self) -> None:
        models.input_shape(self.network, self.dimension)
        checks.integer("depth", self.depth, at_least=1)

    @property
    def columns(self) -> dict[str, Any]:
        depth = self.depth if self.network == "mlp" else 0
        return columns_of(self.network, "none", "untrained", self.dimension, depth) | {"sphere": self.sphere}

    def levels(self, occupation: float, margin: float) -> None:
        return None

    def draw(self, n_learn: int, n_walk: int, seed: np.random.SeedSequence) -> tuple[Drawn, Drawn]:
        of_network, learning, walking = (child(seed, i) for i in range(3))
        shape = models.input_shape(self.network, self.dimension)
        options: dict[str, Any] = {"depth": self.depth} if self.network == "mlp" else {}
        model = models.untrained(self.network, shape, N_CLASSES, seed=integer(of_network), **options)
        model = OnSphere(model) if self.sphere else model
        return _between_random(model, shape, n_learn, learning), _between_random(model, shape, n_walk, walking)


@dataclass(frozen=True)
class TrainedNetwork:
    """A network trained on the spot, between inputs of one class whose losses are low."""

    network: str  # a name in ARCHITECTURES, or module:factory
    data: str
    dimension: int | None = None  # the data set's own if None
    level: float = 1e-3  # nats
    stop: float = 5e-4
    pair: str = NATURAL_PAIR

    def __post_init__(self) -> None:
        architectures.find(self.network)
        checks.one_of("data set", self.data, offline.NAMES)
        checks.one_of("pair kind", self.pair, KINDS)

    @property
    def columns(self) -> dict[str, Any]:
        what = columns_of(self.network, self.data, "trained", offline.load(self.data, self.dimension).dimension)
        return what | {"pair": self.pair}

    def levels(self, occupation: float, margin: float) -> tuple[float, float]:
        return self.level, self.stop

    def draw(self, n_learn: int, n_walk: int, seed: np.random.SeedSequence) -> tuple[Drawn, Drawn]:
        of_network, of_pairs = child(seed, 0), child(seed, 1)
        subject = Subject(self.network, self.data, "trained", self.pair, n_learn + n_walk, self.dimension)
        built = build(subject, seed=integer(of_network))
        found = draw(*built, subject.wanted, stop=self.stop, generator=generator_of(of_pairs))
        both = Drawn(ClassLoss(found.model, found.labels), found.a, found.c)
        rows = torch.arange(len(found.a))
        if len(rows) < 2:
            raise NoPairs(f"{self.network} on {self.data}: one pair of low-loss inputs, two are needed: theory learns "
                          "from some and the others are walked; train it longer, or take other data")  # fmt: skip
        n_walk = min(n_walk, len(rows) // 2)
        return both.select(rows[n_walk:]), both.select(rows[:n_walk])


def _between_random(model: nn.Module, shape: tuple[int, ...], n: int, seed: np.random.SeedSequence) -> Drawn:
    a, c = torch.randn(2, n, *shape, generator=generator_of(seed))
    if isinstance(model, OnSphere):
        a, c = projected(a), projected(c)
    return Drawn(ClassLoss(model, torch.zeros(n, dtype=torch.long)), a, c)


def columns_of(field: str, data: str, training: str, dimension: int, depth: int = 0) -> dict[str, Any]:
    """What a landscape is, for the table."""
    return {"field": field, "data": data, "training": training, "dimension": dimension, "depth": depth}


def generator_of(seed: np.random.SeedSequence) -> torch.Generator:
    """torch's generator of this seed."""
    return torch.Generator().manual_seed(integer(seed))
