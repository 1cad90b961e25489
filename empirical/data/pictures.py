"""Natural pictures that scikit-image and scikit-learn carry in their wheels, and views of one picture.

Crops, flips and small changes of one picture show one thing: they make pairs of one class without a data set.
"""

import math
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

from percolation import checks

# photographs that lie in the packages themselves (no download), and the file of each
FILES = {
    "astronaut": ("skimage", "data/astronaut.png"),
    "camera": ("skimage", "data/camera.png"),
    "chelsea": ("skimage", "data/chelsea.png"),
    "china": ("sklearn", "datasets/images/china.jpg"),
    "clock": ("skimage", "data/clock_motion.png"),
    "coffee": ("skimage", "data/coffee.png"),
    "coins": ("skimage", "data/coins.png"),
    "flower": ("sklearn", "datasets/images/flower.jpg"),
    "motorcycle": ("skimage", "data/motorcycle_left.png"),
    "rocket": ("skimage", "data/rocket.jpg"),
}
SMALLEST_CROP = 0.7  # of the picture's shorter side
TURN = math.radians(8)  # largest angle of a view
SHADE = 0.15  # largest relative change of brightness and of contrast


def names() -> list[str]:
    """The pictures that can be loaded here, in alphabetical order."""
    return [name for name in FILES if _path(name).is_file()]


def load(name: str, side: int) -> Tensor:
    """The middle square of a picture, (3, side, side) in [0, 1]."""
    picture = _read(name)
    height, width = picture.shape[1:]
    middle = torch.tensor([[width / 2, height / 2]])
    return _cut(picture, middle, torch.tensor([min(height, width) / 2.0]), torch.zeros(1), torch.ones(1), side)[0]


def views(name: str, n: int, side: int = 224, *, generator: torch.Generator) -> Tensor:
    """n views of one picture, (n, 3, side, side) in [0, 1]: squares of 0.7 to 1 of the shorter side, anywhere in it.

    Each is turned by at most 8 degrees, one in two is flipped, and brightness and contrast change by at most 15 %.
    """
    picture = _read(name)
    checks.integer("n", n, at_least=1)
    height, width = picture.shape[1:]
    u = torch.rand(n, 6, generator=generator)
    half = min(height, width) / 2 * torch.lerp(torch.tensor(SMALLEST_CROP), torch.tensor(1.0), u[:, 0])
    room = torch.stack([width / 2 - half, height / 2 - half], dim=1)
    middle = torch.tensor([width / 2, height / 2]) + (2 * u[:, 1:3] - 1) * room
    flip = torch.where(u[:, 3] < 0.5, -1.0, 1.0)
    shown = _cut(picture, middle, half, (2 * u[:, 4] - 1) * TURN, flip, side)
    contrast, brightness = (1 + SHADE * (2 * torch.rand(2, n, generator=generator) - 1)).view(2, -1, 1, 1, 1)
    level = shown.mean((1, 2, 3), keepdim=True)
    return (brightness * (level + contrast * (shown - level))).clamp(0, 1)


def _cut(picture: Tensor, middle: Tensor, half: Tensor, angle: Tensor, flip: Tensor, side: int) -> Tensor:
    """Squares (n, 3, side, side) around middle (n, 2) in pixels x, y, of half a side `half` (n,), turned and flipped.

    The picture is brought to the scale of the smallest square first, averaging over pixels, so that nothing aliases.
    """
    checks.integer("side", side, at_least=1)
    scale = min(side / (2 * half.min().item()), 1.0)
    size = [max(round(scale * length), 1) for length in picture.shape[1:]]
    smooth = torch.nn.functional.interpolate(picture[None], size=size, mode="bilinear", antialias=True)
    height, width = picture.shape[1:]
    extent = torch.tensor([width / 2, height / 2])
    across, along = half[:, None] / extent, 2 * middle / torch.tensor([width, height]) - 1  # in units of half a picture
    cos, sin = angle.cos(), angle.sin()
    first = torch.stack([flip * across[:, 0] * cos, -across[:, 0] * sin, along[:, 0]], dim=1)
    second = torch.stack([flip * across[:, 1] * sin, across[:, 1] * cos, along[:, 1]], dim=1)
    grid = affine_grid(torch.stack([first, second], dim=1), [len(half), 3, side, side], align_corners=False)
    found = grid_sample(smooth.expand(len(half), -1, -1, -1), grid, padding_mode="reflection", align_corners=False)
    return found.clamp(0, 1)


@lru_cache(maxsize=16)
def _read(name: str) -> Tensor:
    """The whole picture, (3, height, width) in [0, 1]; one without colour has three equal channels."""
    from PIL import Image

    checks.one_of("picture", name, FILES)
    path = _path(name)
    if not path.is_file():
        raise ValueError(f"the picture {name} comes with {_package(name)}: pip install 'highdim-percolation[imagenet]'")
    with Image.open(path) as image:
        return torch.tensor(np.asarray(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def _path(name: str) -> Path:
    """Where the picture's file lies; found without importing its package."""
    package, file = FILES[name]
    found = find_spec(package)
    folders = list(found.submodule_search_locations or []) if found else []
    return Path(folders[0], file) if folders else Path(file)


def _package(name: str) -> str:
    return {"skimage": "scikit-image", "sklearn": "scikit-learn"}[FILES[name][0]]
