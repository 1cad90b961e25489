"""Attacks through their one door: what comes out is checked against the network itself."""

import random
import sys

import numpy as np
import pytest
import torch

from empirical import attacks
from empirical.attacks import auto_attack, libraries

FAST = {"cw": {"steps": 60, "searches": 3}, "autoattack": {"restarts": 1, "queries": 50}}
BOUNDS = (-6.0, 6.0)
EPSILON = 0.3


@pytest.fixture
def known(cnn1d, signals):
    """Twenty-four test signals that the network knows."""
    right = attacks.predictions(cnn1d, signals.x_test) == signals.y_test
    return signals.x_test[right][:24], signals.y_test[right][:24]


def run(name, model, known, seed=3, **more):
    setting = {"epsilon": EPSILON, "bounds": BOUNDS, "generator": torch.Generator().manual_seed(seed)}
    return attacks.attack(name, model, *known, **(setting | FAST.get(name, {}) | more))


@pytest.mark.parametrize("name", [name for name in attacks.ATTACKS if name not in ("autoattack", "targeted")])
def test_every_success_is_one(name, cnn1d, known):
    x, y = known
    epsilon = EPSILON if attacks.ATTACKS[name].needs_epsilon else None
    found = run(name, cnn1d, known, epsilon=epsilon)
    won = found.success
    assert found.rate > 0.4  # of 24 signals, each attack fools the network at these sizes
    assert (cnn1d(found.points[won]).argmax(1) != y[won]).all()
    assert found.points.min() >= BOUNDS[0] and found.points.max() <= BOUNDS[1]
    away = (found.points - x).flatten(1)
    norm = away.abs().amax(1) if found.norm == "linf" else away.norm(dim=1)
    torch.testing.assert_close(found.distances, norm)
    if epsilon:
        assert norm.max() <= epsilon * (1 + 1e-5)


def test_fgsm_is_one_step_along_the_sign_of_the_gradient(cnn1d, known):
    x, y = known
    moving = x.clone().requires_grad_()
    torch.nn.functional.cross_entropy(cnn1d(moving), y, reduction="sum").backward()
    by_hand = (x + EPSILON * moving.grad.sign()).clamp(*BOUNDS)
    found = run("fgsm", cnn1d, known)
    torch.testing.assert_close(found.points[found.success], by_hand[found.success])
    assert torch.equal(found.success, cnn1d(by_hand).argmax(1) != y)


def test_targeted_arrives_at_another_class(cnn1d, known):
    rule = attacks.Descent(lr=0.01, iterations=400, deviation=0.001, first_check=32)
    found = run("targeted", cnn1d, known, epsilon=None, rule=rule)
    assert found.rate > 0.5 and found.norm == "l2"
    assert (found.predicted[found.success] != known[1][found.success]).all()
    stayed = (found.points == known[0]).flatten(1).all(1)
    assert torch.equal(stayed, ~found.success)  # a row that does not arrive stays where it was


@pytest.mark.parametrize("name", ["pgd", "targeted"])
def test_the_generator_alone_decides(name, cnn1d, known):
    options = {"rule": attacks.Descent(lr=0.01, iterations=60, first_check=32)} if name == "targeted" else {}
    torch.manual_seed(1)
    first = run(name, cnn1d, known, **options)
    torch.manual_seed(2)
    again, other = run(name, cnn1d, known, **options), run(name, cnn1d, known, seed=4, **options)
    assert torch.equal(first.points, again.points) and not torch.equal(first.points, other.points)


def test_global_random_states_are_left_as_they_were():
    before = torch.get_rng_state(), np.random.get_state()[1].copy(), random.getstate()  # noqa: NPY002
    with libraries.seeded(torch.Generator().manual_seed(0)):
        torch.rand(3), np.random.rand(3), random.random()  # noqa: NPY002
    assert torch.equal(before[0], torch.get_rng_state()) and before[2] == random.getstate()
    np.testing.assert_array_equal(before[1], np.random.get_state()[1])  # noqa: NPY002


def test_what_an_attack_claims_is_not_believed(cnn1d, known):
    x, y = known
    wrong = x.roll(1, 0)  # other signals: mostly of other classes, and far away
    far = attacks.judged(cnn1d, x, y, wrong, epsilon=0.1, norm="linf", bounds=BOUNDS)
    free = attacks.judged(cnn1d, x, y, wrong, epsilon=None, norm="linf", bounds=BOUNDS)
    outside = attacks.judged(cnn1d, x, y, wrong, epsilon=None, norm="linf", bounds=(-0.01, 0.01))
    nan = attacks.judged(cnn1d, x, y, torch.full_like(x, torch.nan), epsilon=None, norm="l2", bounds=BOUNDS)
    same = attacks.judged(cnn1d, x, y, x, epsilon=None, norm="l2", bounds=BOUNDS)
    assert free.success.any()
    assert not any(one.success.any() for one in (far, outside, nan, same))
    assert nan.points.isfinite().all()


def test_no_success_is_no_crash(cnn1d, known):
    found = run("fgsm", cnn1d, known, epsilon=1e-6)
    assert found.rate == 0


def test_auto_attack_succeeds_wherever_pgd_does(cnn1d, known):
    pytest.importorskip("art")
    few = known[0][:6], known[1][:6]
    found, pgd = (run(name, cnn1d, few) for name in ("autoattack", "pgd"))
    assert found.rate > 0 and (found.success | ~pgd.success).all()
    assert (cnn1d(found.points[found.success]).argmax(1) != few[1][found.success]).all()
    assert not cnn1d.training and not any(one.requires_grad for one in cnn1d.parameters())


@pytest.mark.parametrize(("name", "extra"), [("pgd", "detect"), ("autoattack", "autoattack")])
def test_a_missing_extra_is_named(name, extra, cnn1d, known, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda package: None)
    with pytest.raises(ValueError, match=rf"{name} needs the package .*highdim-percolation\[{extra}\]"):
        run(name, cnn1d, known)


@pytest.mark.parametrize(
    ("call", "package"), [(libraries.fast_gradient, "foolbox"), (auto_attack.ensemble, "art.attacks.evasion")]
)
def test_a_package_that_cannot_be_imported_is_named(call, package, cnn1d, known, monkeypatch):
    monkeypatch.setitem(sys.modules, package, None)
    generator = torch.Generator()
    with pytest.raises(ValueError, match=r"pip install 'highdim-percolation\["):
        call(cnn1d, *known, epsilon=0.1, norm="linf", bounds=BOUNDS, generator=generator)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("pdg", {}, "unknown attack 'pdg'.*did you mean 'pgd'"),
        ("pgd", {"epsilon": None}, "pgd needs epsilon"),
        ("pgd", {"epsilon": -1.0}, "epsilon must be a finite number above 0"),
        ("pgd", {"norm": "l1"}, "unknown norm of pgd 'l1'"),
        ("cw", {"norm": "linf"}, "unknown norm of cw 'linf', expected one of l2"),
        ("pgd", {"bounds": (1.0, 0.0)}, r"bounds must be \(low, high\)"),
        ("pgd", {"bounds": (0.0, 1.0)}, r"x must lie in \[0, 1\]"),
    ],
)
def test_bad_input(name, change, message, cnn1d, known):
    with pytest.raises(ValueError, match=message):
        run(name, cnn1d, known, **change)
    with pytest.raises(ValueError, match=r"y must be \(24,\)"):
        run("pgd", cnn1d, (known[0], known[1][:3]))
