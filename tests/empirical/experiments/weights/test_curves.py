import pytest
import torch

from empirical.data import offline
from empirical.experiments.weights import curves
from empirical.experiments.weights.curves import Curve, losses_along, train_bend
from empirical.losses.weights import TrainingLoss, flat
from empirical.networks import models
from empirical.networks.models import Training

FEW = Training(epochs=30)


@pytest.fixture(scope="module")
def objective_and_ends():
    digits = offline.digits()
    networks = [models.trained("cnn", digits, seed=seed, training=FEW) for seed in (1, 2)]
    return TrainingLoss(networks[0], digits.x_train, digits.y_train), *(flat(network) for network in networks)


def points(n, *, dtype=torch.float32):
    generator = torch.Generator().manual_seed(0)
    return list(torch.randn(n, 50, generator=generator, dtype=dtype))


@pytest.mark.parametrize("kind", curves.KINDS)
def test_ends_come_back_bit_for_bit(kind):
    curve = Curve(kind, *points(3))
    first, last = curve(torch.tensor([0.0, 1.0], dtype=torch.float64))
    assert torch.equal(first, curve.a) and torch.equal(last, curve.c)


def test_the_chain_passes_through_its_bend_and_bezier_halfway_to_it():
    a, bend, c = points(3, dtype=torch.float64)
    half = torch.tensor([0.5, 0.25], dtype=torch.float64)
    assert torch.equal(Curve("chain", a, bend, c)(half)[0], bend)
    torch.testing.assert_close(Curve("chain", a, bend, c)(half)[1], (a + bend) / 2)
    middle = (a + 2 * bend + c) / 4
    torch.testing.assert_close(Curve("bezier", a, bend, c)(half)[0], middle)


@pytest.mark.parametrize("kind", curves.KINDS)
def test_length(kind):
    """Against 4096 chords: short by a part of order 4096^-2."""
    a, bend, c = points(3, dtype=torch.float64)
    curve = Curve(kind, a, bend, c)
    chords = curve(torch.linspace(0, 1, 4097, dtype=torch.float64)).diff(dim=0).norm(dim=1).sum().item()
    assert curve.length == pytest.approx(chords, rel=1e-6)
    assert Curve(kind, a, (a + c) / 2, c).length == pytest.approx((c - a).norm().item())


@pytest.mark.parametrize(("kind", "share"), [("chain", 0.6), ("bezier", 0.42)])
def test_the_gradient_reaches_the_bend(kind, share):
    """dx/db: 2 t on the first leg of a chain, 2 t (1 - t) on a Bezier curve; t = 0.3."""
    a, bend, c = points(3, dtype=torch.float64)
    bend.requires_grad_()
    Curve(kind, a, bend, c)(torch.tensor([0.3], dtype=torch.float64)).sum().backward()
    torch.testing.assert_close(bend.grad, torch.full_like(bend, share))


@pytest.mark.parametrize("kind", curves.KINDS)
def test_a_trained_bend_lowers_the_barrier(kind, objective_and_ends):
    """Measured: 1.17 nats on the straight line, 0.064 (chain) and 0.095 after 15 epochs; the ends have 0.006."""
    objective, a, c = objective_and_ends
    t = torch.linspace(0, 1, 21, dtype=torch.float64)
    line = losses_along(objective, Curve(kind, a, (a + c) / 2, c), t)
    trained = train_bend(objective, a, c, kind, Training(epochs=15), generator=torch.Generator().manual_seed(0), n_t=21)
    assert line.max() > 0.5 and trained.losses.max() < line.max() / 8
    torch.testing.assert_close(trained.losses, losses_along(objective, trained.curve, t))
    ends = [objective.loss_and_error(end)[0] for end in (a, c)]
    assert trained.losses[[0, -1]].tolist() == pytest.approx(ends)
    assert torch.equal(trained.curve.a, a) and torch.equal(trained.curve.c, c)


def test_the_same_seed_gives_the_same_bits(objective_and_ends):
    objective, a, c = objective_and_ends
    one, two, other = (
        train_bend(objective, a, c, training=Training(epochs=1), generator=torch.Generator().manual_seed(seed), n_t=2)
        for seed in (3, 3, 4)
    )
    assert torch.equal(one.curve.bend, two.curve.bend) and not torch.equal(one.curve.bend, other.curve.bend)


def test_bad_curves():
    a, bend, c = points(3)
    with pytest.raises(ValueError, match="unknown curve 'bezir', expected one of chain, bezier; did you mean 'bezier'"):
        Curve("bezir", a, bend, c)
    with pytest.raises(ValueError, match="must have one shape"):
        Curve("chain", a, bend[:-1], c)
