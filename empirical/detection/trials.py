"""The trial of a detector: who trains it, who sets its threshold, who is tested; no source image in two of these roles.

The sources are cut into five parts. Each part is tested once, by a classifier that was trained on 4/5 of the other
four, with thresholds from the clean inputs of the last 1/5: Harder's 80/20 split of training and test, and again of
training and validation, once for each part.
"""

from dataclasses import dataclass

import numpy as np

from empirical.detection import classifiers
from empirical.detection.classifiers import Score
from percolation import checks, seeds

N_FOLDS = 5
FEWEST = 20  # sources with a successful attack: four a fold
RATES = (0.01, 0.05)  # of false positives aimed at


@dataclass(frozen=True)
class Roles:
    """Rows of one fold's training, validation and test inputs; none shares a source with one of another role."""

    training: np.ndarray
    validation: np.ndarray
    test: np.ndarray


@dataclass(frozen=True)
class Trained:
    """One fold's classifier, and its thresholds."""

    roles: Roles
    score: Score
    thresholds: np.ndarray  # (2,) for false positive rates of 1 % and 5 %


@dataclass(frozen=True)
class Scores:
    """Scores of all tested inputs; row i holds a natural input and what an attack made of it."""

    natural: np.ndarray  # (n,)
    adversarial: np.ndarray  # (n,)
    sources: np.ndarray  # (n,) number of the source image
    folds: np.ndarray  # (n,) in which it was tested
    thresholds: np.ndarray  # (n, 2) of that fold

    def __len__(self) -> int:
        return len(self.natural)


def sources_of(x: np.ndarray) -> np.ndarray:
    """A number for each different image (n, ...): copies of an image are one source."""
    return np.unique(x.reshape(len(x), -1), axis=0, return_inverse=True)[1].reshape(-1)


def folds_of(sources: np.ndarray, seed: seeds.Seed, n_folds: int = N_FOLDS) -> np.ndarray:
    """The fold (n,) of each row, in 0..n_folds-1: the same for all rows of a source."""
    checks.integer("n_folds", n_folds, at_least=2)
    names, index = np.unique(sources, return_inverse=True)
    parts = np.arange(len(names)) % n_folds
    return seeds.generator(seed).permutation(parts)[index.reshape(-1)]


def roles(sources: np.ndarray, folds: np.ndarray, fold: int, seed: seeds.Seed) -> Roles:
    """Who does what in a fold: four fifths of the sources that are not tested train, the last fifth validates."""
    rest = np.flatnonzero(folds != fold)
    kept = folds_of(sources[rest], seeds.child(seed, fold)) != 0
    return Roles(rest[kept], rest[~kept], np.flatnonzero(folds == fold))


def train(natural: np.ndarray, adversarial: np.ndarray, part: Roles, classifier: str, seed: seeds.Seed) -> Trained:
    """The classifier on features (n, k) of the training rows; the thresholds on the clean validation rows."""
    features = np.concatenate([natural[part.training], adversarial[part.training]])
    kinds = np.repeat([False, True], len(part.training))
    score = classifiers.fit(classifier, features, kinds, seed)
    return Trained(part, score, thresholds(score(natural[part.validation])))


def thresholds(clean: np.ndarray) -> np.ndarray:
    """Scores (2,) that at most 1 % and 5 % of the clean ones (n,) exceed; of few it is their largest."""
    return np.quantile(clean, 1 - np.asarray(RATES), method="higher")


def run(
    natural: np.ndarray,
    adversarial: np.ndarray,
    sources: np.ndarray,
    folds: np.ndarray,
    *,
    classifier: str = "logistic",
    seed: seeds.Seed,
) -> Scores:
    """Scores of every row by the fold in which it is tested, from features (n, k) of both kinds."""
    fitted = trained(natural, adversarial, sources, folds, classifier=classifier, seed=seed)
    tested = [test(one, natural, adversarial, sources, fold) for fold, one in enumerate(fitted) if len(one.roles.test)]
    return joined(tested)


def trained(
    natural: np.ndarray,
    adversarial: np.ndarray,
    sources: np.ndarray,
    folds: np.ndarray,
    *,
    classifier: str = "logistic",
    seed: seeds.Seed,
) -> list[Trained]:
    """The classifiers of all folds."""
    checked(natural, adversarial, sources)
    parts = [roles(sources, folds, fold, seed) for fold in range(int(folds.max()) + 1)]
    return [train(natural, adversarial, part, classifier, seed) for part in parts]


def test(one: Trained, natural: np.ndarray, adversarial: np.ndarray, sources: np.ndarray, fold: int) -> Scores:
    """Scores of the test rows of a fold."""
    rows = one.roles.test
    limits = np.broadcast_to(one.thresholds, (len(rows), len(RATES)))
    return Scores(
        one.score(natural[rows]), one.score(adversarial[rows]), sources[rows], np.full(len(rows), fold), limits
    )


def joined(parts: list[Scores]) -> Scores:
    """The scores of all folds, in order."""
    names = ("natural", "adversarial", "sources", "folds", "thresholds")
    return Scores(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def checked(natural: np.ndarray, adversarial: np.ndarray, sources: np.ndarray) -> None:
    """Features of both kinds, row by row of one source."""
    if natural.shape != adversarial.shape or natural.ndim != 2 or len(natural) != len(sources):
        raise ValueError(
            f"features must be (n, k) for both kinds and n sources, got {natural.shape}, {adversarial.shape}, "
            f"{len(sources)}"
        )
    if not (np.isfinite(natural).all() and np.isfinite(adversarial).all()):
        raise ValueError("features must be finite numbers; the detector returned NaN or infinite ones")
    if (n := len(np.unique(sources))) < FEWEST:
        raise ValueError(f"a trial needs at least {FEWEST} source images with a successful attack, got {n}")
