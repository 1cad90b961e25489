"""A result as the store keeps it: scalars in one JSON text, an array as the bytes of a .npy file, each with a CRC."""

import io
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from zlib import crc32

import numpy as np


@dataclass(frozen=True)
class Array:
    """An array's bytes in the format of .npy."""

    name: str
    dtype: str
    shape: str  # JSON
    crc: int
    npy: bytes


@dataclass(frozen=True)
class Packed:
    """A result ready to be written; equal results have equal fields."""

    scalars: str  # JSON, names sorted
    crc: int
    arrays: tuple[Array, ...]  # by name


def pack(result: Mapping[str, Any]) -> Packed:
    """The result in bytes; an error names what cannot be kept."""
    scalars: dict[str, Any] = {}
    arrays = []
    for name in sorted(result):
        value = result[name]
        if isinstance(value, np.ndarray) and value.ndim:
            arrays.append(_array(name, value))
        else:
            scalars[name] = _scalar(name, value)
    text = json.dumps(scalars, separators=(",", ":"), allow_nan=False)
    return Packed(text, crc32(text.encode()), tuple(arrays))


def scalars_of(text: str, crc: int, where: str) -> dict[str, Any]:
    """Scalars by name, bit for bit as they were put."""
    if not isinstance(text, str) or crc32(text.encode()) != crc:  # a damaged file may hold any type
        raise ValueError(f"the scalars of {where} are damaged: their CRC differs; see `percolation runs verify`")
    return {name: float(one["float"]) if isinstance(one, dict) else one for name, one in json.loads(text).items()}


def array_of(stored: Array, where: str) -> np.ndarray:
    """The array, bit for bit as it was put; no code of the file is run."""
    if not isinstance(stored.npy, bytes) or crc32(stored.npy) != stored.crc:
        raise ValueError(f"array {stored.name!r} of {where} is damaged: its CRC differs; see `percolation runs verify`")
    array = np.load(io.BytesIO(stored.npy), allow_pickle=False)
    if array.dtype.str != stored.dtype or list(array.shape) != json.loads(stored.shape):
        raise ValueError(
            f"array {stored.name!r} of {where} should be {stored.dtype} of shape {stored.shape}, "
            f"got {array.dtype.str} of {list(array.shape)}"
        )
    return array


def _array(name: str, value: np.ndarray) -> Array:
    if value.dtype.hasobject:
        raise ValueError(f"{name} holds Python objects; a result holds numbers, text and arrays of numbers")
    buffer = io.BytesIO()
    np.save(buffer, value, allow_pickle=False)
    npy = buffer.getvalue()
    return Array(name, value.dtype.str, json.dumps(value.shape), crc32(npy), npy)


def _scalar(name: str, value: Any) -> Any:
    if isinstance(value, np.generic | np.ndarray):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return {"float": repr(value)}  # JSON has no word for it
    if isinstance(value, str | bool | int | float | None):
        return float(value) if isinstance(value, float) else value
    raise ValueError(
        f"a result holds numbers, text, True, False, None and numpy arrays by name, got {type(value).__name__} "
        f"as {name!r}"
    )
