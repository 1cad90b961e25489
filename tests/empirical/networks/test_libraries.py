"""Networks of torchvision, timm and transformers by name; nothing is downloaded."""

import sys
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from empirical.data.tensors import CENTRED, IMAGENET, Normalisation
from empirical.ends.subject import Subject, build
from empirical.networks import architectures, models
from empirical.networks.taken import notes_of

X = torch.rand(2, 3, 32, 32, generator=torch.Generator().manual_seed(0))


@pytest.fixture(autouse=True)
def without_a_network(monkeypatch, tmp_path):
    """Anything that wanted to download would fail."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    monkeypatch.setattr("socket.socket.connect", lambda *a: pytest.fail("a connection was asked for"))


def equal(one, other):
    weights = other.state_dict()
    return all(torch.equal(value, weights[name]) for name, value in one.state_dict().items())


def test_torchvision_by_name(tmp_path):
    """Random weights, then those of a file; a network that is known here is the one that is known here."""
    about = architectures.find("torchvision:mobilenet_v3_small")
    assert about.shape == (3, 224, 224) and about.normalisation == IMAGENET
    model = models.untrained("torchvision:mobilenet_v3_small", (3, 32, 32), 5, seed=1)
    assert model(X).shape == (2, 5)
    torch.save({"model": model.state_dict()}, tmp_path / "own.pth")
    found = models.pretrained("torchvision:mobilenet_v3_small", tmp_path / "own.pth", (3, 32, 32))
    assert found.normalisation == IMAGENET and equal(found.network, model)
    resnet = architectures.find("torchvision:resnet18")
    assert resnet.build is architectures.ARCHITECTURES["resnet18"].build and resnet.shape == (3, 224, 224)
    assert architectures.find("torchvision:inception_v3").normalisation == CENTRED
    assert architectures.find("torchvision:inception_v3").shape == (3, 299, 299)


def test_torchvisions_weights_of_its_cache(tmp_path):
    folder = tmp_path / "torch" / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    model = models.untrained("torchvision:squeezenet1_1", (3, 32, 32), 1000, seed=7)
    torch.save(model.state_dict(), folder / "squeezenet1_1-b8a52dc0.pth")
    found = models.pretrained("torchvision:squeezenet1_1", "imagenet", (3, 32, 32))
    assert equal(found.network, model) and found.normalisation == IMAGENET


def test_random_weights_are_said():
    subject = Subject("torchvision:shufflenet_v2_x0_5", "none", "untrained", "class-optimal", 1, 3 * 32 * 32)
    model, source, space = build(subject, seed=0)
    assert notes_of(model) == ["network: torchvision:shufflenet_v2_x0_5 with random weights"]
    assert source is None and space.shape == (3, 32, 32)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("torchvision:resnet", "unknown network of torchvision 'resnet'.*did you mean 'resnet"),
        ("torchvision:maskrcnn_resnet50_fpn", "unknown network of torchvision"),
        ("transformers:nowhere", "there is no config.json in nowhere; transformers:FOLDER takes what"),
    ],
)
def test_unknown_names(name, message):
    with pytest.raises((ValueError, OSError), match=message):
        architectures.find(name)


@pytest.mark.parametrize("library", ["timm", "transformers"])
def test_a_package_that_is_absent_is_named(library, tmp_path, monkeypatch):
    (tmp_path / "config.json").write_text("{}")
    monkeypatch.setitem(sys.modules, library, None)
    name = f"{library}:{tmp_path if library == 'transformers' else 'resnet18'}"
    with pytest.raises(ValueError, match=f"needs the package {library}: pip install {library}"):
        architectures.find(name)


def test_timm_by_name(tmp_path):
    pytest.importorskip("timm")
    about = architectures.find("timm:vit_tiny_patch16_224")
    assert about.normalisation == CENTRED and about.shape == (3, 224, 224)
    vit = models.untrained("timm:vit_tiny_patch16_224", (3, 32, 32), 5, seed=1)  # at another size than its own
    assert vit(X).shape == (2, 5)
    model = models.untrained("timm:resnet10t", (3, 32, 32), 5, seed=1)
    torch.save({"state_dict": {f"module.{name}": x for name, x in model.state_dict().items()}}, tmp_path / "own.pth")
    found = models.pretrained("timm:resnet10t", tmp_path / "own.pth", (3, 32, 32))
    assert equal(found.network, model) and found.normalisation == IMAGENET
    with pytest.raises(OSError, match="there are no weights of timm:resnet10t on this machine, and none are"):
        models.pretrained("timm:resnet10t", "imagenet")
    with pytest.raises(ValueError, match="unknown network of timm 'resnet10'.*did you mean 'resnet10t'"):
        architectures.find("timm:resnet10")


def test_transformers_by_path(tmp_path):
    """What save_pretrained writes: configuration, weights, and the normalisation of its processor."""
    transformers = pytest.importorskip("transformers")
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8
    )
    config.num_labels = 5
    torch.manual_seed(0)
    theirs = transformers.ViTForImageClassification(config).eval()
    theirs.save_pretrained(tmp_path)
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}')
    name = f"transformers:{tmp_path}"
    model, _, space = build(Subject(name, "none", "trained", "class-optimal", 1), seed=0)
    torch.testing.assert_close(model(X), theirs(2 * X - 1).logits.detach())
    assert space.shape == (3, 32, 32) and space.bounds == (0, 1)
    assert notes_of(model)[0].startswith("network: logits taken from `logits` of a ")
    random, _, _ = build(Subject(name, "none", "untrained", "class-optimal", 1), seed=1)
    assert random(X).shape == (2, 5) and not torch.allclose(random(2 * X - 1), theirs(2 * X - 1).logits)
    for weights in tmp_path.glob("*.safetensors"):
        weights.unlink()
    with pytest.raises(OSError, match="there are no weights of transformers:"):
        build(Subject(name, "none", "trained", "class-optimal", 1), seed=0)


class Small(nn.Module):
    """A network of a fake library."""

    def __init__(self, channels, n_classes, answer=lambda logits: logits):
        super().__init__()
        self.head, self.answer = nn.Linear(channels, n_classes), answer

    def forward(self, x):
        return self.answer(self.head(x.mean((2, 3))))


def test_what_is_asked_of_timm(monkeypatch, tmp_path):
    """Its interface as far as it is used, where it is not installed: names, configuration, construction."""
    config = SimpleNamespace(input_size=(3, 24, 24), mean=(0.5,) * 3, std=(0.25,) * 3, hf_hub_id=None)
    made = []

    def create_model(name, *, pretrained, num_classes, in_chans, **options):
        if "img_size" in options:
            raise TypeError("got an unexpected keyword argument 'img_size'")
        made.append((name, pretrained))
        return Small(in_chans, num_classes).eval()

    fake = SimpleNamespace(
        list_models=lambda: ["small"], get_pretrained_cfg=lambda name: config, create_model=create_model
    )
    monkeypatch.setitem(sys.modules, "timm", fake)
    about = architectures.find("timm:small")
    assert about.shape == (3, 24, 24) and about.normalisation == Normalisation((0.5,) * 3, (0.25,) * 3)
    model = models.untrained("timm:small", (3, 32, 32), 5, seed=1)
    torch.save({"state_dict": {f"module.{name}": x for name, x in model.state_dict().items()}}, tmp_path / "own.pth")
    found = models.pretrained("timm:small", tmp_path / "own.pth", (3, 32, 32))
    torch.testing.assert_close(found(X), model(4 * X - 2))
    assert set(made) == {("small", False)}  # nothing is downloaded
    with pytest.raises(OSError, match="there are no weights of timm:small on this machine"):
        models.pretrained("timm:small", "imagenet")


def test_what_is_asked_of_transformers(monkeypatch, tmp_path):
    """The same: a configuration and a network from a folder, never from elsewhere; logits in an object."""
    theirs = Small(3, 5, lambda logits: SimpleNamespace(logits=logits)).eval()
    torch.save(theirs.state_dict(), tmp_path / "pytorch_model.bin")
    (tmp_path / "config.json").write_text("{}")
    (tmp_path / "preprocessor_config.json").write_text('{"image_mean": [0.5, 0.5, 0.5], "image_std": [0.5, 0.5, 0.5]}')

    def from_folder(found):
        def from_pretrained(folder, *, local_files_only):
            assert local_files_only and str(folder) == str(tmp_path)
            return found

        return from_pretrained

    fake = SimpleNamespace(
        AutoConfig=SimpleNamespace(from_pretrained=from_folder(SimpleNamespace(image_size=32, num_channels=3))),
        AutoModelForImageClassification=SimpleNamespace(from_pretrained=from_folder(theirs)),
    )
    monkeypatch.setitem(sys.modules, "transformers", fake)
    model, _, space = build(Subject(f"transformers:{tmp_path}", "none", "trained", "class-optimal", 1), seed=0)
    torch.testing.assert_close(model(X), theirs(2 * X - 1).logits.detach())
    assert space.shape == (3, 32, 32) and space.bounds == (0, 1)
    assert notes_of(model)[0].startswith("network: logits taken from `logits` of a ")
