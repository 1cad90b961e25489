"""Chunks that fit: the same numbers however many points go at a time, counted, and halved where memory runs out."""

import pytest
import torch

from empirical.losses.evaluation import CACHE, Evaluator, intermediate_bytes
from empirical.losses.objectives import ClassLoss, Field, InPrecision


class Scarce:
    """An objective for which more than `most` points at once are too many, as a full device would say."""

    def __init__(self, most, error):
        self.most, self.error, self.sizes = most, error, []

    def __call__(self, points, pairs):
        if len(points) > self.most:
            raise self.error
        self.sizes.append(len(points))
        return points.square().sum(1) + pairs


OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory."),
    RuntimeError("[enforce fail at alloc_cpu.cpp:127] DefaultCPUAllocator: can't allocate memory: you tried 8 bytes"),
]


@pytest.fixture
def points(generator):
    return torch.randn(100, 3, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=["device", "cpu"])
def test_where_memory_runs_out_chunks_are_halved_and_nothing_changes(points, error):
    objective = Scarce(most=9, error=error)
    pairs = torch.arange(100)
    evaluate = Evaluator(objective, points)
    found = evaluate.losses(points, pairs)
    losses, gradient = evaluate.slopes(points, pairs)
    expected = points.square().sum(1) + pairs
    assert torch.equal(found, expected) and torch.equal(losses, expected)
    torch.testing.assert_close(gradient, 2 * points)
    assert evaluate.forward_chunk <= 9 and evaluate.gradient_chunk <= 9
    assert (evaluate.n_forward, evaluate.n_gradient) == (100, 100)


def test_one_point_that_does_not_fit_is_an_error_and_so_is_any_other(points):
    evaluate = Evaluator(Scarce(2, OUT_OF_MEMORY[0]), points)
    evaluate.objective.most = 0
    with pytest.raises(torch.OutOfMemoryError):
        evaluate.losses(points, torch.arange(100))
    other = Evaluator(Scarce(2, RuntimeError("something else")), points)
    with pytest.raises(RuntimeError, match="something else"):
        other.slopes(points, torch.arange(100))


def test_out_of_memory_is_not_taken_for_a_wrong_shape(cnn1d):
    class Full(torch.nn.Module):
        def forward(self, x):
            raise OUT_OF_MEMORY[1]

    with pytest.raises(RuntimeError, match="can't allocate"):
        ClassLoss(Full().eval(), torch.tensor([1]))(torch.zeros(1, 1, 40), torch.tensor([0]))


def test_bytes_of_a_point_are_those_of_the_tensors_kept_for_the_backward_pass():
    """A linear layer 3 -> 50 and a ReLU keep the ReLU's result, 200 bytes, and the squares theirs, 200."""
    layer = torch.nn.Linear(3, 50).requires_grad_(False)
    kept, largest = intermediate_bytes(Field(lambda x: layer(x).relu().square().sum(1)), torch.ones(1, 3))
    assert largest == 200 and 200 <= kept <= 600


def test_chunks_follow_from_the_objective(cnn1d):
    evaluate = Evaluator(ClassLoss(cnn1d, torch.tensor([1])), torch.zeros(1, 1, 40))
    _, largest = intermediate_bytes(evaluate.objective, torch.zeros(1, 1, 40))
    assert largest == 32 * 20 * 4  # the first layer's result
    assert evaluate.forward_chunk == min(CACHE // largest, 4096)
    assert Evaluator(evaluate.objective, torch.zeros(1, 1, 40), memory=1).gradient_chunk == 1


def test_not_a_number_counts_as_infinite():
    found = Evaluator(Field(lambda x: x[:, 0].log()), torch.ones(1, 1)).losses(
        torch.tensor([[-1.0], [1.0]]), torch.zeros(2, dtype=torch.long)
    )
    assert found.tolist() == [torch.inf, 0.0]


def test_lower_precision_is_lower_and_comes_back_in_full(cnn1d, signals):
    objective = ClassLoss(cnn1d, signals.y_test[:8])
    full = objective(signals.x_test[:8], torch.arange(8))
    lower = InPrecision(objective, torch.bfloat16)(signals.x_test[:8], torch.arange(8))
    assert lower.dtype == full.dtype and not torch.equal(lower, full)
    torch.testing.assert_close(lower, full, rtol=0.2, atol=0.2)
