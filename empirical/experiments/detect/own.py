"""A detector in two lines: `empirical.detector(model, x, y).fit(natural, adversarial).score(inputs)`."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from empirical.data import given
from empirical.detection import classifiers, methods
from empirical.detection.protocol import Detector, Known
from empirical.losses.objectives import checked_points, device_of
from empirical.networks.taken import dtype_of, taken
from percolation import checks


@dataclass(frozen=True, repr=False)
class Unfitted:
    """A detector that knows the network and its training inputs, and has seen no attack yet."""

    name: str
    detector: Detector
    model: nn.Module
    classifier: str
    seed: int

    def __repr__(self) -> str:
        return f"Unfitted({self.name!r}, classifier {self.classifier})"

    def fit(self, natural: Any, adversarial: Any) -> "Fitted":
        """The classifier, trained on the features of natural and of adversarial inputs (n, *shape) of any number."""
        parts = [self.features(x, name) for x, name in ((natural, "natural"), (adversarial, "adversarial"))]
        kinds = np.repeat([False, True], [len(part) for part in parts])
        return Fitted(self, classifiers.fit(self.classifier, np.concatenate(parts), kinds, self.seed))

    def features(self, x: Any, name: str = "inputs") -> np.ndarray:
        """Features (n, k) of inputs (n, *shape); those of one input depend on no other."""
        points, _ = given.points(x, dtype_of(self.model), name)
        found = self.detector.features(checked_points(name, points).to(device_of(self.model)))
        if not np.isfinite(found).all():
            raise ValueError(f"the detector {self.name} returned NaN or infinite features of the {name}")
        return found


@dataclass(frozen=True, repr=False)
class Fitted:
    """A detector that scores inputs."""

    unfitted: Unfitted
    classifier: classifiers.Score

    def __repr__(self) -> str:
        return f"Fitted({self.unfitted.name!r}, classifier {self.unfitted.classifier})"

    def score(self, x: Any) -> np.ndarray:
        """Scores (n,) of inputs (n, *shape): log odds of being adversarial, higher is more suspicious."""
        return self.classifier(self.unfitted.features(x))


def detector(model: nn.Module, x: Any, y: Any, name: str = "curve_logits", *, seed: int = 0) -> Unfitted:
    """A detector of adversarial inputs for one's own network.

    model: in evaluation mode. x, y: training inputs (n, *shape) and their classes (n,), of every class of the network;
    none of them is to be tested. name: in `detection.methods.METHODS`, the loss curve with the logits if not said.
    seed: of the references, and of a boosted classifier.
    """
    method = methods.find(name)
    points, _ = given.points(x, dtype_of(model), "x")
    checked_points("x", points)
    classes = given.labels(y, len(points), "y")
    points, classes = points.to(device_of(model)), classes.to(device_of(model))
    network = taken(model, points)
    with torch.no_grad():
        n_classes = network(points[:1]).shape[1]
    if int(classes.max()) >= n_classes:
        raise ValueError(f"classes must lie in 0..{n_classes - 1}, the network's, got {int(classes.max())}")
    generator = torch.Generator().manual_seed(checks.seed(seed))
    made = method.make(Known(network, points, classes, n_classes), generator)
    return Unfitted(name, made, network, method.classifier or "logistic", seed)
