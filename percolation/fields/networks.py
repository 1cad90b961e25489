"""Random fully connected networks as fields of their input: one of finite width, and the Gaussian limit of wide ones.

No biases; weights of every layer, first and last included, are normal of variance sigma_w2 / fan_in. Depth L is the
number of hidden layers. Natural inputs lie on the sphere |x|^2 = d, and lengths on it are angles in radians.
"""

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks
from percolation._kernels import fields as kernels
from percolation.fields.activations import ACTIVATIONS, Activation
from percolation.fields.field import OnePointLaw, checked_points
from percolation.seeds import Seed, child, generator

BLOCK = 128  # points worked on at a time


@dataclass(frozen=True)
class WideLimit:
    """Covariance of a logit over random networks of infinite width, the arc-cosine or NNGP kernel of depth L.

    K_0(x, y) = sigma_w2 x.y / d, K_(l+1)(x, y) = sigma_w2 E phi(u) phi(v) with (u, v) normal of covariance K_l; the
    logit has K_L.
    depth: L, hidden layers. activation: "relu", "tanh", "erf" or "sin". sigma_w2: variance of a weight times fan-in.
    Orthogonal inputs, ReLU: correlation 1 / pi after one layer, and 1 - r ~ 9 pi^2 / 2 L^2 after many.
    Source: Lee et al., Deep neural networks as Gaussian processes, ICLR (2018); Cho and Saul (2009) for ReLU.
    """

    depth: int
    activation: str = "relu"
    sigma_w2: float = 2.0

    def __post_init__(self) -> None:
        checks.integer("depth", self.depth, at_least=1)
        checks.one_of("activation", self.activation, ACTIVATIONS)
        checks.positive("sigma_w2", self.sigma_w2)

    @property
    def phi(self) -> Activation:
        return ACTIVATIONS[self.activation]

    def covariance(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """K_L(x_i, y_j), (n, m) for points x (n, d) and y (m, d), of any norms."""
        first = checked_points(x)
        second = checked_points(y, first.shape[1])
        squares = [(points**2).mean(axis=1) for points in (first, second)]
        dots = first @ second.T / first.shape[1]
        return self._through_layers(_ratio(dots, *squares), *squares)

    def variance(self, square: float = 1.0) -> float:
        """Variance of a logit at |x|^2 = square d; ReLU: sigma_w2 square (sigma_w2 / 2)^L."""
        return float(self._variances(square)[-1])

    def correlation(self, angle: ArrayLike, square: float = 1.0) -> np.ndarray:
        """Correlation of the logits at two points of the sphere |x|^2 = square d, by the angle between them."""
        angles = np.asarray(angle, dtype=float)
        q = np.array([checks.positive("square", square)])
        rho = np.cos(angles).reshape(1, -1)
        covariances = self._through_layers(rho, q, np.full(rho.shape[1], q[0]))
        return (covariances / self.variance(square)).reshape(angles.shape)

    def correlation_length(self, square: float = 1.0) -> float:
        """xi in radians on the sphere |x|^2 = square d: -r''(0) = 1 / xi^2 = prod_l sigma_w2 q_l E phi'(u)^2 / q_(l+1).

        q_l are the variances of the layers, u normal of variance q_l. ReLU: exactly 1 at any depth, since q E phi'^2 =
        E phi^2; tanh at a fixed point q of the variance: (sigma_w2 E phi'^2)^(-L/2), short in the chaotic phase.
        Source: Poole et al., Advances in Neural Information Processing Systems 29 (2016), for the slope of the map.
        """
        q = self._variances(square)
        slopes = self.sigma_w2 * q[:-1] * self.phi.slope_square(q[:-1]) / q[1:]
        return float(slopes.prod() ** -0.5)

    def _variances(self, square: float) -> np.ndarray:
        """q_0 ... q_L."""
        q = [np.array(self.sigma_w2 * checks.positive("square", square))]
        for _ in range(self.depth):
            q.append(self.sigma_w2 * self.phi.square(q[-1]))
        return np.array(q)

    def _through_layers(self, rho: np.ndarray, square_x: np.ndarray, square_y: np.ndarray) -> np.ndarray:
        """K_L from correlations (n, m) of inputs and their mean squares (n,), (m,)."""
        q_x, q_y = self.sigma_w2 * square_x, self.sigma_w2 * square_y
        covariance = rho
        for _ in range(self.depth):
            covariance = self.sigma_w2 * self.phi.moment(q_x, q_y, rho)
            q_x, q_y = self.sigma_w2 * self.phi.square(q_x), self.sigma_w2 * self.phi.square(q_y)
            rho = _ratio(covariance, q_x, q_y)
        return covariance


@dataclass(frozen=True, eq=False)
class RandomNetwork:
    """One random network, its logit a field of the input: f(x) = v.phi(W_L ... phi(W_1 x)).

    Same bits for any split of the points into batches: products are summed in a fixed order, not in BLAS, whose bits
    depend on the row a point is in. That costs up to 1.7 x in time.
    """

    limit: WideLimit
    weights: tuple[np.ndarray, ...]  # of the hidden layers, (width, fan_in)
    readout: np.ndarray  # v, (width,)

    @property
    def d(self) -> int:
        return self.weights[0].shape[1]

    @property
    def width(self) -> int:
        return len(self.readout)

    @property
    def law(self) -> OnePointLaw:
        """Law at |x|^2 = d: mean 0; the variance of the wide limit, for ReLU exact at any width; normal as width grows.

        ReLU: excess kurtosis 3 ((1 + 5 / width)^L - 1), exact: a layer takes the activity s = |phi|^2 to s' with
        E s'^2 / (E s')^2 = 1 + 5 / width. The others: nan, of the order of L / width.
        """
        relu = self.limit.activation == "relu"
        kurtosis = 3 * math.expm1(self.limit.depth * math.log1p(5 / self.width)) if relu else math.nan
        return OnePointLaw(0.0, self.limit.variance(), kurtosis, f"normal as the width grows, now {self.width}")

    @property
    def correlation_length(self) -> float:
        """xi in radians of angle on the sphere |x|^2 = d, that of the wide limit; ReLU: 1."""
        return self.limit.correlation_length()

    def covariance(self, x: ArrayLike, y: ArrayLike) -> np.ndarray:
        """Covariance of f(x_i) and f(y_j) over networks, (n, m); that of the wide limit, up to O(depth / width)."""
        return self.limit.covariance(checked_points(x, self.d), checked_points(y, self.d))

    def __call__(self, points: ArrayLike) -> np.ndarray:
        """f at points (n, d), as (n,). Cost: 2 width (d + (L - 1) width) operations a point."""
        array = checked_points(points, self.d)
        values = np.empty(len(array))
        for first in range(0, len(array), BLOCK):
            rows = slice(first, first + BLOCK)
            values[rows] = self._logits(self._sums(array[rows]))
        return values

    def with_gradient(self, points: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
        """f (n,) and its gradient (n, d), by backpropagation; ReLU: one-sided where a unit is exactly at its kink."""
        array = checked_points(points, self.d)
        values, gradient = np.empty(len(array)), np.empty_like(array)
        for first in range(0, len(array), BLOCK):
            rows = slice(first, first + BLOCK)
            sums = self._sums(array[rows])
            values[rows], gradient[rows] = self._logits(sums), self._backward(sums)
        return values, gradient

    @cached_property
    def _by_input(self) -> list[np.ndarray]:
        """The weights as (fan_in, width)."""
        return [np.ascontiguousarray(weights.T) for weights in self.weights]

    def _sums(self, block: np.ndarray) -> list[np.ndarray]:
        """What enters the units of each hidden layer, (n, width) each."""
        sums = [_product(block, self._by_input[0])]
        for weights in self._by_input[1:]:
            sums.append(_product(self.limit.phi(sums[-1]), weights))
        return sums

    def _logits(self, sums: list[np.ndarray]) -> np.ndarray:
        return _product(self.limit.phi(sums[-1]), self.readout[:, None])[:, 0]

    def _backward(self, sums: list[np.ndarray]) -> np.ndarray:
        """Gradient by the input from what entered each layer."""
        gradient = np.broadcast_to(self.readout, sums[-1].shape)
        for weights, entering in zip(reversed(self.weights), reversed(sums), strict=True):
            gradient = _product(gradient * self.limit.phi.slope(entering), weights)
        return gradient


def network(
    d: int,
    *,
    depth: int,
    width: int = 1024,
    activation: str = "relu",
    sigma_w2: float = 2.0,
    seed: Seed,
) -> RandomNetwork:
    """Draw a random network of `depth` hidden layers of `width` units and one logit, no biases, see `RandomNetwork`.

    d: inputs. activation: "relu", "tanh", "erf" or "sin". sigma_w2: variance of a weight times its fan-in; 2 keeps
    ReLU's variance.
    Layer l is drawn from child l of the seed, so the layers of a shallower network are the first of a deeper one's.
    """
    limit = WideLimit(checks.integer("depth", depth, at_least=1), activation, sigma_w2)
    fan_in = [checks.integer("d", d, at_least=1)] + depth * [checks.integer("width", width, at_least=1)]
    weights = [
        generator(child(seed, layer)).standard_normal((width, n)) * math.sqrt(sigma_w2 / n)
        for layer, n in enumerate(fan_in[:-1])
    ]
    readout = generator(child(seed, depth)).standard_normal(width) * math.sqrt(sigma_w2 / width)
    return RandomNetwork(limit, tuple(weights), readout)


def _ratio(covariance: np.ndarray, q_x: np.ndarray, q_y: np.ndarray) -> np.ndarray:
    """Correlations in [-1, 1] from covariances (n, m) and variances (n,), (m,); 0 for a point of no variance."""
    scale = np.sqrt(q_x)[:, None] * np.sqrt(q_y)
    return np.clip(np.divide(covariance, scale, out=np.zeros_like(covariance), where=scale > 0), -1, 1)


def _product(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    out = np.zeros((len(left), right.shape[1]))
    kernels.add_product(left, right, out)
    return out
