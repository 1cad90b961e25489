"""Networks whose weights come from a file or a package, and those the user wrote."""

import pickle
import sys
import urllib.error

import pytest
import torch
from torch import nn

from empirical.data import pictures
from empirical.data.tensors import IMAGENET, Normalisation
from empirical.networks import architectures, models


@pytest.fixture
def x():
    return torch.rand(2, 3, 8, 8, generator=torch.Generator().manual_seed(0))


@pytest.fixture
def weights(tmp_path):
    """A small network, and a file with its state dict."""
    model = models.untrained("cnn", (3, 8, 8), 4, seed=5)
    torch.save(model.state_dict(), tmp_path / "cnn.pt")
    return model, tmp_path / "cnn.pt"


def equal(one, other):
    weights = other.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in one.state_dict().items())


def test_lite0_of_imagenet_knows_what_is_in_a_picture():
    model = models.pretrained("efficientnet_lite0", "imagenet")
    assert not model.training and not any(weight.requires_grad for weight in model.parameters())
    seen = {name: model(pictures.load(name, 224)[None]).softmax(1)[0] for name in ("coffee", "camera")}
    categories = models.categories()
    assert {name: categories[p.argmax()] for name, p in seen.items()} == {"coffee": "espresso", "camera": "tripod"}
    assert min(p.max() for p in seen.values()) > 0.9


def test_the_normalisation_is_inside(x):
    """x -> network((x - mean) / std), channel by channel."""
    model = models.untrained("cnn", (3, 8, 8), seed=1)
    both = models.with_normalisation(model, Normalisation((0.1, 0.2, 0.3), (0.5, 0.25, 2.0)))
    by_hand = torch.stack([(x[:, 0] - 0.1) / 0.5, (x[:, 1] - 0.2) / 0.25, (x[:, 2] - 0.3) / 2.0], dim=1)
    torch.testing.assert_close(both(x), model(by_hand))
    assert set(both.state_dict()) == {f"network.{name}" for name in model.state_dict()}
    assert models.with_normalisation(model, None) is model


def test_googlenet_takes_its_published_normalisation_at_once():
    """torchvision's transform_input after its normalisation is (x - 0.5) / 0.5."""
    from torchvision.models import googlenet

    own = models.untrained("googlenet", (3, 32, 32), 10, seed=1)
    theirs = googlenet(num_classes=10, aux_logits=False, transform_input=True, init_weights=False).eval()
    theirs.load_state_dict(own.state_dict())
    x = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))
    behind = models.with_normalisation(own, architectures.ARCHITECTURES["googlenet"].normalisation)
    usual = models.with_normalisation(theirs, IMAGENET)
    torch.testing.assert_close(behind(x), usual(x), rtol=1e-3, atol=1e-4)


def test_weights_from_a_file(weights, x):
    model, path = weights
    found = models.pretrained("cnn", path, (3, 8, 8))
    assert equal(model, found)  # four classes, by the last layer
    centred = models.pretrained("cnn", path, (3, 8, 8), normalisation=Normalisation((0.5,), (0.5,)))
    torch.testing.assert_close(centred(x), model(2 * x - 1))


def test_published_weights_that_serve_training_only_are_left_out(tmp_path):
    """torchvision's GoogLeNet file holds two auxiliary classifiers."""
    state = models.untrained("googlenet", (3, 32, 32), 3, seed=1).state_dict()
    torch.save({"aux1.fc1.weight": torch.zeros(2, 2), **state}, tmp_path / "googlenet.pth")
    found = models.pretrained("googlenet", tmp_path / "googlenet.pth", (3, 32, 32))
    assert found(torch.rand(1, 3, 32, 32)).shape == (1, 3)


class Harmful:
    def __reduce__(self):
        return (pytest.fail, ("a file's code was run",))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({}, "must hold a state dict, names to tensors"),
        ({"epoch": 3, "lr": 0.1}, "must hold a state dict, names to tensors, got a dict with keys epoch, lr"),
        ({"a": {"x": torch.zeros(2)}, "b": {"x": torch.zeros(2)}}, "holds several state dicts, a, b; save the one"),
        ({"state": {"a": torch.zeros(2)}}, "does not hold the weights of cnn for 2 classes"),
        ("one output", r"a network of at least 2 outputs is needed, .*cnn.pt has 1 \(7.weight\)"),
        (torch.zeros(3), "must hold a state dict, names to tensors, got a Tensor"),
        (Harmful(), r"it holds Python objects, _?pytest.*, whose code is never run here"),
        ("missing", r"does not hold the weights of cnn for 4 classes at shape \(3, 8, 8\): it lacks 0.weight"),
        ("extra", "it has besides fc.weight"),
        ("shape", r"it gives 0.weight the shape \(32, 1, 5, 5\) instead of \(32, 3, 5, 5\)"),
        ("damaged", "is no file of weights, or damaged"),
    ],
)
def test_files_that_are_no_weights(weights, content, message):
    model, path = weights
    state = dict(model.state_dict())
    if content == "damaged":
        path.write_bytes(path.read_bytes()[:500])
    else:
        changed = {
            "missing": {name: value for name, value in state.items() if name != "0.weight"},
            "extra": {"fc.weight": torch.zeros(1), **state},
            "one output": state | {name: state[name][:1] for name in list(state)[-2:]},
            "shape": state | {"0.weight": torch.zeros(32, 1, 5, 5)},
        }
        torch.save(changed[content] if isinstance(content, str) else content, path)
    with pytest.raises(ValueError, match=message):
        models.pretrained("cnn", path, (3, 8, 8))


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (pickle.dumps({"state_dict": Harmful()}), "it holds more than tensors, and its code is never run here"),
        (b"hello", "KeyError 101"),
        (b"", "EOFError"),
    ],
)
@pytest.mark.filterwarnings("error")
def test_other_files_are_told_apart_without_torchs_offers(weights, content, reason):
    _, path = weights
    path.write_bytes(content)
    with pytest.raises(ValueError, match=f"no file of weights, or damaged .{reason}") as refused:
        models.pretrained("cnn", path, (3, 8, 8))
    assert "weights_only" not in str(refused.value)


def test_weights_that_cannot_be_downloaded_say_which_file_to_put_where(tmp_path, monkeypatch):
    def no_network(*arguments, **options):
        raise urllib.error.URLError("no network")

    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setattr(torch.hub, "download_url_to_file", no_network)
    with pytest.raises(OSError, match=r"put googlenet-1378be20.pth from https://.* into .*hub/checkpoints.*lite0"):
        models.pretrained("googlenet", "imagenet")


def test_weights_in_the_cache_folder_are_read(tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    model = models.untrained("resnet18", (3, 32, 32), 1000, seed=7)
    torch.save(model.state_dict(), folder / "resnet18-f37072fd.pth")
    found = models.pretrained("resnet18", "imagenet", (3, 32, 32))
    assert equal(model, found.network) and found.normalisation == IMAGENET


OWN = """
from torch import nn

def small(shape, n_classes):
    return nn.Sequential(nn.Flatten(), nn.Linear(shape[0] * 16, n_classes))

def fixed():
    return nn.Sequential(nn.Flatten(), nn.Linear(48, 10))

fixed.input_shape = (3, 4, 4)

def broken(shape, n_classes):
    raise RuntimeError("not today")

def no_network():
    return 3
"""


@pytest.fixture
def own(tmp_path, monkeypatch):
    """A module own_networks in the current folder."""
    (tmp_path / "own_networks.py").write_text(OWN)
    monkeypatch.chdir(tmp_path)
    yield
    sys.modules.pop("own_networks", None)


def test_a_network_of_ones_own(own):
    before = list(sys.path)
    model = models.untrained("own_networks:small", (1, 4, 4), 7, seed=1)
    assert model(torch.zeros(2, 1, 4, 4)).shape == (2, 7) and not model.training
    assert equal(model, models.untrained("own_networks:small", (1, 4, 4), 7, seed=1))
    assert not equal(model, models.untrained("own_networks:small", (1, 4, 4), 7, seed=2))
    assert models.input_shape("own_networks:fixed") == (3, 4, 4) and models.input_shape("own_networks:small", 5) == (5,)
    assert models.untrained("own_networks:fixed", (3, 4, 4), seed=1)(torch.zeros(1, 3, 4, 4)).shape == (1, 10)
    assert sys.path == before


def test_a_network_of_ones_own_is_trained(own, tmp_path, monkeypatch, signals):
    from empirical.data.offline import digits

    monkeypatch.setenv("PERCOLATION_CACHE", str(tmp_path / "cache"))
    found = models.trained("own_networks:small", digits(4), seed=1, training=models.Training(epochs=20))
    assert models.accuracy(found, digits(4).x_test, digits(4).y_test) > 0.6
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("own_networks:smal", "unknown factory of own_networks 'smal'.*did you mean 'small'"),
        ("own_netwrks:small", "cannot import the module 'own_netwrks'"),
        ("own_networks:broken", "cannot be made: RuntimeError: not today"),
        ("own_networks:no_network", "must return a torch.nn.Module, got int"),
        ("own_networks.py", "goes by module:factory, got 'own_networks.py'; try own_networks:NAME"),
        ("own_networks:fixed", r"cannot take an input of shape \(1, 4, 4\)"),
    ],
)
def test_networks_of_ones_own_that_are_none(own, name, message):
    with pytest.raises(ValueError, match=message):
        models.untrained(name, (1, 4, 4), seed=0)


def test_outputs_of_ones_own_network_are_counted(own):
    with pytest.raises(ValueError, match=r"must give \(n, 3\) logits, got \('n', 10\)"):
        models.untrained("own_networks:fixed", (3, 4, 4), 3, seed=0)


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: models.pretrained("mlp", "imagenet"), "there are ImageNet weights of resnet18, .* not of mlp"),
        (lambda: models.pretrained("mlp", "random"), "random weights are `untrained`"),
        (lambda: Normalisation((0.5,), (0.0,)), "std must be a finite number above 0"),
        (lambda: Normalisation((0.5, 0.5), (0.5,)), "expected one mean and one std a channel"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_file_of_weights_that_is_absent(tmp_path):
    with pytest.raises(OSError, match="there is no file of weights .*nowhere.pt; give --weights random, imagenet or"):
        models.pretrained("cnn", tmp_path / "nowhere.pt")


def test_a_normalisation_of_other_channels_is_refused(x):
    both = models.with_normalisation(nn.Flatten(), Normalisation((0.1, 0.2), (0.5, 0.5)))
    with pytest.raises(RuntimeError, match="the normalisation is of 2 channels, the points have 3"):
        both(x)
