"""In which order values are reached by a rising level."""

import numpy as np
from numpy.typing import ArrayLike

from percolation._kernels import sorting

MOST = 2**31 - 1  # numbers that int32 can index
BITS: dict[np.dtype, np.dtype] = {
    np.dtype(np.float32): np.dtype(np.uint32),
    np.dtype(np.float64): np.dtype(np.uint64),
}


def stable_order(values: np.ndarray) -> np.ndarray:
    """Indices of values (n,), smallest first, ties by index, as int32: np.argsort(values, kind="stable").

    values: float32 or float64, without NaN. Memory: 16 bytes a value while it runs, and the 4 of the result.
    """
    bits = BITS[values.dtype]
    order = np.empty(len(values), dtype=np.int32)
    if len(values):
        packed, spare = (np.empty(len(values), dtype=np.uint64) for _ in range(2))
        sign = np.uint64(1 << (8 * bits.itemsize - 1))
        sorting.stable_order(values.view(bits), sign, packed, spare, order)
    return order


def checked_values(name: str, values: ArrayLike) -> np.ndarray:
    """values as a contiguous array of float32 or float64 without NaN, not empty."""
    array = np.asarray(values)
    if array.dtype.kind not in "fiub" or array.dtype.itemsize > 8:
        raise ValueError(f"{name} must be real numbers of at most 64 bits, got {array.dtype}")
    if array.size == 0 or array.size > MOST:
        raise ValueError(f"{name} must be 1 ... 2**31 - 1 numbers, got shape {array.shape}")
    kept = array.dtype if array.dtype.newbyteorder("=") in BITS and array.dtype.isnative else np.dtype(np.float64)
    array = np.asarray(array, dtype=kept, order="C")
    if np.isnan(array.max()):
        where = tuple(int(x) for x in np.unravel_index(int(np.isnan(array).argmax()), array.shape))
        raise ValueError(f"{name} hold NaN, first at {where}; put np.inf for what no finite level opens")
    return array
