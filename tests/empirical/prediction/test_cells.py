import math

import numpy as np
import pytest
import torch
from torch import nn

from empirical.descent.rows import Descent
from empirical.finder.find import Finder, find_paths
from empirical.losses.objectives import ClassLoss, Field
from empirical.prediction.cells import OnSlice, affine_slice, cut, occupation
from percolation import level_sets
from tests.empirical.fields import LEFT, RIGHT, ridge_with_pass


def test_a_half_plane_and_a_strip(generator):
    a, c = torch.tensor([[0.0, 0.0]]), torch.tensor([[4.0, 0.0]])
    half = occupation(Field(lambda x: x[:, 0] - 1), a, c, 0.0, n_cells=40, generator=generator)
    assert half.item() == 0.25  # the square runs over x in [0, 4]: cells with centre x <= 1
    strip = occupation(Field(lambda x: x[:, 1].abs() - 1), a, c, 0.0, n_cells=40, generator=generator)
    assert strip.item() == 0.5  # and over y in [-2, 2]


def test_the_slice_is_square_and_orthogonal_in_any_dimension(generator):
    seen = []

    def watching(points):
        seen.append(points.clone())
        return points[:, 0]

    a = torch.randn(1, 200, generator=generator, dtype=torch.float64)
    c = torch.randn(1, 200, generator=generator, dtype=torch.float64)
    occupation(Field(watching), a, c, 0.0, n_cells=8, generator=generator)
    cells = seen[0].view(8, 8, 200)
    along, across = cells[-1, 0] - cells[0, 0], cells[0, -1] - cells[0, 0]
    assert along @ across == pytest.approx(0, abs=1e-9)
    assert along.norm() == pytest.approx(across.norm()) == pytest.approx(7 / 8 * (c - a).norm())
    torch.testing.assert_close(cells.mean((0, 1)), ((a + c) / 2)[0])


def pair(shape, generator, dtype=torch.float64):
    return torch.randn(2, *shape, generator=generator, dtype=dtype)


def test_a_slice_holds_its_points_and_is_orthonormal(generator):
    a, c = pair((3, 8, 8), generator)
    others = torch.randn(2, 3, 8, 8, generator=generator, dtype=torch.float64)
    where = affine_slice(a, c, 5, n=4, through=others, margin=2.0, generator=generator)
    frame = where.axes.flatten(1)
    torch.testing.assert_close(frame @ frame.T, torch.eye(5, dtype=torch.float64))
    held = torch.stack([a, c, *others])
    torch.testing.assert_close(where.points(where.coordinates(held)), held)
    length = float((c - a).norm())
    torch.testing.assert_close(
        where.coordinates(held[:2]), torch.tensor([[0.0] * 5, [length] + [0.0] * 4], dtype=torch.float64)
    )
    assert where.side == pytest.approx(5 * length / 4)
    assert where.n_cells == 4**5


def test_principal_axes_lead_and_leave_out_what_is_there(generator):
    a, c = torch.zeros(6, dtype=torch.float64), torch.eye(6, dtype=torch.float64)[0]
    spread = torch.tensor([50.0, 1.0, 9.0, 1e-9, 5.0, 0.1], dtype=torch.float64)
    cloud = torch.randn(500, 6, generator=generator, dtype=torch.float64) * spread
    where = affine_slice(a, c, 3, n=3, principal_of=cloud)
    assert where.axes[1:, [2, 4]].abs().diagonal().min() > 0.99
    assert where.axes[1:, 0].abs().max() < 1e-12
    few = affine_slice(a, c, 4, n=3, principal_of=cloud[:2], generator=generator)  # two points have one direction
    frame = few.axes.flatten(1)
    torch.testing.assert_close(frame @ frame.T, torch.eye(4, dtype=torch.float64))


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("margin", [0.0, 0.25])
@pytest.mark.parametrize("k", [1, 2, 3, 6])
def test_cells_and_points_go_to_and_fro(generator, k, margin, dtype):
    a, c = pair((1, 9), generator, dtype)
    where = affine_slice(a, c, k, n=5, margin=margin, generator=generator)
    cells = np.arange(where.n_cells)
    np.testing.assert_array_equal(where.cells(where.points_of(cells)), cells)
    first, second = (np.unravel_index(cell, (5,) * k) for cell in where.ends)
    width = 5 / (1 + 2 * margin)  # |C - A| in cells
    assert first[0] == int(5 * margin / (1 + 2 * margin))
    assert second[0] == min(int(5 * margin / (1 + 2 * margin) + width), 4)
    assert first[1:] == second[1:] == (2,) * (k - 1)


def test_values_are_those_at_the_centres_whatever_the_batches(generator):
    a, c = pair((2, 5), generator)
    where = affine_slice(a, c, 3, n=7, generator=generator)
    objective = Field(lambda x: (x.flatten(1).sin() * torch.arange(10)).sum(1))
    whole = cut(objective, where)
    assert whole.values.shape == (7, 7, 7) and whole.values.dtype == np.float64
    expected = objective(where.points_of(np.arange(343)), torch.zeros(343))
    np.testing.assert_allclose(whole.values.ravel(), expected.numpy(), atol=1e-12)
    for max_bytes in (1, 8 * 10 * 50):
        np.testing.assert_allclose(cut(objective, where, max_bytes=max_bytes).values, whole.values, atol=1e-12)
    assert cut(objective, affine_slice(a.float(), c.float(), 1, n=4)).values.dtype == np.float32


def test_no_batch_is_above_the_budget(generator):
    a, c = pair((40,), generator)
    sizes = []

    def watching(points):
        sizes.append(points.numel() * points.element_size())
        return points[:, 0]

    cut(Field(watching), affine_slice(a, c, 2, n=30, generator=generator), max_bytes=5000)
    assert max(sizes) <= 5000 and sum(sizes) == 900 * 40 * 8


def test_the_objective_hears_of_the_pair(generator):
    model = nn.Linear(4, 3).double().eval()
    loss = ClassLoss(model, torch.tensor([0, 2]))
    a, c = pair((4,), generator)
    where = affine_slice(a, c, 2, n=3, generator=generator)
    for number in range(2):
        expected = loss(where.points_of(np.arange(9)), torch.full((9,), number)).detach().numpy()
        np.testing.assert_allclose(cut(loss, where, pair=number).values.ravel(), expected)
        on_slice = OnSlice(loss, where, number)
        coordinates = torch.from_numpy(where.centres(np.arange(9)))
        np.testing.assert_allclose(on_slice(coordinates, torch.arange(9)).detach().numpy(), expected)


def test_the_height_of_a_pass(generator):
    """The barrier of `ridge_with_pass` is its height; |df/dx| <= 2 exp(-1/2) and |df/dy| <= exp(-1/2)."""
    lipschitz = math.sqrt(5 / math.e)
    a, c = torch.tensor(LEFT).double(), torch.tensor(RIGHT).double()
    for height in (0.1, 0.5):
        where = affine_slice(a, c, 2, n=400, margin=0.1, generator=generator)
        levels = level_sets.sweep(cut(Field(ridge_with_pass(height)), where).values)
        assert abs(levels.barrier(*where.ends) - height) <= where.discretisation(lipschitz) < 0.04
        way = where.points_of(levels.path(*where.ends))
        assert way[way[:, 0].abs().argmin(), 1] == pytest.approx(1, abs=0.3)


def tanh_network(generator):
    """The loss of a small network on R^20, and its Lipschitz constant: sqrt(2) times the spectral norms."""
    model = nn.Sequential(nn.Linear(20, 12), nn.Tanh(), nn.Linear(12, 3)).double().eval().requires_grad_(False)
    for part in (model[0], model[2]):
        part.weight.normal_(generator=generator)
        part.weight *= 3 / torch.linalg.matrix_norm(part.weight, 2)
    return ClassLoss(model, torch.tensor([0])), lambda where: 9 * math.sqrt(2)


def eight_waves(generator):
    """5 + a sum of waves on R^20, variance 1, and its Lipschitz constant on a slice: the sum over waves of theirs."""
    w = torch.randn(20, 8, generator=generator, dtype=torch.float64)
    b = 2 * math.pi * torch.rand(8, generator=generator, dtype=torch.float64)
    return Field(
        lambda x: 5 + (x @ w + b).cos().sum(1) / 2
    ), lambda where: (where.axes @ w).norm(dim=0).sum().item() / 2


def along(path, n):
    """Points of a path at n of each of its segments."""
    t = torch.linspace(0, 1, n, dtype=path.vertices.dtype)[:, None]
    return torch.cat([torch.lerp(a, c, t) for a, c in zip(path.vertices, path.vertices[1:], strict=False)])


@pytest.mark.parametrize("make", [tanh_network, eight_waves])
@pytest.mark.parametrize(("k", "n"), [(2, 500), (3, 80)])
def test_the_barrier_of_cells_is_never_above_that_of_the_finder(make, k, n):
    """The finder on slices: B_cells <= B_finder + K sqrt(k) side / 2 wherever its path stayed in the cube."""
    n_compared, n_mended = 0, 0
    for seed in range(4):
        generator = torch.Generator().manual_seed(seed)
        objective, lipschitz_on = make(generator)
        points = torch.randn(200, 20, generator=generator, dtype=torch.float64)
        low = points[objective(points, torch.zeros(200).long()).argsort()[20:22]]
        where = affine_slice(*low, k, n=n, margin=0.25, generator=generator)
        on_slice, (a, c), lipschitz = OnSlice(objective, where), where.coordinates(low), lipschitz_on(where)
        level = 1.05 * objective(low, torch.zeros(2).long()).max().item()
        finder = Finder(level=level, descent=Descent(lr=0.02, iterations=100, stop=0.99 * level), max_rounds=2)
        found = find_paths(on_slice, a[None], c[None], finder)[0]
        way = along(found.path, 1000)
        if ((way.numpy() < where.lower) | (way.numpy() > where.lower + n * where.side)).any():
            continue
        spacing = found.path.segment_lengths.max().item() / 999
        finder_barrier = on_slice(way, torch.zeros(len(way)).long()).max().item() + lipschitz * spacing / 2
        barrier = level_sets.sweep(cut(objective, where).values).barrier(*where.ends)
        assert barrier <= finder_barrier + where.discretisation(lipschitz)
        n_compared, n_mended = n_compared + 1, n_mended + (found.rounds > 0)
    assert n_compared >= 3 and n_mended >= (2 if make is eight_waves else 0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"k": 7}, "at most 6 axes"),
        ({"k": 6, "n": 40}, "2\\^31 - 1 cells"),
        ({"k": 5}, "of 4 coordinates have no slice of 5"),
        ({"k": 0}, "k must be at least 1"),
        ({"n": 0}, "n must be at least 1"),
        ({"margin": -0.1}, "margin"),
        ({"generator": None}, "1 of 2 axes are to be drawn at random; pass a generator"),
        ({"c": torch.zeros(4)}, "c gives a direction that is zero"),
        ({"c": torch.full((4,), torch.nan)}, "NaN"),
        ({"through": torch.ones(1, 4)}, "through gives a direction that is zero or lies along"),
        ({"through": torch.eye(4)[:2], "k": 2}, "ask for 3 axes, got k=2"),
    ],
)
def test_what_is_no_slice(change, message, generator):
    arguments = {"a": torch.zeros(4), "c": torch.ones(4), "k": 2, "n": 3, "generator": generator} | change
    with pytest.raises(ValueError, match=message):
        affine_slice(**arguments)


def test_what_lies_outside_is_in_no_cell(generator):
    where = affine_slice(torch.zeros(3), torch.ones(3), 2, n=3, margin=0.1, generator=generator)
    with pytest.raises(ValueError, match="point 1 lies outside the cube of the slice; raise its margin"):
        where.cells(torch.stack([torch.zeros(3), 2 * torch.ones(3)]))
    with pytest.raises(ValueError, match="lipschitz"):
        where.discretisation(math.nan)
