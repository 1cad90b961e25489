"""The path finder on a known field, one core: 200 pairs of a Gaussian field in 100 dimensions, L = 30 xi, p = 0.5."""

import time

import numpy as np

from empirical.experiments.rounds.landscapes import GaussianField
from empirical.experiments.rounds.measure import Case, walk
from empirical.prediction import predictions
from empirical.prediction.lines import along_lines
from empirical.threads import one_thread

GOAL = 20.0  # seconds, everything included


def test_two_hundred_pairs(benchmark):
    """Drawing, statistics of 256 lines, prediction, 200 pairs connected."""
    case = Case(GaussianField(100), 200)
    walk(Case(GaussianField(3, length=3.0), 2), seed=0)  # compile
    benchmark.pedantic(lambda: walk(case, seed=1), rounds=3)
    seconds = benchmark.stats.stats.median
    print(f"\n200 pairs, d = 100: {seconds:.1f} s, goal {GOAL:g}: {'goal met' if seconds <= GOAL else 'missed'}")


def test_stages():
    """What the time goes into; nothing is asked of it."""
    learn, _ = GaussianField(100).draw(256, 2, np.random.SeedSequence(1))
    with one_thread():
        began = time.perf_counter()
        lines = along_lines(learn.objective, learn.a, learn.c)
        learnt = time.perf_counter()
        predictions.predict(lines, 0.0, -0.5, seed=1)
    print(f"\nstatistics of 256 lines {learnt - began:.2f} s, prediction {time.perf_counter() - learnt:.2f} s")
