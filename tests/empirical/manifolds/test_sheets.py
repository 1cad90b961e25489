"""The lattice of a triangle, and a sheet that is relaxed onto a set that is known."""

import numpy as np
import pytest
import torch

from empirical import manifolds
from empirical.descent.rows import Descent
from empirical.losses.objectives import Field


@pytest.mark.parametrize("n", [1, 2, 7])
def test_the_lattice_of_a_triangle(n):
    weights, triangles = manifolds.triangle(n)
    assert weights.shape == ((n + 1) * (n + 2) // 2, 3) and triangles.shape == (n * n, 3)
    np.testing.assert_allclose(weights.sum(1), 1)
    assert (weights >= -1e-12).all()
    corners = weights[triangles]  # all small triangles have the same area and cover the large one
    area = np.abs(np.linalg.det(corners))
    np.testing.assert_allclose(area, 1 / n**2)


def test_a_sheet_is_relaxed_onto_a_cylinder():
    """Three modes on a cylinder: the flat triangle cuts through it, the relaxed one lies on it, its corners stay."""
    angles = torch.tensor([0.0, 0.8, 1.6])
    corners = torch.stack([angles.cos(), angles.sin(), torch.tensor([0.0, 1.0, 0.0])], dim=1)

    def distance(x):
        return 10 * (x[:, :2].norm(dim=1) - 1) ** 2

    rule = Descent("steepest", lr=0.5, iterations=200, stop=1e-4)
    sheet = manifolds.sheet(Field(distance), corners, rule, n=12)
    assert sheet.loss_flat.max() > 0.1 and sheet.loss_relaxed.max() <= 1e-4
    assert sheet.open_share(1e-3, relaxed=False) < 0.5 < 0.99 < sheet.open_share(1e-3, relaxed=True)
    for k in range(3):
        (tip,) = (sheet.weights[:, k] == 1).nonzero()[0]
        assert torch.equal(sheet.relaxed[tip], corners[k]) and sheet.displacement[tip] == 0
    # radial moves: the height stays what it was, and neighbours stay neighbours
    np.testing.assert_allclose(sheet.relaxed[:, 2], sheet.flat[:, 2], atol=1e-6)
    steepest = np.cos(0.8)  # of the chord of 1.6 radians against the cylinder, at its ends
    assert 0.95 * steepest < sheet.stretch.min() and sheet.stretch.max() < 1.05 / steepest
    sides = [np.linalg.norm(sheet.plane[i] - sheet.plane[j]) for i, j in ((0, 12), (12, 90), (90, 0))]
    straight = [(sheet.flat[i] - sheet.flat[j]).norm().item() for i, j in ((0, 12), (12, 90), (90, 0))]
    np.testing.assert_allclose(sides, straight, rtol=1e-5)
    with pytest.raises(ValueError, match="three modes, got 2"):
        manifolds.sheet(Field(distance), corners[:2], rule)
