import math
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from empirical.ends import modes
from empirical.finder.certificate import Certificate, certify, certify_many
from empirical.finder.find import find_paths
from empirical.finder.paths import Path, profile
from empirical.losses.objectives import ClassLoss, Field

LINE = Path(torch.tensor([[0.0], [2.0]], dtype=torch.float64))  # t is half of x


def spike(at, width, height=1.0, floor=0.1):
    """A Gaussian on a floor; its slope is at most height sqrt(2 / e) / width."""
    return Field(lambda x: floor + height * torch.exp(-(((x[:, 0] - at) / width) ** 2)))


def tent(at, width, height=1.0):
    """Zero but for a triangle of the given half-width: nothing tells of it from outside."""
    return Field(lambda x: (height * (1 - (x[:, 0] - at).abs() / width)).clamp(min=0))


@pytest.mark.parametrize("at", [0.31, 0.7, 1.03, 1.96])
@pytest.mark.parametrize("width", [0.02, 0.2])
def test_a_spike_between_grid_points_is_found_to_the_tolerance(at, width):
    """0.02 is a third of the spacing of the points first looked at."""
    found = certify(spike(at, width), LINE, tolerance=1e-4)
    assert found.largest <= 1.1 <= found.bound <= found.largest + 1e-4 * 1.0001
    assert found.at == pytest.approx(at / 2, abs=1e-3)
    assert found.evaluations < 200  # a grid that comes as close has 2 / (0.02 sqrt(1e-4)) = 10,000 points


@given(st.floats(0.01, 1.99), st.floats(0.003, 0.2))
@settings(max_examples=60, deadline=None)
def test_a_known_lipschitz_constant_makes_the_bound_rigorous(at, width):
    found = certify(tent(at, width), LINE, tolerance=1e-3, lipschitz=1 / width, level=0.5)
    assert found.rigorous and found.surprises == 0 and found.surprise_rate == 0
    assert found.largest <= 1 <= found.bound + 1e-12 and found.bound <= found.largest + 1.001e-3
    assert found.verdict == "closed"


@given(st.floats(0.01, 1.99), st.floats(0.003, 0.2), st.integers(1, 400))
@settings(max_examples=60, deadline=None)
def test_a_spent_budget_never_says_open(at, width, budget):
    found = certify(tent(at, width), LINE, lipschitz=1 / width, level=0.5, budget=budget)
    assert found.evaluations <= max(budget, 17)  # the first look is not saved on
    assert found.bound >= 1 - 1e-12 and found.verdict in ("closed", "undecided")


def test_what_no_slope_tells_of_is_missed_and_the_certificate_does_not_call_itself_rigorous():
    missed = certify(tent(0.7, 0.01), LINE, level=0.5)
    assert missed.verdict == "open" and not missed.rigorous and missed.surprise_rate > 0
    assert certify(tent(0.7, 0.01), LINE, level=0.5, intervals=512).verdict == "closed"


def test_an_estimate_that_fails_is_counted_as_a_surprise():
    middle = 1 + 1 / 16  # of an interval of the first look, whose ends are flat
    found = certify(tent(middle, 0.03), LINE)
    assert found.surprises >= 1 and found.largest == 1
    assert certify(spike(1.0, 0.5), LINE).surprises == 0
    few, many = (certify(Field(lambda x: 0 * x[:, 0]), LINE, intervals=n).surprise_rate for n in (4, 64))
    assert few == pytest.approx(1 - 0.05 ** (1 / 4)) and many == pytest.approx(1 - 0.05 ** (1 / 64))  # 0 of n


def test_verdicts():
    slope = Field(lambda x: x[:, 0])
    assert certify(slope, LINE, level=3.0).verdict == "open"
    assert certify(slope, LINE, level=1.0).verdict == "closed"
    assert certify(slope, LINE, level=2.05, tolerance=1.0, lipschitz=50.0, budget=100).verdict == "undecided"
    assert "closed at level 1: largest loss seen 2 at s = 1.0000" in str(certify(slope, LINE, level=1.0))
    with pytest.raises(ValueError, match="no level was asked about"):
        _ = certify(slope, LINE).verdict


def test_the_slope_of_a_neighbour_counts():
    """Slope 10 a unit of t up to x = 0.9, then flat: looked at in steps of t = 1/4, the bound is 0 + 2 x 10 / 4 / 2."""
    ramp = Field(lambda x: 5 * (x[:, 0] - 0.9).clamp(max=0))
    assert certify(ramp, LINE, intervals=2, budget=5).bound == pytest.approx(2.5)


def test_a_level_spares_what_lies_below_it():
    waves = Field(lambda x: 0.1 * torch.sin(20 * x[:, 0]))
    exact, spared = (certify(waves, LINE, tolerance=1e-6, level=level) for level in (None, 0.2))
    assert spared.verdict == "open" and spared.evaluations < exact.evaluations / 2
    assert exact.largest == pytest.approx(0.1, abs=1e-6) and exact.reached <= 1.0001e-6


def test_every_path_has_its_own_budget_and_bound():
    """Together, alone and in another order: the same certificates, bit for bit."""
    generator = torch.Generator().manual_seed(2)
    paths = [Path(torch.randn(n, 3, generator=generator, dtype=torch.float64)) for n in (2, 5, 3, 2)]
    paths.append(Path(torch.ones(2, 3, dtype=torch.float64)))  # of length 0
    field = Field(lambda x: torch.sin(9 * x).sum(1))
    together = certify_many(field, paths, range(5), 1e-5, budget=300)
    assert together == [certify(field, path, tolerance=1e-5, budget=300) for path in paths]
    assert together[::-1] == certify_many(field, paths[::-1], range(5), 1e-5, budget=300)
    assert max(one.evaluations for one in together) <= 300
    for path, one in zip(paths, together, strict=True):
        dense = profile(field, path, 0, 100_000)[1].max().item()
        assert one.largest <= dense + 1e-5 and dense <= one.bound
        assert field.function(path(torch.tensor([one.at], dtype=torch.float64))).item() == pytest.approx(
            one.largest, abs=1e-12
        )


def test_the_objective_hears_of_the_pair():
    class Scaled:
        def __call__(self, points, pairs):
            return pairs * points[:, 0]

    assert [one.largest for one in certify_many(Scaled(), [LINE, LINE], [1, 3])] == [2, 6]


@pytest.fixture(scope="module")
def connected(trained_cnn1d, signals):
    """Straight and bent paths of 10 natural pairs, with their objective, in float64."""
    found = modes.natural(trained_cnn1d, signals.x_test, signals.y_test)
    i, j = modes.pairs_within_class(found.labels, 10, generator=torch.Generator().manual_seed(0))
    connections = find_paths(ClassLoss(trained_cnn1d, found.labels[i]), found.points[i], found.points[j])
    return found.labels[i], [(k, Path(p.vertices.double())) for k, one in enumerate(connections) for p in one.history]


def test_networks_against_a_grid_fifty_times_denser(cnn1d, connected):
    """The bound holds on 4,000 points a path, and the largest loss is known to the tolerance."""
    labels, paths = connected
    objective = ClassLoss(cnn1d.double(), labels)
    numbers, tolerance, level = [k for k, _ in paths], 1e-6, 1e-3
    found = certify_many(objective, [path for _, path in paths], numbers, tolerance)
    spared = certify_many(objective, [path for _, path in paths], numbers, tolerance, level=level)
    for (k, path), exact, one in zip(paths, found, spared, strict=True):
        dense = profile(objective, path, k, 4_000)[1].max().item()
        assert dense <= exact.bound + 1e-12 and exact.largest >= dense - tolerance
        assert one.verdict == ("open" if dense <= level else "closed")
    cnn1d.float()
    verdicts = [one.verdict for one in spared]
    assert 5 < verdicts.count("closed") and 5 < verdicts.count("open")


def test_not_a_number_is_closed():
    found = certify(Field(lambda x: torch.where(x[:, 0] > 1.5, torch.nan, x[:, 0])), LINE, level=5.0)
    assert found.verdict == "closed" and math.isinf(found.largest)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"tolerance": 0.0}, "tolerance must be a finite number above 0, got 0.0"),
        ({"lipschitz": -1.0}, "lipschitz must be a finite number above 0"),
        ({"safety": 0.5}, "safety must be at least 1"),
        ({"intervals": 0}, "intervals must be at least 1"),
        ({"budget": 0}, "budget must be at least 1"),
        ({"level": math.nan}, "level must be a finite number"),
    ],
)
def test_bad_settings(options, message):
    with pytest.raises(ValueError, match=message):
        certify(spike(1.0, 0.1), LINE, **options)


def test_bad_paths():
    with pytest.raises(ValueError, match="at least one path and one pair for each, got 1 and 2"):
        certify_many(spike(1.0, 0.1), [LINE], [0, 1])
    with pytest.raises(ValueError, match="pair must be an integer, got 0.1"):
        certify(spike(1.0, 0.1), LINE, 0.1)
    with pytest.raises(ValueError, match="path 0 holds NaN"):
        certify(spike(1.0, 0.1), Path(LINE.vertices * torch.nan))


def test_a_certificate_is_a_record():
    with pytest.raises(AttributeError):
        certify(spike(1.0, 0.1), LINE).bound = 0.0
    assert replace(certify(spike(1.0, 0.1), LINE), rigorous=True).surprise_rate == 0
    assert Certificate.__dataclass_params__.frozen
