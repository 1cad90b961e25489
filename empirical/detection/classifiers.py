"""Light classifiers that make a score of features: higher is more suspicious."""

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor

from percolation import checks, seeds

NAMES = ("logistic", "boosting")


class Score(Protocol):
    """Scores (n,) of features (n, k)."""

    def __call__(self, features: np.ndarray) -> np.ndarray: ...


@dataclass(frozen=True)
class Linear:
    """Log odds ((f - mean) / scale) . weight + bias."""

    mean: np.ndarray  # (k,)
    scale: np.ndarray  # (k,), 1 where a feature never varied
    weight: np.ndarray  # (k,)
    bias: float

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return (features - self.mean) / self.scale @ self.weight + self.bias

    def of(self, features: Tensor) -> Tensor:
        """The same of a tensor, with gradients."""
        mean, scale, weight = (torch.as_tensor(one).to(features) for one in (self.mean, self.scale, self.weight))
        return (features - mean) / scale @ weight + self.bias


@dataclass(frozen=True)
class Boosted:
    """Log odds of gradient-boosted trees."""

    trees: Any

    def __call__(self, features: np.ndarray) -> np.ndarray:
        return self.trees.decision_function(features)


def fit(name: str, features: np.ndarray, adversarial: np.ndarray, seed: seeds.Seed) -> Score:
    """Train on features (n, k) of which some are adversarial (n,) bool."""
    checks.one_of("classifier", name, NAMES)
    if adversarial.all() or not adversarial.any():
        raise ValueError("a classifier needs natural and adversarial inputs, got one kind only")
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):  # sums in one order: the same bits on any number of cores
        return linear(features, adversarial) if name == "logistic" else boosted(features, adversarial, seed)


def linear(features: np.ndarray, adversarial: np.ndarray) -> Linear:
    """Logistic regression on standardised features, L2 penalty with C = 1.

    The best weights are a combination of the inputs: of more features than inputs, only the span of the inputs is
    searched. Newton's method: measured on 1280 features of 640 inputs, a quasi-Newton one takes 50 times as long.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    scaler = StandardScaler().fit(features)
    x = scaler.transform(features)
    basis = span(x) if x.shape[1] > len(x) else None
    regression = LogisticRegression(solver="newton-cholesky", tol=1e-8).fit(
        x if basis is None else x @ basis, adversarial
    )
    weight = regression.coef_[0] if basis is None else basis @ regression.coef_[0]
    return Linear(scaler.mean_, scaler.scale_, weight, float(regression.intercept_[0]))


def span(x: np.ndarray) -> np.ndarray:
    """An orthonormal basis (k, r) of the span of the rows of x (n, k), n < k."""
    values, vectors = np.linalg.eigh(x @ x.T)
    kept = values > 1e-10 * max(values[-1], np.finfo(float).tiny)
    return x.T @ (vectors[:, kept] / np.sqrt(values[kept]))


def boosted(features: np.ndarray, adversarial: np.ndarray, seed: seeds.Seed) -> Boosted:
    """Histogram gradient boosting with scikit-learn's own parameters."""
    from sklearn.ensemble import HistGradientBoostingClassifier

    state = seeds.integer(seed) % 2**32
    return Boosted(HistGradientBoostingClassifier(random_state=state, early_stopping=False).fit(features, adversarial))
