"""Rounds, segments and displacement of the path finder, predicted without a fitted parameter.

`respond` gives them for each line of any landscape, from values and gradients on it: linear response, one recursion.
`expected_rounds` gives their mean over what the response may be, by how much the gradient changes along the line.
`predict` gives their means on a stationary Gaussian field, from the same recursion on profiles of which only xi, margin
and dimension are known (the stationary theory); xi, the rate of barriers along a line, comes from `correlation_length`.
The samples drawn here are of these one-dimensional profiles: no field in d dimensions and no network is simulated.
"""

from percolation.theory.rounds.crossings import correlation_length, count_upcrossings, crossing_rate, level
from percolation.theory.rounds.displacement import effective_dimension, excess_length, first_displacement
from percolation.theory.rounds.expected import expected_rounds
from percolation.theory.rounds.prediction import Prediction, predict
from percolation.theory.rounds.profiles import barrier_height
from percolation.theory.rounds.recursion import Cuts, one_dimensional
from percolation.theory.rounds.response import Path, Response, respond
from percolation.theory.rounds.success import (
    Logistic,
    crossover_dimension,
    half_occupation,
    iid_dimension,
    iid_percolates,
    success_fit,
    success_probability,
)

__all__ = [
    "Cuts",
    "Logistic",
    "Path",
    "Prediction",
    "Response",
    "barrier_height",
    "correlation_length",
    "count_upcrossings",
    "crossing_rate",
    "crossover_dimension",
    "effective_dimension",
    "excess_length",
    "expected_rounds",
    "first_displacement",
    "half_occupation",
    "iid_dimension",
    "iid_percolates",
    "level",
    "one_dimensional",
    "predict",
    "respond",
    "success_fit",
    "success_probability",
]
