import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch

from empirical.descent.rows import Descent
from empirical.finder.find import PRESETS, Finder, find_paths, find_paths_on, stream_paths
from empirical.losses.objectives import ClassLoss, Field
from tests.empirical.fields import FREE, PROJECTED, ends, in_numpy, ridge_with_pass
from tests.memory import PEAK, on_linux


@pytest.fixture(scope="module")
def natural_pairs(low_pairs):
    """50 pairs of test signals of one class, both with loss <= 5e-4."""
    return low_pairs(50)


@pytest.fixture(scope="module")
def connections(trained_cnn1d, natural_pairs):
    a, c, labels = natural_pairs
    return find_paths(ClassLoss(trained_cnn1d, labels), a, c)


def test_a_pass_below_the_stop_is_found():
    (found,) = find_paths(Field(ridge_with_pass(0.05)), *ends(), PROJECTED)
    assert found.connected and found.rounds >= 1
    assert found.barrier == pytest.approx(in_numpy(0.05)(np.zeros(2)), rel=1e-9)  # of the straight line, at its middle
    points = found.path(found.path.positions(5000)).numpy()
    assert in_numpy(0.05)(points).max() <= PROJECTED.level


@pytest.mark.parametrize("finder", [PROJECTED, FREE], ids=["projected", "free"])
@pytest.mark.parametrize("height", [0.12, 0.3, 0.9])
def test_no_path_is_claimed_below_the_minimax_barrier(finder, height):
    """Each path crosses the ridge, where the field is at least `height` > level: no finder may succeed."""
    (found,) = find_paths(Field(ridge_with_pass(height)), *ends(), finder)
    assert not found.connected
    assert found.status in ("stalled", "rounds")
    points = found.path(found.path.positions(5000)).numpy()
    assert in_numpy(height)(points).max() >= height - 1e-3


def test_an_open_straight_line_takes_no_round():
    (found,) = find_paths(Field(lambda points: 0 * points[:, 0]), *ends(), PROJECTED)
    assert (found.status, found.rounds, found.path.n_segments, found.steps) == ("connected", 0, 1, 0)
    assert np.isnan(found.displacement) and found.path.excess_length == pytest.approx(0)


def test_every_round_splits_failing_segments_only():
    """Two narrow ridges: each bend removes one, so one round cannot do."""

    def two_ridges(points):
        x, y = points[:, 0], points[:, 1]
        ridge = torch.exp(-20 * (x - 1.5) ** 2) + 0.9 * torch.exp(-20 * (x + 1.5) ** 2)
        return ridge * (1 - torch.exp(-((y - 1) ** 2) * 4))

    (found,) = find_paths(
        Field(two_ridges), *ends(), replace(PROJECTED, descent=Descent(lr=0.02, stop=0.05, projected=True))
    )
    assert found.connected and found.rounds == 2 and found.path.n_segments == 3
    assert [path.n_segments for path in found.history] == [1, 2, 3]
    assert found.barriers[0] > found.barriers[1] > PROJECTED.level >= found.barriers[2]


def narrow_wall(points):
    """Closed in a slab of width 0.02 at x = 0.9375 + 1/64: between the points of the coarse grid from LEFT to RIGHT."""
    return ((points[:, 0] - (-3 + 6 * 10.5 / 16)).abs() < 0.01).double()


@pytest.mark.parametrize(("dense", "recheck"), [(1200, 1), (16, 2000)], ids=["dense", "recheck"])
def test_a_wall_that_the_coarse_grid_misses_is_seen(dense, recheck):
    """By the certificate of a segment alone, and by the recheck of the path alone."""
    blind = replace(PROJECTED, dense=16, recheck=1, max_rounds=0)
    assert find_paths(Field(narrow_wall), *ends(), blind)[0].connected  # what neither would see
    (found,) = find_paths(Field(narrow_wall), *ends(), replace(blind, dense=dense, recheck=recheck))
    assert found.status == "rounds" and found.barrier == 1


def test_max_rounds_is_a_reason():
    (found,) = find_paths(Field(ridge_with_pass(0.05)), *ends(), replace(PROJECTED, max_rounds=0))
    assert (found.status, found.rounds) == ("rounds", 0)


def test_a_deviation_weight_too_strong_is_reported_as_stalled(cnn1d, natural_pairs):
    """0.1 x mean squared deviation holds the loss above 1e-3 in 40 dimensions: stalled, not looped over."""
    a, c, labels = natural_pairs
    finder = replace(PRESETS["trained"], descent=replace(PRESETS["trained"].descent, deviation=10.0, iterations=200))
    found = find_paths(ClassLoss(cnn1d, labels), a, c, finder)
    assert {one.status for one in found} == {"connected", "stalled"}
    assert all(one.rounds <= 1 for one in found)


def test_natural_pairs_of_a_trained_network(connections):
    """Reference: 50 pairs, level 1e-3: all connected, rounds spread over 0..4 with mean about 1.3."""
    assert all(one.connected for one in connections)
    rounds = [one.rounds for one in connections]
    assert 0.8 < np.mean(rounds) < 2.2
    assert min(rounds) == 0 and 3 <= max(rounds) <= 6


def test_end_points_are_the_inputs_bit_for_bit(connections, natural_pairs):
    a, c, _ = natural_pairs
    for i, one in enumerate(connections):
        for path in one.history:
            assert torch.equal(path.vertices[0], a[i]) and torch.equal(path.vertices[-1], c[i])


def test_loss_on_the_path_reevaluated_independently(cnn1d, natural_pairs, connections):
    """log(sum(exp)) by hand in float64, on another grid, one path at a time."""
    labels = natural_pairs[2]
    model = cnn1d.double()
    for i, one in enumerate(connections):
        vertices = one.path.vertices.double()
        t = torch.linspace(0, 1, 331, dtype=torch.float64)[:, None, None]
        for a, c in zip(vertices[:-1], vertices[1:], strict=True):
            logits = model((1 - t) * a + t * c)
            loss = logits.exp().sum(1).log() - logits[:, labels[i]]
            assert loss.max() <= PRESETS["default"].level * (1 + 1e-3)
    cnn1d.float()


def test_vertices_made_by_the_finder_have_the_margin(cnn1d, natural_pairs, connections):
    labels = natural_pairs[2]
    for i, one in enumerate(connections):
        inner = one.path.vertices[1:-1]
        if len(inner):
            loss = torch.nn.functional.cross_entropy(cnn1d(inner), labels[i].expand(len(inner)), reduction="none")
            assert loss.max() <= 5e-4 * (1 + 1e-3)


@pytest.mark.parametrize("preset", ["default", "fast", "trained"])
def test_batched_equals_one_pair_at_a_time(cnn1d, natural_pairs, preset):
    """In float64 to 1e-10, with the same number of steps; permuted pairs give permuted results."""
    a, c, labels = (part[:6] for part in natural_pairs)
    finder = replace(PRESETS[preset], descent=replace(PRESETS[preset].descent, iterations=400))
    model = cnn1d.double()
    together = find_paths(ClassLoss(model, labels), a.double(), c.double(), finder)
    for i, one in reversed(list(enumerate(together))):
        (alone,) = find_paths(ClassLoss(model, labels[i : i + 1]), a[i : i + 1].double(), c[i : i + 1].double(), finder)
        assert (alone.status, alone.steps, alone.rounds) == (one.status, one.steps, one.rounds)
        torch.testing.assert_close(alone.path.vertices, one.path.vertices, rtol=0, atol=1e-10)
    cnn1d.float()


def test_lower_ends(cnn1d, natural_pairs):
    a, c, labels = (part[:3] for part in natural_pairs)
    objective = ClassLoss(cnn1d, labels)
    closed = a + 2 * torch.randn(a.shape, generator=torch.Generator().manual_seed(5))
    with pytest.raises(ValueError, match=r"pair 0 has a closed end point: losses .*, level 0.001; .*lower_ends=True"):
        find_paths(objective, closed, c, strict=True)
    assert {one.status for one in find_paths(objective, closed, c)} == {"closed end"}
    trained = PRESETS["trained"].descent
    slow = Finder(descent=replace(trained, iterations=100))
    with pytest.raises(ValueError, match=r"an end point of pair \d cannot be lowered to stop=0.0005 in 100 steps"):
        find_paths(objective, closed, c, slow, lower_ends=True, strict=True)
    faster = Finder(descent=replace(trained, lr=0.05))  # a projected rule has no hyperplane at an end
    for finder in (PRESETS["default"], faster):
        found = find_paths(objective, closed, c, finder, lower_ends=True)
        assert max(one.end_losses[0] for one in found) <= 5e-4
        assert all(torch.equal(one.path.vertices[-1], c[i]) for i, one in enumerate(found))


def test_report_hears_how_far_the_search_is(cnn1d, natural_pairs, connections):
    heard = []
    a, c, labels = natural_pairs
    find_paths(ClassLoss(cnn1d, labels), a, c, report=heard.append)
    first, last = heard[0], heard[-1]
    assert first.pairs == last.pairs == last.ended == last.connected == len(a) and first.ended < len(a)
    assert max(one.round for one in heard) == max(one.rounds for one in connections)
    assert str(last).startswith(f"{len(a)} of {len(a)} pairs connected, round 0, ")
    assert (last.n_forward, last.n_gradient) == (connections.cost.n_forward, connections.cost.n_gradient)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda a, c: (a * torch.nan, c), "a holds NaN or infinite values at index 0"),
        (lambda a, c: (a, c[:1]), "a and c must match in shape"),
        (lambda a, c: (a.long(), c.long()), "a must be a floating tensor"),
        (lambda a, c: (a[0, 0], c[0, 0]), r"a must be a floating tensor \(n, \*shape\)"),
        (lambda a, c: (a[:0], c[:0]), "a is empty"),
        (lambda a, c: (a.double(), c), "must match in shape, dtype and device"),
    ],
)
def test_bad_points(cnn1d, natural_pairs, change, message):
    a, c, labels = (part[:2] for part in natural_pairs)
    with pytest.raises(ValueError, match=message):
        find_paths(ClassLoss(cnn1d, labels), *change(a, c))


@pytest.mark.parametrize(
    ("shape", "labels", "message"),
    [
        ((2, 1, 41), [1, 1], r"cannot take points of shape \(1, 41\) with labels 1..1 for 2 pairs"),
        ((2, 3, 40), [1, 1], r"cannot take points of shape \(3, 40\)"),
        ((2, 1, 40), [1, 10], r"cannot take points of shape \(1, 40\) with labels 1..10 for 2 pairs"),
        ((2, 1, 40), [1], r"with labels 1..1 for 1 pairs"),
    ],
)
def test_points_or_labels_that_the_model_does_not_take(cnn1d, shape, labels, message):
    with pytest.raises(ValueError, match=message):
        find_paths(ClassLoss(cnn1d, torch.tensor(labels)), torch.zeros(shape), torch.ones(shape))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"level": 5e-4}, "the level must lie above the optimiser's stop, got level=0.0005, stop=0.0005"),
        ({"level": float("nan")}, "level must be a finite number, got nan"),
        ({"level": float("inf")}, "level must be a finite number, got inf"),
        ({"max_rounds": -1}, "max_rounds must be at least 0"),
        ({"dense": 3}, "dense must be at least 16"),
        ({"coarse": 1}, "coarse must be at least 2"),
    ],
)
def test_bad_settings(arguments, message):
    with pytest.raises(ValueError, match=message):
        Finder(**arguments)


def test_a_model_in_training_mode_is_refused(cnn1d, natural_pairs):
    try:
        with pytest.raises(ValueError, match=r"training mode.*call model.eval\(\)"):
            ClassLoss(cnn1d.train(), natural_pairs[2])
    finally:
        cnn1d.eval()


def test_all_segments_are_cut_where_that_is_asked_for():
    """A path with a closed segment and an open one: three cuts instead of two in the second round."""

    def two_ridges(points):
        x, y = points[:, 0], points[:, 1]
        ridge = torch.exp(-20 * (x - 1.5) ** 2) + 0.9 * torch.exp(-20 * (x + 1.5) ** 2)
        return ridge * (1 - torch.exp(-((y - 1) ** 2) * 4))

    finder = replace(PROJECTED, descent=Descent(lr=0.02, stop=0.05, projected=True), split="all")
    (found,) = find_paths(Field(two_ridges), *ends(), finder)
    assert found.connected and [path.n_segments for path in found.history] == [1, 2, 4]


def test_of_several_candidates_the_one_with_the_lowest_segments_is_taken():
    """Two passes, the one beside the barrier a dead end: behind it stands a wall that the other way round avoids."""

    def field(points):
        x, y = points[:, 0], points[:, 1]
        ridge = torch.exp(-20 * x**2) * (1 - torch.exp(-((y + 0.5) ** 2) * 20) - torch.exp(-((y - 1.5) ** 2) * 20))
        wall = 0.5 * torch.exp(-10 * (x - 1) ** 2) * torch.sigmoid(-20 * (y - 0.4))
        return ridge.clamp(min=0) + wall

    one = replace(PROJECTED, descent=Descent(lr=0.05, stop=0.1, iterations=400, projected=True), level=0.2)
    heights = {}
    for candidates in (1, 8):
        (found,) = find_paths(Field(field), *ends(), replace(one, candidates=candidates, max_rounds=1))
        heights[candidates] = found.barriers[1]
    assert heights[8] < heights[1]


@pytest.mark.parametrize(
    "limit", [{"seconds": 1e-9}, *({"evaluations": n} for n in (40, 1_000, 2_500, 4_000))], ids=str
)
def test_a_spent_budget_is_a_reason(cnn1d, natural_pairs, limit):
    """And a round that was not finished leaves no trace."""
    a, c, labels = natural_pairs
    found = find_paths(ClassLoss(cnn1d, labels), a, c, replace(PRESETS["default"], **limit))
    assert {one.status for one in found} <= {"budget", "connected"} and any(one.status == "budget" for one in found)
    for i, one in enumerate(found):
        assert torch.equal(one.path.vertices[0], a[i]) and torch.equal(one.path.vertices[-1], c[i])
        assert len(one.history) == len(one.barriers) and max(one.born) <= one.rounds


def test_an_interruption_returns_what_is_finished(cnn1d, natural_pairs, connections):
    a, c, labels = natural_pairs
    finished = 10

    def interrupt(progress):
        if progress.ended >= finished:
            raise KeyboardInterrupt

    found = find_paths(ClassLoss(cnn1d, labels), a, c, report=interrupt)
    done = [one for one in found if one.status == "connected"]
    assert len(done) >= finished and {one.status for one in found} == {"connected", "interrupted"}
    for one, whole in zip(found, connections, strict=True):
        if one.connected:
            assert one.rounds == whole.rounds
        else:
            assert one.rounds <= whole.rounds and len(one.history) == len(one.barriers)


def test_a_loss_that_is_not_finite_fails_its_pair_alone():
    """Pair 1 goes down into a hole where the field is NaN; the others do not."""

    def field(points, pairs):
        hole = (pairs == 1) & (points[:, 1] > 0.3)
        return torch.where(hole, torch.nan, ridge_with_pass(0.05)(points))

    found = find_paths(field, *ends(3), FREE)
    alone = find_paths(Field(ridge_with_pass(0.05)), *ends(), FREE)[0]
    assert [one.status for one in found] == ["connected", "failed", "connected"]
    assert found[1].path.vertices.isfinite().all() and found[1].steps > 0
    for one in (found[0], found[2]):
        torch.testing.assert_close(one.path.vertices, alone.path.vertices, rtol=0, atol=1e-10)


def test_points_stay_within_bounds(cnn1d, natural_pairs):
    a, c, labels = (part[:8] for part in natural_pairs)
    low, high = min(a.min(), c.min()).item(), max(a.max(), c.max()).item()
    rule = replace(PRESETS["default"].descent, bounds=(low, high), lr=2.0, iterations=64)
    found = find_paths(ClassLoss(cnn1d, labels), a, c, replace(PRESETS["default"], descent=rule))
    free = find_paths(ClassLoss(cnn1d, labels), a, c, replace(PRESETS["default"], descent=replace(rule, bounds=None)))

    def extent(paths):
        vertices = torch.cat([one.path.vertices for one in paths])
        return vertices.min().item(), vertices.max().item()

    assert extent(found) == (low, high)
    assert extent(free)[1] > high  # so that there was something to keep in
    tight = replace(PRESETS["default"], descent=replace(rule, bounds=(low, high / 2)))
    with pytest.raises(ValueError, match="must lie in .*, got .* at index"):
        find_paths(ClassLoss(cnn1d, labels), a, c, tight)


def test_pairs_that_are_made_as_they_are_needed(cnn1d, natural_pairs, connections):
    """The same results, and never more pairs at a time than a few batches."""
    a, c, labels = natural_pairs
    drawn, ended = [], []

    def source():
        for i in range(len(a)):
            drawn.append(i)
            assert len(drawn) - len(ended) <= 4 * small.batch_size + 1
            yield a[i], c[i]

    small = replace(PRESETS["default"], batch_size=2)
    for i, one in stream_paths(ClassLoss(cnn1d, labels), source(), small):
        ended.append(i)
        assert (one.status, one.rounds) == (connections[i].status, connections[i].rounds)
    assert sorted(ended) == list(range(len(a)))
    assert list(stream_paths(ClassLoss(cnn1d, labels), iter(()))) == []


def test_ranking_in_lower_precision_finds_paths_of_the_same_quality(cnn1d, natural_pairs, connections):
    a, c, labels = natural_pairs
    objective = ClassLoss(cnn1d, labels)
    found = find_paths(objective, a, c, replace(PRESETS["default"], precision="bfloat16"))
    assert all(one.connected for one in found)
    assert abs(np.mean([one.rounds for one in found]) - np.mean([one.rounds for one in connections])) < 0.3
    for i, one in enumerate(found):  # every loss that was kept is one of the full precision
        assert losses_along(objective, one, i).max() <= PRESETS["default"].level


def losses_along(objective, connection, pair, n=500):
    points = connection.path(connection.path.positions(n))
    return objective(points, torch.full((len(points),), pair))


def test_a_row_without_patience_is_stuck(cnn1d, natural_pairs):
    """The deviation weight holds the loss above stop: 40 steps without gain end what would take 200."""
    a, c, labels = natural_pairs
    rule = replace(PRESETS["trained"].descent, deviation=10.0, iterations=200)
    steps = {}
    for patience in (None, 40):
        found = find_paths(
            ClassLoss(cnn1d, labels), a, c, Finder(descent=replace(rule, patience=patience), max_rounds=1)
        )
        steps[patience] = [one.steps for one in found if one.status == "stalled"]
    assert set(steps[None]) == {200} and len(steps[40]) == len(steps[None])
    assert np.mean(steps[40]) < 150


def test_pairs_spread_over_devices_are_as_on_one(cnn1d, natural_pairs):
    """Two blocks, in two threads, on whatever devices there are: in float64 to 1e-10."""
    a, c, labels = (part[:9] for part in natural_pairs)
    model = cnn1d.double()
    objective = ClassLoss(model, labels)
    whole = find_paths(objective, a.double(), c.double())
    spread = find_paths_on(["cpu", "cpu"], lambda place: objective, a.double(), c.double())
    cnn1d.float()
    assert spread.cost.n_gradient == whole.cost.n_gradient
    for one, other in zip(spread, whole, strict=True):
        assert (one.status, one.steps, one.rounds) == (other.status, other.steps, other.rounds)
        torch.testing.assert_close(one.path.vertices, other.path.vertices, rtol=0, atol=1e-10)
    with pytest.raises(ValueError, match="unknown device 'cuda:77'"):
        find_paths_on(["cpu", "cuda:77"], lambda place: objective, a, c)


@pytest.mark.slow
@on_linux
def test_a_thousand_pairs_of_pictures_in_four_gibibytes():
    """Pairs of 3 x 224 x 224 numbers, 600 kB a point, made as they are needed; peak memory of a fresh process."""
    program = """
import torch
from empirical.descent.rows import Descent
from empirical.losses.objectives import Field
from empirical.finder.find import Finder, stream_paths

def ridge(points):  # closed where the mean is about 0, but for pictures whose upper half is unlike the lower
    mean = points.flatten(1).mean(1)
    tilt = points[:, :, :112].flatten(1).mean(1) - points[:, :, 112:].flatten(1).mean(1)
    return torch.exp(-20 * mean**2 - (tilt / 0.02) ** 2)

def pairs(generator=torch.Generator().manual_seed(0)):
    for _ in range(1000):
        x = torch.randn(3, 224, 224, generator=generator) * 0.1
        yield x - x.mean() - 1, x - x.mean() + 1

finder = Finder(level=0.2, descent=Descent(lr=0.01, stop=0.1), batch_size=16, coarse=8, dense=8, recheck=16)
ended = [(i, one.rounds) for i, one in stream_paths(Field(ridge), pairs(), finder)]
assert sorted(i for i, _ in ended) == list(range(1000))
print(peak() / 2**30, max(rounds for _, rounds in ended))
"""
    done = subprocess.run([sys.executable, "-c", PEAK + program], capture_output=True, text=True, check=True)
    peak, rounds = map(float, done.stdout.split())
    assert peak < 4 and rounds >= 1


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_on_a_gpu_as_on_the_cpu(cnn1d, natural_pairs):
    a, c, labels = (part[:10] for part in natural_pairs)
    here = find_paths(ClassLoss(cnn1d.double(), labels), a.double(), c.double())
    there = find_paths(ClassLoss(cnn1d.cuda(), labels.cuda()), a.double().cuda(), c.double().cuda())
    cnn1d.float().cpu()
    for one, other in zip(here, there, strict=True):
        assert (one.status, one.steps, one.rounds) == (other.status, other.steps, other.rounds)
        torch.testing.assert_close(other.path.vertices.cpu(), one.path.vertices, rtol=0, atol=1e-8)
