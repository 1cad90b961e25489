"""Points and labels as users have them: arrays, uint8 pictures, lists, other precision; made tensors where harmless."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

CHANNELS = (1, 3)  # of pictures whose channels may stand last


def points(x: Any, dtype: torch.dtype | None = None, name: str = "points") -> tuple[Tensor, list[str]]:
    """Points as a tensor of this dtype, and what was done to them, a line each.

    dtype: None keeps that of floating numbers. uint8 is taken for pictures, and divided by 255; pictures
    (n, height, width, channels) get their channels first.
    """
    given = _tensor(x, name)
    notes = []
    if given.dtype == torch.uint8:
        given = given.to(dtype or torch.float32) / 255
        notes.append(f"{name}: uint8, divided by 255")
    elif not given.is_floating_point():
        kind = str(given.dtype).removeprefix("torch.")
        raise ValueError(f"{name} must hold floating numbers, or uint8 pictures, got {kind}; convert them, x.float()")
    elif dtype is not None and given.dtype != dtype:
        before, after = (str(one).removeprefix("torch.") for one in (given.dtype, dtype))
        given = given.to(dtype)
        notes.append(f"{name}: {before}, made {after} as the network")
    if given.ndim in (3, 4) and given.shape[-1] in CHANNELS and given.shape[-3] not in CHANNELS:
        given = given.movedim(-1, -3).contiguous()
        notes.append(f"{name}: channels stood last, put first: {tuple(given.shape)}")
    return given, notes


def labels(y: Any, n: int, name: str = "labels") -> Tensor:
    """Classes (n,) long: one number for all points, or a list, array or tensor of one for each."""
    given = _tensor(y, name)
    if given.ndim == 0:
        given = given.expand(n)
    if given.ndim == 2 and len(given) == n and given.shape[1] == 1:
        given = given[:, 0]
    if given.shape != (n,):
        shape = tuple(given.shape)
        hot = "; one-hot labels are given as labels.argmax(1)" if given.ndim == 2 and len(given) == n else ""
        raise ValueError(f"{name} must be ({n},), one class for each point, got {shape}{hot}")
    if given.dtype == torch.bool or given.is_complex() or not (given == given.long()).all() or (given < 0).any():
        raise ValueError(f"{name} must be classes counted from 0, whole numbers, got {given[:4].tolist()}")
    return given.long()


def _tensor(x: Any, name: str) -> Tensor:
    if isinstance(x, Tensor):
        return x.detach()
    try:
        if isinstance(x, Sequence) and x and all(isinstance(one, Tensor) for one in x):
            return torch.stack([one.detach() for one in x])
        return torch.as_tensor(np.array(x))  # a copy: an array of the user's stays as it is
    except (TypeError, ValueError, RuntimeError) as error:
        reason = str(error).splitlines()[0]
        raise ValueError(
            f"{name} must be a tensor, an array or a list of numbers, got {type(x).__name__}: {reason}"
        ) from error
