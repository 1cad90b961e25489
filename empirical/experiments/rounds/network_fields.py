"""Outputs of random networks as fields between random inputs: a network a pair, or fewer that the pairs share."""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from torch import nn

from empirical.experiments.rounds.landscapes import Drawn, columns_of, generator_of
from empirical.losses.fields import Outputs
from empirical.networks import models, wide
from empirical.networks.sphere import OnSphere, projected
from percolation import checks
from percolation.seeds import child, integer
from percolation.theory import level_sets, rounds, thresholds

N_PROBES = 2048  # random inputs that tell mean and standard deviation of a network's output, the latter to 1.6 %
MOST_SIGMA_W = 100.0
N_OUTPUTS = 2  # of a network; the first is the field
N_MAXIMA = 4000  # lines of the mean maximum that the finder's threshold stands on
LINES = ("iid", "euler", "finder")  # theories that say from which occupation on pairs are connected


@dataclass(frozen=True)
class NetworkField:
    """The first output of random networks of tanh, erf or sine, in standard deviations of its own network.

    Ends are random directions: N(0, I), on the sphere |x|^2 = d where `sphere` says so, there at an angle of a quarter
    circle, pi / 2 xi, in the mean. There xi is that of the wide limit and the field is one on S^(d-1).
    networks: over which the pairs are spread, in turn; None: one network a pair. Pairs of one network are not
    independent of each other. Lines to learn from are of the same networks.
    """

    network: str
    dimension: int
    depth: int = wide.DEPTH
    sigma_w: float = wide.SIGMA_W
    sphere: bool = False
    networks: int | None = None
    width: int = wide.WIDTH

    def __post_init__(self) -> None:
        checks.one_of("network", self.network, wide.FUNCTIONS)
        for name, least in (("dimension", 2), ("depth", 1), ("width", 1)):
            object.__setattr__(self, name, checks.integer(name, getattr(self, name), at_least=least))
        object.__setattr__(self, "sigma_w", checks.positive("sigma_w", self.sigma_w))
        if self.sigma_w > MOST_SIGMA_W:
            raise ValueError(
                f"sigma_w must be at most {MOST_SIGMA_W:g}, got {self.sigma_w:g}: beyond it xi is too short"
            )
        if self.networks is not None:
            checks.integer("networks", self.networks, at_least=1)

    @property
    def columns(self) -> dict[str, Any]:
        what = columns_of(self.network, "none", "untrained", self.dimension, self.depth)
        spread = "one a pair" if self.networks is None else str(self.networks)
        return what | {"sigma_w": self.sigma_w, "width": self.width, "sphere": self.sphere, "networks": spread}

    def n_networks(self, n_pairs: int) -> int:
        return n_pairs if self.networks is None else min(self.networks, n_pairs)

    def bytes_for(self, n_pairs: int) -> int:
        """Memory of the weights."""
        inputs = self.dimension + (self.depth - 1) * self.width + N_OUTPUTS
        return 4 * self.n_networks(n_pairs) * self.width * inputs

    def levels(self, occupation: float, margin: float) -> tuple[float, float]:
        u = rounds.level(occupation)
        return u, u - margin

    def draw(self, n_learn: int, n_walk: int, seed: np.random.SeedSequence) -> tuple[Drawn, Drawn]:
        of_networks, learning, walking = (child(seed, i) for i in range(3))
        outputs = self.outputs(self.n_networks(n_walk), of_networks)
        return self._between(outputs, n_learn, learning), self._between(outputs, n_walk, walking)

    def outputs(self, n: int, seed: np.random.SeedSequence) -> Outputs:
        """n networks; means and deviations over the sphere, at the same probes."""
        probes = projected(torch.randn(N_PROBES, self.dimension, generator=generator_of(child(seed, n))))
        networks = [self._network(child(seed, i)) for i in range(n)]
        with torch.inference_mode():
            values = torch.stack([network(probes)[:, 0] for network in networks])
        return Outputs(networks, values.mean(1).clone(), values.std(1).clone())

    def expected(self) -> dict[str, float]:
        """What theory says of networks on the sphere: xi in radians, L / xi, and `occupations`; else nothing."""
        if not self.sphere:
            return {}
        xi = wide.limit(self.network, self.depth, self.sigma_w).correlation_length()
        known = {"xi_theory": xi, "length_over_xi_theory": math.pi / 2 / xi}
        return known | {f"{line}_threshold": p for line, p in zip(LINES, occupations(self.dimension, xi), strict=True)}

    def _network(self, seed: np.random.SeedSequence) -> nn.Module:
        options: dict[str, Any] = {"depth": self.depth, "width": self.width, "sigma_w": self.sigma_w}
        model = models.untrained(self.network, (self.dimension,), N_OUTPUTS, seed=integer(seed), **options)
        return OnSphere(model) if self.sphere else model

    def _between(self, outputs: Outputs, n: int, seed: np.random.SeedSequence) -> Drawn:
        a, c = torch.randn(2, n, self.dimension, generator=generator_of(seed))
        return Drawn(outputs, *(projected(end) if self.sphere else end for end in (a, c)))


@lru_cache
def occupations(d: int, xi: float) -> tuple[float, float, float]:
    """Occupations above which pairs a quarter circle apart are connected, by each of LINES; nan where one says nothing.

    d: of the inputs, which lie on S^(d-1); xi in radians. The finder moves in d - 1 dimensions of the sphere.
    """
    try:
        euler = level_sets.sphere(d, xi).value
    except ValueError:  # no change of sign: the sphere is one blob
        euler = math.nan
    finder = math.nan
    if d > 2:
        highest = rounds.barrier_height(0.5, math.pi / 2 / xi, n_samples=N_MAXIMA, seed=0)
        finder = rounds.half_occupation(highest, d - 1).value
    return thresholds.hypercubic(d).value, euler, finder
