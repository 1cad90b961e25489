"""64-bit words: hashes and random numbers, the lowest bit, a rounding, and a hint to the processor's cache.

What numba has no name for is a Python function with a compiled twin.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic, overload

from percolation._kernels import numba_private
from percolation._kernels.compiling import part

U = np.uint64
HALF = U(32)  # bits of a half word


@part
def mix(key):
    """Finaliser of SplitMix64 (Steele, Lea and Flood 2014): a bijection of 64 bits that scatters its input."""
    key = (key ^ (key >> U(30))) * U(0xBF58476D1CE4E5B9)
    key = (key ^ (key >> U(27))) * U(0x94D049BB133111EB)
    return key ^ (key >> U(31))


@part
def uniform(key, i):
    """The i-th uniform number of a stream in [0, 1): SplitMix64."""
    return np.float64(mix(key + i * U(0x9E3779B97F4A7C15)) >> U(11)) * 2.0**-53


@part
def middle(hashed):
    """A uniform number in (0, 1) from a hash: the middle of one of 2^52 equal parts, which is exact."""
    return (np.float64(hashed >> U(12)) + 0.5) / 2.0**52


def lowest_bit(word: np.uint64) -> np.uint64:
    """Place of the lowest set bit of a word that is not 0."""
    return U((int(word) & -int(word)).bit_length() - 1)


@overload(lowest_bit)
def _lowest_bit_compiled(word):
    return lambda word: _count_trailing_zeros(word)


@intrinsic
def _count_trailing_zeros(typing_context, word):
    def code(context, builder, signature, arguments):
        return builder.cttz(arguments[0], ir.Constant(ir.IntType(1), 1))

    return types.uint64(types.uint64), code


def count_bits(word: np.uint64) -> np.uint64:
    """Number of bits that are set."""
    return U(int(word).bit_count())


@overload(count_bits)
def _count_bits_compiled(word):
    return lambda word: _population(word)


@intrinsic
def _population(typing_context, word):
    def code(context, builder, signature, arguments):
        return builder.ctpop(arguments[0])

    return types.uint64(types.uint64), code


def fma(a: float, b: float, c: float) -> float:
    """a b + c, rounded once where compiled."""
    return a * b + c


@overload(fma)
def _fma_compiled(a, b, c):
    return lambda a, b, c: _llvm_fma(a, b, c)


@intrinsic
def _llvm_fma(typing_context, a, b, c):
    def code(context, builder, signature, arguments):
        return builder.fma(*arguments)

    return types.float64(types.float64, types.float64, types.float64), code


def prefetch(array: np.ndarray, i: np.uint64) -> None:
    """Ask the processor to bring array[i] into its cache; changes nothing else, and is left out if it cannot be had."""


@overload(prefetch)
def _prefetch_compiled(array, i):
    if numba_private.PUBLIC_ONLY:
        return lambda array, i: None
    return lambda array, i: numba_private.prefetch(array, i)
