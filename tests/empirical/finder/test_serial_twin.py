"""find_paths against the serial twin of benchmarks/, which shares none of its loops."""

from dataclasses import replace

import pytest
import torch

from benchmarks import serial_path_finder as serial
from empirical.descent.rows import Descent, descend
from empirical.ends import modes
from empirical.finder.find import PRESETS, Finder, find_paths
from empirical.losses.objectives import ClassLoss, Field
from tests.empirical.fields import FREE, PROJECTED, ends, ridge_with_pass


@pytest.fixture(scope="module")
def pairs(low_pairs):
    """12 natural pairs of a trained network, in float64."""
    a, c, labels = low_pairs(12)
    return a.double(), c.double(), labels


@pytest.mark.parametrize("preset", PRESETS)
def test_parity_in_float64(cnn1d, pairs, preset):
    """Vertices to 1e-10, the same status, rounds and steps, one pair at a time against all at once."""
    finder = replace(PRESETS[preset], scan="dense", descent=replace(PRESETS[preset].descent, iterations=300))
    a, c, labels = pairs
    objective = ClassLoss(cnn1d.double(), labels)
    together = find_paths(objective, a, c, finder)
    for i, ours in enumerate(together):
        twin = serial.connect(objective, a[i], c[i], i, finder, serial.PARITY)
        assert (ours.status, ours.rounds, ours.steps) == (twin.status, twin.rounds, twin.steps)
        assert ours.barrier == pytest.approx(twin.barrier, abs=1e-10)
        torch.testing.assert_close(ours.path.vertices, twin.vertices, rtol=0, atol=1e-10)
    cnn1d.float()
    assert max(one.rounds for one in together) >= 2 or preset == "trained"


@pytest.mark.parametrize("height", [0.05, 0.12])
@pytest.mark.parametrize("finder", [PROJECTED, FREE], ids=["projected", "free"])
def test_parity_on_a_field(height, finder):
    """A pass that is open, and one that is not: both say so, after the same steps."""
    field = Field(ridge_with_pass(height))
    a, c = ends()
    (ours,) = find_paths(field, a, c, finder)
    twin = serial.connect(field, a[0], c[0], 0, finder, serial.PARITY)
    assert (ours.status, ours.rounds, ours.steps) == (twin.status, twin.rounds, twin.steps)
    assert ours.connected == (height == 0.05)
    torch.testing.assert_close(ours.path.vertices, twin.vertices, rtol=0, atol=1e-10)


def test_parity_where_only_fine_grids_see_the_barrier():
    """Narrow bumps of uneven height, many pairs in one batch: where a scan ends depends on its own segment alone."""

    def bumps(points):
        x, y = points[:, 0], points[:, 1]
        return (0.2 + 0.1 * torch.sin(37 * x)) * torch.sin(61 * x) ** 40 * torch.exp(-(y**2))

    field, finder = Field(bumps), replace(FREE, max_rounds=2)
    a = torch.stack([torch.linspace(-3, -2, 300), torch.zeros(300)], dim=1).double()
    c = a + torch.tensor([1.3, 0.0], dtype=torch.float64)
    low = (bumps(a) < 0.1) & (bumps(c) < 0.1)
    together = find_paths(field, a[low], c[low], finder)
    for i in range(0, len(together), 10):
        twin = serial.connect(field, a[low][i], c[low][i], i, finder, serial.PARITY)
        assert (together[i].status, together[i].rounds, together[i].steps) == (twin.status, twin.rounds, twin.steps)
        torch.testing.assert_close(together[i].path.vertices, twin.vertices, rtol=0, atol=1e-10)


@pytest.mark.parametrize(
    ("procedure", "finder"), [(serial.PUBLISHED_TRAINED, PROJECTED), (serial.PUBLISHED_UNTRAINED, FREE)]
)
def test_the_published_procedure_finds_the_pass(procedure, finder):
    field = Field(ridge_with_pass(0.05))
    a, c = ends()
    found = serial.connect(
        field, a[0], c[0], 0, replace(finder, descent=replace(finder.descent, iterations=400)), procedure
    )
    assert found.connected and found.rounds >= 1
    assert torch.equal(found.vertices[0], a[0]) and torch.equal(found.vertices[-1], c[0])
    t = torch.linspace(0, 1, 3000, dtype=torch.float64)[:, None]
    for left, right in zip(found.vertices[:-1], found.vertices[1:], strict=True):
        assert field.function((1 - t) * left + t * right).max() <= PROJECTED.level + 1e-6
    if procedure is serial.PUBLISHED_TRAINED:
        assert found.steps % 400 == 0  # never early


def test_the_published_procedure_stays_in_the_hyperplane_only_roughly():
    """The gradient is projected, not the update: Adam's scaling of coordinates leads out, which is why ours differs."""
    skewed = Field(lambda x: 0.2 + x[:, 0] + 0.3 * x[:, 1] ** 2 + 0.01 * (x[:, 2] - 3) ** 2)
    b, direction = torch.ones(3, dtype=torch.float64), torch.tensor([0.0, 1.0, -2.0], dtype=torch.float64)
    finder = Finder(level=-8.0, descent=Descent(lr=0.02, stop=-9.0, iterations=50, projected=True))

    def cosine(optimise):
        moved = optimise(lambda x: skewed(x, torch.zeros(1)), b, direction, finder).point - b
        return (moved @ direction / moved.norm() / direction.norm()).abs().item()

    assert cosine(serial.PUBLISHED_TRAINED.optimise) > 0.05
    assert cosine(serial.PARITY.optimise) < 1e-12


def test_the_class_optimal_search_of_the_twin(cnn1d):
    """From the same start ours ends one step earlier at most, since it checks before it moves."""
    rule = replace(modes.CLASS_OPTIMAL, iterations=2000, log=False, patience=None)
    start = 0.01 * torch.randn(3, 1, 40, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    objective = ClassLoss(cnn1d.double(), torch.tensor([1, 4, 7]))
    ours = descend(objective, start, torch.arange(3), rule)
    for i in range(3):
        twin = serial.class_optimal(
            objective,
            start[i],
            i,
            lr=rule.lr,
            iterations=rule.iterations,
            stop=rule.stop,
            weight_decay=rule.weight_decay,
        )
        assert twin.steps == ours.steps[i] and twin.loss == pytest.approx(ours.losses[i].item(), abs=1e-10)
        torch.testing.assert_close(twin.point, ours.points[i], rtol=0, atol=1e-8)
    cnn1d.float()
