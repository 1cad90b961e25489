"""Small files in the published formats, read by the real readers."""

import hashlib
import pickle

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision import datasets

from empirical.data import folders
from empirical.ends import sources
from empirical.networks import models


@pytest.fixture
def cifar(tmp_path, monkeypatch):
    """Write CIFAR-10 or CIFAR-100 of a few pictures and tell torchvision their checksums: (folder, images, labels)."""

    def write(name, n=12):
        reader = {"cifar10": datasets.CIFAR10, "cifar100": datasets.CIFAR100}[name]
        base, rng = tmp_path / reader.base_folder, np.random.default_rng(0)
        base.mkdir()
        images = rng.integers(0, 256, (n, 3, 32, 32), dtype=np.uint8)
        n_classes = 10 if name == "cifar10" else 100
        labels = rng.integers(0, n_classes, n).tolist()
        labels[0] = n_classes - 1

        def file(called, content):
            data = pickle.dumps(content)
            (base / called).write_bytes(data)
            return called, hashlib.md5(data).hexdigest()

        key = "labels" if name == "cifar10" else "fine_labels"
        batch = {"data": images.reshape(n, -1), key: labels}
        names = [f"class {i}" for i in range(n_classes)]
        meta, digest = file(reader.meta["filename"], {reader.meta["key"]: names})
        monkeypatch.setattr(reader, "train_list", [list(file(reader.train_list[0][0], batch))])
        monkeypatch.setattr(reader, "test_list", [list(file(reader.test_list[0][0], batch))])
        monkeypatch.setattr(reader, "meta", reader.meta | {"md5": digest})
        return tmp_path, images, labels

    return write


@pytest.fixture
def by_class(tmp_path):
    """A folder a class: 207 (red), espresso (green), golden_retriever (blue), 5 PNGs of 40 x 30 each."""
    for channel, name in enumerate(("207", "espresso", "golf_ball")):
        (tmp_path / name).mkdir()
        for i in range(5):
            pixels = np.zeros((30, 40, 3), dtype=np.uint8)
            pixels[..., channel] = 200 + i
            Image.fromarray(pixels).save(tmp_path / name / f"{i}.png")
    return tmp_path


@pytest.mark.parametrize("name", ["cifar10", "cifar100"])
def test_cifar_by_torchvisions_reader(cifar, name):
    folder, images, labels = cifar(name)
    found = folders.cifar(name, folder)
    assert found.n_classes == {"cifar10": 10, "cifar100": 100}[name] and found.shape == (3, 32, 32)
    torch.testing.assert_close(found.x_test, torch.tensor(images) / 255)
    assert found.y_test.tolist() == labels and len(found.x_train) == 0
    assert len(folders.cifar(name, folder, training=True).x_train) == len(images)


def test_a_damaged_cifar_file_is_not_opened(cifar, monkeypatch):
    """Its checksum is compared before it is unpickled."""
    folder, *_ = cifar("cifar10")
    path = folder / "cifar-10-batches-py" / "test_batch"
    path.write_bytes(path.read_bytes()[:-100])
    monkeypatch.setattr(pickle, "load", lambda *arguments, **options: pytest.fail("a damaged file was unpickled"))
    with pytest.raises(OSError, match=r"does not hold cifar10, or a file of it is damaged.*unpack cifar-10-python"):
        folders.cifar("cifar10", folder)


def test_cifar_that_is_absent_says_what_to_put_where(tmp_path):
    with pytest.raises(OSError, match=r"unpack cifar-100-python.tar.gz from .* so that .*cifar-100-python is a folder"):
        folders.cifar("cifar100", tmp_path)
    with pytest.raises(OSError, match="there is no folder .*nowhere; cifar10 is read from a folder of yours"):
        folders.cifar("cifar10", tmp_path / "nowhere")


def test_images_by_class(by_class):
    found = folders.imagenet(by_class, side=16)
    assert found.class_names == ["207", "espresso", "golf_ball"] and found.shape == (3, 16, 16)
    assert found.labels.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    x = found.take(torch.tensor([14, 0]))
    assert x.shape == (2, 3, 16, 16)
    torch.testing.assert_close(x[0, 2], torch.full((16, 16), 204 / 255))
    torch.testing.assert_close(x[1, 0], torch.full((16, 16), 200 / 255))


def test_labels_count_the_outputs_of_the_network(by_class):
    categories = models.categories()
    found = folders.for_network(folders.imagenet(by_class, side=16), 1000, categories)
    assert [categories[label] for label in found.labels[::5]] == ["golden retriever", "espresso", "golf ball"]
    whole = folders.imagenet(by_class, side=16)
    assert folders.for_network(whole, 3, categories) is whole  # as many folders as outputs: in their order
    with pytest.raises(ValueError, match="the folder '207' is no class of the network, which has 10"):
        folders.for_network(whole, 10, categories)


def test_batches_hold_every_picture_once_and_classes_take_turns(by_class, generator):
    found = folders.imagenet(by_class, side=8)
    parts = list(folders.batches(found, 4, generator=generator))
    labels = torch.cat([part for _, part in parts])
    assert labels.sort().values.tolist() == found.labels.tolist()
    assert [len(part.unique()) for _, part in parts[:3]] == [1, 1, 1]  # four of a class in one go
    assert {int(part[0]) for _, part in parts[:3]} == {0, 1, 2}
    for x, part in parts:
        assert all(one[label].max() > 0.5 for one, label in zip(x, part, strict=True))  # the class is the colour


def test_a_damaged_image_is_named(by_class):
    (by_class / "espresso" / "2.png").write_bytes(b"no image")
    with pytest.raises(OSError, match=r"espresso/2.png cannot be read as an image"):
        folders.imagenet(by_class, side=8).take(torch.tensor([7]))


def test_a_folder_without_images_says_what_is_expected(tmp_path):
    with pytest.raises(OSError, match=r"holds no folder of images a class .*CLASS/NAME.JPEG"):
        folders.imagenet(tmp_path)


@pytest.fixture
def published(tmp_path):
    """Tensors as the article publishes them: one a file, and a list with names."""
    mean, std = (torch.tensor(part).view(3, 1, 1) for part in (folders.IMAGENET.mean, folders.IMAGENET.std))
    pixels = torch.rand(4, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    torch.save((pixels[0] - mean) / std, tmp_path / "class_955_sel_0.pt")
    torch.save(((pixels[1] - mean) / std)[None], tmp_path / "class_955_sel_1.pt")
    named = [((one - mean) / std, f"{i}.JPEG") for i, one in enumerate(pixels[2:])]
    torch.save(named, tmp_path / "class_574_tensors_with_names.pt")
    return tmp_path, pixels


def test_published_tensors_are_brought_back_to_pixels(published):
    folder, pixels = published
    found = folders.imagenet(folder, side=16)
    assert found.labels.tolist() == [574, 574, 955, 955]
    torch.testing.assert_close(found.take(torch.arange(4)), pixels[[2, 3, 0, 1]])
    assert folders.for_network(found, 1000, models.categories()) is found
    with pytest.raises(ValueError, match="the tensors are of class 955, the network has the classes 0 to 9"):
        folders.for_network(found, 10, models.categories())


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"damaged", OSError, "cannot be read as a tensor"),
        (torch.zeros(3, 8, 8), ValueError, r"must hold tensors of shape \(3, 16, 16\), got \(3, 8, 8\)"),
        (torch.full((3, 16, 16), 9.0), ValueError, r"outside \[0, 1\]"),
        (torch.full((3, 16, 16), torch.nan), ValueError, r"outside \[0, 1\]"),
        ({"a": torch.zeros(1)}, ValueError, "must hold tensors of shape"),
    ],
)
def test_bad_tensors(published, content, error, message):
    folder, _ = published
    path = folder / "class_1_sel_0.pt"
    path.write_bytes(content) if isinstance(content, bytes) else torch.save(content, path)
    with pytest.raises(error, match=message):
        folders.imagenet(folder, side=16)


class Harmful:
    def __reduce__(self):
        return (pytest.fail, ("a file's code was run",))


def test_a_tensor_file_cannot_run_code(published):
    folder, _ = published
    torch.save(Harmful(), folder / "class_1_sel_0.pt")
    with pytest.raises(OSError, match="cannot be read as a tensor"):
        folders.imagenet(folder, side=16)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("cifar10",), "cifar10 is read from a folder of yours, give it with --folder DIR"),
        (("digits", None, "here"), "digits lies in no folder, leave --folder out"),
        (("cifar10", 64, "here"), "cifar10 has the dimension 3072, got 64"),
        (("pictures", 100), r"pictures have dimension 3 x side x side, got 100; try 108"),
        (("cifar",), "unknown data set 'cifar'.*did you mean 'cifar10'"),
    ],
)
def test_bad_sources(arguments, message):
    with pytest.raises(ValueError, match=message):
        sources.of(*arguments)
