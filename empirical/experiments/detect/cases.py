"""What is attacked and defended: a network, its data, how strong the attacks are."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from empirical.data import folders, offline
from empirical.data.tensors import Dataset
from empirical.detection.protocol import Known, correct
from empirical.ends.pairs import ADVERSARIAL
from empirical.ends.space import Space
from empirical.experiments.detect import recipe
from empirical.losses import objectives
from empirical.networks.training import MOST_EPOCHS, Training
from percolation import checks, seeds

MOST_IMAGES = 10**6  # more than any test set has
NAMES = (*offline.NAMES, *folders.CIFAR)
EMBEDDED = offline.NAMES
# shares of the data's range. Harder's 0.03 for pictures of CIFAR and for signals; of the 8 x 8 digits, 0.03 changes the
# prediction of 2 % only (PGD on the cnn of seed 0), 0.15 of 80 %
EPSILONS = {"digits": 0.15, "mnist1d": 0.03, "cifar10": 0.03, "cifar100": 0.03}
NETWORKS = {"digits": "cnn", "mnist1d": "cnn1d", "cifar10": "vgg16", "cifar100": "vgg16"}


@dataclass(frozen=True)
class Case:
    """One network on one data set; images of its test set, of which those that it knows are attacked."""

    data: str
    network: str
    epsilon: float  # of FGSM, BIM, PGD, AutoAttack and the adaptive attack, share of the range of the data
    images: int = 400
    folder: str | None = None  # of data that is read from one
    weights: str | None = None  # a state dict; None: trained here
    epochs: int | None = None  # of that training; None: the recipe's
    searches: int = 6  # of C&W; Carlini and Wagner, and Harder, take 9
    steps: int = 1000  # of each of them
    evasion: int = 200  # steps of the adaptive attack

    def __post_init__(self) -> None:
        checks.one_of("data set", self.data, NAMES)
        checks.positive("epsilon", self.epsilon)
        if self.epsilon > 1:
            raise ValueError(f"epsilon must be at most 1, the whole range of the data, got {self.epsilon:g}")
        checks.integer("images", self.images, at_least=1, at_most=MOST_IMAGES)
        if self.epochs is not None:
            checks.integer("epochs", self.epochs, at_least=1, at_most=MOST_EPOCHS)


@dataclass(frozen=True)
class Prepared:
    """The network with what the defender knows, and the test inputs that the network takes for what they are."""

    case: Case
    known: Known
    x: Tensor  # (n, *shape)
    y: Tensor  # (n,) long
    tried: int  # test inputs that were looked at
    bounds: tuple[float, float]  # of every coordinate
    space: Space

    @property
    def epsilon(self) -> float:
        """Largest perturbation, in units of x."""
        return self.case.epsilon * (self.bounds[1] - self.bounds[0])

    def options(self, attack: str) -> dict[str, Any]:
        """What the attack of this name is given beside epsilon."""
        if attack == "targeted":
            return {"rule": self.space.rule(replace(ADVERSARIAL, bounds=self.bounds))}
        if attack == "cw":
            return {"steps": self.case.steps, "searches": self.case.searches}
        return {}


def cases(names: Sequence[str], **changes: Any) -> tuple[Case, ...]:
    """A case for each data set by name, with its usual network and epsilon where `changes` has none."""
    given = {name: value for name, value in changes.items() if value is not None}
    made = []
    for name in names:
        checks.one_of("data set", name, NAMES)
        usual: dict[str, Any] = {"network": NETWORKS[name], "epsilon": EPSILONS[name]}
        made.append(Case(name, **(usual | ({"searches": 9} if name in folders.CIFAR else {}) | given)))
    return tuple(made)


def load(case: Case) -> Dataset:
    """The data of the case; CIFAR with its training set."""
    if case.data in folders.CIFAR:
        if case.folder is None:
            raise ValueError(f"{case.data} is read from a folder of yours, give it with --folder DIR")
        return folders.cifar(case.data, case.folder, training=True)
    if case.folder is not None:
        raise ValueError(f"{case.data} lies in no folder, leave --folder out")
    return offline.load(case.data)


def prepare(case: Case, *, seed: int, device: str = "cpu") -> Prepared:
    """Read the data, train the network or read its weights, choose test images at random."""
    found, where = load(case), objectives.device(device)
    rule = recipe.CIFAR if case.data in folders.CIFAR else None
    if case.epochs is not None:
        rule = replace(rule or Training(), epochs=case.epochs)
    model = recipe.network(case.network, found, seed=seed, device=where, rule=rule, weights=case.weights)
    generator = torch.Generator().manual_seed(seeds.integer(seeds.of(f"images of {case.data}", seed)))
    chosen = torch.randperm(len(found.x_test), generator=generator)[: case.images]
    x, y = found.x_test[chosen].to(where), found.y_test[chosen].to(where)
    kept = correct(model, x, y)
    known = Known(model, found.x_train.to(where), found.y_train.to(where), found.n_classes)
    normalisation = found.normalisation
    bounds = (0.0, 1.0) if normalisation else _range(found)
    unit = sum(normalisation.std) / len(normalisation.std) if normalisation else 1.0
    return Prepared(case, known, x[kept], y[kept], len(x), bounds, Space(found.shape, unit, bounds))


def _range(found: Dataset) -> tuple[float, float]:
    """Smallest and largest coordinate of training and test inputs: what is not pictures has no other bounds."""
    both = torch.cat([found.x_train.flatten(), found.x_test.flatten()])
    return both.min().item(), both.max().item()
