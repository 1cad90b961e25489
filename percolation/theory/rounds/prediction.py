"""All that theory says of the path finder on one network or field, in one answer."""

from dataclasses import dataclass

from percolation import seeds
from percolation.quantities import Estimate
from percolation.theory.rounds.crossings import level
from percolation.theory.rounds.displacement import check_dimension, excess_length, first_displacement
from percolation.theory.rounds.profiles import barrier_height
from percolation.theory.rounds.recursion import check_margin, one_dimensional
from percolation.theory.rounds.success import MEASURED_LENGTH, MEASURED_MARGIN, crossover_dimension, success_probability

N_SAMPLES = 2000  # rounds to 0.02 at L = 30 xi, in a tenth of a second
FAR = 3.0  # factor in length or margin beyond which the fit of success is called extrapolated
ASSUMPTIONS = (
    "the field is Gaussian and stationary along the line, with covariance exp(-s^2 / 2 xi^2)",
    "ends above the level less the margin are lowered to it, and every cut goes down orthogonally to its segment",
    "rounds and segments are those of d_eff -> infinity, displacement and excess length the first order below",
    "rounds, segments and displacements are of pairs that are connected",
    "success is a fit to Gaussian fields of 2 to 16 dimensions at L = 30 xi and margin 0.5",
)


@dataclass(frozen=True)
class Prediction:
    """What to expect of the path finder between two random points; each number with the error of its own sampling."""

    rounds: Estimate  # until all segments are open, 0 where the straight path is
    segments: Estimate  # of the final path
    displacement: Estimate  # of the first cut, in xi, over the pairs that need one; NaN if none of the sample does
    excess_length: Estimate  # of the final path over the straight one, less 1
    success: Estimate  # chance that the finder connects the pair
    assumptions: tuple[str, ...]
    warnings: tuple[str, ...]  # assumptions that do not hold here


def predict(
    occupation: float,
    margin: float,
    length_over_xi: float,
    d_eff: float,
    *,
    n_samples: int = N_SAMPLES,
    seed: seeds.Seed,
) -> Prediction:
    """Rounds, segments, displacement, excess length and success of the path finder; nothing is fitted to the network.

    occupation: p in (0, 1), fraction of points at or below the level. margin: m > 0, how far below the level the
    optimiser stops, in standard deviations of the field. length_over_xi: distance of the two points in correlation
    lengths, xi as from `crossings.correlation_length`. d_eff: effective dimension, above 1, see
    `displacement.effective_dimension`. n_samples: profiles, 2 or more; the errors fall as its root.
    Error: see `recursion.one_dimensional`, `displacement` and `success`. The result depends on the arguments alone.
    Source: derived for this package; success is a fit to its own simulations.
    """
    level(occupation)  # these three refuse bad values before any work is done
    check_margin(margin)
    check_dimension(d_eff)
    # children of the seed, so that the errors of rounds and of success are independent
    one, other = (seeds.integer(seeds.child(seed, i)) for i in range(2))
    cuts = one_dimensional(occupation, margin, length_over_xi, n_samples=n_samples, seed=one)
    height = barrier_height(occupation, length_over_xi, n_samples=n_samples, seed=other)
    return Prediction(
        cuts.rounds,
        cuts.segments,
        first_displacement(cuts.drop, d_eff),
        excess_length(cuts.excess, d_eff),
        success_probability(height, d_eff),
        ASSUMPTIONS,
        _warnings(margin, length_over_xi, d_eff, crossover_dimension(height).value),
    )


def _warnings(margin: float, length: float, d_eff: float, crossover: float) -> tuple[str, ...]:
    said = []
    if d_eff < crossover:
        said.append(f"d_eff = {d_eff:.3g} lies below d* = {crossover:.1f}: success and rounds change with d there")
    if not 1 / FAR <= length / MEASURED_LENGTH <= FAR or not 1 / FAR <= margin / MEASURED_MARGIN <= FAR:
        said.append(
            f"L = {length:.3g} xi and margin {margin:.2g} lie far from those of the fit: success is extrapolated"
        )
    return tuple(said)
