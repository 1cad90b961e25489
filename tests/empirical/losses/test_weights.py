from copy import deepcopy

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import update_bn

from empirical.data import offline
from empirical.descent.rows import Descent
from empirical.finder.find import Finder, find_paths
from empirical.losses.weights import TrainingLoss, flat, network_at, unflat
from empirical.networks import models

FEW = models.Training(epochs=30)


@pytest.fixture(scope="module")
def digits():
    return offline.digits()


@pytest.fixture(scope="module")
def networks(digits):
    return [models.trained("cnn", digits, seed=seed, training=FEW) for seed in (1, 2)]


@pytest.fixture(scope="module")
def objective(networks, digits):
    return TrainingLoss(networks[0], digits.x_train, digits.y_train)


def drawn(shape, n=30, seed=0, classes=10):
    generator = torch.Generator().manual_seed(seed)
    x = torch.randn(n, *shape, generator=generator, dtype=torch.float64)
    return x, torch.randint(classes, (n,), generator=generator)


def loss_at(objective, point):
    return objective(point[None], torch.zeros(1, dtype=torch.long))[0]


@pytest.mark.parametrize(("name", "shape"), [("mlp", (7,)), ("cnn1d", (1, 20)), ("cnn", (1, 8, 8))])
def test_loss_and_gradient_are_the_networks_own(name, shape):
    model = models.untrained(name, shape, seed=3, initialisation="pytorch").double()
    x, y = drawn(shape)
    points = torch.stack([flat(model), 1.5 * flat(model)]).requires_grad_()
    found = TrainingLoss(model, x, y)(points, torch.zeros(2, dtype=torch.long))
    found[0].backward()
    model.requires_grad_(True)
    expected = nn.functional.cross_entropy(model(x), y)
    expected.backward()
    slope = torch.cat([weight.grad.flatten() for weight in model.parameters()])
    torch.testing.assert_close(found[0], expected, rtol=0, atol=1e-12)
    torch.testing.assert_close(points.grad[0], slope, rtol=0, atol=1e-12)
    assert found[1] != found[0] and not points.grad[1].any()


def test_points_and_weights_are_the_same_numbers():
    model = models.untrained("cnn1d", (1, 20), seed=3)
    weights = unflat(model, flat(model))
    assert weights.keys() == dict(model.named_parameters()).keys()
    assert all(torch.equal(weights[name], weight) for name, weight in model.named_parameters())
    with pytest.raises(ValueError, match=r"has \d+ parameters, got a point of shape \(5,\)"):
        unflat(model, torch.zeros(5))


def test_loss_and_error_of_the_trained_network(networks, digits, objective):
    loss, error = objective.loss_and_error(flat(networks[0]))
    assert loss == pytest.approx(loss_at(objective, flat(networks[0])).item())
    accuracy = models.accuracy(networks[0], digits.x_train, digits.y_train)
    assert error == pytest.approx(1 - accuracy, abs=1e-6) and error < 0.02


def permuted(model, seed):
    """The parameters with the channels of both hidden convolutions in another order: the same function."""
    moved = {name: weight.clone() for name, weight in model.named_parameters()}
    for layer, following in (("0", "2"), ("2", "4")):
        order = torch.randperm(len(moved[f"{layer}.bias"]), generator=torch.Generator().manual_seed(seed))
        for part in ("weight", "bias"):
            moved[f"{layer}.{part}"] = moved[f"{layer}.{part}"][order]
        moved[f"{following}.weight"] = moved[f"{following}.weight"][:, order]
    return torch.cat([moved[name].flatten() for name, _ in model.named_parameters()])


def test_a_permuted_copy_has_the_same_loss_and_a_barrier_between(networks, objective):
    """Sums in another order change the last bits. Measured: 0.0066 nats at the ends, 0.19 in the middle."""
    a, c = flat(networks[0]), permuted(networks[0], 5)
    own, copy = loss_at(objective, a), loss_at(objective, c)
    assert copy.item() == pytest.approx(own.item(), rel=1e-4)
    assert loss_at(objective, (a + c) / 2) > 10 * own


def test_the_finder_connects_two_networks(networks, objective, digits):
    a, c = (flat(network) for network in networks)
    middle = loss_at(objective, (a + c) / 2).item()
    finder = Finder(
        0.1, Descent(lr=3e-3, iterations=300, stop=0.05), max_rounds=5, scan="dense", coarse=8, dense=16, recheck=32
    )
    (found,) = find_paths(objective, a[None], c[None], finder)
    assert found.connected and found.rounds >= 1 and found.barrier >= 0.99 * middle > 0.5
    assert torch.equal(found.path.vertices[0], a) and torch.equal(found.path.vertices[-1], c)
    along = [
        nn.functional.cross_entropy(at(networks[0], point)(digits.x_train), digits.y_train)
        for point in found.path(found.path.positions(48))
    ]
    assert max(along) <= finder.level


def at(model, point):
    """The model's twin with these parameters, set by hand."""
    twin = deepcopy(model)
    nn.utils.vector_to_parameters(point, twin.parameters())
    return twin


# batch norms


def with_batch_norms(seed):
    """A small network of two batch norms, and a momentum of its own, after some steps of training."""
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Conv1d(1, 8, 5),
        nn.BatchNorm1d(8, momentum=0.3),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(128, 16),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(16, 3),
    ).double()
    x, y = drawn((1, 20), n=64, classes=3)
    optimiser = torch.optim.Adam(model.parameters(), lr=0.01)
    for _ in range(60):
        optimiser.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimiser.step()
    return model.eval().requires_grad_(False)


@pytest.fixture(scope="module")
def normed():
    with torch.random.fork_rng(devices=[]):
        return [with_batch_norms(seed) for seed in (1, 2)]


def test_statistics_are_estimated_anew_at_every_point(normed):
    x, _ = drawn((1, 20), n=64, classes=3)
    one, other = normed
    middle = (flat(one) + flat(other)) / 2
    moved = network_at(one, middle, x)
    first = moved[0](x)  # (n, channels, length), what enters the first batch norm
    torch.testing.assert_close(moved[1].running_mean, first.mean((0, 2)))
    torch.testing.assert_close(moved[1].running_var, first.var((0, 2)))
    for place in (1, 5):
        of_ends = [network[place].running_var for network in normed]
        assert all((moved[place].running_var / end - 1).abs().max() > 0.1 for end in of_ends)
    assert moved[1].momentum == 0.3 and not any(part.training for part in moved.modules())


def test_statistics_agree_with_torchs_own_estimate(normed):
    x, _ = drawn((1, 20), n=64, classes=3)
    point = (flat(normed[0]) + flat(normed[1])) / 2
    twin = at(normed[0], point)
    update_bn([x], twin)
    for name, buffer in network_at(normed[0], point, x).named_buffers():
        if "running" in name:
            torch.testing.assert_close(buffer, twin.get_buffer(name))


def test_the_loss_is_that_with_the_statistics_of_the_point(normed):
    x, y = drawn((1, 20), n=64, classes=3)
    one, other = normed
    before = {name: value.clone() for name, value in one.state_dict().items()}
    middle = (flat(one) + flat(other)) / 2
    found = loss_at(TrainingLoss(one, x, y), middle)
    twin = at(one, middle)
    for part in twin.modules():
        part.train(isinstance(part, nn.BatchNorm1d))
    torch.testing.assert_close(found, nn.functional.cross_entropy(twin(x), y), rtol=0, atol=1e-12)
    stale = nn.functional.cross_entropy(at(one, middle)(x), y)  # the statistics of an end
    assert abs(stale / found - 1) > 0.2
    assert all(torch.equal(value, before[name]) for name, value in one.state_dict().items())


def test_test_data_are_normalised_by_the_training_data(normed):
    x, _ = drawn((1, 20), n=64, classes=3)
    x_test, y_test = drawn((1, 20), n=9, seed=8, classes=3)
    x_test = 3 * x_test + 1
    point = (flat(normed[0]) + flat(normed[1])) / 2
    found = loss_at(TrainingLoss(normed[0], x_test, y_test, statistics=x), point)
    expected = nn.functional.cross_entropy(network_at(normed[0], point, x)(x_test), y_test)
    torch.testing.assert_close(found, expected, rtol=0, atol=1e-12)
    assert abs(loss_at(TrainingLoss(normed[0], x_test, y_test), point) / found - 1) > 0.05


def test_the_gradient_knows_the_statistics(normed):
    x, y = drawn((1, 20), n=64, classes=3)
    objective = TrainingLoss(normed[0], x, y)
    point = flat(normed[0])[None].requires_grad_()
    (slope,) = torch.autograd.grad(objective(point, torch.zeros(1)).sum(), point)
    way = torch.randn(slope.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    h = 1e-6
    with torch.no_grad():
        ahead, behind = (loss_at(objective, (point + sign * h * way)[0]) for sign in (1, -1))
    assert (slope * way).sum().item() == pytest.approx(((ahead - behind) / (2 * h)).item(), rel=1e-5)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model, x, y: (model.train(), x, y), "training mode"),
        (lambda model, x, y: (model, x, y[:-1]), "one class, of dtype long, for each of the inputs"),
        (lambda model, x, y: (model, x, y.float()), "got 30 inputs and y .30,. torch.float32"),
        (lambda model, x, y: (model, x[:0], y[:0]), "at least one"),
    ],
)
def test_bad_input(change, message):
    model = models.untrained("mlp", (7,), seed=3).double()
    with pytest.raises(ValueError, match=message):
        TrainingLoss(*change(model, *drawn((7,))))
