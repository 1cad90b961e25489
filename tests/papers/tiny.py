"""Figures in their smallest form, for the tests: what `compute` is given."""

from papers.dimension_scaling import (
    above_six,
    barriers,
    collapse,
    each_pair,
    neighbourhoods,
    network_phase,
    networks,
    occupation,
    phase,
    planned_path,
    rounds,
    series,
    smooth_levels,
    thresholds,
    training,
)
from papers.input_space_mode_connectivity import (
    adversarial_path,
    barrier_optimisation,
    barrier_statistics,
    example_path,
    parameter_connectivity,
    percolation_slice,
    untrained_rounds,
)

TINY = {
    thresholds.NAME: thresholds.Config(d_max=4, n_runs=8, n_sites=512),
    series.NAME: series.Config(first=9, fitted=9, last=14, n_points=5),
    collapse.NAME: collapse.Config(dimensions=(2,), sizes=((8, 16, 24),), n_realisations=20, n_points=7),
    neighbourhoods.NAME: neighbourhoods.Config(shells=((2, (2,), 32), (3, (2,), 8)), n_sites=512, spheres=((2, 0.1),)),
    above_six.NAME: above_six.Config(sizes=((7, (3, 4)),), n_realisations=30),
    occupation.NAME: occupation.Config(d_max=3, xis=(1.0,), n_sites=1024, n_floods=8, boxes=((2, 24, 2.0),), n_boxes=8),
    smooth_levels.NAME: smooth_levels.Config(
        dimensions=(2, 3), xis=(1.0, 1.5), n_sites=1024, n_floods=8, boxes=((2, (1.0, 1.5), (8.0, 12.0)),), n_boxes=8
    ),
    barriers.NAME: barriers.Config(k_max=2, n=5, pairs=3, length=4.0),
    rounds.NAME: rounds.Config(dimensions=(4, 12), occupations=(0.5, 0.1), length=6.0, pairs=6),
    each_pair.NAME: each_pair.Config(trained=(), random=((20, 3),), chaotic=((8, 0.5),), depth=2, pairs=8),
    planned_path.NAME: planned_path.Config(pairs=20, n_points=60),
    phase.NAME: phase.Config(dimensions=(2, 8), classes=(2, 10), pairs=4, grid_pairs=8, small_grids=True),
    network_phase.NAME: network_phase.Config(dimensions=(3, 8), occupations=(0.5, 0.1), depths=(2,), pairs=4),
    networks.NAME: networks.Config(dimension=20, depths=(1, 2), widths=(16,), networks=2, pairs=4),
    training.NAME: training.Config(dimensions=(40,), pairs=4),
    parameter_connectivity.NAME: parameter_connectivity.Config(
        "cnn", pairs=1, points=9, side=3, bend_epochs=10, level=0.2
    ),
    example_path.NAME: example_path.Config(pairs=20, shown=3),
    barrier_optimisation.NAME: barrier_optimisation.Config(pairs=6),
    percolation_slice.NAME: percolation_slice.Config(pairs=8, n=15, n_others=7),
    adversarial_path.NAME: adversarial_path.Config(pairs=12),
    barrier_statistics.NAME: barrier_statistics.Config(
        pairs=2, classes=2, networks=1, benchmark_images=60, attacks=("fgsm",), detectors=("curve", "lid")
    ),
    untrained_rounds.NAME: untrained_rounds.Config(network="cnn1d", dimension=40, pairs=4),
}
