import pytest
import torch

from empirical.objectives import Field
from empirical.segmentation import occupation


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
