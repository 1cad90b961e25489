"""Nothing false, nothing dropped: ends that are no numbers, networks that cannot say no, pictures that leave [0, 1]."""

from dataclasses import replace

import pytest
import torch
from torch import nn

from empirical.data.tensors import Normalisation
from empirical.descent.rows import Descent
from empirical.finder.find import PRESETS, Finder, find_paths, find_paths_on, stream_paths
from empirical.losses.objectives import ClassLoss, Field, OfPairs
from empirical.networks import models
from tests.empirical.fields import PROJECTED, ends, ridge_with_pass


def not_a_number_right(points):
    """NaN at RIGHT and beyond, 0 elsewhere."""
    return torch.where(points[:, 0] >= 3, torch.nan, 0.0 * points[:, 0])


@pytest.mark.parametrize("swapped", [False, True])
def test_an_end_whose_loss_is_not_a_number_is_closed(swapped):
    pair = ends()[::-1] if swapped else ends()
    (found,) = find_paths(Field(not_a_number_right), *pair, PROJECTED)
    assert found.status == "closed end" and found.rounds == 0 and found.path.n_segments == 1
    with pytest.raises(ValueError, match="pair 0 has a closed end point: losses .*nan.*, level 0.11"):
        find_paths(Field(not_a_number_right), *pair, PROJECTED, strict=True)


def closed_at_ends_of_pair_1(points, pairs):
    return torch.where((pairs == 1) & (points[:, 0].abs() > 2.9), 5.0, ridge_with_pass(0.05)(points))


def test_a_closed_end_is_the_status_of_its_pair_alone():
    """As an iterator too, and where the ends are to be lowered but do not come down."""
    expected = ["connected", "closed end", "connected"]
    a, c = ends(3)
    assert [one.status for one in find_paths(closed_at_ends_of_pair_1, a, c, PROJECTED)] == expected
    streamed = dict(stream_paths(closed_at_ends_of_pair_1, zip(a, c, strict=True), PROJECTED))
    assert [streamed[i].status for i in range(3)] == expected
    few = replace(PROJECTED, descent=replace(PROJECTED.descent, projected=False, iterations=60))
    lowered = find_paths(closed_at_ends_of_pair_1, a, c, few, lower_ends=True)
    assert [one.status for one in lowered] == expected
    assert "1 closed end" in repr(lowered)


def test_closed_ends_only_and_more_than_a_search_holds():
    """A source of closed pairs is gone through to its end, and every one is told."""
    a, c = ends(40)
    finder = replace(PROJECTED, batch_size=1)
    streamed = list(stream_paths(Field(lambda x: 1 + 0 * x[:, 0]), zip(a, c, strict=True), finder))
    assert sorted(i for i, _ in streamed) == list(range(40))
    assert {one.status for _, one in streamed} == {"closed end"}


def test_a_network_of_one_output_is_refused():
    model = nn.Sequential(nn.Linear(2, 1)).eval()
    with pytest.raises(ValueError, match="needs a network of at least 2 outputs, got 1"):
        find_paths(ClassLoss(model, torch.tensor([0])), *(end.float() for end in ends()))


def pictures(low=0.1, high=0.9):
    """A random network of pictures, and two pairs of them; level and stop above every loss on the line's ends."""
    torch.manual_seed(0)
    network = models.with_normalisation(
        nn.Sequential(nn.Flatten(), nn.Linear(48, 32), nn.ReLU(), nn.Linear(32, 3)).eval(),
        Normalisation((0.5,), (0.1,)),
    )
    a, c = low + (high - low) * torch.rand(2, 30, 3, 4, 4)
    labels = network(a).argmax(1)
    same = labels == network(c).argmax(1)
    return ClassLoss(network, labels[same]), a[same], c[same]


WIDE = Finder(level=0.02, descent=Descent(lr=0.5, stop=0.01, log=True))  # of long steps


def test_pictures_stay_within_0_and_1_unasked():
    objective, a, c = pictures()
    rows = torch.arange(len(a))
    raw = ClassLoss(objective.model.network, objective.labels)  # the same, its points in units of the normalisation
    unit = replace(WIDE, descent=replace(WIDE.descent, lr=10 * WIDE.descent.lr))
    free = find_paths(raw, 10 * (a - 0.5), 10 * (c - 0.5), unit, lower_ends=True)
    left = torch.cat([one.path.vertices for one in free]) / 10 + 0.5
    assert left.min() < 0 or left.max() > 1  # what happens without
    for found in (
        find_paths(objective, a, c, WIDE, lower_ends=True),
        find_paths_on(["cpu"], lambda place: objective, a, c, WIDE),
        find_paths(OfPairs(objective, rows), a, c, WIDE, lower_ends=True),
    ):
        vertices = torch.cat([one.path.vertices for one in found])
        assert vertices.min() >= 0 and vertices.max() <= 1


def test_pictures_that_lie_outside_are_warned_of():
    objective, a, c = pictures(low=-0.5)
    with pytest.warns(UserWarning, match=r"the search has no bounds: a must lie in \[0, 1\], got -0.*at index 0"):
        find_paths(objective, a, c, WIDE)


@pytest.mark.parametrize("steps", ["adam", "steepest"])
def test_level_ground_stalls_at_once(steps):
    """A step in the middle, high and flat: there is no way down, and no step is made that is not needed."""
    flat = Field(lambda x: (x[:, 0].abs() < 1).double() + 0 * x[:, 0])
    rule = Descent(steps=steps, lr=0.1, stop=0.1)
    (found,) = find_paths(flat, *ends(), Finder(level=0.5, descent=rule))
    assert found.status == "stalled" and found.steps <= 2
    assert found.path.vertices.isfinite().all()


def test_momentum_may_carry_a_row_over_level_ground():
    """A slope, then level ground of width 1, then a hole: Adam rolls on; stuck is only what stands still."""

    def terrace(x):
        x = x[:, 0]
        return torch.where(x < 0, 1 - x, torch.where(x < 0.03, 1.0, 0.0)) + 0 * x

    (found,) = find_paths(
        Field(lambda x: torch.where(x[:, 0].abs() < 2.9, terrace(x + 0.2), 0.0)),
        *ends(),
        Finder(scan="dense", level=0.5, coarse=2, dense=2, recheck=1, descent=Descent(lr=0.05, stop=0.1), max_rounds=1),
    )
    assert found.steps < 100 and found.status == "rounds"  # B' was reached


def test_a_module_behind_a_normalisation_is_a_copy():
    """The user's own keeps its training flag and its memory format."""
    mine = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(16, 2)).train()
    strides = mine[0].weight.stride()
    model = models.with_normalisation(mine, Normalisation((0.5,), (0.5,)))
    assert mine.training and mine[0].weight.stride() == strides and not model.training
    assert torch.equal(model.network[0].weight, mine[0].weight)


def test_the_presets_have_no_bounds_of_their_own():
    assert all(preset.descent.bounds is None for preset in PRESETS.values())
