"""Figures in their smallest form, for the tests: what `compute` is given."""

from papers.dimension_scaling import barriers, collapse, networks, occupation, phase, rounds, thresholds, training

TINY = {
    thresholds.NAME: thresholds.Config(d_max=4, n_runs=8, n_sites=512),
    collapse.NAME: collapse.Config(dimensions=(2,), sizes=((8, 16, 24),), n_realisations=20, n_points=7),
    occupation.NAME: occupation.Config(d_max=3, xis=(1.0,), n_sites=1024, n_floods=8, boxes=((2, 24, 2.0),), n_boxes=8),
    barriers.NAME: barriers.Config(k_max=2, n=5, pairs=3, length=4.0),
    rounds.NAME: rounds.Config(dimensions=(4, 12), occupations=(0.5, 0.1), length=6.0, pairs=6),
    phase.NAME: phase.Config(dimensions=(2, 8), classes=(2, 10), pairs=4, grid_pairs=8, small_grids=True),
    networks.NAME: networks.Config(dimension=20, depths=(1, 2), widths=(16,), networks=2, pairs=4),
    training.NAME: training.Config(dimensions=(40,), pairs=4),
}
