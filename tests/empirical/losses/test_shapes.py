"""Few shapes: batches of a few sizes, whatever is asked, with the same numbers; graphs that fall back and say so."""

from copy import deepcopy

import pytest
import torch

from empirical.finder.find import PRESETS, find_paths
from empirical.losses import graphs
from empirical.losses.evaluation import FACTOR, SMALLEST, Evaluator, _busy
from empirical.losses.graphs import CAPTURE_AFTER, Graphs, graphs_of
from empirical.losses.objectives import ClassLoss, Field
from empirical.networks import models


class Seen:
    """A field that remembers the sizes of its batches."""

    def __init__(self):
        self.sizes = []

    def __call__(self, points):
        self.sizes.append(len(points))
        return points.square().sum(1)


@pytest.fixture
def points(generator):
    return torch.randn(3000, 3, generator=generator, dtype=torch.float64)


def test_batches_have_one_of_a_few_sizes_and_copies_are_never_seen(points):
    seen = Seen()
    evaluate = Evaluator(Field(seen), points, fixed=True)
    evaluate.forward_chunk = evaluate.gradient_chunk = 1024
    assert evaluate.sizes(1024) == [16, 64, 256, 1024]
    seen.sizes.clear()
    asked = [1, 15, 16, 17, 33, 100, 255, 300, 1000, 1025, 3000]
    for n in asked:
        pairs = torch.zeros(n, dtype=torch.long)
        assert torch.equal(evaluate.losses(points[:n], pairs), points[:n].square().sum(1))
        losses, gradient = evaluate.slopes(points[:n], pairs)
        assert len(losses) == len(gradient) == n
        torch.testing.assert_close(gradient, 2 * points[:n])
    assert set(seen.sizes) == {16, 64, 256, 1024} == {size for _, size in evaluate.shapes}
    assert sum(evaluate.shapes.values()) == len(seen.sizes)
    assert evaluate.n_forward == evaluate.n_gradient == sum(asked)
    assert sum(seen.sizes) < 2 * (2 * sum(asked) + 2 * len(asked) * SMALLEST)  # of what is evaluated half is asked for


def test_penalties_and_logs_are_those_of_a_batch_of_any_size(points):
    def penalty(x, part):
        return (x - points[part] + 1).square().mean(1)

    some, pairs = points[:50], torch.zeros(50, dtype=torch.long)
    found = [
        Evaluator(Field(Seen()), points, fixed=fixed).slopes(some, pairs, penalty, log=True) for fixed in (True, False)
    ]
    for one, other in zip(*found, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-14, atol=0)
    exact = 2 * some / some.square().sum(1, keepdim=True) + 2 / 3
    torch.testing.assert_close(found[0][1], exact)


def test_a_chunk_below_the_smallest_size_is_the_only_size(points):
    evaluate = Evaluator(Field(Seen()), points, fixed=True)
    evaluate.forward_chunk = 5
    evaluate.losses(points[:12], torch.zeros(12, dtype=torch.long))
    assert {size for _, size in evaluate.shapes} == {5}


def test_a_search_asks_for_few_shapes(trained_cnn1d, low_pairs, monkeypatch):
    """And finds what it finds without: in float64 the same statuses, rounds and paths."""
    a, c, labels = (part.double() if part.is_floating_point() else part for part in low_pairs(12))
    objective = ClassLoss(trained_cnn1d.double(), labels)
    plain = find_paths(objective, a, c)
    made = []

    class Fixed(Evaluator):
        def __init__(self, objective, like, memory=None):
            super().__init__(objective, like, memory, fixed=True)
            made.append(self)

    monkeypatch.setattr("empirical.finder.search.Evaluator", Fixed)
    fixed = find_paths(objective, a, c, PRESETS["default"])
    trained_cnn1d.float()
    sizes = {size for _, size in made[0].shapes}
    assert len(sizes) <= 6 and all(size == SMALLEST * FACTOR**k for k, size in enumerate(sorted(sizes)[:-1]))
    assert fixed.cost.n_forward == plain.cost.n_forward
    for one, other in zip(fixed, plain, strict=True):
        assert (one.status, one.rounds) == (other.status, other.rounds)
        torch.testing.assert_close(one.path.vertices, other.path.vertices, rtol=0, atol=1e-9)


def test_a_chunk_is_the_least_that_keeps_the_device_busy(monkeypatch):
    asked = []

    def seconds(work, point, n):
        asked.append(n)
        return 1e-3 + n * 5e-6  # a launch and 200,000 points a second

    monkeypatch.setattr("empirical.losses.evaluation._seconds", seconds)
    assert _busy(None, torch.zeros(1, 2), 10**6) == 1024 and asked == [64, 256, 1024]
    assert _busy(None, torch.zeros(1, 2), 100) == 100
    monkeypatch.setattr(
        "empirical.losses.evaluation._seconds", lambda *_: (_ for _ in ()).throw(torch.OutOfMemoryError())
    )
    assert _busy(None, torch.zeros(1, 2), 100) == 16


class Pretended:
    """What stands in for a captured graph where there is no GPU: it remembers the memory of its first points."""

    def __init__(self, work, points, pairs):
        if points.isnan().any():
            raise RuntimeError("operation not permitted when stream is capturing")
        self.work, self.replays = work, 0

    def replay(self, points, pairs):
        self.replays += 1
        return self.work(points, pairs)


@pytest.fixture
def pretended(monkeypatch):
    monkeypatch.setattr(graphs, "_Captured", Pretended)


def test_a_graph_is_captured_once_a_size_is_asked_for_often(pretended, points):
    kept, pairs = Graphs(), torch.zeros(16, dtype=torch.long)
    work = lambda x, pairs: (x.square().sum(1),)  # noqa: E731
    made = [kept.run(("forward",), work, points[:16], pairs)[1] for _ in range(CAPTURE_AFTER + 3)]
    assert made == [False] * CAPTURE_AFTER + [True, False, False]
    ((_, captured),) = kept.kept.items()
    assert captured.replays == 1 + 3  # compared once
    kept.run(("forward",), work, points[:64], torch.zeros(64, dtype=torch.long))
    assert len(kept.kept) == 1


def test_what_cannot_be_captured_is_evaluated_plainly_and_says_so(pretended, points):
    kept, pairs = Graphs(), torch.zeros(16, dtype=torch.long)
    nan = torch.full((16, 3), torch.nan)
    with pytest.warns(UserWarning, match="no CUDA graph of this objective.*not permitted when stream is capturing"):
        for _ in range(CAPTURE_AFTER + 2):
            (found,), _ = kept.run(("forward",), lambda x, pairs: (x.sum(1),), nan, pairs)
    assert found.isnan().all() and not kept.on and "RuntimeError" in kept.refused


def test_a_replay_that_gives_other_losses_is_refused(pretended, points):
    kept, generator = Graphs(), torch.Generator().manual_seed(0)
    with pytest.warns(UserWarning, match="its replay gives other losses"):
        for _ in range(CAPTURE_AFTER + 1):
            kept.run(
                ("forward",),
                lambda x, pairs: (torch.rand(16, generator=generator),),
                points[:16],
                torch.zeros(16, dtype=torch.long),
            )
    assert not kept.kept


def test_graphs_live_as_long_as_their_objective_and_its_weights(cnn1d):
    objective = ClassLoss(cnn1d, torch.tensor([1]))
    first = graphs_of(objective, on=True)
    assert graphs_of(objective, on=True) is first
    cnn1d.double()  # the weights lie elsewhere now
    assert graphs_of(objective, on=True) is not first
    key = id(objective)
    assert key in graphs._of
    del objective
    assert key not in graphs._of
    assert not graphs_of(Field(torch.sum), on=False).on


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a CUDA device")
def test_real_graphs_give_the_losses_and_gradients_of_the_cpu():
    """In float64 to 1e-9, and after the weights were changed in place too."""
    model = models.untrained("cnn1d", (1, 40), seed=1).double()
    objective = ClassLoss(model, torch.tensor([1, 2, 3]))
    there = ClassLoss(deepcopy(model).cuda(), torch.tensor([1, 2, 3]).cuda())
    x = torch.randn(300, 1, 40, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    pairs = torch.arange(300) % 3
    plain, graphed = Evaluator(objective, x), Evaluator(there, x.cuda())
    for scale in (1.0, 1.5):
        for network in (model, there.model):
            with torch.no_grad():
                network[0].weight.mul_(scale)
        for _ in range(CAPTURE_AFTER + 2):
            found = graphed.losses(x.cuda(), pairs.cuda())
            losses, gradient = graphed.slopes(x.cuda(), pairs.cuda(), log=True)
        expected = plain.slopes(x, pairs, log=True)
        torch.testing.assert_close(found.cpu(), plain.losses(x, pairs), rtol=0, atol=1e-9)
        torch.testing.assert_close(losses.cpu(), expected[0], rtol=0, atol=1e-9)
        torch.testing.assert_close(gradient.cpu(), expected[1], rtol=0, atol=1e-9)
    assert graphed.graphs.on and graphed.graphs.kept
