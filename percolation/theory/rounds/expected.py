"""Expected rounds of a line, linear response being wrong by as much as the line itself lets expect.

Linear response takes the gradient g to be the same all the way that a cut moves aside:
delta = (z(s*) - z_stop) / |g(s*)|. How much it turns on that way is not seen; how much it turns along the line, is:
    sigma(s*) = 1 - mean over 0 < t < 1 and both sides of cos(s*, s* +- t delta),
    cos(s, s') = g(s) . g(s') / (|g(s)| |g(s')|).
So the cut moves along g(s*) / |g(s*)| + sigma(s*) e, with e a random direction among the gradients of the line: its
part along g(s) is e(s), Gaussian of covariance cos(s, s'). The value at s* comes to stop all the same: the response is
    cos(s*, s) -> cos(s*, s) + sigma(s*) (e(s) - e(s*) cos(s*, s)).
Nothing is fitted. The mean over e tells apart lines to which linear response gives the same whole number.
Source: derived for this package. At first cuts in Gaussian fields, d = 6 to 100, and in trained 1-D CNNs, linear
response is wrong by 0.7 to 1.3 times as much as this says, in the root of the mean square.
"""

import numpy as np
from numpy.typing import ArrayLike

from percolation import checks, seeds
from percolation.theory.rounds.response import DONE, checked, checked_levels, cut_lines, norms_of

N_DRAWS = 64
BLOCK = 2**22  # products of the lines that are gone through together
WAYS = (np.arange(4) + 0.5) / 4  # shares of a cut's way at which it is seen how far the gradient has turned
JITTER = 1e-4  # of a cosine: by rounding, what the covariance lacks to be positive


def expected_rounds(
    values: ArrayLike,
    gram: ArrayLike,
    positions: ArrayLike,
    lengths: ArrayLike,
    *,
    level: ArrayLike,
    stop: ArrayLike,
    n_draws: int = N_DRAWS,
    seed: seeds.Seed = 0,
) -> np.ndarray:
    """Mean rounds (m,) over what the response of each of m lines may be; NaN where `respond` predicts nothing, or a
    draw comes to a point without gradient.

    values, gram, positions, level, stop: as of `respond`, of descents that follow the gradient. lengths: (m,) of the
    lines, in the unit of x of the gradients. All lines are given the same n_draws x n_points normal numbers.
    Error: of a line that takes k or k + 1 rounds at most 0.5 / n_draws^(1/2). The mean lies a little above `respond`'s:
    a peak that stays, in one draw, costs a round; one that goes saves none while others stay.
    """
    z, K, s = checked(values, gram, positions)
    levels, stops = checked_levels(level, stop, len(z))
    in_x = np.asarray(lengths, dtype=float)
    if in_x.shape not in ((), (len(z),)) or not (np.isfinite(in_x).all() and (in_x >= 0).all()):
        raise ValueError(f"lengths must be finite, 0 or more, one for each of {len(z)} lines, got {in_x}")
    normals = seeds.generator(seed).standard_normal((checks.integer("n_draws", n_draws, at_least=1), len(s)))
    per_block = max(BLOCK // len(s) ** 2, 1)
    blocks = (slice(i, i + per_block) for i in range(0, len(z), per_block))
    in_x = np.broadcast_to(in_x, len(z))
    return np.concatenate([_means(z[i], K[i], s, in_x[i], levels[i], stops[i], normals) for i in blocks])


def _means(
    z: np.ndarray,
    K: np.ndarray,
    s: np.ndarray,
    lengths: np.ndarray,
    levels: np.ndarray,
    stops: np.ndarray,
    normals: np.ndarray,
) -> np.ndarray:
    """`expected_rounds` of some of the lines."""
    norms = norms_of(K)
    scale = norms[:, :, None] * norms[:, None, :]
    cosines = np.divide(K, scale, where=scale > 0, out=np.zeros_like(scale))
    sigma = turned(z, norms, cosines, s, lengths, stops)[:, :, None]
    root = np.linalg.cholesky(cosines + JITTER * np.eye(len(s)))
    rounds = np.zeros(len(z))
    for draw in normals:
        e = root @ draw
        response = scale * (cosines + sigma * (e[:, None, :] - e[:, :, None] * cosines))
        done = cut_lines(z, response, norms, s, levels, stops)
        rounds += np.where(done.ended == DONE, done.rounds, np.nan)
    return rounds / len(normals)


def turned(
    z: np.ndarray, norms: np.ndarray, cosines: np.ndarray, s: np.ndarray, lengths: np.ndarray, stops: np.ndarray
) -> np.ndarray:
    """sigma (m, n), 0 to 1, of a cut at each point of the straight lines; no further along than to their ends."""
    fall, slope = np.maximum(z - stops[:, None], 0), norms * lengths[:, None]
    delta = np.divide(fall, slope, where=slope > 0, out=np.zeros_like(z)) * (s[-1] - s[0])
    alike = [_beside(cosines, np.interp(s + way * delta, s, np.arange(len(s)))) for way in (*-WAYS, *WAYS)]
    return (1 - np.mean(alike, axis=0)).clip(0, 1)


def _beside(cosines: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Cosines (m, n) of each point and of places (m, n) of its line, counted in points, linear between them."""
    left = places.astype(int)
    right = np.minimum(left + 1, places.shape[1] - 1)
    at_left, at_right = (np.take_along_axis(cosines, at[:, :, None], axis=2)[:, :, 0] for at in (left, right))
    return at_left + (places - left) * (at_right - at_left)
