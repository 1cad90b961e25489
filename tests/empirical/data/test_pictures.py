import socket

import pytest
import torch

from empirical.data import pictures
from empirical.data.pictures import FILES


@pytest.fixture
def no_network(monkeypatch):
    def refused(*arguments, **options):
        raise AssertionError("a connection was asked for")

    monkeypatch.setattr(socket, "create_connection", refused)
    monkeypatch.setattr(socket.socket, "connect", refused)


def test_all_pictures_lie_in_the_packages(no_network):
    assert pictures.names() == sorted(FILES)
    pictures._read.cache_clear()
    for name in pictures.names():
        shown = pictures.load(name, 32)
        assert shown.shape == (3, 32, 32) and 0 <= shown.min() and shown.max() <= 1
        assert shown.std() > 0.02  # something is on it


def test_the_middle_square_is_what_is_shown():
    """Against PIL: cut, then brought to the side by averaging; coffee is 600 x 400."""
    import numpy as np
    from PIL import Image

    with Image.open(pictures._path("coffee")) as image:
        square = image.convert("RGB").crop((100, 0, 500, 400)).resize((80, 80), Image.Resampling.BILINEAR)
        expected = torch.tensor(np.array(square)).permute(2, 0, 1) / 255
    assert (pictures.load("coffee", 80) - expected).abs().mean() < 0.01


def test_views_differ_but_show_one_thing(generator):
    shown = pictures.views("chelsea", 12, 48, generator=generator)
    assert shown.shape == (12, 3, 48, 48) and shown.min() >= 0 and shown.max() <= 1
    distances = torch.cdist(shown.flatten(1), shown.flatten(1))
    assert distances[~torch.eye(12, dtype=torch.bool)].min() > 1  # no two are the same
    other = pictures.views("rocket", 12, 48, generator=generator)
    assert torch.cdist(shown.flatten(1), other.flatten(1)).min() > distances.max() / 2


def test_the_same_generator_gives_the_same_views():
    first, again, other = (
        pictures.views("coffee", 3, 24, generator=torch.Generator().manual_seed(seed)) for seed in (5, 5, 6)
    )
    assert torch.equal(first, again) and not torch.equal(first, other)


def test_half_of_the_views_are_flipped(generator, monkeypatch):
    """With nothing else drawn a view is the picture or its mirror image. 40 views: none flipped once in 10^12."""
    monkeypatch.setattr(pictures, "SMALLEST_CROP", 1.0)
    monkeypatch.setattr(pictures, "TURN", 0.0)
    monkeypatch.setattr(pictures, "SHADE", 0.0)
    straight = pictures.load("astronaut", 32)  # a square, so that there is no room to move
    shown = pictures.views("astronaut", 40, 32, generator=generator)
    as_is = (shown - straight).abs().flatten(1).amax(1) < 1e-4
    mirrored = (shown - straight.flip(2)).abs().flatten(1).amax(1) < 1e-4
    assert (as_is ^ mirrored).all() and 0 < mirrored.sum() < 40


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: pictures.load("cofee", 32), "unknown picture 'cofee'.*did you mean 'coffee'"),
        (lambda: pictures.load("coffee", 0), "side must be at least 1"),
        (lambda: pictures.views("coffee", 0, generator=torch.Generator()), "n must be at least 1"),
    ],
)
def test_bad_input(call, message):
    with pytest.raises(ValueError, match=message):
        call()


def test_a_package_that_is_absent_is_named(monkeypatch):
    pictures._read.cache_clear()
    monkeypatch.setitem(FILES, "chelsea", ("no_such_package", "data/chelsea.png"))
    monkeypatch.setattr(pictures, "_package", lambda name: "scikit-image")
    assert "chelsea" not in pictures.names()
    with pytest.raises(
        ValueError, match=r"chelsea comes with scikit-image: pip install 'highdim-percolation\[imagenet"
    ):
        pictures.load("chelsea", 32)
