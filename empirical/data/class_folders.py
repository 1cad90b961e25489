"""A folder of pictures of the user's, a folder a class: whatever can be read as a picture, and a list of what cannot.

Grey, palettes, transparency, 16 bits, floating pixels, turned by EXIF: all become channels in [0, 1].
"""

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import interpolate

from percolation import checks

MARGIN = 8 / 7  # the shorter side of a picture is brought to this many times the square that is cut out
READ_THROUGH = 5000  # pictures up to which each is read whole at first, so that broken ones are left out
NAMED = 5  # of those that are skipped for one reason
GREY = ("1", "L", "LA", "I", "I;16", "I;16B", "I;16L", "F")


class ClassFolders:
    """folder/CLASS/**/*.*, the classes counted in alphabetical order, cut to the middle square of `side` pixels.

    A picture of exactly this size is left as it is. one_channel: grey pictures keep their one channel, where all are.
    notes: what was skipped and how the rest was taken, a line each.
    """

    def __init__(self, folder: str | Path, side: int, one_channel: bool = False) -> None:
        root = Path(folder)
        if not root.is_dir():
            raise OSError(f"there is no folder {root}; expected pictures as {root / 'CLASS' / 'NAME.png'}")
        self._side = checks.integer("size", side, at_least=1)
        classes = sorted(one for one in root.iterdir() if one.is_dir() and not one.name.startswith("."))
        skipped = {"beside the class folders": [one.name for one in sorted(root.iterdir()) if one.is_file()]}
        found = [
            (path, label) for label, one in enumerate(classes) for path in sorted(one.rglob("*")) if path.is_file()
        ]
        self.class_names = [one.name for one in classes]
        self._paths: list[Path] = []
        labels, modes, turned = [], Counter[str](), 0
        for path, label in found:
            reason, mode, is_turned = _looked_at(path, whole=len(found) <= READ_THROUGH)
            if reason:
                skipped.setdefault(reason, []).append(path.relative_to(root).as_posix())
                continue
            self._paths.append(path)
            labels.append(label)
            modes[mode] += 1
            turned += is_turned
        if not self._paths:
            raise OSError(f"{root} holds no pictures in folders a class; expected {root / 'CLASS' / 'NAME.png'}")
        self.labels = torch.tensor(labels)
        self._grey = one_channel and all(mode in GREY for mode in modes)
        self.shape = (1 if self._grey else 3, side, side)
        self.notes = tuple(self._notes(skipped, modes, turned))

    def __len__(self) -> int:
        return len(self._paths)

    def take(self, indices: Tensor) -> Tensor:
        """The pictures (m, *shape) in [0, 1] of these indices (m,)."""
        return torch.stack([self._one(self._paths[index]) for index in indices.tolist()])

    def _one(self, path: Path) -> Tensor:
        try:
            pixels = read(path)
        except Exception as error:  # of any kind: PIL raises by what a format's reader stumbles over
            raise OSError(f"{path} cannot be read as an image ({error}); remove or replace it") from error
        return _square(pixels[:1] if self._grey else pixels, self._side)

    def _notes(self, skipped: dict[str, list[str]], modes: Counter[str], turned: int) -> list[str]:
        empty = [name for label, name in enumerate(self.class_names) if not (self.labels == label).any()]
        notes = [f"folder: {len(self)} pictures of {len(self.class_names) - len(empty)} classes"]
        if empty:
            notes.append(f"folder: no picture of the classes {', '.join(empty[:NAMED])}, which keep their places")
        for reason, paths in skipped.items():
            if paths:
                more = f" and {len(paths) - NAMED} more" if len(paths) > NAMED else ""
                notes.append(f"folder: {len(paths)} skipped, {reason}: {', '.join(paths[:NAMED])}{more}")
        unusual = {mode: n for mode, n in modes.items() if mode != "RGB"}
        if unusual:
            kinds = ", ".join(f"{n} {_WORDS.get(mode, mode)}" for mode, n in unusual.items())
            notes.append(f"folder: {kinds}; {'one channel kept' if self._grey else 'made three channels in [0, 1]'}")
        if turned:
            notes.append(f"folder: {turned} turned as their EXIF says")
        if len(self) > READ_THROUGH:
            notes.append("folder: only the heads of the files were read; a broken one ends the run")
        return notes


_WORDS = {
    **{"1": "black and white", "L": "grey", "LA": "grey with transparency, put on white", "P": "with a palette"},
    **{"RGBA": "with transparency, put on white", "F": "of floating pixels", "CMYK": "CMYK"},
    **dict.fromkeys(("I", "I;16", "I;16B", "I;16L"), "of 16 bits"),
}


def read(path: Path) -> Tensor:
    """The whole picture, (3, height, width) in [0, 1], turned as its EXIF says, transparency put on white."""
    from PIL import Image, ImageOps

    with Image.open(path) as opened:
        image = ImageOps.exif_transpose(opened)
        if image.mode == "F" or image.mode.startswith("I"):
            return _deep(np.asarray(image)).expand(3, -1, -1)
        if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
            white = Image.new("RGBA", image.size, "white")
            image = Image.alpha_composite(white, image.convert("RGBA"))
        return torch.tensor(np.asarray(image.convert("RGB"))).permute(2, 0, 1).float() / 255


def _deep(pixels: np.ndarray) -> Tensor:
    """Grey values (height, width) of 16 bits, or floating ones in [0, 1]; PIL itself would cut them off at 255."""
    whole = np.issubdtype(pixels.dtype, np.integer)
    grey = pixels.astype(np.float32) / (2**16 - 1 if whole else 1)
    if not (np.isfinite(grey).all() and grey.min() >= 0 and grey.max() <= 1):
        raise ValueError(
            f"pixels from {pixels.min():g} to {pixels.max():g}, expected {'16 bits' if whole else '[0, 1]'}"
        )
    return torch.from_numpy(grey)[None]


def _looked_at(path: Path, whole: bool) -> tuple[str, str, bool]:
    """Why a file is no picture (nothing if it is), its mode, whether it is turned by EXIF. whole: read all of it."""
    from PIL import Image, UnidentifiedImageError

    if path.name.startswith(".") or path.suffix.lower() not in Image.registered_extensions():
        return "not pictures by their names", "", False
    try:
        with Image.open(path) as opened:
            mode, turned = opened.mode, opened.getexif().get(0x0112, 1) != 1
        if whole:
            read(path)
    except UnidentifiedImageError:
        return "no pictures inside", "", False
    except Exception:  # of any kind, as when it is read later
        return "broken", "", False
    return "", mode, turned


def _square(pixels: Tensor, side: int) -> Tensor:
    """The middle square (channels, side, side) of a picture (channels, height, width), resized without aliasing."""
    height, width = pixels.shape[1:]
    if (height, width) == (side, side):
        return pixels.contiguous()
    scale = max(round(side * MARGIN), side) / min(height, width)
    size = [max(round(length * scale), side) for length in (height, width)]
    resized = interpolate(pixels[None].contiguous(), size=size, mode="bilinear", antialias=True)[0].clamp(0, 1)
    top, left = ((length - side) // 2 for length in size)
    return resized[:, top : top + side, left : left + side]
