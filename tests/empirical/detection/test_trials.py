"""Who is tested on what, what intervals cover, and that nothing leaks from one role to another."""

import numpy as np
import pytest
from scipy.stats import binomtest, norm
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score, roc_curve

from empirical.detection import classifiers, statistics, trials
from empirical.detection.trials import Scores


def drawn(n, shift, seed, k=3):
    """Features (n, k) of both kinds: normal, the adversarial ones moved by `shift`; their sources and folds."""
    rng = np.random.default_rng(seed)
    natural = rng.normal(size=(n, k))
    return natural, natural + rng.normal(size=(n, k)) + shift, np.arange(n), trials.folds_of(np.arange(n), seed)


def scores(natural, adversarial, n_folds=1):
    n = len(natural)
    return Scores(natural, adversarial, np.arange(n), np.arange(n) % n_folds, np.zeros((n, 2)))


def test_no_source_has_two_roles():
    sources = np.random.default_rng(0).integers(0, 60, 200)  # copies of an image share a source
    folds = trials.folds_of(sources, 1)
    tested = []
    for fold in range(5):
        part = trials.roles(sources, folds, fold, 2)
        rows = [part.training, part.validation, part.test]
        assert sum(map(len, rows)) == 200
        names = [set(sources[one]) for one in rows]
        assert not (names[0] & names[1] or names[0] & names[2] or names[1] & names[2])
        assert len(names[2]) in (11, 12) and abs(len(names[0]) / len(names[1]) - 4) < 0.8
        tested += part.test.tolist()
    assert sorted(tested) == list(range(200))  # everyone is tested once


def test_copies_of_an_image_are_one_source():
    x = np.array([[[1.0, 2]], [[3, 4]], [[1, 2]], [[5, 6]], [[3, 4]]])
    first, second, third, fourth, fifth = trials.sources_of(x)
    assert first == third and second == fifth and len({first, second, fourth}) == 3


def test_auc_and_roc_by_scikit_learn():
    natural, adversarial, *_ = drawn(200, 0.7, 0, k=1)
    rounded = scores(natural[:, 0].round(1), adversarial[:, 0].round(1))  # with ties
    labels, values = np.repeat([0, 1], 200), np.concatenate([rounded.natural, rounded.adversarial])
    assert statistics.auc(rounded) == pytest.approx(roc_auc_score(labels, values))
    false, true, _ = roc_curve(labels, values, drop_intermediate=False)
    for rate, found in zip(*statistics.roc(rounded), strict=True):
        if rate > 0:
            assert found == pytest.approx(true[false <= rate + 1e-12].max())


def test_auc_is_the_mean_of_the_folds():
    """Fold 0 is ordered, fold 1 the other way round on a scale far above: pooled, the AUC would not be 1/2."""
    both = Scores(
        np.array([0.0, 0, 9, 9]), np.array([1.0, 1, 8, 8]), np.arange(4), np.array([0, 0, 1, 1]), np.zeros((4, 2))
    )
    assert statistics.auc(both) == 0.5


def test_perfect_order_has_an_interval():
    perfect = scores(np.zeros(50), np.ones(50), n_folds=5)
    found = statistics.auc_interval(perfect, 0)
    assert (found.value, found.high) == (1, 1)
    assert found.low == pytest.approx(binomtest(50, 50).proportion_ci(method="exact").low)
    upside_down = statistics.auc_interval(scores(np.ones(50), np.zeros(50)), 0)
    assert upside_down.low == 0 and upside_down.high == pytest.approx(1 - found.low)


@pytest.mark.parametrize("shift", [0.0, 1.2])
def test_auc_intervals_cover(shift):
    """Of 200 samples of 80 sources each, 95 % of intervals hold P(a > c) = Phi(shift / sqrt 3), found by hand.

    a - c = shift + noise for equal sources but c, a of different sources differ by normal of variance 1 + 2 = 3. The
    bootstrap is somewhat narrow: at least 88 % is asked; a cover of 94 % falls below that for 0.1 % of seeds.
    """
    exact, held = norm.cdf(shift / np.sqrt(3)), 0
    for seed in range(200):
        natural, adversarial, *_ = drawn(80, shift, 1000 + seed, k=1)
        found = statistics.auc_interval(scores(natural[:, 0], adversarial[:, 0]), seed)
        held += found.low <= exact <= found.high
    assert held >= 176


def test_a_lead_is_seen_on_the_same_samples():
    """Two scores of the same inputs, one with a little noise: the difference is known better than either."""
    natural, adversarial, *_ = drawn(150, 1.0, 3, k=1)
    noise = np.random.default_rng(0).normal(scale=0.7, size=(2, 150))
    clean = scores(natural[:, 0], adversarial[:, 0])
    worse = scores(natural[:, 0] + noise[0], adversarial[:, 0] + noise[1])
    found = statistics.difference(clean, worse, 0)
    width = [one.high - one.low for one in (statistics.auc_interval(clean, 0), statistics.auc_interval(worse, 0))]
    assert found.value == pytest.approx(statistics.auc(clean) - statistics.auc(worse))
    assert found.low < found.value < found.high and found.high - found.low < min(width)
    with pytest.raises(ValueError, match="compared on the same sources"):
        statistics.difference(clean, scores(natural[:9, 0], adversarial[:9, 0]), 0)


def test_thresholds_come_from_clean_validation_inputs_alone():
    natural, adversarial, sources, folds = drawn(200, 2.0, 5)
    first = trials.trained(natural, adversarial, sources, folds, seed=0)
    for one in first:
        clean = np.sort(one.score(natural[one.roles.validation]))
        assert one.thresholds[0] == clean[-1] and (clean > one.thresholds[1]).mean() <= 0.05
    other = adversarial.copy()
    other[np.concatenate([first[0].roles.validation, first[0].roles.test])] += 100  # what was not trained on
    again = trials.trained(natural, other, sources, folds, seed=0)[0]
    np.testing.assert_array_equal(first[0].thresholds, again.thresholds)


def test_false_positives_are_near_what_was_aimed_at():
    """2000 sources, 320 validate: the 5 % threshold gives 5 % +- 1.3 % by fold; the mean of five within 4 of 0.8 %."""
    natural, adversarial, sources, folds = drawn(2000, 1.0, 7)
    found = trials.run(natural, adversarial, sources, folds, seed=0)
    assert abs(statistics.false_positives(found, 1).value - 0.05) < 0.032
    assert statistics.true_positives(found, 1).value > 0.3


@pytest.mark.parametrize("classifier", classifiers.NAMES)
def test_shuffled_labels_are_not_told_apart(classifier):
    """Natural and adversarial exchanged at random within each source: AUC 1/2 within 4 sigma."""
    natural, adversarial, sources, folds = drawn(400, 3.0, 9)
    assert statistics.auc(trials.run(natural, adversarial, sources, folds, classifier=classifier, seed=0)) > 0.9
    swap = np.random.default_rng(1).random(400) < 0.5
    mixed = np.where(swap[:, None], adversarial, natural), np.where(swap[:, None], natural, adversarial)
    found = trials.run(*mixed, sources, folds, classifier=classifier, seed=0)
    interval = statistics.auc_interval(found, 0)
    assert abs(interval.value - 0.5) < interval.high - interval.low  # two half widths of 1.96 sigma


@pytest.mark.parametrize("classifier", classifiers.NAMES)
def test_identical_sets_are_exactly_not_told_apart(classifier):
    natural, _, sources, folds = drawn(100, 0.0, 11)
    found = trials.run(natural, natural, sources, folds, classifier=classifier, seed=0)
    assert statistics.auc(found) == 0.5


def test_features_of_the_sources_identity_do_not_help():
    """A feature that is the number of the source, the same for both kinds, and 300 of noise: nothing to learn."""
    rng = np.random.default_rng(2)
    noise = rng.normal(size=(2, 200, 300))
    features = [np.column_stack([np.arange(200.0), one]) for one in noise]
    folds = trials.folds_of(np.arange(200), 0)
    interval = statistics.auc_interval(trials.run(*features, np.arange(200), folds, seed=0), 0)
    assert abs(interval.value - 0.5) < interval.high - interval.low


@pytest.mark.parametrize("k", [5, 300])
def test_logistic_regression_is_scikit_learns(k):
    """Also where there are more features than inputs, and it is solved in their span."""
    rng = np.random.default_rng(0)
    features, kinds = rng.normal(size=(120, k)), rng.random(120) < 0.5
    features[:, 1] = 4.0  # of no variance
    features[kinds, 0] += 1
    scale = np.where(features.std(0) > 0, features.std(0), 1)
    reference = LogisticRegression(tol=1e-10, max_iter=10_000).fit((features - features.mean(0)) / scale, kinds)
    found = classifiers.linear(features, kinds)
    new = rng.normal(size=(50, k))
    expected = reference.decision_function((new - features.mean(0)) / scale)
    np.testing.assert_allclose(found(new), expected, atol=1e-4)
    assert found.weight[1] == pytest.approx(0, abs=1e-12)


def test_same_seed_same_bits():
    natural, adversarial, sources, folds = drawn(100, 1.0, 13)
    first, again = (trials.run(natural, adversarial, sources, folds, classifier="boosting", seed=4) for _ in range(2))
    np.testing.assert_array_equal(first.adversarial, again.adversarial)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda n, a, s: (n[:, :1], a, s), r"features must be \(n, k\) for both kinds"),
        (lambda n, a, s: (n, np.full_like(a, np.nan), s), "features must be finite numbers"),
        (lambda n, a, s: (n[:19], a[:19], s[:19]), "a trial needs at least 20 source images .* got 19"),
        (lambda n, a, s: (n, a, s * 0), "a trial needs at least 20 source images .* got 1"),
    ],
)
def test_bad_input(change, message):
    natural, adversarial, sources, folds = drawn(40, 1.0, 0)
    with pytest.raises(ValueError, match=message):
        trials.run(*change(natural, adversarial, sources), folds, seed=0)
    with pytest.raises(ValueError, match="unknown classifier 'logistics'.*did you mean 'logistic'"):
        trials.run(natural, adversarial, sources, folds, classifier="logistics", seed=0)
    with pytest.raises(ValueError, match="natural and adversarial inputs, got one kind only"):
        classifiers.fit("logistic", natural, np.zeros(40, dtype=bool), 0)
