"""Which landscapes the experiment on rounds walks through, and the walk through all of them."""

import json
import math
from collections.abc import Sequence
from dataclasses import asdict
from functools import partial
from typing import Any

from empirical.experiments.rounds import measure
from empirical.experiments.rounds.landscapes import NATURAL_PAIR, GaussianField, RandomNetwork, TrainedNetwork
from empirical.experiments.rounds.measure import Case, Walked
from empirical.experiments.rounds.network_fields import NetworkField
from empirical.networks import models
from percolation import checks, runs, seeds

OCCUPATIONS, DEEP = (0.3, 0.5, 0.7, 0.9), (0.01, 0.001)


def full(pairs: int = 60) -> tuple[Case, ...]:
    """Gaussian fields of 2 to 400 dimensions, random networks of 10 to 3072 and of depth 1 to 10, trained networks."""
    fields = [Case(GaussianField(d), pairs, p) for p in OCCUPATIONS for d in (2, 3, 6, 12, 30, 100, 400)]
    fields += [Case(GaussianField(d), pairs, p) for p in DEEP for d in (6, 8, 10, 12, 16, 60)]
    networks = [Case(RandomNetwork("mlp", d, depth), pairs) for d in (10, 100, 784, 3072) for depth in (1, 3, 10)]
    networks += [Case(RandomNetwork("cnn1d", d), pairs) for d in (40, 320)] + [Case(RandomNetwork("cnn", 784), pairs)]
    on_data = [("cnn1d", "mnist1d", d) for d in (20, 40, 80, 160)]
    on_data += [("cnn", "digits", 64), ("mlp", "digits", 64), ("mlp", "mnist1d", 40)]
    return (*fields, *networks, *(Case(TrainedNetwork(*one), pairs) for one in on_data))


def quick(pairs: int = 16) -> tuple[Case, ...]:
    """The same in small: seconds."""
    fields = [Case(GaussianField(d, length=10.0), pairs, p) for p in (0.5, 0.9) for d in (3, 30, 100)]
    networks = [Case(RandomNetwork("mlp", 100, depth), pairs) for depth in (1, 3)]
    return (*fields, *networks, Case(TrainedNetwork("cnn1d", "mnist1d", 40), pairs))


def gaussian(
    dimensions: list[int], occupations: list[float], length: float, margin: float, pairs: int
) -> tuple[Case, ...]:
    """Gaussian fields of each dimension and occupation."""
    return tuple(Case(GaussianField(d, length), pairs, p, margin) for p in occupations for d in dimensions)


def random(
    network: str,
    dimensions: list[int] | list[None],
    depths: list[int],
    occupations: list[float],
    margin: float,
    pairs: int,
    sphere: bool = False,
) -> tuple[Case, ...]:
    """Random networks of each dimension, depth (of an mlp) and occupation; None: the architecture's usual dimension."""
    usual = math.prod(models.input_shape(network))
    made = [RandomNetwork(network, d or usual, depth, sphere) for d in dimensions for depth in depths]
    return tuple(Case(one, pairs, p, margin) for p in occupations for one in made)


def network_fields(
    network: str,
    dimensions: list[int],
    depths: list[int],
    sigmas: list[float],
    occupations: list[float],
    margin: float,
    pairs: int,
    *,
    sphere: bool,
    networks: int | None,
) -> tuple[Case, ...]:
    """Outputs of random networks of one activation, of each dimension, depth, sigma_w and occupation."""
    made = [NetworkField(network, d, n, s, sphere, networks) for s in sigmas for n in depths for d in dimensions]
    return tuple(Case(one, pairs, p, margin) for p in occupations for one in made)


def trained(
    network: str, data: str, dimensions: list[int] | list[None], pairs: int, pair: str = NATURAL_PAIR
) -> tuple[Case, ...]:
    """Trained networks of each dimension; None: the data set's own. pair: the kind of pairs that are connected."""
    return tuple(Case(TrainedNetwork(network, data, d, pair=pair), pairs) for d in dimensions)


def walk_all(cases: Sequence[Case], *, seed: int, workers: int = 0, device: str = "cpu") -> list[Walked]:
    """`measure.walk` of every case, in order. The numbers depend on case and seed, not on the others or the workers."""
    checks.seed(seed)
    several = workers != 1 and len(cases) > 1 and device == "cpu"
    task = partial(_walk, seed=seed, device=device)
    return runs.run(
        task, cases, workers=workers if device == "cpu" else 1, processes=several, cost=_cost, label="rounds"
    )


def parameters(cases: Sequence[Case]) -> dict[str, Any]:
    """Everything that determines the walks but the seed."""
    settings = {name: getattr(measure, name) for name in ("MAX_ROUNDS", "ITERATIONS", "RESTARTS", "FEWEST_LINES")}
    return {"cases": [{"kind": type(one.landscape).__name__} | asdict(one) for one in cases]} | settings


def _walk(case: Case, *, seed: int, device: str) -> Walked:
    return measure.walk(case, seed=_seed(case, seed), device=device)


def _seed(case: Case, seed: int) -> int:
    """A seed of the case's own, the same for every kind of steps, on the sphere or not: they walk the same lines."""
    key = {name: value for name, value in asdict(case).items() if name != "steps"}
    key["landscape"].pop("sphere", None)
    if key["landscape"].get("pair") == NATURAL_PAIR:  # as it was before there were others
        del key["landscape"]["pair"]
    what = type(case.landscape).__name__ + json.dumps(key, sort_keys=True)
    return seeds.integer(seeds.of(what, seed))


def _cost(case: Case) -> float:
    """Rough: dimension, and segments."""
    return case.pairs * float(case.landscape.columns["dimension"]) * (2.0 if case.occupation < 0.1 else 1.0)
