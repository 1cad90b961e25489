import math

import torch
from hypothesis import given
from hypothesis import strategies as st

from empirical.finder.paths import Path, between, profile
from empirical.losses.objectives import Field

CORNER = Path(torch.tensor([[0.0, 0.0], [3.0, 0.0], [3.0, 4.0]]))


def test_a_right_angle():
    assert CORNER.length == 7
    assert math.isclose(CORNER.excess_length, 7 / 5 - 1)
    assert torch.equal(CORNER.norms, torch.tensor([0.0, 3.0, 5.0]))
    torch.testing.assert_close(CORNER(torch.tensor([0.5, 1.25])), torch.tensor([[1.5, 0.0], [3.0, 1.0]]))
    torch.testing.assert_close(
        CORNER.arclength(torch.tensor([1.0, 1.5, 2.0])), torch.tensor([3 / 7, 5 / 7, 1]).double()
    )


def test_vertices_come_back_bit_for_bit():
    vertices = torch.randn(5, 2, 7, generator=torch.Generator().manual_seed(3))
    assert torch.equal(Path(vertices)(torch.arange(5.0)), vertices)


@given(st.integers(1, 2000), st.integers(1, 9))
def test_positions_hold_every_vertex_and_at_least_n_points(n, n_segments):
    s = Path(torch.zeros(n_segments + 1, 1)).positions(n)
    assert len(s) > n and set(range(n_segments + 1)) <= set(s.tolist())
    assert (s.diff() > 0).all() and s[0] == 0 and s[-1] == n_segments


@given(st.floats(-1e3, 1e3), st.floats(-1e3, 1e3), st.floats(0, 1))
def test_between_is_exact_at_the_ends(a, c, t):
    a, c, t = (torch.tensor(value) for value in (a, c, t))
    assert between(a, c, torch.tensor(0.0)) == a and between(a, c, torch.tensor(1.0)) == c
    assert min(a, c) - 1e-3 <= between(a, c, t) <= max(a, c) + 1e-3


def test_profile_of_a_field():
    s, loss = profile(Field(lambda points: points.sum(1)), CORNER, 0, 10)
    torch.testing.assert_close(loss, CORNER(s).sum(1))
    assert loss[0] == 0 and loss[-1] == 7


def test_coinciding_ends():
    assert math.isnan(Path(torch.ones(2, 3)).excess_length)
