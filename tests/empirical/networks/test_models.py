import pytest
import torch
from torch import nn

from empirical.data import offline
from empirical.losses.objectives import device
from empirical.networks import models

TINY = models.Training(epochs=1)


@pytest.fixture
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv("PERCOLATION_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


def equal(one, other):
    weights = other.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in one.state_dict().items())


@pytest.mark.parametrize(
    ("name", "shape"),
    [("mlp", (7,)), ("mlp", (1, 40)), ("cnn1d", (1, 20)), ("cnn", (1, 8, 8)), ("resnet18", (3, 32, 32))]
    + [(name, (3, 32, 32)) for name in ("resnet50", "googlenet", "efficientnet_lite0")]
    + [("googlenet", (3, 48, 32)), ("vit_b_16", (3, 16, 16)), ("efficientnet_lite0", (3, 64, 64))],
)
def test_untrained_networks(name, shape):
    model = models.untrained(name, shape, 5, seed=3)
    x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0))
    assert model(x).shape == (4, 5)
    assert not model.training and not any(weight.requires_grad for weight in model.parameters())
    assert equal(model, models.untrained(name, shape, 5, seed=3))
    assert not equal(model, models.untrained(name, shape, 5, seed=4))


@pytest.mark.parametrize(("name", "shape"), [("mlp", (30,)), ("cnn1d", (1, 40)), ("cnn", (1, 8, 8))])
def test_he_networks_are_positively_homogeneous(name, shape):
    model = models.untrained(name, shape, seed=1).double()
    x = torch.randn(4, *shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    torch.testing.assert_close(model(2.5 * x), 2.5 * model(x))


def test_he_variance():
    layer = next(m for m in models.untrained("mlp", (300,), seed=1).modules() if isinstance(m, nn.Linear))
    assert layer.weight.var().item() == pytest.approx(2 / 300, rel=0.05)  # 76,800 weights: s.e. 0.5 %
    assert not layer.bias.any()


def test_the_global_generator_is_left_alone():
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    models.untrained("mlp", (4,), seed=9)
    assert torch.equal(torch.rand(3), expected)


def test_trained_network_is_accurate(signals):
    """Trained here, not of fixed weights. Measured on seeds 3..8: 0.783 to 0.814; chance is 0.1."""
    found = models.trained("cnn1d", signals, seed=3, training=models.Training(epochs=20))
    assert models.accuracy(found, signals.x_test, signals.y_test) > 0.7


def test_cache_gives_the_same_bits_and_survives_damage(own_cache):
    digits = offline.digits()
    first = models.trained("mlp", digits, seed=1, training=TINY)
    (kept,) = own_cache.iterdir()
    assert equal(first, models.trained("mlp", digits, seed=1, training=TINY))
    kept.write_bytes(kept.read_bytes()[:1000])  # cut short
    assert equal(first, models.trained("mlp", digits, seed=1, training=TINY))
    assert len(torch.load(kept, weights_only=True)) == len(first.state_dict())  # mended
    models.trained("mlp", digits, seed=2, training=TINY)
    models.trained("mlp", digits, seed=1, training=models.Training(epochs=2))
    assert len(list(own_cache.iterdir())) == 3


def test_a_cache_that_cannot_be_written_is_no_error(tmp_path, monkeypatch, caplog):
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("PERCOLATION_CACHE", str(tmp_path / "file" / "cache"))
    models.trained("mlp", offline.digits(), seed=1, training=TINY)
    assert "cannot keep the weights" in caplog.text


def test_training_does_not_depend_on_the_number_of_threads(own_cache):
    first = models.trained("cnn", offline.digits(), seed=1, training=TINY)
    for kept in own_cache.iterdir():
        kept.unlink()
    torch.set_num_threads(2)
    assert equal(first, models.trained("cnn", offline.digits(), seed=1, training=TINY))


def test_vgg16_at_small_size():
    """138 million weights, 13 layers and 3: built once."""
    model = models.untrained("vgg16", (3, 32, 32), 5, seed=3)
    assert model(torch.zeros(1, 3, 32, 32)).shape == (1, 5) and not model.training
    assert sum(isinstance(part, nn.Conv2d | nn.Linear) for part in model.modules()) == 16


@pytest.mark.parametrize("name", ["googlenet", "vgg16", "vit_b_16", "resnet50", "efficientnet_lite0"])
def test_all_names_of_the_article_have_a_shape(name):
    side = 64 if name == "efficientnet_lite0" else 32
    assert models.input_shape(name) == (3, side, side) and models.input_shape(name, 3 * 64 * 64) == (3, 64, 64)


def test_dropout_is_off_and_classes_differ():
    """Twice the same logits; an untrained ViT tells classes apart, though torchvision starts its head at zero."""
    model = models.untrained("vit_b_16", (3, 32, 32), 4, seed=1)
    x = torch.rand(3, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    assert torch.equal(model(x), model(x)) and model(x).std(1).min() > 0.1


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: models.untrained("resnt18", (3, 32, 32), seed=0),
            "unknown network 'resnt18'.*did you mean 'resnet18'",
        ),
        (lambda: models.untrained("cnn1d", (1, 8, 8), seed=0), r"cnn1d takes inputs of shape \(channels, \*1 axes\)"),
        (lambda: models.untrained("resnet18", (1, 32, 32), seed=0), "resnet18 takes images of 3 channels"),
        (lambda: models.untrained("vit_b_16", (3, 40, 40), seed=0), r"a side that 16 divides, got .*; try 32"),
        (lambda: models.untrained("vgg16", (3, 16, 16), seed=0), "vgg16 takes images of 32 pixels and more a side"),
        (lambda: models.untrained("googlenet", (3, 8, 8), seed=0), "googlenet takes images of 15 pixels and more"),
        (lambda: models.untrained("efficientnet_lite0", (3, 32, 16), seed=0), "efficientnet_lite0 takes square images"),
        (lambda: models.untrained("mlp", (4,), 1, seed=0), "n_classes must be at least 2"),
        (lambda: models.untrained("mlp", (4,), seed=0, initialisation="xavier"), "unknown initialisation 'xavier'"),
        (lambda: device("cuda:99"), "unknown device 'cuda:99'"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()
