"""Random fields on R^d that are evaluated anywhere, without a grid: each call of a maker draws one by its seed.

`field(points)` with points (n, d) is (n,); a smooth field also has `with_gradient(points)`, (n,) and (n, d). Each
states its `law` at one point, its `covariance` and its `correlation_length`.
"""

from percolation.fields.classes import Classes, classes
from percolation.fields.covariances import Covariance, Matern, SquaredExponential
from percolation.fields.field import Field, OnePointLaw, SmoothField
from percolation.fields.gaussian import FourierField, gaussian
from percolation.fields.grids import gaussian_grid
from percolation.fields.iid import IidField, iid
from percolation.fields.networks import RandomNetwork, WideLimit, network

__all__ = [
    "Classes",
    "Covariance",
    "Field",
    "FourierField",
    "IidField",
    "Matern",
    "OnePointLaw",
    "RandomNetwork",
    "SmoothField",
    "SquaredExponential",
    "WideLimit",
    "classes",
    "gaussian",
    "gaussian_grid",
    "iid",
    "network",
]
