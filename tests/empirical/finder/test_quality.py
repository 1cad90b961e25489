import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from empirical.descent.rows import Descent
from empirical.ends import modes
from empirical.finder import quality
from empirical.finder.connections import Connection
from empirical.finder.find import Finder, find_paths
from empirical.finder.paths import Path
from empirical.losses.objectives import ClassLoss, Field
from tests.empirical.fields import LEFT, RIGHT, ridge_with_pass


def path(*vertices):
    return Path(torch.tensor(vertices, dtype=torch.float64))


CORNER = path([0.0, 0.0], [3.0, 0.0], [3.0, 4.0])
HEIGHT = Field(lambda x: x[:, 1])


def test_a_right_angle():
    of = quality.quality(HEIGHT, CORNER)
    assert of.barrier == 4 and of.gap == 0
    assert of.integrated == pytest.approx(4 * 4 / 2 / 7) and of.integrated_error < 1e-12  # linear: exact
    assert of.length_ratio == pytest.approx(7 / 5)
    assert of.deviation == pytest.approx(3 * 4 / 5) and of.relative_deviation == pytest.approx(12 / 25)
    assert of.angles == pytest.approx((90.0,)) and of.sharpest == pytest.approx(90.0)
    assert of.bends == ()


def test_a_straight_path():
    of = quality.quality(Field(lambda x: x[:, 0] ** 2), path([-1.0, 0.0], [2.0, 0.0]), n=100)
    assert (of.deviation, of.angles, of.sharpest, of.length_ratio) == (0, (), 0, 1)
    assert of.barrier == 4 and of.gap == 0
    assert abs(of.integrated - 1) == pytest.approx(of.integrated_error, rel=1e-6)  # Richardson is exact for parabolas
    assert of.integrated_error == pytest.approx(9 / 6 / 100**2)  # h^2 (f'(b) - f'(a)) / 12 per unit of length


@pytest.mark.parametrize("n_segments", [1, 2, 3, 7])
def test_the_error_of_the_integral_is_of_its_size(n_segments):
    """A wavy loss on a zigzag, kinks at every vertex: the stated error is within 2 x of the true one."""
    generator = torch.Generator().manual_seed(n_segments)
    zigzag = Path(torch.randn(n_segments + 1, 4, generator=generator, dtype=torch.float64))
    waves = Field(lambda x: torch.sin(3 * x).sum(1))
    coarse, exact = (quality.quality(waves, zigzag, n=n) for n in (200, 20_000))
    true = abs(coarse.integrated - exact.integrated)
    assert true / 2 < coarse.integrated_error < 2 * true


@given(st.lists(st.tuples(*[st.floats(-10, 10)] * 3), min_size=2, max_size=6), st.floats(0.1, 10))
def test_moving_and_scaling_a_path(vertices, scale):
    """Angles and ratios stay, lengths scale; no path is shorter than straight nor nearer to it than its points."""
    original = Path(torch.tensor(vertices, dtype=torch.float64))
    moved = Path(scale * original.vertices + 3)
    first, second = (quality.quality(Field(lambda x: 0 * x[:, 0]), one, n=4) for one in (original, moved))
    if first.distance > 1e-3:
        assert second.length_ratio == pytest.approx(first.length_ratio, rel=1e-6)
        assert second.deviation == pytest.approx(scale * first.deviation, rel=1e-6, abs=1e-6)
        assert first.length_ratio >= 1 - 1e-12
    assert first.deviation <= original.length + 1e-9
    assert all(0 <= angle <= 180 or math.isnan(angle) for angle in first.angles)


def test_no_point_of_a_path_is_further_away_than_its_vertices():
    generator = torch.Generator().manual_seed(0)
    zigzag = Path(torch.randn(6, 5, generator=generator, dtype=torch.float64))
    points = zigzag(zigzag.positions(5000))
    assert quality.deviation(Path(points)) == pytest.approx(quality.deviation(zigzag), rel=1e-12)


def test_turns_small_and_large():
    for degrees in (1e-6, 1.0, 90.0, 179.0, 180.0):
        turn = math.radians(degrees)
        bent = path([0.0, 0.0], [1.0, 0.0], [1 + 2 * math.cos(turn), 2 * math.sin(turn)])
        assert quality.angles(bent).item() == pytest.approx(degrees, rel=1e-6)


def test_a_closed_path_has_no_ratio():
    of = quality.quality(HEIGHT, path([1.0, 1.0], [4.0, 5.0], [1.0, 1.0]))
    assert math.isnan(of.length_ratio) and math.isnan(of.relative_deviation)
    assert of.deviation == 5 and of.angles == pytest.approx((180.0,)) and of.integrated == pytest.approx(3)
    point = quality.quality(HEIGHT, path([1.0, 2.0], [1.0, 2.0]))
    assert (point.integrated, point.integrated_error, point.deviation) == (2, 0, 0)


def test_vertices_are_matched_round_by_round():
    a, b, c, d, e = torch.arange(5.0)[:, None]
    before = Path(torch.stack([a, c, e]))
    assert quality.new_vertices(before, before) == ([], [])
    segments, vertices = quality.new_vertices(before, Path(torch.stack([a, b, c, d, e])))
    assert segments == [0, 1] and vertices == [b, d]
    segments, _ = quality.new_vertices(before, Path(torch.stack([a, c, d, e])))
    assert segments == [1]
    with pytest.raises(ValueError, match="the vertices of the path before are not all in the path after"):
        quality.new_vertices(before, Path(torch.stack([a, b, e])))


def test_the_bend_of_a_known_ridge():
    """The barrier of the straight line over the ridge is at its middle; projected descent leaves along x = 0."""
    ends = (torch.tensor([end], dtype=torch.float64) for end in (LEFT, RIGHT))
    field, finder = Field(ridge_with_pass(0.05)), Finder(level=0.11, descent=Descent(lr=0.02, stop=0.1, projected=True))
    (found,) = find_paths(field, *ends, finder)
    of = quality.quality(field, found, perceptual=lambda x, y: (x - y).abs().sum(1) / 2)
    first = of.bends[0]
    vertex = found.history[1].vertices[1]
    assert first.round == 1 and first.loss == pytest.approx(found.barrier, rel=1e-9)
    assert first.l2 == pytest.approx(found.displacement, rel=1e-9)
    assert first.linf == pytest.approx(vertex.abs().max().item(), rel=1e-9)
    assert first.perceptual == pytest.approx(vertex.abs().sum().item() / 2, rel=1e-9)
    assert [bend.round for bend in of.bends] == sorted(bend.round for bend in of.bends)
    assert len(of.bends) == found.path.n_segments - 1 and of.bends[-1].round == found.rounds


def test_a_bend_is_measured_from_the_worst_point_of_its_pair():
    class Hill:
        def __call__(self, points, pairs):
            return -((points[:, 0] - pairs) ** 2)  # largest at x = pair

    history = [path([0.0, 0.0], [4.0, 0.0]), path([0.0, 0.0], [1.0, -3.0], [4.0, 0.0])]
    (bend,) = quality.bends(Hill(), history, 3)
    assert (bend.round, bend.loss) == (1, 0) and bend.linf == 3 and bend.l2 == pytest.approx(13**0.5)
    found = Connection("connected", history[1], (0, 1, 0), (1.0, 0.0), (0.0, 0.0), math.nan, 1)
    assert quality.quality(Hill(), found, 3).bends == (bend,)


def test_a_table_of_networks(cnn1d, signals):
    """One row a pair; what the finder itself says of a path agrees with it."""
    modes_ = modes.natural(cnn1d, signals.x_test, signals.y_test)
    i, j = modes.pairs_within_class(modes_.labels, 10, generator=torch.Generator().manual_seed(0))
    objective = ClassLoss(cnn1d, modes_.labels[i])
    found = find_paths(objective, modes_.points[i], modes_.points[j])
    table = quality.table(objective, found)
    assert list(table["index"]) == list(range(10))
    assert (table.barrier <= 1e-3).all() and (table.length_ratio >= 1 - 1e-6).all()
    # the loss underflows to 0 along the whole of a path between inputs that the network is very sure of
    assert (table.integrated >= table.integrated_error).all() and (table.integrated <= table.barrier).all()
    for row, one in zip(table.itertuples(), found, strict=True):
        assert row.straight_barrier == one.barrier and row.segments == one.path.n_segments
        assert row.length_ratio - 1 == pytest.approx(one.path.excess_length, abs=1e-6)
        assert math.isnan(row.l2) == (one.rounds == 0) and math.isnan(row.perceptual)
        if one.rounds == 0:
            assert row.deviation < 1e-4 and row.sharpest_turn == 0
        else:
            assert 0 < row.linf <= row.l2 and row.deviation > 0
    assert (table.l2 > 0).sum() >= 5


def test_a_stalled_pair_has_its_quality_too():
    """A pass higher than the level: the path stays straight and has no bend."""
    ends = (torch.tensor([end], dtype=torch.float64) for end in (LEFT, RIGHT))
    field, finder = Field(ridge_with_pass(0.5)), Finder(level=0.11, descent=Descent(lr=0.02, stop=0.1, iterations=5))
    (row,) = quality.table(field, find_paths(field, *ends, finder)).itertuples()
    assert row.status == "stalled" and math.isnan(row.l2) and row.barrier == row.straight_barrier > 0.11


def test_bad_settings():
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        quality.quality(HEIGHT, CORNER, n=1)
