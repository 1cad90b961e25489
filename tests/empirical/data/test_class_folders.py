"""A folder of pictures as people have them: read whatever can be, listed whatever cannot."""

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image

from empirical.data.class_folders import ClassFolders, read
from empirical.ends import sources
from empirical.networks import models

RAMP = np.tile(np.arange(40, dtype=np.uint8) * 6, (30, 1))  # (height, width), brighter to the right


@pytest.fixture
def folder(tmp_path):
    """Two classes with pictures of every kind, one class without, and what lies about."""
    cats, dogs = tmp_path / "cats", tmp_path / "dogs" / "deeper"
    for one in (cats, dogs, tmp_path / "empty"):
        one.mkdir(parents=True)
    colour = np.stack([RAMP, RAMP // 2, 0 * RAMP], axis=-1)
    Image.fromarray(colour).save(cats / "colour.png")
    Image.fromarray(RAMP).save(cats / "grey.PNG")
    Image.fromarray(RAMP.astype(np.uint16) * 257).save(cats / "deep.png")
    Image.fromarray(RAMP.astype(np.float32) / 255).save(cats / "floating.tiff")
    Image.fromarray(np.dstack([colour, np.where(RAMP < 100, 0, 255).astype(np.uint8)])).save(dogs / "alpha.png")
    Image.fromarray(colour).convert("P").save(dogs / "palette.gif")
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned by a quarter, clockwise
    Image.fromarray(colour).save(dogs / "turned.jpg", exif=exif, quality=100)
    whole = (cats / "colour.png").read_bytes()
    (dogs / "cut.png").write_bytes(whole[:80])
    (dogs / "page.jpg").write_text("<html>not found</html>")
    (dogs / "notes.txt").write_text("of the photographer")
    (dogs / ".DS_Store").write_bytes(b"\0")
    Image.fromarray(np.full((8, 8), 7.5, dtype=np.float32)).save(dogs / "heights.tiff")
    (tmp_path / "labels.csv").write_text("name,label\n")
    return tmp_path


def test_what_can_be_read_is_read_and_the_rest_is_listed(folder):
    found = ClassFolders(folder, 16)
    assert found.class_names == ["cats", "dogs", "empty"] and found.labels.tolist() == [0] * 4 + [1] * 3
    x = found.take(torch.arange(len(found)))
    assert x.shape == (7, 3, 16, 16) and x.min() >= 0 and x.max() <= 1
    assert found.notes == (
        "folder: 7 pictures of 2 classes",
        "folder: no picture of the classes empty, which keep their places",
        "folder: 1 skipped, beside the class folders: labels.csv",
        "folder: 2 skipped, not pictures by their names: dogs/deeper/.DS_Store, dogs/deeper/notes.txt",
        "folder: 2 skipped, broken: dogs/deeper/cut.png, dogs/deeper/heights.tiff",
        "folder: 1 skipped, no pictures inside: dogs/deeper/page.jpg",
        "folder: 1 of 16 bits, 1 of floating pixels, 1 grey, 1 with transparency, put on white, 1 with a palette; made "
        "three channels in [0, 1]",
        "folder: 1 turned as their EXIF says",
    )


def test_pixels_of_every_kind(folder):
    grey = torch.tensor(RAMP).float() / 255
    for name in ("grey.PNG", "deep.png", "floating.tiff"):  # PIL alone cuts 16 bits off at 255
        torch.testing.assert_close(read(folder / "cats" / name), grey.expand(3, -1, -1), atol=1e-6, rtol=0)
    colour = read(folder / "cats" / "colour.png")
    torch.testing.assert_close(colour, torch.stack([grey, torch.tensor(RAMP // 2) / 255, 0 * grey]))
    alpha = read(folder / "dogs" / "deeper" / "alpha.png")
    hidden = torch.tensor(RAMP < 100)
    assert (alpha[:, hidden] == 1).all() and torch.equal(alpha[:, ~hidden], colour[:, ~hidden])
    turned = read(folder / "dogs" / "deeper" / "turned.jpg")
    assert turned.shape == (3, 40, 30)  # the ramp runs down now
    torch.testing.assert_close(turned[0], grey.T.flip(1), atol=0.03, rtol=0)


def test_a_picture_of_the_size_is_left_as_it_is(tmp_path):
    pixels = np.random.default_rng(0).integers(0, 256, (12, 12, 3), dtype=np.uint8)
    (tmp_path / "one").mkdir()
    Image.fromarray(pixels).save(tmp_path / "one" / "a.png")
    (x,) = ClassFolders(tmp_path, 12).take(torch.tensor([0]))
    assert torch.equal(x, torch.tensor(pixels).permute(2, 0, 1) / 255)


def test_the_middle_square_is_cut_out(tmp_path):
    """Of 40 x 80 pixels resized to 40/35 of 14 a side the middle 14 are left: the colour of the middle alone."""
    pixels = np.zeros((40, 80, 3), dtype=np.uint8)
    pixels[:, 20:60] = 255
    (tmp_path / "one").mkdir()
    Image.fromarray(pixels).save(tmp_path / "one" / "a.png")
    (x,) = ClassFolders(tmp_path, 14).take(torch.tensor([0]))
    assert x[:, :, 1:-1].min() > 0.95


def test_grey_pictures_keep_their_one_channel_where_the_normalisation_has_one(tmp_path):
    for name in ("zero", "one"):
        (tmp_path / name).mkdir()
        Image.fromarray(RAMP).save(tmp_path / name / "a.png")
    assert ClassFolders(tmp_path, 8, one_channel=True).shape == (1, 8, 8)
    assert sources.of("folder", None, tmp_path, size=8).shape == (3, 8, 8)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("folder",), "folder is read from a folder of yours, give it with --folder DIR"),
        (("folder", None, "nowhere"), "there is no folder nowhere; expected pictures as nowhere/CLASS/NAME.png"),
        (("folder", None, "."), "holds no pictures in folders a class; expected"),
        (("folder", 192, "."), "are cut to --size pixels a side, got dimension=192"),
    ],
)
def test_bad_folders(tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    with pytest.raises((ValueError, OSError), match=message):
        sources.of(*arguments)


def test_size_goes_with_a_folder():
    with pytest.raises(ValueError, match="--size goes with --data folder, got digits"):
        sources.of("digits", size=8)


def test_by_the_command(percolation, tmp_path):
    """Pictures that a network of one's own knows, in folders by the numbers of its classes."""
    model = models.untrained("cnn", (3, 16, 16), 4, seed=3)
    torch.save(model.state_dict(), tmp_path / "cnn.pt")
    own = models.with_normalisation(model, models.Normalisation((0.5,) * 3, (0.01,) * 3))
    pixels = torch.randint(0, 256, (200, 3, 16, 16), generator=torch.Generator().manual_seed(0), dtype=torch.uint8)
    seen = own(pixels / 255).softmax(1)
    for i, (p, label) in enumerate(zip(*seen.max(1), strict=True)):
        if p > 0.99:
            place = tmp_path / "pictures" / str(int(label))
            place.mkdir(parents=True, exist_ok=True)
            Image.fromarray(pixels[i].permute(1, 2, 0).numpy()).save(place / f"{i}.png")
    (tmp_path / "pictures" / "readme.txt").write_text("mine")
    arguments = ["connect", "--network", "cnn", "--weights", tmp_path / "cnn.pt", "--data", "folder"]
    arguments += ["--folder", tmp_path / "pictures", "--size", 16, "--mean", "0.5,0.5,0.5", "--std", "0.01,0.01,0.01"]
    code, output, error = percolation(*arguments, "--pairs", 2, "--lower-ends", "--out", tmp_path / "out")
    assert (code, error) == (0, "")
    assert "folder: 1 skipped, beside the class folders: readme.txt" in output
    table = pd.read_csv(tmp_path / "out" / "table.csv").iloc[0]
    assert (table["classes"], table["dimension"]) == (4, 768) and table["pairs"] in (1, 2)
